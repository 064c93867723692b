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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What it costs those who run tasks that events are told of them: many tasks of 10 µs, on one worker of each kind,
 * while nobody looks on, and while a reader takes all events. Time by the clock and processor time of this JVM: the
 * second is right to some tens of nanoseconds a task whatever else the machine does.
 */
public final class EventsExperiment implements Experiment {
    private static final List<String> PLANS = List.of("threads:1", "virtual:1", "processes:1");
    private static final double ALLOWED = 1.03;
    private static final long TASK_NANOS = 10_000;

    /** Among the samples of a round: how long all took, and how much processor time a task. */
    private static final int CLOCK = 0;

    private static final int PROCESSOR = 1;
    private static final Path PROC = Path.of("/proc");

    @Override
    public Report run(Bench bench) throws Exception {
        int tasks = bench.size(20_000, 10);
        int rounds = bench.size(101, 1);
        int steps = stepsOfATask(bench);
        var report = new Report();
        for (String plan : PLANS) {
            String off = plan + ", nobody looks on";
            String on = plan + ", a reader";
            try (Pool pool = Pools.open(plan)) {
                InlineExperiment.warm(bench, pool);
                int warmups = bench.size(5, 1); // a reader is compiled late, as it works little
                var measured = new Rounds()
                        .add(off, warmups, rounds, () -> measured(pool, tasks, steps))
                        .add(on, warmups, rounds, () -> observed(pool, tasks, steps))
                        .run();
                var comparison = new Comparison(measured)
                        .sample(tasks + " tasks of 10 µs", CLOCK)
                        .sample("processor time of the JVM, a task", PROCESSOR)
                        .against(off);
                report.add("Events of tasks on " + plan, comparison.table());
                var processor = new Comparison(measured).sample("", PROCESSOR);
                double paired = comparison.pairedTimes(on, off);
                double ofMedians = 1 / comparison.ratio(on, off);
                report.aim(
                        "events cost less than 3 % on " + plan,
                        Figures.percentAbove(ofMedians) + " by the ratio of medians, " + Figures.percentAbove(paired)
                                + " by the median of " + rounds + " ratios of neighbours; "
                                + Figures.time(processor.median(on) - processor.median(off))
                                + " more of processor time a task",
                        ofMedians <= ALLOWED);
            }
        }
        return report;
    }

    private static double[] observed(Pool pool, int tasks, int steps) throws Exception {
        try (var _ = TaskEvents.listen(event -> {})) {
            return measured(pool, tasks, steps);
        }
    }

    private static double[] measured(Pool pool, int tasks, int steps) throws Exception {
        Map<String, Long> before = processorNanos();
        double[] time = Bench.timed(() -> all(pool, tasks, steps));
        long used = 0;
        for (var thread : processorNanos().entrySet()) { // those that have ended did not run tasks
            used += thread.getValue() - before.getOrDefault(thread.getKey(), 0L);
        }
        return new double[] {time[CLOCK], used / 1e9 / tasks};
    }

    /**
     * The processor time of the threads of this JVM, to the nanosecond if the system tells that: the figure for a
     * process goes by hundredths of a second.
     */
    private static Map<String, Long> processorNanos() throws IOException {
        if (!Files.isReadable(PROC.resolve("self/schedstat"))) {
            return Map.of("all", ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toNanos());
        }
        Map<String, Long> nanos = new HashMap<>();
        try (var threads = Files.list(PROC.resolve("self/task"))) {
            for (Path thread : threads.toList()) {
                try {
                    String first = Files.readString(thread.resolve("schedstat")).split(" ", 2)[0];
                    nanos.put(thread.toString(), Long.parseLong(first));
                } catch (IOException e) {
                    // it has ended
                }
            }
        }
        return nanos;
    }

    /**
     * The submitter waits for the last one, and wakes once: to be woken for each would take a third of a task's time,
     * which varies by more than what is measured.
     */
    private static Object all(Pool pool, int tasks, int steps) throws Exception {
        List<TaskFuture<Long>> futures = new ArrayList<>(tasks);
        Task<Long> task = () -> work(steps);
        for (int i = 0; i < tasks; i++) {
            futures.add(pool.submit(task));
        }
        long sum = futures.getLast().get();
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
