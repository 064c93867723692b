package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Management;
import dev.sennit.internal.view.ProgressGate;
import dev.sennit.internal.view.ProgressGate.Report;
import dev.sennit.internal.view.TaskObserver;
import org.jspecify.annotations.Nullable;

/**
 * The run of a task while somebody looks on, as the thread sees it that runs it: how far it is, and what processor time
 * it takes.
 *
 * <p>To ask the system for that time takes half a microsecond, so that it is asked only so often: a thread that has
 * asked within the last {@value #PERIOD_NANOS} ns takes what it heard then, which may be too little by the time since.
 * The figure of a run that is not a hundred times as long as that error is not known.
 *
 * <p>Runs nest: a task that waits for another may run it meanwhile. Only its own thread uses an object.
 */
final class ObservedRun {
    /** So long a run is, or a thread has not asked, before it asks. */
    static final long PERIOD_NANOS = 100_000;
    /** So many times its error a figure is, at the least. */
    private static final int TIMES = 100;

    /** Of a thread that is not a {@link WatchedThread}, while it runs a task that is told of. */
    private static final ThreadLocal<@Nullable Watch> WATCH = new ThreadLocal<>();

    /** A thread that runs many tasks, and keeps what is known of it. */
    interface WatchedThread {
        /** Returns always the same; called by this thread. */
        Watch watch();
    }

    /** What is known of a thread. */
    static final class Watch {
        /** The run that the thread is in, without those around it; null if it is in none. */
        private @Nullable ObservedRun innermost;
        /** What the thread runs, for {@link CurrentTask}. Only this thread. */
        @Nullable Object task;
        /** What the thread has last heard of its processor time, and when; -1 if it cannot tell. */
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
    /** Null if nobody is told of it. */
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

    /** Notes the processor time at the beginning, and by how much it may be wrong. */
    ObservedRun from(long cpuNanos, long error) {
        cpuBefore = cpuNanos;
        errorNanos = error;
        return this;
    }

    /**
     * Begins a run in the calling thread.
     *
     * @param submission the task
     * @param isTold whether it is told of; a task that is not, inside one that is, hides that one
     * @param now when it begins
     * @return ends it; null if nobody is told, or there is no memory
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
        } catch (Throwable e) { // the task is worth more
            return null;
        }
    }

    /** Returns the run that the calling thread is in, or null. */
    static @Nullable ObservedRun ofThread() {
        Watch watch = watchOfThread();
        return watch == null ? null : watch.innermost;
    }

    private static @Nullable Watch watchOfThread() {
        return Thread.currentThread() instanceof WatchedThread worker ? worker.watch() : WATCH.get();
    }

    /** Tells how far the task is, now or later. */
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
     * Ends the run: tells the last report.
     *
     * @param ranNanos how long it took
     * @return its processor time, or {@link TaskObserver#UNKNOWN}
     */
    long end(long ranNanos) {
        watch.innermost = outer;
        try {
            if (outer == null && !(Thread.currentThread() instanceof WatchedThread)) {
                WATCH.remove(); // the thread may be anybody's
            }
            if (gate != null) {
                tell(gate.end());
            }
            if (cpuBefore < 0 || ranNanos < Math.max(PERIOD_NANOS, TIMES * errorNanos)) {
                return TaskObserver.UNKNOWN;
            }
            long cpu = Math.min(watch.ask() - cpuBefore, ranNanos);
            return cpu > 0 ? cpu : TaskObserver.UNKNOWN; // 0 by a clock that is too coarse
        } catch (Throwable e) { // no stack
            return TaskObserver.UNKNOWN;
        }
    }
}
