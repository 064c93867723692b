package dev.sennit.cli.compare;

import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ProcessFigures;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A plan in a comparison: its open pool, and the measurements so far.
 *
 * <p>Used by one thread.
 */
final class Candidate {
    private static final long WARM_UP_THE_WAY_NANOS = TimeUnit.MILLISECONDS.toNanos(300);
    private static final long WARM_UP_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long START_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final long BETWEEN_LOOKS_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final double NANOS = 1e9;
    private static final double PERCENT = 100;

    private final int order;
    private final Plan plan;
    private final Pool pool;
    private final List<Double> walls = new ArrayList<>();
    private double cpuSeconds;
    private long peakBytes;
    private @Nullable String failure;
    /** Its worker processes. */
    private Set<Long> processes = Set.of();

    /** Creates a candidate without measurements; {@code order} is the place of its line among the others. */
    Candidate(int order, Plan plan, Pool pool) {
        this.order = order;
        this.plan = plan;
        this.pool = pool;
    }

    int order() {
        return order;
    }

    Plan plan() {
        return plan;
    }

    Pool pool() {
        return pool;
    }

    boolean failed() {
        return failure != null;
    }

    void fail(String why) {
        failure = why;
    }

    /**
     * Waits until a pool of processes has started its workers, so that their processes can be attributed to it.
     *
     * @param before the processes that ran before the pool was opened
     */
    void awaitStart(Set<Long> before) {
        try {
            pool.submit(() -> {}).join();
        } catch (CompletionException e) {
            fail("could not start: " + CommandException.oneLine(e.getCause() == null ? e : e.getCause()));
            return;
        }
        adoptProcessesSince(before);
        long end = System.nanoTime() + START_NANOS;
        while (!processes.isEmpty() && pool.statistics().workers() < pool.workers() && System.nanoTime() < end) {
            LockSupport.parkNanos(BETWEEN_LOOKS_NANOS);
        }
        adoptProcessesSince(before);
    }

    /**
     * Runs trivial tasks and then tasks of the workload, until the path to the workers and the tasks' own code are
     * compiled. Failures are left to the first round.
     */
    void warmUp(List<Task<?>> tasks) {
        Set<Long> before = ProcessFigures.descendants();
        try {
            keepBusy(Stream.generate(() -> (Task<?>) () -> null).iterator(), WARM_UP_THE_WAY_NANOS);
            keepBusy(tasks.iterator(), WARM_UP_NANOS);
        } catch (RuntimeException e) {
            // submit has refused a task, and will again
        }
        adoptProcessesSince(before);
    }

    private void keepBusy(Iterator<? extends Task<?>> tasks, long nanos) {
        int atOnce = Math.min(pool.workers(), 2 * Runtime.getRuntime().availableProcessors());
        Queue<TaskFuture<?>> running = new ArrayDeque<>();
        long start = System.nanoTime();
        while (tasks.hasNext() && System.nanoTime() - start < nanos) {
            running.add(pool.submit(tasks.next()));
            if (running.size() >= atOnce) {
                awaitQuietly(running.remove());
            }
        }
        running.forEach(Candidate::awaitQuietly);
    }

    private static void awaitQuietly(TaskFuture<?> future) {
        try {
            future.join();
        } catch (CompletionException | CancellationException e) {
            // the first round will fail as well
        }
    }

    /**
     * Does all the work once, and measures it.
     *
     * @param division how the work is divided
     * @param tasks the tasks of the workload
     * @return the results in the order of the tasks
     * @throws CommandException naming the task that failed
     */
    List<@Nullable Object> measure(Workload.Division division, List<Task<?>> tasks) {
        System.gc(); // the garbage of plans before this one must not count as its memory or pause
        Set<Long> before = ProcessFigures.descendants();
        long cpuBefore = ProcessFigures.cpuNanos(processes);
        try (var memory = new MemorySampler(processes)) {
            long start = System.nanoTime();
            List<@Nullable Object> results = division.run(pool, tasks);
            walls.add((System.nanoTime() - start) / NANOS);
            adoptProcessesSince(before);
            peakBytes = Math.max(peakBytes, memory.peak(processes));
            cpuSeconds += Math.max(0, ProcessFigures.cpuNanos(processes) - cpuBefore) / NANOS;
            return results;
        }
    }

    /** Attributes the processes started since to this candidate, and forgets those that have ended. */
    private void adoptProcessesSince(Set<Long> before) {
        Set<Long> now = ProcessFigures.descendants();
        Set<Long> own = new HashSet<>(now);
        own.removeAll(before);
        own.addAll(processes);
        own.retainAll(now);
        processes = own;
    }

    static List<@Nullable Object> runAll(Pool pool, List<Task<?>> tasks) {
        List<TaskFuture<?>> futures = new ArrayList<>(tasks.size());
        List<@Nullable Object> results = new ArrayList<>(tasks.size());
        try {
            for (Task<?> task : tasks) {
                futures.add(pool.submit(task));
            }
            for (TaskFuture<?> future : futures) {
                results.add(future.join());
            }
            return results;
        } catch (RuntimeException | Error e) {
            futures.forEach(future -> {
                future.cancel(true);
                future.onDone(done -> {}); // one failure is reported for all
            });
            Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
            int index = futures.size() < tasks.size() ? futures.size() : results.size();
            throw CommandException.failed("task " + (index + 1) + " of " + tasks.size() + ": "
                    + CommandException.taskFailure(cause), cause);
        }
    }

    /** Returns where results differ from those of inline, or null. */
    static @Nullable String difference(List<@Nullable Object> expected, List<@Nullable Object> results) {
        for (int i = 0; i < expected.size(); i++) {
            if (!Objects.deepEquals(expected.get(i), results.get(i))) {
                return "wrong result: task " + (i + 1) + " of " + expected.size() + " gave " + results.get(i)
                        + ", on inline " + expected.get(i);
            }
        }
        return null;
    }

    Measurement measurement() {
        Integer workers = pool.workers() == Integer.MAX_VALUE ? null : pool.workers();
        double total = walls.stream().mapToDouble(Double::doubleValue).sum();
        boolean none = walls.isEmpty();
        return new Measurement(
                plan.toString(),
                plan.kind(),
                workers,
                walls.size(),
                none ? Double.NaN : Median.of(walls),
                none ? Double.NaN : cpuSeconds / total * PERCENT,
                peakBytes,
                failure);
    }
}
