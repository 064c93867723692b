package dev.sennit;

import dev.sennit.internal.Durations;
import dev.sennit.internal.Interrupts;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Turns;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One task on its way through a pool, as the pool sees it; the caller holds its {@link TaskFuture}.
 *
 * <p>For authors of pools. A kind that runs tasks in this JVM calls {@link #run()}. A kind that runs them elsewhere
 * calls {@link #start()} when it hands the task over, {@link #succeed} or {@link #fail} when the answer is there, and
 * {@link #ended} when the worker is free again.
 *
 * <pre>
 * States:
 *   QUEUED  -> RUNNING  -> ENDED     the usual way: whoever runs it settles the future
 *   QUEUED  -> DROPPED               the future was settled from outside before anybody began
 *   QUEUED  -> SENT -> RUNNING       it was sent to a worker that is still busy; until that one begins it, it can be
 *                                    taken back (SENT -> QUEUED), to be dropped or to run elsewhere
 *   RUNNING -> STOPPING -> ENDED     the future was settled from outside (cancel, time limit, complete) while the run
 *                                    goes on; what the run brings is thrown away
 * </pre>
 *
 * <p>Exactly one compare-and-set decides who settles the future, and that one counts it in the pool's statistics.
 *
 * @param <T> the type of the result
 */
public class Submission<T extends @Nullable Object> {
    private static final int QUEUED = 0;
    private static final int RUNNING = 1;
    private static final int STOPPING = 2;
    private static final int ENDED = 3;
    private static final int DROPPED = 4;
    private static final int SENT = 5;
    private static final String[] STATE_NAMES = {"QUEUED", "RUNNING", "STOPPING", "ENDED", "DROPPED", "QUEUED"};

    private static final VarHandle STATE;
    private static final VarHandle IS_LOAD;
    private static final VarHandle HOLDS_PLACE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Submission.class, "state", int.class);
            IS_LOAD = MethodHandles.lookup().findVarHandle(Submission.class, "isLoad", boolean.class);
            HOLDS_PLACE = MethodHandles.lookup().findVarHandle(Submission.class, "holdsPlace", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final AbstractPool pool;
    private final Callable<T> body;
    private final TaskOptions options;
    private final TaskFuture<T> future = new TaskFuture<>(this);
    /** Written before dispatch. */
    private long submitter = Thread.currentThread().threadId();
    /** Moved on, before dispatch, by a delay that was asked for. */
    private long submittedAt = System.nanoTime();

    private volatile int state;
    /** The thread inside {@link #run()}. Set by that thread; cleared, and interrupted, only under this object's lock. */
    private volatile @Nullable Thread runner;
    /** How deep in that thread: see {@link Interrupts}. Written before it. */
    private int depth;
    /** Guarded by this. Whether the runner was interrupted on behalf of this submission. */
    private boolean interruptSent;
    /** Written by whoever started it, before anybody else can end it. */
    private long startedAt;
    /** Written before it is queued again. */
    private boolean wasHandedBack;
    /** Guarded by this. The pending time limit. */
    private @Nullable Future<?> timeLimit;
    /** Whether it holds a place of a bounded backlog. Written before dispatch, and by whoever gives it back. */
    volatile boolean holdsPlace;
    /** Whether its pool counts it as load. */
    private volatile boolean isLoad;
    /** Called once it is in, before it is dispatched. Written before it is admitted. */
    @Nullable Runnable whenIn;
    /** Called once its run has ended or will never begin. Written before dispatch. */
    @Nullable Runnable whenOver;
    /** What it is an attempt of, which is then what counts. Written before dispatch. */
    @Nullable RetriedSubmission<?> retried;
    /** Whether it is a chunk of a {@link MapSubmission}. Written before it is admitted. */
    boolean isOfMap;
    /** Whether a failure has no reader ({@code execute}) and goes to the uncaught-exception handler. Written before dispatch. */
    boolean reportsFailure;

    /**
     * Creates a submission that waits.
     *
     * @param pool the pool it belongs to
     * @param body what to call
     * @param options its name and limits
     */
    @SuppressWarnings("this-escape") // the future only keeps the reference
    protected Submission(AbstractPool pool, Callable<T> body, TaskOptions options) {
        this.pool = Objects.requireNonNull(pool, "pool");
        this.body = Objects.requireNonNull(body, "task");
        this.options = Objects.requireNonNull(options, "options");
    }

    /**
     * What the caller holds.
     *
     * @return the future
     */
    public final TaskFuture<T> future() {
        return future;
    }

    /**
     * The task's body.
     *
     * @return what to call
     */
    public final Callable<T> body() {
        return body;
    }

    /**
     * The name given in the options, or one made from the body's class.
     *
     * @return the name
     */
    public final String name() {
        String given = options.name();
        return given != null ? given : TaskNames.of(body);
    }

    /**
     * The class the submitter wrote: of the task, or of the runnable or function that the library made a task of.
     *
     * @return the class
     */
    public final Class<?> writtenClass() {
        return TaskNames.written(body).getClass();
    }

    /** Whether the calling thread submitted it. */
    final boolean isOfThisThread() {
        return submitter == Thread.currentThread().threadId();
    }

    /** An attempt may be made in another thread than its task. */
    final void isOfSubmitterOf(Submission<?> task) {
        submitter = task.submitter;
    }

    final AbstractPool pool() {
        return pool;
    }

    /**
     * Its name and limits.
     *
     * @return the options it was made with
     */
    public final TaskOptions options() {
        return options;
    }

    /**
     * How long ago it was submitted, or the delay it was submitted with came to its end.
     *
     * @return its age
     */
    public final Duration age() {
        return Duration.ofNanos(System.nanoTime() - submittedAt);
    }

    /** The delay it was submitted with is over: from here on it waits for a worker. */
    final void isDue() {
        submittedAt = System.nanoTime();
    }

    final String stateName() {
        return STATE_NAMES[state];
    }

    /**
     * Whether it still waits for a worker.
     *
     * @return true until it is started or dropped
     */
    public final boolean isQueued() {
        int seen = state;
        return seen == QUEUED || seen == SENT;
    }

    /**
     * Whether it runs and its future is still open.
     *
     * @return true between start and settlement
     */
    public final boolean isRunning() {
        return state == RUNNING;
    }

    final void countAsLoad() {
        isLoad = true;
    }

    /** Returns true for one caller, of a submission that was counted as load. */
    final boolean endsLoad() {
        return isLoad && IS_LOAD.compareAndSet(this, true, false);
    }

    /** True for one caller, if it holds a place: who drops a task that is tried again may meet the end of its attempt. */
    final boolean givesUpPlace() {
        return holdsPlace && HOLDS_PLACE.compareAndSet(this, true, false);
    }

    /** What it would have run, as {@link AbstractPool#shutdownNow} returns it. */
    final Runnable asRunnable() {
        if (body instanceof RunnableTask<?> task) {
            return task.runnable();
        }
        return () -> {
            try {
                body.call();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new CompletionException(e);
            }
        };
    }

    /** Whether it was settled before anybody began it. */
    final boolean neverBegan() {
        return state == DROPPED;
    }

    /** Whether its run goes on although its future is settled. */
    final boolean isStopping() {
        return state == STOPPING;
    }

    /**
     * Claims it for a worker. From here its time limit counts.
     *
     * @return false when somebody else started it or it was dropped; the caller then leaves it alone
     */
    public final boolean start() {
        return STATE.compareAndSet(this, QUEUED, RUNNING) && started();
    }

    private boolean started() {
        startedAt = System.nanoTime();
        counters().started(startedAt - submittedAt);
        boolean isOfNoUse = retried != null && !wasHandedBack && !retried.attemptBegan();
        Duration limit = options.timeout();
        if (limit != null) {
            startTimeLimit(limit);
        }
        if (isOfNoUse || pool.isStopping()) {
            settle(null, new CancellationException(), true);
        }
        return true;
    }

    /**
     * Says that it was sent to a worker that has to finish another task first.
     *
     * @return false when somebody else started it or it was dropped; the caller then makes sure that it is not run
     */
    public final boolean sent() {
        return STATE.compareAndSet(this, QUEUED, SENT);
    }

    /**
     * Says that the worker it was sent to has begun it, or cannot be kept from it any more. From here its time limit
     * counts.
     *
     * @return false when that was said before
     */
    public final boolean startSent() {
        return STATE.compareAndSet(this, SENT, RUNNING) && started();
    }

    /**
     * Says that it was taken back from the worker it was sent to, which will not begin it.
     */
    public final void takenBack() {
        if (!STATE.compareAndSet(this, SENT, QUEUED)) {
            throw new IllegalStateException(this + " was taken back, but not sent");
        }
    }

    /**
     * Called for a task that was {@link #sent}, before it is settled from outside: takes it back, and says {@link
     * #takenBack}, or says {@link #startSent} when it is too late for that.
     */
    protected void takeBackOrStart() {
        throw new UnsupportedOperationException("a kind that sends tasks has to take them back");
    }

    /**
     * Whether its run has ended elsewhere, although nobody here has heard of it yet: its time limit stops it no more.
     *
     * @return false unless the kind knows
     */
    protected boolean hasRun() {
        return false;
    }

    private void startTimeLimit(Duration limit) {
        Future<?> pending = Timers.after(limit, () -> {
            if (!hasRun()) {
                settle(null, new TimeoutException("task " + name() + " ran longer than " + Durations.text(limit) + " on "
                        + pool.name() + " and was stopped"), true);
            }
        });
        synchronized (this) {
            timeLimit = pending;
        }
        if (state != RUNNING) { // settled meanwhile, by somebody who found nothing to call off
            cancelTimeLimit();
        }
    }

    /**
     * Runs the task in the calling thread, from {@link #start} to {@link #ended}; does nothing if it was claimed or
     * dropped before.
     */
    public final void run() {
        if (!start()) {
            return;
        }
        T value = null;
        Throwable failure = null;
        try {
            depth = Interrupts.depth();
            runner = Thread.currentThread();
            if (state == RUNNING) { // else it was settled before there was a thread to interrupt: nobody wants the result
                value = body.call();
            }
        } catch (Throwable e) { // an Error is the task's failure too, and the worker goes on
            failure = e;
        }
        long nanos = System.nanoTime() - startedAt;
        if (failure == null ? !succeed(value, nanos) : !fail(failure, nanos)) {
            endStopped(nanos);
        }
        pool.ended(this);
    }

    /** After a run that was stopped: takes back the interrupt that was meant for it. */
    private void endStopped(long nanos) {
        boolean wasInterrupted;
        synchronized (this) {
            runner = null;
            wasInterrupted = interruptSent;
        }
        if (wasInterrupted) {
            Thread.interrupted();
        }
        stoppedRunEnded(nanos);
    }

    private void stoppedRunEnded(long nanos) {
        state = ENDED;
        countRun(nanos);
    }

    /**
     * Settles the future with the run's value.
     *
     * @param value the result
     * @param runNanos how long the run took, in nanoseconds
     * @return false when it had been settled from outside
     */
    public final boolean succeed(@Nullable T value, long runNanos) {
        return endRun(value, null, runNanos);
    }

    /**
     * Settles the future with the run's failure.
     *
     * @param failure what the run threw, or why it could not be finished
     * @param runNanos how long the run took, in nanoseconds
     * @return false when it had been settled from outside
     */
    public final boolean fail(Throwable failure, long runNanos) {
        return endRun(null, Objects.requireNonNull(failure, "failure"), runNanos);
    }

    private boolean endRun(@Nullable T value, @Nullable Throwable failure, long runNanos) {
        if (!STATE.compareAndSet(this, RUNNING, ENDED)) {
            return false;
        }
        runner = null;
        countRun(runNanos);
        pool.releasePlace(this); // before anybody sees the future done: then there is room for the next
        finish(value, failure);
        return true;
    }

    /**
     * Gives a task that was handed over, but certainly not begun, back to the pool to be run by another worker.
     *
     * @return false when it was settled from outside meanwhile; it has then ended
     */
    public final boolean handBack() {
        wasHandedBack = true;
        if (!STATE.compareAndSet(this, RUNNING, QUEUED)) {
            return false;
        }
        cancelTimeLimit();
        counters().handedBack(startedAt - submittedAt);
        return true;
    }

    /**
     * Says that the worker is free of this submission: the last call for one that was started elsewhere.
     *
     * @param runNanos how long the run took, counted only if the future was settled from outside
     */
    public final void ended(long runNanos) {
        if (state == STOPPING) {
            stoppedRunEnded(runNanos);
        }
        pool.ended(this);
    }

    /**
     * How long ago it was started.
     *
     * @return nanoseconds
     */
    public final long nanosSinceStart() {
        return System.nanoTime() - startedAt;
    }

    /**
     * Settles the future from outside, unless it is settled: a task that waits is dropped, one that runs is stopped.
     *
     * @param value the result, where failure is null
     * @param failure the failure, or null
     * @param interrupt whether a run that has begun is to be ended
     * @return whether this call settled it
     */
    public final boolean settle(@Nullable T value, @Nullable Throwable failure, boolean interrupt) {
        while (true) {
            switch (state) {
                case QUEUED -> {
                    if (STATE.compareAndSet(this, QUEUED, DROPPED)) {
                        counters().dropped();
                        pool.releasePlace(this);
                        pool.whileDropping(() -> finish(value, failure));
                        pool.dropped(this);
                        return true;
                    }
                }
                case RUNNING -> {
                    if (STATE.compareAndSet(this, RUNNING, STOPPING)) {
                        pool.stopRun(this, interrupt);
                        finish(value, failure);
                        return true;
                    }
                }
                case SENT -> takeBackOrStart();
                default -> {
                    return false;
                }
            }
        }
    }

    private void finish(@Nullable T value, @Nullable Throwable failure) {
        cancelTimeLimit();
        if (failure == null) {
            counters().succeeded();
        } else if (failure instanceof CancellationException) {
            counters().cancelled();
        } else {
            counters().failed();
            if (reportsFailure) {
                Uncaught.report(failure);
            }
        }
        future.finish(value, failure);
    }

    private void cancelTimeLimit() {
        if (options.timeout() == null) {
            return;
        }
        synchronized (this) {
            if (timeLimit != null) {
                timeLimit.cancel(false);
                timeLimit = null;
            }
        }
    }

    /** Interrupts the thread inside {@link #run()}, if the run has begun and not ended. */
    final void interruptRunner() {
        synchronized (this) {
            Thread thread = runner;
            if (thread != null) {
                interruptSent = true;
                Interrupts.interrupt(thread, depth);
            }
        }
    }

    /** Called by a thread that is going to wait for the future: see {@link AbstractPool#aboutToWait}. */
    void aboutToWait(boolean interruptibly) {
        pool.aboutToWait(this);
    }

    /**
     * For a task that consists of others: a worker that waits for it runs those, one after another as they come, until the
     * future is done.
     *
     * @param step runs what can be run; returns what is completed when there is more
     */
    final void helpUntilDone(boolean interruptibly, Supplier<CompletableFuture<?>> step) {
        boolean interrupted = false;
        while (pool.isWorker() && !future.isDone()) {
            CompletableFuture<?> more = step.get();
            Turns.Turn mine = Turns.giveUp();
            try {
                CompletableFuture.anyOf(future, more).get();
            } catch (InterruptedException e) {
                interrupted = true;
                if (interruptibly) {
                    break;
                }
            } catch (ExecutionException | CancellationException e) {
                break; // the future failed
            } finally {
                Turns.regain(mine);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** See {@link TaskFuture#help}. */
    void help(Runnable onMore) {
        pool.aboutToWait(this);
    }

    /** Attempts are not counted: their task is. Nor is what only submits others. */
    private Counters counters() {
        return retried == null && !(this instanceof MapSubmission) ? pool.counters() : pool.countersOfAttempts();
    }

    private void countRun(long nanos) {
        counters().ranFor(nanos);
        if (retried != null) {
            retried.attemptRan(nanos);
        }
    }

    @Override
    public String toString() {
        return "Submission[" + name() + ", " + stateName() + "]";
    }
}
