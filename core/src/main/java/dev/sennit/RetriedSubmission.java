package dev.sennit;

import dev.sennit.internal.Timers;
import dev.sennit.internal.view.TaskObserver;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A task with a retry. The caller's future belongs to it, and the statistics count it. Its attempts are submissions of
 * the kind's own, one after another, which are visible only here.
 *
 * <p>It starts with its first attempt, and runs - back-offs included - until {@link RetryProgress} decides that no
 * attempt follows. It leaves the pool when it is settled and no run of an attempt goes on: {@code holds} counts both.
 *
 * <p>The {@link TaskFuture#onDone} callback of an attempt makes the next attempt, so only one thread at a time uses the
 * progress. A thread that settles the task from outside stops the current attempt, or cancels the timer of the next.
 */
final class RetriedSubmission<T extends @Nullable Object> extends Submission<T> implements Owner {
    private static final Duration AT_ONCE = Duration.ofNanos(1);

    private final RetryProgress progress;
    /** One hold until no attempt will follow, and one for each attempt until its run is over. */
    private final AtomicInteger holds = new AtomicInteger(1);
    /** How long its attempts ran in total. An attempt that exceeded its time limit may still run beside the next. */
    private final AtomicLong ranNanos = new AtomicLong();
    /** The processor time of its attempts in total; less than 0 once that of one is not known. */
    private final AtomicLong cpuNanos = new AtomicLong();
    /** Whether the attempts run in the submitter's thread. Written before this is published. */
    private boolean runsHere;

    /** Guarded by this. The current attempt; before it begins, the first; between two attempts, the last. */
    private Submission<T> attempt;
    /** Guarded by this. The timer of the next attempt, or null. */
    private @Nullable Future<?> timer;
    /** Guarded by this. Whether no further attempt is to begin. */
    private boolean calledOff;
    /** The thread that completes the future and runs its callbacks. Set by that thread. */
    private volatile @Nullable Thread finisher;
    /** Notified of each further attempt. */
    private final WorkSignal attempts = new WorkSignal();

    RetriedSubmission(AbstractPool pool, Callable<T> body, TaskOptions options, Retry retry, Submission<T> first) {
        super(pool, body, options.withoutLimits());
        this.progress = retry.begin();
        this.attempt = first;
    }

    // ---- attempts on workers ----

    /** Publishes the task, once other threads can call it off. */
    @Override
    void admitted(boolean here) {
        runsHere = here;
        prepare(attempt);
        pool().retrying().add(this);
        super.admitted(here);
    }

    @Override
    boolean mayEndEarly() {
        return true;
    }

    /** Hands the first attempt to the pool. */
    @Override
    void dispatch() {
        pool().dispatchAttempt(attempt);
    }

    /** Prepares an attempt, before other threads can end it. */
    private void prepare(Submission<T> next) {
        next.isAttemptAt(this);
        holds.incrementAndGet();
        pool().enterAgain();
        if (!runsHere) {
            next.future().onDone(this::attemptEnded);
        }
    }

    /** Creates the next attempt, and makes it the current one; returns null when none is to follow. */
    private synchronized @Nullable Submission<T> nextUnderWay() {
        if (calledOff || !isRunning()) {
            return null;
        }
        Submission<T> next = pool().again(attempt);
        prepare(next);
        attempt = next;
        attempts.signal();
        return next;
    }

    // ---- as the owner of its attempts ----

    /**
     * Called when a worker begins an attempt; returns false when the task has been settled, and the attempt must not
     * run.
     */
    @Override
    public boolean begins() {
        start();
        if (!isRunning()) {
            return false;
        }
        progress.beforeAttempt();
        return true;
    }

    @Override
    public void ranFor(long nanos, long cpu) {
        ranNanos.addAndGet(nanos);
        cpuNanos.updateAndGet(sum -> sum < 0 || cpu < 0 ? TaskObserver.UNKNOWN : sum + cpu);
    }

    private long cpu() {
        long sum = cpuNanos.get();
        return sum > 0 ? sum : TaskObserver.UNKNOWN; // 0 before the first attempt
    }

    @Override
    public void over() {
        release();
    }

    @Override
    public boolean countsParts() {
        return false;
    }

    @Override
    public boolean repeatsParts() {
        return true;
    }

    private void attemptEnded(TaskFuture<T> done) {
        boolean wasRefused;
        synchronized (this) {
            wasRefused = attempt.neverBegan();
        }
        Duration wait = next(done);
        if (wait != null) {
            dispatchAfter(wait, wasRefused);
        }
    }

    /** Handles the end of an attempt; returns the wait before the next attempt, or null when none follows. */
    private @Nullable Duration next(TaskFuture<T> done) {
        Duration wait;
        try {
            wait = decide(done);
        } catch (Throwable e) { // from a clock or a callback of the retry: user code
            fail(progress.end(e), ranNanos.get(), cpu());
            wait = null;
        }
        if (wait == null) {
            release();
        }
        return wait;
    }

    /** Settles the task, or returns the wait before the next attempt. */
    private @Nullable Duration decide(TaskFuture<T> done) {
        start(); // the attempt may have failed without having begun
        if (!isRunning()) {
            progress.end(new CancellationException());
            return null;
        }
        if (failureOf(done) instanceof WorkerStartException noWorkers) { // another attempt would have no worker either
            fail(progress.end(noWorkers), ranNanos.get(), cpu());
            return null;
        }
        T value = done.state() == Future.State.SUCCESS ? done.resultNow() : null;
        Duration wait = progress.afterAttempt(value, failureOf(done));
        if (wait != null) {
            pool().counters().retried();
            tellRetried();
            return wait;
        }
        Throwable failure = progress.failure();
        if (failure == null) {
            succeed(value, ranNanos.get(), cpu());
        } else {
            fail(failure, ranNanos.get(), cpu());
        }
        return null;
    }

    private static @Nullable Throwable failureOf(TaskFuture<?> done) {
        return switch (done.state()) {
            case FAILED -> done.exceptionNow();
            case CANCELLED -> cancellationOf(done);
            default -> null;
        };
    }

    private static Throwable cancellationOf(TaskFuture<?> done) {
        try {
            done.getNow(null);
            throw new AssertionError(done + " is not cancelled");
        } catch (CancellationException e) {
            return e;
        }
    }

    /**
     * Dispatches the next attempt when the time has come.
     *
     * @param wasRefused whether the pool refused the attempt before: that dispatch called this method, and without a
     *     timer the next dispatch would call it recursively
     */
    private void dispatchAfter(Duration wait, boolean wasRefused) {
        boolean over;
        try {
            synchronized (this) {
                over = calledOff;
                if (!over && (wait.isPositive() || wasRefused)) {
                    timer = pool().callAfter(wait.isPositive() ? wait : AT_ONCE, this::timeHasCome);
                    return;
                }
            }
        } catch (RuntimeException | Error e) { // no thread, for example: no timer will begin the next attempt
            fail(progress.end(e), ranNanos.get(), cpu());
            release();
            return;
        }
        if (over) {
            noOther();
        } else {
            dispatchNext();
        }
    }

    private void timeHasCome() {
        synchronized (this) {
            if (timer == null) {
                return; // called off: the thread that took the timer goes on
            }
            timer = null;
        }
        dispatchNext();
    }

    private void dispatchNext() {
        holds.incrementAndGet(); // another thread may end the attempt, and with it the pool, before it is dispatched
        try {
            Submission<T> next;
            try {
                next = nextUnderWay();
            } catch (Throwable e) { // the kind could not make it
                fail(progress.end(e), ranNanos.get(), cpu());
                release();
                return;
            }
            if (next == null) {
                noOther();
            } else {
                pool().dispatchAttempt(next);
            }
        } catch (RuntimeException | Error e) {
            // the attempt has failed with this exception, and its callback has decided what follows
        } finally {
            release();
        }
    }

    private void noOther() {
        progress.end(new CancellationException());
        release();
    }

    /** Releases a hold. The last release ends the task: no attempt runs or is pending. */
    private void release() {
        if (holds.decrementAndGet() == 0) {
            ended(ranNanos.get(), cpu());
            runMayBeOver();
        }
    }

    @Override
    void finish(@Nullable T value, @Nullable Throwable failure, long ran, long cpu) {
        finisher = Thread.currentThread();
        try {
            super.finish(value, failure, ran, cpu);
        } finally {
            finisher = null;
        }
    }

    /**
     * Returns whether the calling thread runs the current attempt or, unless the task was stopped from outside, a
     * callback: then the same thread releases the task afterwards.
     */
    @Override
    boolean isInside() {
        return underWay().isInside() || (finisher == Thread.currentThread() && !isStopping());
    }

    @Override
    boolean waitsForItself() {
        return underWay().waitsForItself();
    }

    private synchronized Submission<T> underWay() {
        return attempt;
    }

    /** Returns whether all runs are over: the run of an attempt may outlast the next attempt, and the future. */
    @Override
    boolean isRunOver() {
        return holds.get() == 0 && super.isRunOver();
    }

    // ---- attempts in the caller ----

    /** Runs all attempts in the calling thread. */
    @Override
    void runHere() {
        for (Submission<T> next = attempt; next != null; next = nextUnderWay()) {
            pool().runOneHere(next);
            Duration wait = next(next.future());
            if (wait == null) {
                return;
            }
            if (!waitHere(wait)) {
                release();
                return;
            }
        }
        noOther();
    }

    /** Waits before the next attempt; returns false when none is to follow. */
    private boolean waitHere(Duration wait) {
        try {
            future().get(Timers.nanos(wait), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(progress.end(e), ranNanos.get(), cpu());
            return false;
        } catch (ExecutionException | CancellationException e) {
            // it was settled from outside
        }
        progress.end(new CancellationException());
        return false;
    }

    // ---- from outside ----

    /**
     * Stops the current attempt, or calls off the next, as the future is being settled from outside.
     *
     * @param interrupt whether to stop an attempt that has begun
     */
    private void callOff(boolean interrupt) {
        Submission<T> underWay;
        Future<?> pending;
        synchronized (this) {
            calledOff = true;
            underWay = attempt;
            pending = timer;
            timer = null;
        }
        try {
            if (interrupt) {
                pool().cancelNow(underWay);
            } else {
                underWay.settle(null, new CancellationException(), false);
            }
        } finally {
            if (pending != null) {
                pending.cancel(false);
                noOther();
            }
        }
    }

    /** Tells the attempt under way; those that follow ask this. */
    @Override
    void tellStopRequested() {
        pool().stopRequested(underWay());
    }

    @Override
    void stopRun(boolean interrupt) {
        callOff(interrupt);
    }

    /** Calls off the attempt, whose end then takes the task out of the pool. */
    @Override
    void dropped() {
        pool().forgetDelay(this);
        callOff(true);
    }

    @Override
    void left() {
        pool().retrying().remove(this);
        super.left();
    }

    @Override
    void help(Runnable onMore) {
        attempts.callOnce(onMore);
        underWay().help(onMore);
    }

    @Override
    void helpNoMore(Runnable onMore) {
        attempts.forget(onMore);
        super.helpNoMore(onMore);
    }

    /** Has a worker that waits for this task run those attempts that no other thread has begun. */
    @Override
    void aboutToWait(boolean interruptibly) {
        helpUntilDone(interruptibly, () -> runAttempt(interruptibly));
    }

    /** Runs the attempt if no other thread has begun it; returns a future that is completed when there is another. */
    private CompletableFuture<?> runAttempt(boolean interruptibly) {
        CompletableFuture<?> next = attempts.next();
        underWay().aboutToWait(interruptibly);
        return next;
    }
}
