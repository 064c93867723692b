package dev.sennit;

import dev.sennit.internal.Timers;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A task of a {@link PeriodicWorker}: what {@link PeriodicWorker#add} returns, to look at it, and to end it.
 */
public final class PeriodicTask {
    /** How far two clocks of one machine may be apart that show the same time. */
    private static final Duration CLOCKS_DIFFER_BY = Duration.ofMillis(100);
    private static final Duration CENTURY = Duration.ofDays(36_525);

    private final PeriodicWorker worker;
    private final String name;
    private final Schedule schedule;
    private final Runnable action;

    // All below is guarded by the worker's lock.
    Figures figures = new Figures();
    boolean enabled = true;
    boolean removed;
    boolean running;
    boolean askedToStop;
    /** Whether {@link #dueNanos} means anything. */
    boolean isDue;
    /** Numbers the questions to the schedule: an answer counts if nothing has changed since it was asked. */
    private long asked;
    /** Jitter included. */
    long dueNanos;
    /** Jitter left out. */
    private long nominalNanos;
    /** The moment of the wall clock that it is due at, jitter left out, or null. */
    @Nullable Instant dueAt;
    boolean hasRun;
    /** Written by the run itself, too, before it ends. */
    volatile long startedNanos;
    private long endedNanos;

    /** What is counted. */
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
     * Its name.
     *
     * @return the name it was added with
     */
    public String name() {
        return name;
    }

    /**
     * What it has done so far.
     *
     * @return an immutable snapshot
     */
    public PeriodicStatistics statistics() {
        return worker.statistics(this);
    }

    /** Is not run again; a run under way goes on. */
    public void remove() {
        worker.remove(this);
    }

    /** Is not run until it is enabled; a run under way goes on. */
    public void disable() {
        worker.enable(this, false);
    }

    /** Is run again; its schedule counts anew. */
    public void enable() {
        worker.enable(this, true);
    }

    Schedule schedule() {
        return schedule;
    }

    Runnable action() {
        return action;
    }

    /** What the schedule may look at. */
    Schedule.Timing timing(long nowNanos, Instant now) {
        Instant wall = now;
        if (dueAt != null && hasRun && now.isBefore(dueAt) && Duration.between(now, dueAt).compareTo(CLOCKS_DIFFER_BY) < 0) {
            wall = dueAt; // the clocks differ by a hair: it was due, and is not due again
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
     * Forgets when it is due, and whatever the schedule is about to say.
     *
     * @return the number of the next question, if it is asked now
     */
    long notDue() {
        isDue = false;
        return ++asked;
    }

    /** Whether this is the last question, and nothing has changed since. */
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

    /** Cut off at a century, which no sum with the clock overflows. */
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
