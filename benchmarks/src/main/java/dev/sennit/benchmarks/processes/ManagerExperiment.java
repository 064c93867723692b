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
import dev.sennit.manager.ManagerServer;
import java.util.concurrent.ConcurrentMap;

/** A map in one process, used by another. */
public final class ManagerExperiment implements Experiment {
    private static final String OURS = "ManagerServer, map";
    private static final String PEER = "Manager().dict()";
    private static final String KEY = "key";
    private static final double AIM = 2;

    @Override
    public Report run(Bench bench) throws Exception {
        int rounds = bench.size(9, 1);
        int count = bench.size(3_000, 20);
        int warmup = bench.size(20_000, 20);
        try (ManagerServer manager = ManagerServer.local();
                Pool pool = Pools.open("processes:1");
                var peers = Peers.open(bench, PEER)) {
            ConcurrentMap<String, Integer> map = manager.client().newMap();
            map.put(KEY, 1);
            pool.submit(() -> gets(map, warmup)).get(); // both JVMs compile
            pool.submit(() -> puts(map, warmup)).get();
            var report = new Report();
            measure(report, "get", pool, () -> gets(map, count), peers, "dict_get " + count, rounds);
            measure(report, "put", pool, () -> puts(map, count), peers, "dict_set " + count, rounds);
            return report;
        }
    }

    private static void measure(
            Report report, String title, Pool pool, Task<double[]> ours, Peers peers, String request, int rounds)
            throws Exception {
        var contest = new Rounds().add(OURS, 1, rounds, () -> pool.submit(ours).get());
        peers.join(contest, 1, rounds, request);
        var comparison = new Comparison(contest.run())
                .percentile("p50", 50)
                .percentile("p99", 99)
                .against(PEER);
        report.add(title, comparison.table()).aim(comparison, OURS, PEER, AIM);
    }

    /** In the worker. */
    private static double[] gets(ConcurrentMap<String, Integer> map, int count) {
        double[] seconds = new double[count];
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            map.get(KEY);
            seconds[i] = Bench.secondsSince(start);
        }
        return seconds;
    }

    /** In the worker. */
    private static double[] puts(ConcurrentMap<String, Integer> map, int count) {
        double[] seconds = new double[count];
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            map.put(KEY, i);
            seconds[i] = Bench.secondsSince(start);
        }
        return seconds;
    }
}
