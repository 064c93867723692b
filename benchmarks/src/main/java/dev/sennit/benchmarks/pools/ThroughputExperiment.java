package dev.sennit.benchmarks.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** How many tasks that do nothing pass through two worker processes in a second: each alone, and many in a message. */
public final class ThroughputExperiment implements Experiment {
    private static final String OURS = "processes:2";

    @Override
    public Report run(Bench bench) throws Exception {
        int alone = bench.size(100_000, 200);
        int chunked = bench.size(1_000_000, 2_000);
        int rounds = bench.size(7, 1);
        int slowRounds = bench.size(3, 1);
        List<Integer> items = IntStream.range(0, chunked).boxed().toList();
        try (Pool pool = Pools.open(OURS);
                var fast = Peers.open(bench, Peers.POOL);
                var slow = Peers.open(bench, Peers.EXECUTOR, Peers.LOKY)) {
            var report = new Report();

            var single = new Rounds().add(OURS, 2, rounds, () -> Bench.timed(() -> submitAll(pool, alone)));
            fast.join(single, 1, rounds, "tasks " + alone + " 1");
            slow.join(single, 0, slowRounds, "tasks " + alone + " 1");
            var comparison = new Comparison(single.run()).rate("tasks", alone);
            withBaselines(comparison);
            report.add("One task a message: submit " + alone + " and get all; map with chunksize=1", comparison.table())
                    .aim(comparison, OURS, Peers.POOL, 5);

            var many = new Rounds().add(OURS, 3, rounds, () -> Bench.timed(() -> pool.map(n -> n, items)));
            fast.join(many, 1, rounds, "tasks " + chunked + " 1000");
            slow.join(many, 1, rounds, "tasks " + chunked + " 1000");
            var chunks = new Comparison(many.run()).rate("tasks", chunked);
            withBaselines(chunks);
            report.add("Chunks: map of " + chunked + ", ours sized by itself; map with chunksize=1000", chunks.table())
                    .aim(chunks, OURS, Peers.POOL, 1);
            return report;
        }
    }

    private static void withBaselines(Comparison comparison) {
        comparison.against(Peers.POOL).against(Peers.EXECUTOR).against(Peers.LOKY);
    }

    private static void submitAll(Pool pool, int count) throws Exception {
        List<TaskFuture<Integer>> futures = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int number = i;
            futures.add(pool.submit(() -> number));
        }
        for (var future : futures) {
            future.get();
        }
    }
}
