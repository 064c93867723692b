package dev.sennit.benchmarks;

import dev.sennit.Pool;
import dev.sennit.Pools;

/** From opening a pool of one worker to its first result. */
final class StartExperiment implements Experiment {
    private static final String OURS = "processes:1";
    private static final String SPAWN = "Pool, spawn";

    @Override
    public Report run(Bench bench) throws Exception {
        int rounds = bench.size(21, 2);
        try (var spawn = Peers.open(bench, SPAWN);
                var forkServer = Peers.open(bench, "Pool, forkserver");
                var fork = Peers.open(bench, "Pool, fork")) {
            var contest = new Rounds().add(OURS, 2, rounds, StartExperiment::openAndAsk);
            spawn.join(contest, 1, rounds, "start-spawn");
            forkServer.join(contest, 1, rounds, "start-forkserver");
            fork.join(contest, 1, rounds, "start-fork");
            var comparison = new Comparison(contest.run()).time("first result").against(SPAWN);
            return new Report()
                    .add("A pool of one worker, opened and asked", comparison.table())
                    .paragraph("The server of forkserver is running already. A forked worker is a copy of its parent, "
                            + "with its threads gone and its locks as they were.");
        }
    }

    private static double[] openAndAsk() throws Exception {
        long start = System.nanoTime();
        try (Pool pool = Pools.open(OURS)) {
            pool.submit(() -> 1).get();
            return new double[] {Bench.secondsSince(start)}; // the end does not count
        }
    }
}
