package dev.sennit.benchmarks.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/** Threads and virtual threads beside the JDK's executors, which ours have to be worth the change from. */
public final class ThreadsExperiment implements Experiment {
    private static final double AIM = 0.9;
    private static final String THREADS = "threads:2";
    private static final String VIRTUAL = "virtual";
    private static final String FIXED = "newFixedThreadPool(2)";
    private static final String PER_TASK = "newVirtualThreadPerTaskExecutor";

    @Override
    public Report run(Bench bench) throws Exception {
        try (Pool threads = Pools.open(THREADS);
                Pool virtual = Pools.open(VIRTUAL);
                ExecutorService fixed = Executors.newFixedThreadPool(2);
                ExecutorService perTask = Executors.newVirtualThreadPerTaskExecutor()) {
            int many = bench.size(1_000_000, 1_000);
            int rounds = bench.size(9, 1);
            var tiny = new Rounds()
                    .add(THREADS, 3, rounds, () -> Bench.timed(() -> all(many, task -> threads.submit(task))))
                    .add(FIXED, 3, rounds, () -> Bench.timed(() -> all(many, fixed::submit)))
                    .add(VIRTUAL, 3, rounds, () -> Bench.timed(() -> all(many, task -> virtual.submit(task))))
                    .add(PER_TASK, 3, rounds, () -> Bench.timed(() -> all(many, perTask::submit)));
            var tasks = new Comparison(tiny.run()).rate("tasks", many);

            int count = bench.size(20_000, 100);
            var trips = new Rounds()
                    .add(THREADS, 3, rounds, () -> each(count, task -> threads.submit(task)))
                    .add(FIXED, 3, rounds, () -> each(count, fixed::submit))
                    .add(VIRTUAL, 3, rounds, () -> each(count, task -> virtual.submit(task)))
                    .add(PER_TASK, 3, rounds, () -> each(count, perTask::submit));
            var trip = new Comparison(trips.run()).percentile("p50", 50).percentile("p99", 99);

            return new Report()
                    .add(many + " tiny tasks: submit all, then get all", tasks.against(FIXED).against(PER_TASK).table())
                    .aim(tasks, THREADS, FIXED, AIM)
                    .aim(tasks, VIRTUAL, PER_TASK, AIM)
                    .add("submit and get, one at a time", trip.against(FIXED).against(PER_TASK).table())
                    .aim(trip, THREADS, FIXED, AIM)
                    .aim(trip, VIRTUAL, PER_TASK, AIM);
        }
    }

    private static void all(int count, Function<Callable<Integer>, Future<Integer>> submit) throws Exception {
        List<Future<Integer>> futures = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int number = i;
            futures.add(submit.apply(() -> number));
        }
        for (var future : futures) {
            future.get();
        }
    }

    private static double[] each(int count, Function<Callable<Integer>, Future<Integer>> submit) throws Exception {
        double[] seconds = new double[count];
        for (int i = 0; i < count; i++) {
            int number = i;
            long start = System.nanoTime();
            submit.apply(() -> number).get();
            seconds[i] = Bench.secondsSince(start);
        }
        return seconds;
    }
}
