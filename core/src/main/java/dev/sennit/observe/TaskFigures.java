package dev.sennit.observe;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts of tasks and quantiles of their times, by the names of tasks.
 *
 * {@snippet :
 * var figures = new TaskFigures();
 * try (var listening = TaskEvents.listen(figures); Pool pool = Pools.open("threads:2")) {
 *     pool.submit(() -> 6 * 7, TaskOptions.named("answer")).join();
 *     for (TaskFigures.OfName task : figures.byName()) {
 *         System.out.println(task.name() + " p99 " + task.ran().quantile(0.99));
 *     }
 * }
 * }
 *
 * <p>Figures count the events that are passed to them: by {@link TaskEvents#listen}, a moment after the tasks, or by a
 * reader of {@link TaskEvents}. If {@link #missed} is not 0, events were lost, and the counts are too small.
 *
 * <p>The first {@value #MOST_NAMES} names have figures of their own; all other tasks count under {@value #OTHERS}.
 * Names have passed a {@link NameFilter}.
 *
 * <p>Safe for use by several threads.
 */
public final class TaskFigures implements TaskListener {
    /** How many names have figures of their own. */
    public static final int MOST_NAMES = 200;
    /** The name under which all other tasks count. */
    public static final String OTHERS = "(others)";

    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. At most {@link #MOST_NAMES} names, and {@link #OTHERS}. */
    private final Map<String, Counts> byName = new HashMap<>();
    /** Guarded by lock. */
    private long missed;

    /** The counts of one name. Guarded by lock. */
    private static final class Counts {
        long submitted;
        long succeeded;
        long failed;
        long cancelled;
        final DurationHistogram waited = new DurationHistogram();
        final DurationHistogram ran = new DurationHistogram();
    }

    /**
     * The tasks of one name.
     *
     * @param name the name
     * @param submitted tasks admitted
     * @param succeeded tasks that ended with a value
     * @param failed tasks that ended with an exception
     * @param cancelled tasks that were cancelled
     * @param waited how long they waited for a worker
     * @param ran how long their runs took, without runs under way
     */
    public record OfName(
            String name,
            long submitted,
            long succeeded,
            long failed,
            long cancelled,
            DurationHistogram waited,
            DurationHistogram ran) {

        /** Checks that all is there. */
        public OfName {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(waited, "waited");
            Objects.requireNonNull(ran, "ran");
        }

        /**
         * Returns how many tasks wait or run.
         *
         * @return the number of tasks that were submitted and have not ended; it may be wrong if events were missed
         */
        public long underWay() {
            return Math.max(0, submitted - succeeded - failed - cancelled);
        }
    }

    /** Creates figures without tasks. */
    public TaskFigures() {}

    @Override
    public void event(TaskEvent event) {
        lock.lock();
        try {
            switch (event.kind()) {
                case SUBMITTED -> of(event).submitted++;
                case BEGUN -> add(of(event).waited, event.waited());
                case SUCCEEDED -> {
                    of(event).succeeded++;
                    add(of(event).ran, event.ran());
                }
                case FAILED -> {
                    of(event).failed++;
                    add(of(event).ran, event.ran());
                }
                case CANCELLED -> {
                    of(event).cancelled++;
                    add(of(event).ran, event.ran());
                }
                case RUN_OVER -> add(of(event).ran, event.ran());
                default -> {} // no figure changes
            }
        } finally {
            lock.unlock();
        }
    }

    /** The caller holds the lock. */
    private Counts of(TaskEvent event) {
        Counts known = byName.get(event.name());
        if (known != null) {
            return known;
        }
        String name = byName.size() < MOST_NAMES ? event.name() : OTHERS;
        return byName.computeIfAbsent(name, _ -> new Counts());
    }

    private static void add(DurationHistogram histogram, Optional<Duration> duration) {
        duration.ifPresent(histogram::record);
    }

    @Override
    public void missed(long count) {
        lock.lock();
        try {
            missed += count;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns how many events were lost, as their reader was too slow.
     *
     * @return the count so far
     */
    public long missed() {
        lock.lock();
        try {
            return missed;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns the figures of all names.
     *
     * @return a snapshot, by name
     */
    public List<OfName> byName() {
        List<OfName> all = new ArrayList<>();
        lock.lock();
        try {
            byName.forEach((name, counts) -> all.add(new OfName(
                    name, counts.submitted, counts.succeeded, counts.failed, counts.cancelled, counts.waited.copy(),
                    counts.ran.copy())));
        } finally {
            lock.unlock();
        }
        all.sort(Comparator.comparing(OfName::name));
        return all;
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return "TaskFigures[" + byName.size() + " names, " + missed + " missed]";
        } finally {
            lock.unlock();
        }
    }
}
