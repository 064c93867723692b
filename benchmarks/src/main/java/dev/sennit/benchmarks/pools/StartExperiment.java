package dev.sennit.benchmarks.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.process.WorkerProcess;
import java.util.concurrent.ExecutionException;

/**
 * A process from its start to its end, a pool from its opening to its first result, and workers that replace another.
 */
public final class StartExperiment implements Experiment {
    private static final String OURS = "processes:1";
    private static final String SPAWN = "Pool, spawn";

    private static final String OUR_PROCESS = "WorkerProcess, start and join";
    private static final String OUR_FRESH_WORKER = "processes:1, a fresh worker";
    private static final String WITH_SPARE = "processes:1?spares=1";
    private static final String OUR_SPARE = WITH_SPARE + ", its spare";
    private static final String PROCESS_FORK = "Process, fork";
    private static final String PROCESS_SPAWN = "Process, spawn";
    private static final double AIM = 2;
    private static final double LONGEST_WAIT = 60;

    @Override
    public Report run(Bench bench) throws Exception {
        var report = new Report();
        processes(bench, report);
        pools(bench, report);
        return report;
    }

    private static void processes(Bench bench, Report report) throws Exception {
        int rounds = bench.size(21, 1);
        try (Pool pool = Pools.open(OURS);
                Pool withSpare = Pools.open(WITH_SPARE);
                var spawn = Peers.open(bench, PROCESS_SPAWN);
                var forkServer = Peers.open(bench, "Process, forkserver");
                var fork = Peers.open(bench, PROCESS_FORK)) {
            var contest = new Rounds()
                    .add(OUR_PROCESS, bench.size(2, 0), rounds, () -> Bench.timed(StartExperiment::startAndJoin))
                    .add(OUR_FRESH_WORKER, bench.size(2, 0), rounds, () -> freshWorker(pool))
                    .add(OUR_SPARE, bench.size(2, 0), rounds, () -> spare(withSpare));
            spawn.join(contest, 1, rounds, "process-spawn");
            forkServer.join(contest, 1, rounds, "process-forkserver");
            fork.join(contest, 1, rounds, "process-fork");
            var comparison =
                    new Comparison(contest.run()).time("time").against(PROCESS_SPAWN).against(PROCESS_FORK);
            report.add("A process that does nothing, started and joined", comparison.table())
                    .aim(comparison, OUR_SPARE, PROCESS_FORK, AIM)
                    .paragraph(
                            "A fresh worker takes the place of one that has ended: from the failure of the task that "
                                    + "ended it to the result of the next. A spare does so as well, and is ready "
                                    + "before: the next one starts meanwhile.");
        }
    }

    private static void startAndJoin() throws InterruptedException {
        WorkerProcess process = WorkerProcess.start(() -> {});
        process.join();
        if (process.exitCode().orElseThrow() != 0) {
            throw new IllegalStateException(process + " did nothing, and failed");
        }
    }

    private static double[] freshWorker(Pool pool) throws Exception {
        try {
            pool.submit(() -> Runtime.getRuntime().halt(0)).get();
            throw new IllegalStateException("the task of a worker that ended returned");
        } catch (ExecutionException e) {
            return Bench.timed(() -> pool.submit(() -> 1).get());
        }
    }

    private static double[] spare(Pool pool) throws Exception {
        long start = System.nanoTime();
        while (!pool.toString().contains(", 1 spare")) {
            if (Bench.secondsSince(start) > LONGEST_WAIT) {
                throw new IllegalStateException("no spare in time: " + pool);
            }
            Thread.sleep(1);
        }
        return freshWorker(pool);
    }

    private static void pools(Bench bench, Report report) throws Exception {
        int rounds = bench.size(21, 1);
        try (var spawn = Peers.open(bench, SPAWN);
                var forkServer = Peers.open(bench, "Pool, forkserver");
                var fork = Peers.open(bench, "Pool, fork")) {
            var contest = new Rounds().add(OURS, 2, rounds, StartExperiment::openAndAsk);
            spawn.join(contest, 1, rounds, "start-spawn");
            forkServer.join(contest, 1, rounds, "start-forkserver");
            fork.join(contest, 1, rounds, "start-fork");
            var comparison = new Comparison(contest.run()).time("first result").against(SPAWN);
            report.add("A pool of one worker, opened and asked", comparison.table())
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
