package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Management;
import dev.sennit.internal.view.ProgressGate;
import dev.sennit.internal.view.ProgressGate.Report;
import dev.sennit.internal.view.TaskObserver;
import org.jspecify.annotations.Nullable;

/**
 * The run of an observed task, in the thread that runs it: its progress and its processor time.
 *
 * <p>Reading the processor time takes half a microsecond, so a thread reads it at most once in {@value #PERIOD_NANOS}
 * ns, and otherwise uses the last value, which may be too small by the time since. If a run is not at least a hundred
 * times as long as that error, its processor time is unknown.
 *
 * <p>Runs nest: a task that waits for another may run it meanwhile. Only the thread of the run uses the object.
 */
final class ObservedRun {
    /** The least time of a run, or since the last read, before a thread reads its processor time. */
    static final long PERIOD_NANOS = 100_000;
    /** A time is at least this many times its error. */
    private static final int TIMES = 100;

    /** The watch of a thread that is not a {@link WatchedThread}, while it runs an observed task. */
    private static final ThreadLocal<@Nullable Watch> WATCH = new ThreadLocal<>();

    /** A thread that runs many tasks, and keeps its own watch. */
    interface WatchedThread {
        /** Returns always the same object; called by this thread. */
        Watch watch();
    }

    /** The state of a thread. */
    static final class Watch {
        /** The innermost run of the thread; null if it runs none. */
        private @Nullable ObservedRun innermost;
        /** What the thread runs, for {@link CurrentTask}. Only this thread. */
        @Nullable Object task;
        /** The last read processor time of the thread, and when it was read; -1 if it is unknown. */
        private long cpuNanos = TaskObserver.UNKNOWN;

        private long askedAt;
        private boolean hasAsked;

        long ask() {
            cpuNanos = Management.knownCpuNanos(Thread.currentThread());
            askedAt = Backend.current().nanoTime();
            hasAsked = true;
            return cpuNanos;
        }
    }

    private final Watch watch;
    /** The run around this one. */
    private final @Nullable ObservedRun outer;
    /** Null if the task is not observed. */
    private final @Nullable Submission<?> submission;
    /** Null until the first report. */
    private @Nullable ProgressGate gate;

    private long cpuBefore = TaskObserver.UNKNOWN;
    private long errorNanos;

    ObservedRun(Watch watch, @Nullable Submission<?> submission) {
        this.watch = watch;
        this.outer = watch.innermost;
        this.submission = submission;
    }

    /** Notes the processor time at the begin of the run, and its possible error. */
    ObservedRun from(long cpuNanos, long error) {
        cpuBefore = cpuNanos;
        errorNanos = error;
        return this;
    }

    /**
     * Begins a run in the calling thread.
     *
     * @param submission the task
     * @param isTold whether the task is observed; inside of an observed task, a task that is not observed hides it
     * @param now when the run begins
     * @return the run, which the caller ends; null if the task is not observed, or there is no memory
     */
    static @Nullable ObservedRun begin(Submission<?> submission, boolean isTold, long now) {
        if (!isTold && TaskObserver.Current.get() == null) {
            return null;
        }
        try {
            Watch watch = watchOfThread();
            if (!isTold && (watch == null || watch.innermost == null)) {
                return null;
            }
            if (watch == null) {
                watch = new Watch();
                WATCH.set(watch);
            }
            var run = new ObservedRun(watch, isTold ? submission : null);
            if (isTold && !Thread.currentThread().isVirtual()) {
                boolean asks = !watch.hasAsked || now - watch.askedAt >= PERIOD_NANOS;
                long before = asks ? watch.ask() : watch.cpuNanos;
                run.from(before, asks ? 0 : Math.max(0, now - watch.askedAt));
            }
            watch.innermost = run;
            return run;
        } catch (Throwable e) { // no figures, but the task runs
            return null;
        }
    }

    /** Returns the innermost run of the calling thread, or null. */
    static @Nullable ObservedRun ofThread() {
        Watch watch = watchOfThread();
        return watch == null ? null : watch.innermost;
    }

    private static @Nullable Watch watchOfThread() {
        return Thread.currentThread() instanceof WatchedThread worker ? worker.watch() : WATCH.get();
    }

    /** Reports progress, now or later. */
    void progress(Report report) {
        if (submission == null) {
            return;
        }
        if (gate == null) {
            gate = new ProgressGate();
        }
        tell(gate.pass(report));
    }

    private void tell(@Nullable Report report) {
        if (report != null && submission != null) {
            submission.progress(report.done(), report.total(), report.message());
        }
    }

    /**
     * Ends the run, and reports its last progress.
     *
     * @param ranNanos how long the run took
     * @return the processor time of the run, or {@link TaskObserver#UNKNOWN}
     */
    long end(long ranNanos) {
        watch.innermost = outer;
        try {
            if (outer == null && !(Thread.currentThread() instanceof WatchedThread)) {
                WATCH.remove(); // the thread may not belong to the pool
            }
            if (gate != null) {
                tell(gate.end());
            }
            if (cpuBefore < 0 || ranNanos < Math.max(PERIOD_NANOS, TIMES * errorNanos)) {
                return TaskObserver.UNKNOWN;
            }
            long cpu = Math.min(watch.ask() - cpuBefore, ranNanos);
            return cpu > 0 ? cpu : TaskObserver.UNKNOWN; // 0 comes from a clock that is too coarse
        } catch (Throwable e) { // no stack
            return TaskObserver.UNKNOWN;
        }
    }
}
