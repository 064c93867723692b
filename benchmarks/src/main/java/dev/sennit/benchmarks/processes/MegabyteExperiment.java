package dev.sennit.benchmarks.processes;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.util.Random;

/** An array of 1 MiB as argument, as result, and as both. */
public final class MegabyteExperiment implements Experiment {
    private static final String OURS = "processes:2";
    private static final int SIZE = 1 << 20;
    private static final double AIM = 6;

    @Override
    public Report run(Bench bench) throws Exception {
        byte[] payload = new byte[SIZE];
        new Random(1).nextBytes(payload);
        int size = SIZE;
        try (Pool pool = Pools.open(OURS);
                var peers = Peers.open(bench, Peers.POOL, Peers.EXECUTOR, Peers.LOKY)) {
            var report = new Report();
            Comparison there = measure(bench, pool, peers, () -> payload.length, "to_worker");
            report.add("To a worker", there.table()).aim(there, OURS, Peers.POOL, AIM);
            Comparison back = measure(bench, pool, peers, () -> new byte[size], "from_worker");
            report.add("Back from it", back.table()).aim(back, OURS, Peers.POOL, AIM);
            Comparison both = measure(bench, pool, peers, () -> payload, "both_ways");
            return report.add("There and back", both.table());
        }
    }

    private static Comparison measure(Bench bench, Pool pool, Peers peers, Task<?> task, String request)
            throws Exception {
        int rounds = bench.size(9, 1);
        int count = bench.size(100, 3);
        var contest = new Rounds().add(OURS, bench.size(5, 1), rounds, () -> trips(pool, task, count));
        peers.join(contest, 1, rounds, request + " " + SIZE + " " + count);
        return new Comparison(contest.run())
                .percentile("p50", 50)
                .percentile("p99", 99)
                .against(Peers.POOL)
                .against(Peers.EXECUTOR)
                .against(Peers.LOKY);
    }

    private static double[] trips(Pool pool, Task<?> task, int count) throws Exception {
        double[] seconds = new double[count];
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            pool.submit(task).get();
            seconds[i] = Bench.secondsSince(start);
        }
        return seconds;
    }
}
