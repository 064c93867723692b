package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Management;
import dev.sennit.internal.TaskObserver;
import org.jspecify.annotations.Nullable;

/**
 * The run of a task that is told of, as the thread sees it that runs it: what processor time it takes.
 *
 * <p>To ask the system for that time takes half a microsecond, so that it is asked only so often: a thread that has
 * asked within the last {@value #PERIOD_NANOS} ns takes what it heard then, which may be too little by the time since.
 * The figure of a run that is not a hundred times as long as that error is not known.
 *
 * <p>Runs nest: a task that waits for another may run it meanwhile. Only its own thread uses an object.
 */
final class ObservedRun {
    /** So long a run is, or a thread has not asked, before it asks. */
    static final long PERIOD_NANOS = 50_000;
    /** So many times its error a figure is, at the least. */
    private static final int TIMES = 100;

    /** Only where a task is told of: on a virtual thread it would make each task dearer. */
    private static final ThreadLocal<@Nullable Meter> METER = new ThreadLocal<>();

    /** What a platform thread has last heard of its processor time. */
    static final class Meter {
        private long cpuNanos;
        private long at;

        long ask() {
            cpuNanos = Management.knownCpuNanos(Thread.currentThread());
            at = Backend.current().nanoTime();
            return cpuNanos;
        }
    }

    private final @Nullable Meter meter;
    private final long cpuBefore;
    private final long errorNanos;

    ObservedRun(@Nullable Meter meter, long cpuBefore, long errorNanos) {
        this.meter = meter;
        this.cpuBefore = cpuBefore;
        this.errorNanos = errorNanos;
    }

    /**
     * Begins a run in the calling thread.
     *
     * @param submission the task; null if nobody is told of it
     * @param now when it begins
     * @return ends it; null if nobody is told of it, or there is no memory
     */
    static @Nullable ObservedRun begin(@Nullable Submission<?> submission, long now) {
        if (submission == null) {
            return null;
        }
        try {
            if (Thread.currentThread().isVirtual()) {
                return new ObservedRun(null, TaskObserver.UNKNOWN, 0);
            }
            Meter meter = METER.get();
            boolean isNew = meter == null;
            if (meter == null) {
                meter = new Meter();
                METER.set(meter);
            }
            boolean asks = isNew || now - meter.at >= PERIOD_NANOS;
            long before = asks ? meter.ask() : meter.cpuNanos;
            return new ObservedRun(meter, before, asks ? 0 : Math.max(0, now - meter.at));
        } catch (Throwable e) { // the task is worth more
            return null;
        }
    }

    /**
     * Ends the run.
     *
     * @param ranNanos how long it took
     * @return its processor time, or {@link TaskObserver#UNKNOWN}
     */
    long end(long ranNanos) {
        if (meter == null || cpuBefore < 0 || ranNanos < Math.max(PERIOD_NANOS, TIMES * errorNanos)) {
            return TaskObserver.UNKNOWN;
        }
        try {
            long after = meter.ask();
            long cpu = Math.min(after - cpuBefore, ranNanos);
            return cpu > 0 ? cpu : TaskObserver.UNKNOWN; // 0 by a clock that is too coarse
        } catch (Throwable e) { // no stack
            return TaskObserver.UNKNOWN;
        }
    }
}
