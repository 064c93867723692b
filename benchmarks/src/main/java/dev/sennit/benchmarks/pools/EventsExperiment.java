package dev.sennit.benchmarks.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.observe.TaskEvents;
import java.util.ArrayList;
import java.util.List;

/**
 * What it costs those who run tasks that events are told of them: many tasks of 10 µs, on one worker of each kind,
 * while nobody looks on, and while a reader takes all events.
 */
public final class EventsExperiment implements Experiment {
    private static final List<String> PLANS = List.of("threads:1", "virtual:1", "processes:1");
    private static final double ALLOWED = 1.03;
    private static final long TASK_NANOS = 10_000;

    @Override
    public Report run(Bench bench) throws Exception {
        int tasks = bench.size(20_000, 10);
        int rounds = bench.size(21, 1);
        int steps = stepsOfATask(bench);
        var report = new Report();
        for (String plan : PLANS) {
            String off = plan + ", nobody looks on";
            String on = plan + ", a reader";
            try (Pool pool = Pools.open(plan)) {
                InlineExperiment.warm(bench, pool);
                var comparison = new Comparison(new Rounds()
                        .add(off, 2, rounds, () -> Bench.timed(() -> all(pool, tasks, steps)))
                        .add(on, 2, rounds, () -> observed(pool, tasks, steps))
                        .run())
                        .time(tasks + " tasks of 10 µs")
                        .against(off);
                report.add("Events of tasks on " + plan, comparison.table());
                double paired = comparison.pairedTimes(on, off);
                double ofMedians = 1 / comparison.ratio(on, off);
                report.aim(
                        "events cost less than 3 % on " + plan,
                        Figures.percentAbove(ofMedians) + " by the ratio of medians, " + Figures.percentAbove(paired)
                                + " by the median of " + rounds + " ratios of neighbours",
                        ofMedians <= ALLOWED);
            }
        }
        return report;
    }

    private static double[] observed(Pool pool, int tasks, int steps) throws Exception {
        try (var _ = TaskEvents.listen(event -> {})) {
            return Bench.timed(() -> all(pool, tasks, steps));
        }
    }

    private static Object all(Pool pool, int tasks, int steps) throws Exception {
        List<TaskFuture<Long>> futures = new ArrayList<>(tasks);
        Task<Long> task = () -> work(steps);
        for (int i = 0; i < tasks; i++) {
            futures.add(pool.submit(task));
        }
        long sum = 0;
        for (var future : futures) {
            sum += future.get();
        }
        return sum;
    }

    /** Work for a processor, which no compiler leaves out. */
    static long work(int steps) {
        long state = steps;
        for (int i = 0; i < steps; i++) {
            state = state * 6_364_136_223_846_793_005L + 1_442_695_040_888_963_407L;
        }
        return state;
    }

    /** Returns how many steps take as long as a task. */
    private static int stepsOfATask(Bench bench) {
        int steps = 1_000_000;
        long best = Long.MAX_VALUE;
        long sum = 0;
        for (int i = 0; i < bench.size(200, 20); i++) {
            long began = System.nanoTime();
            sum += work(steps);
            best = Math.min(best, System.nanoTime() - began);
        }
        return (int) Math.max(1, steps * TASK_NANOS / Math.max(1, best) + (sum == 1 ? 1 : 0));
    }
}
