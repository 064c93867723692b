package dev.sennit;

import dev.sennit.internal.Timers;
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
 * A task that is tried again: the one that the caller's future belongs to, and that the statistics count. Its attempts are
 * submissions of the kind's own, one after another, which nobody else sees.
 *
 * <p>It is started with its first attempt, runs - back-offs included - until {@link RetryProgress} says that it is over,
 * and leaves the pool when it is settled and no run of an attempt goes on: {@code holds} counts both.
 *
 * <p>Attempts follow one another through the {@link TaskFuture#onDone} of the one before, so only one thread at a time has
 * the progress. Whoever settles this from outside ends the attempt that is under way, or calls off the timer of the next.
 */
final class RetriedSubmission<T extends @Nullable Object> extends Submission<T> implements Owner {
    private static final Duration AT_ONCE = Duration.ofNanos(1);

    private final RetryProgress progress;
    /** One until there will be no other attempt, and one for each attempt until its run is over. */
    private final AtomicInteger holds = new AtomicInteger(1);
    /** How long its attempts ran. One whose time was over may go on beside the next. */
    private final AtomicLong ranNanos = new AtomicLong();
    /** Whether the attempts are made in the submitter's thread. Written before anybody else sees this. */
    private boolean runsHere;

    /** Guarded by this. The attempt under way, the last one, or the first one to come. */
    private Submission<T> attempt;
    /** Guarded by this. What begins the next attempt. */
    private @Nullable Future<?> timer;
    /** Guarded by this. Whether there is to be no other attempt. */
    private boolean calledOff;
    /** The thread that ends the future and calls its callbacks. Set by that thread. */
    private volatile @Nullable Thread finisher;
    /** Signalled when another attempt is under way. */
    private final WorkSignal attempts = new WorkSignal();

    RetriedSubmission(AbstractPool pool, Callable<T> body, TaskOptions options, Retry retry, Submission<T> first) {
        super(pool, body, options.withoutLimits());
        this.progress = retry.begin();
        this.attempt = first;
    }

    // ---- attempts on workers ----

    /** Makes it ready to be called off, and so to be seen by others. */
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

    /** Before anybody can end it. */
    private void prepare(Submission<T> next) {
        next.isAttemptAt(this);
        holds.incrementAndGet();
        pool().enterAgain();
        if (!runsHere) {
            next.future().onDone(this::attemptEnded);
        }
    }

    /** Makes another attempt the one under way; null when there is to be none. */
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

    /** A worker begins an attempt; false when this was settled just before, and the attempt is not to be made. */
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
    public void ranFor(long nanos) {
        ranNanos.addAndGet(nanos);
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

    /** Deals with the end of an attempt; returns the wait before the next, or null when there is none. */
    private @Nullable Duration next(TaskFuture<T> done) {
        Duration wait;
        try {
            wait = decide(done);
        } catch (Throwable e) { // a clock or a callback of the retry's: user code
            fail(progress.end(e), ranNanos.get());
            wait = null;
        }
        if (wait == null) {
            release();
        }
        return wait;
    }

    /** Settles the task, or returns the wait before the next attempt. */
    private @Nullable Duration decide(TaskFuture<T> done) {
        start(); // an attempt may fail without having begun
        if (!isRunning()) {
            progress.end(new CancellationException());
            return null;
        }
        if (failureOf(done) instanceof WorkerStartException noWorkers) { // there will be none for another either
            fail(progress.end(noWorkers), ranNanos.get());
            return null;
        }
        T value = done.state() == Future.State.SUCCESS ? done.resultNow() : null;
        Duration wait = progress.afterAttempt(value, failureOf(done));
        if (wait != null) {
            pool().counters().retried();
            return wait;
        }
        Throwable failure = progress.failure();
        if (failure == null) {
            succeed(value, ranNanos.get());
        } else {
            fail(failure, ranNanos.get());
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
     * @param wasRefused whether the pool would not have the one before: dispatching it called this, and might do so again
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
        } catch (RuntimeException | Error e) { // no thread to be had, say: nobody will make the next attempt
            fail(progress.end(e), ranNanos.get());
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
                return; // called off: whoever took the timer goes on
            }
            timer = null;
        }
        dispatchNext();
    }

    private void dispatchNext() {
        holds.incrementAndGet(); // somebody may end it, and the pool with it, before it is dispatched
        try {
            Submission<T> next;
            try {
                next = nextUnderWay();
            } catch (Throwable e) { // the kind could not make it
                fail(progress.end(e), ranNanos.get());
                release();
                return;
            }
            if (next == null) {
                noOther();
            } else {
                pool().dispatchAttempt(next);
            }
        } catch (RuntimeException | Error e) {
            // the attempt has failed with it, and so has said what comes next
        } finally {
            release();
        }
    }

    private void noOther() {
        progress.end(new CancellationException());
        release();
    }

    /** When the last one calls it, nothing of this task goes on. */
    private void release() {
        if (holds.decrementAndGet() == 0) {
            ended(ranNanos.get());
            runMayBeOver();
        }
    }

    @Override
    void finish(@Nullable T value, @Nullable Throwable failure) {
        finisher = Thread.currentThread();
        try {
            super.finish(value, failure);
        } finally {
            finisher = null;
        }
    }

    /** Inside of its attempt, or of a callback: after that, the same thread releases this, unless it was stopped from outside. */
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

    /** The run of an attempt may outlast the next attempt, and the future. */
    @Override
    boolean isRunOver() {
        return holds.get() == 0 && super.isRunOver();
    }

    // ---- attempts in the caller ----

    /** Makes all attempts in the calling thread. */
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

    /** Lets the time before the next attempt pass; false when there is to be none. */
    private boolean waitHere(Duration wait) {
        try {
            future().get(Timers.nanos(wait), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(progress.end(e), ranNanos.get());
            return false;
        } catch (ExecutionException | CancellationException e) {
            // it was settled from outside
        }
        progress.end(new CancellationException());
        return false;
    }

    // ---- from outside ----

    /**
     * Ends the attempt that is under way, or calls off the next: the future has been settled.
     *
     * @param interrupt whether an attempt that has begun is to be ended
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

    @Override
    void stopRun(boolean interrupt) {
        callOff(interrupt);
    }

    /** Its attempt says when that has ended. */
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

    /** A worker that waits for this task makes its attempts itself when nobody else has begun them. */
    @Override
    void aboutToWait(boolean interruptibly) {
        helpUntilDone(interruptibly, () -> runAttempt(interruptibly));
    }

    /** Runs the attempt if nobody has begun it; returns what is completed when there is another. */
    private CompletableFuture<?> runAttempt(boolean interruptibly) {
        CompletableFuture<?> next = attempts.next();
        underWay().aboutToWait(interruptibly);
        return next;
    }
}
