package dev.sennit;

import dev.sennit.internal.Timers;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A task of a {@link PeriodicWorker}, returned by {@link PeriodicWorker#add}, to read its figures, disable it or remove
 * it.
 */
public final class PeriodicTask {
    /** How far two clocks of a machine may differ that show the same time. */
    private static final Duration CLOCKS_DIFFER_BY = Duration.ofMillis(100);
    private static final Duration CENTURY = Duration.ofDays(36_525);

    private final PeriodicWorker worker;
    private final String name;
    private final Schedule schedule;
    private final Runnable action;

    // All fields below are guarded by the worker's lock.
    Figures figures = new Figures();
    boolean enabled = true;
    boolean removed;
    boolean running;
    boolean askedToStop;
    /** Whether {@link #dueNanos} is valid. */
    boolean isDue;
    /** The number of the last call of the schedule: its result is used only if nothing has changed since. */
    private long asked;
    /** When the next run is due, with jitter. */
    long dueNanos;
    /** When the next run is due, without jitter. */
    private long nominalNanos;
    /** When the next run is due by the wall clock, without jitter, or null. */
    @Nullable Instant dueAt;
    boolean hasRun;
    /** Also written by the run itself, before it ends. */
    volatile long startedNanos;
    private long endedNanos;

    /** The counters. */
    static final class Figures {
        private long successes;
        private long failures;
        private long missed;
        private long runNanos;
        private long lateNanos;
        private @Nullable Throwable lastFailure;

        void failed(Throwable failure) {
            failures++;
            lastFailure = failure;
        }
    }

    PeriodicTask(PeriodicWorker worker, String name, Schedule schedule, Runnable action) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("name must not be blank");
        }
        this.worker = worker;
        this.name = name;
        this.schedule = Objects.requireNonNull(schedule, "schedule");
        this.action = Objects.requireNonNull(action, "action");
    }

    /**
     * Returns the name of the task.
     *
     * @return the name it was added with
     */
    public String name() {
        return name;
    }

    /**
     * Returns its figures so far.
     *
     * @return an immutable snapshot
     */
    public PeriodicStatistics statistics() {
        return worker.statistics(this);
    }

    /** Removes the task: it is not run again. A run under way goes on. */
    public void remove() {
        worker.remove(this);
    }

    /** Disables the task: it is not run until it is enabled. A run under way goes on. */
    public void disable() {
        worker.enable(this, false);
    }

    /** Enables the task: it is run again, and its schedule counts anew. */
    public void enable() {
        worker.enable(this, true);
    }

    /**
     * Returns when it is run.
     *
     * @return the schedule it was added with
     */
    public Schedule schedule() {
        return schedule;
    }

    Runnable action() {
        return action;
    }

    /** Returns the argument for the schedule. */
    Schedule.Timing timing(long nowNanos, Instant now) {
        Instant wall = now;
        if (dueAt != null && hasRun && now.isBefore(dueAt)
                && Duration.between(now, dueAt).compareTo(CLOCKS_DIFFER_BY) < 0) {
            wall = dueAt; // the clocks differ slightly: the run was due, and must not be due again
        }
        return hasRun
                ? new Schedule.Timing(
                        wall,
                        Duration.ofNanos(nowNanos - nominalNanos),
                        Duration.ofNanos(nowNanos - startedNanos),
                        Duration.ofNanos(nowNanos - endedNanos))
                : new Schedule.Timing(wall, null, null, null);
    }

    /**
     * Clears the due time, and invalidates calls of the schedule under way.
     *
     * @return the number of the next call of the schedule
     */
    long notDue() {
        isDue = false;
        return ++asked;
    }

    /** Returns whether a call of the schedule is the last, and nothing has changed since. */
    boolean isAsked(long number) {
        return asked == number;
    }

    void isDue(Schedule.Due due, Instant now, long nowNanos) {
        Instant at = due.at();
        Duration wait = at != null ? Duration.between(now, at) : Objects.requireNonNull(due.after());
        dueAt = at;
        nominalNanos = nowNanos + nanos(wait);
        dueNanos = nowNanos + nanos(wait.plus(due.jitter()));
        figures.missed += due.missed();
        isDue = true;
    }

    /** Returns a wait in nanoseconds, at most a century, so that no sum with the clock overflows. */
    private static long nanos(Duration wait) {
        return Timers.nanos(wait.compareTo(CENTURY) < 0 ? wait : CENTURY);
    }

    void ran(long nowNanos, @Nullable Throwable failure) {
        running = false;
        hasRun = true;
        endedNanos = nowNanos;
        figures.runNanos += nowNanos - startedNanos;
        figures.lateNanos += Math.max(0, startedNanos - dueNanos);
        if (failure == null) {
            figures.successes++;
        } else {
            figures.failed(failure);
        }
    }

    void forgetFigures() {
        figures = new Figures();
    }

    PeriodicStatistics snapshot(@Nullable Duration nextIn) {
        return new PeriodicStatistics(
                figures.successes + figures.failures,
                figures.successes,
                figures.failures,
                figures.missed,
                Duration.ofNanos(figures.runNanos),
                Duration.ofNanos(figures.lateNanos),
                figures.lastFailure,
                running,
                enabled,
                askedToStop,
                nextIn);
    }

    @Override
    public String toString() {
        return "PeriodicTask[" + name + "]";
    }
}
