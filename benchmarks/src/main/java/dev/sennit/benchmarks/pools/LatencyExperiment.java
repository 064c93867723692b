package dev.sennit.benchmarks.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A task that does nothing, from {@code submit} to its result: back to back, on processors that fell asleep between,
 * and on processors that others want too.
 */
public final class LatencyExperiment implements Experiment {
    private static final String OURS = "processes:2";
    private static final int PAUSE_MICROS = 2_000;

    @Override
    public Report run(Bench bench) throws Exception {
        int rounds = bench.size(9, 1);
        try (Pool pool = Pools.open(OURS);
                var peers = Peers.open(bench, Peers.POOL, Peers.EXECUTOR, Peers.LOKY)) {
            trips(pool, bench.size(30_000, 20), 0); // both JVMs compile
            var report = new Report();
            measure(report, "Back to back", pool, peers, rounds, bench.size(3_000, 20), 0);
            measure(report, "After a pause of 2 ms", pool, peers, rounds, bench.size(300, 10), PAUSE_MICROS);
            try (var _ = BusyMachine.open()) {
                measure(report, "Every processor busy with something else", pool, peers, rounds, bench.size(300, 10),
                        0);
            }
            return report;
        }
    }

    private static void measure(
            Report report, String title, Pool pool, Peers peers, int rounds, int count, int pauseMicros)
            throws Exception {
        var contest = new Rounds().add(OURS, 1, rounds, () -> trips(pool, count, pauseMicros));
        peers.join(contest, 1, rounds, "latency " + count + " " + pauseMicros);
        var comparison = new Comparison(contest.run())
                .percentile("p50", 50)
                .percentile("p99", 99)
                .against(Peers.POOL)
                .against(Peers.EXECUTOR)
                .against(Peers.LOKY);
        report.add(title, comparison.table())
                .aim(comparison, OURS, Peers.POOL, 2)
                .aim(comparison, OURS, Peers.EXECUTOR, 6);
    }

    private static double[] trips(Pool pool, int count, int pauseMicros) throws Exception {
        double[] seconds = new double[count];
        for (int i = 0; i < count; i++) {
            int number = i;
            if (pauseMicros > 0) {
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(pauseMicros));
            }
            long start = System.nanoTime();
            pool.submit(() -> number).get();
            seconds[i] = Bench.secondsSince(start);
        }
        return seconds;
    }
}
