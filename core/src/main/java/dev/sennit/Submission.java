package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Interrupts;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uncaught;
import dev.sennit.internal.Waits;
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
import java.util.concurrent.TimeUnit;
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
 *   QUEUED   -> RUNNING -> ENDED        the usual way: the worker that runs it settles the future
 *   QUEUED   -> DROPPED                 the future was settled from outside before a worker began it
 *   QUEUED   -> SENT    -> RUNNING      it was sent to a worker that is still busy; until that worker begins it, it can be taken
 *                                       back (SENT -> QUEUED), to be dropped or to run elsewhere
 *   RUNNING  -> STOPPING                the future is being settled from outside (cancel, time limit, complete) while the run
 *                                       goes on; what the run brings is thrown away. From there two things happen, in any order:
 *   STOPPING -> TOLD     -> ENDED       the future is done first, and then the run ends
 *   STOPPING -> RUN_OVER -> ENDED       the run ends first, and then the future is done
 * </pre>
 *
 * <p>Exactly one compare-and-set decides which thread settles the future, and that thread counts it in the pool's statistics.
 *
 * <h2>One ending</h2>
 *
 * <p>Each submission leaves its pool exactly once: when its future is done and its worker is free of it. The thread that brings
 * about the second of these does it. Whatever fails on the way - a timer that cannot be had, a kind that cannot stop a run, a
 * callback - fails the task or is logged; it never keeps the submission in the pool.
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
    private static final int TOLD = 6;
    private static final int RUN_OVER = 7;
    private static final String[] STATE_NAMES = {
        "QUEUED", "RUNNING", "STOPPING", "ENDED", "DROPPED", "QUEUED", "STOPPING", "STOPPING"
    };

    private static final long STOP_AGAIN_MILLIS = 100;
    private static final long LONGEST_STOP_AGAIN_MILLIS = 10_000;

    private static final VarHandle STATE;
    private static final VarHandle IS_LOAD;
    private static final VarHandle HOLDS_PLACE;
    private static final VarHandle RUNNER;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Submission.class, "state", int.class);
            IS_LOAD = MethodHandles.lookup().findVarHandle(Submission.class, "isLoad", boolean.class);
            HOLDS_PLACE = MethodHandles.lookup().findVarHandle(Submission.class, "holdsPlace", boolean.class);
            RUNNER = MethodHandles.lookup().findVarHandle(Submission.class, "runner", Thread.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // A million of these may wait at a time: what a plain task does not need is kept elsewhere, or in few bytes.

    private final AbstractPool pool;
    private final TaskOptions options;
    private final TaskFuture<T> future = new TaskFuture<>(this);

    private volatile int state;
    /**
     * The callable; after its last run the class that the submitter wrote, so that a future that is kept keeps nothing that its task
     * captured. Changed by the thread that ends the run; any other may see either.
     */
    private Object body;
    /** The low bits of the submitting thread's id, which tell threads that live at the same time apart. Written before dispatch. */
    private int submitter = (int) Thread.currentThread().threadId();
    /**
     * When it was queued, and from its start on when it was started. Written before dispatch, and then by the thread that moves it
     * to or from QUEUED.
     */
    private long since = Backend.current().nanoTime();
    /** The thread inside {@link #run()}. Set by that thread; interrupted under this object's lock, as long as the state is STOPPING. */
    private volatile @Nullable Thread runner;
    /** The whole that this is a part of. Written before it is admitted. */
    private @Nullable Owner owner;
    /** Guarded by this. The time limit of the run that goes on. */
    private @Nullable TimeLimit timeLimit;
    /** How deep in the thread it runs: see {@link Interrupts}. Written before {@link #runner}. */
    private short depth;
    /** Guarded by this. Whether the runner was interrupted on behalf of this submission. */
    private boolean interruptSent;
    /** Whether it was started before. Written before it is queued again. */
    private boolean wasHandedBack;
    /** Whether it holds a place of a bounded backlog. Written before dispatch, and by the thread that gives it back. */
    private volatile boolean holdsPlace;
    /** Whether its pool counts it as load. */
    private volatile boolean isLoad;
    /** Whether a failure has no reader ({@code execute}) and goes to the uncaught-exception handler. Written before dispatch. */
    private boolean reportsFailure;
    /** Whether somebody asked for its result, or will be told. Set once, by whoever does. */
    private volatile boolean isAsked;

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

    private Submission(AbstractPool pool, Class<?> written) {
        this.pool = pool;
        this.body = written;
        this.options = TaskOptions.NONE;
        this.state = ENDED;
    }

    /** A stand-in for the tasks of one class that have succeeded; it knows their pool and their class alone. */
    static Submission<?> ended(AbstractPool pool, Class<?> written) {
        return new Submission<>(pool, written);
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
     * @throws IllegalStateException if it has run, and will not run again
     */
    public final Callable<T> body() {
        if (!(body instanceof Callable<?> callable)) {
            throw new IllegalStateException(this + " has run, and its body is gone");
        }
        @SuppressWarnings("unchecked") // as the constructor got it
        Callable<T> known = (Callable<T>) callable;
        return known;
    }

    /** The run is over; unless there may be another, what the task captured is not needed any more. */
    private void releaseBody() {
        if (owner == null || !owner.repeatsParts()) {
            body = writtenClass();
            released();
        }
    }

    /** Called when it has run, and will not again: lets go of what only a run needs. The default does nothing. */
    protected void released() {}

    /**
     * The name given in the options, or one made from the body's class.
     *
     * @return the name
     */
    public final String name() {
        String given = options.name();
        return given != null ? given : TaskNames.ofClass(writtenClass());
    }

    /**
     * The class the submitter wrote: of the task, or of the runnable or function that the library made a task of.
     *
     * @return the class
     */
    public final Class<?> writtenClass() {
        Object seen = body;
        return seen instanceof Class<?> written ? written : TaskNames.written(seen).getClass();
    }

    /** Whether the calling thread submitted it. */
    final boolean isOfThisThread() {
        return submitter == (int) Thread.currentThread().threadId();
    }

    /** Makes it an attempt at a task, in whatever thread that is made: the task's submitter is its own. */
    final void isAttemptAt(RetriedSubmission<?> task) {
        submitter = ((Submission<?>) task).submitter;
        belongsTo(task);
    }

    /** Says what it is a part of; before it is admitted. */
    final void belongsTo(Owner newOwner) {
        owner = newOwner;
    }

    /** Says that its failure has no reader; before it is admitted. */
    final void reportsFailure() {
        reportsFailure = true;
    }

    /** Says that somebody asked for its result, or will be told of it; false if that was said before. */
    final boolean asked() {
        if (isAsked) {
            return false;
        }
        isAsked = true;
        return true;
    }

    final boolean isAsked() {
        return isAsked;
    }

    /** Whether nobody may hear of its failure: an owner tells of its parts, and {@code execute} of its tasks. */
    final boolean mayFailUnasked() {
        return owner == null && !reportsFailure && !isAsked;
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

    /** The delay it was submitted with is over: from here on it waits for a worker. */
    final void isDue() {
        since = Backend.current().nanoTime();
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

    /** Notes that it holds a place; before it is dispatched. */
    final void holdsPlace() {
        holdsPlace = true;
    }

    /** True for one caller, if it holds a place: the thread that drops a retried task may meet the end of its attempt. */
    final boolean givesUpPlace() {
        return holdsPlace && HOLDS_PLACE.compareAndSet(this, true, false);
    }

    /** What it would have run, as {@link AbstractPool#shutdownNow} returns it. */
    final Runnable asRunnable() {
        Callable<T> whole = body();
        Callable<T> task = whole instanceof InContext<T> wrapped ? wrapped.body() : whole;
        if (task instanceof RunnableTask<?> written) {
            return written.runnable();
        }
        return () -> {
            try {
                whole.call();
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
        int seen = state;
        return seen == STOPPING || seen == TOLD;
    }

    /**
     * Claims it for a worker. From here its time limit counts.
     *
     * @return false when somebody else started it or it was dropped; the caller then leaves it alone
     */
    public final boolean start() {
        return STATE.compareAndSet(this, QUEUED, RUNNING) && begun();
    }

    /** Begins what was moved to RUNNING, for a run elsewhere: if that fails, so does the task, and its run is stopped. */
    private boolean begun() {
        try {
            begin(Backend.current().nanoTime());
        } catch (Throwable e) { // no thread for a timer, say
            settle(null, e, true);
        }
        return true;
    }

    private void begin(long now) {
        counters().started(now - since);
        since = now;
        boolean isWanted = owner == null || wasHandedBack || owner.begins();
        if (options.timeout() != null) {
            startTimeLimit(options.timeout());
        }
        if (!isWanted || pool.isStopping()) {
            settle(null, new CancellationException(), true);
        }
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
        return STATE.compareAndSet(this, SENT, RUNNING) && begun();
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

    private void startTimeLimit(Duration length) {
        var limit = new TimeLimit(length);
        synchronized (this) {
            timeLimit = limit;
        }
        Future<?> pending = Timers.after(length, limit);
        boolean isWanted;
        synchronized (this) {
            limit.timer = pending;
            isWanted = timeLimit == limit && state == RUNNING;
        }
        if (!isWanted) { // settled or handed back meanwhile, by a thread that found no timer to call off
            pending.cancel(false);
        }
    }

    /** Stops one run. A task that is handed back has another for the next run. */
    private final class TimeLimit implements Runnable {
        private final Duration length;
        /** Guarded by the submission. */
        private @Nullable Future<?> timer;

        TimeLimit(Duration length) {
            this.length = length;
        }

        @Override
        public void run() {
            if (hasRun()) {
                return;
            }
            var failure = new TimeoutException("task " + name() + " ran longer than " + Durations.text(length) + " on "
                    + pool.name() + " and was stopped");
            synchronized (Submission.this) {
                if (timeLimit != this || !STATE.compareAndSet(Submission.this, RUNNING, STOPPING)) {
                    return; // of a run that is over
                }
            }
            stop(null, failure, true);
        }
    }

    /**
     * Runs the task in the calling thread, from {@link #start} to {@link #ended}; does nothing if it was claimed or
     * dropped before.
     */
    public final void run() {
        if (!STATE.compareAndSet(this, QUEUED, RUNNING)) {
            return;
        }
        T value = null;
        Throwable failure = null;
        long began = Backend.current().nanoTime();
        try {
            begin(began);
            depth = (short) Interrupts.depth();
            runner = Thread.currentThread();
            if (state == RUNNING) { // else it was settled before there was a thread to interrupt: nobody wants the result
                value = options.name() == null ? body().call() : callNamed(options.name());
            }
        } catch (Throwable e) { // an Error is the task's failure too, and the worker goes on
            failure = e;
        }
        long nanos = Backend.current().nanoTime() - began;
        boolean leaves = true;
        try {
            if (failure == null ? !succeed(value, nanos) : !fail(failure, nanos)) {
                takeBackInterrupt();
                leaves = endStopped(nanos);
            }
        } finally {
            if (leaves) {
                pool.ended(this);
            }
        }
    }

    /** Calls the body in a thread of the task's name. A thread that is not the pool's keeps its own. */
    private T callNamed(String name) throws Exception {
        Callable<T> call = body();
        Thread thread = Thread.currentThread();
        String before = thread.getName();
        if (pool.runsInCaller() || before.equals(name) || !pool.isWorker()) {
            return call.call();
        }
        thread.setName(name);
        try {
            return call.call();
        } finally {
            thread.setName(before);
        }
    }

    /** After a run that was stopped: what was meant for it does not reach what the thread does next. */
    private void takeBackInterrupt() {
        boolean wasInterrupted;
        synchronized (this) {
            runner = null;
            wasInterrupted = interruptSent;
        }
        if (wasInterrupted) {
            Thread.interrupted();
        }
    }

    /** The run of a submission that was settled from outside is over; returns whether it is for the caller to leave the pool. */
    private boolean endStopped(long nanos) {
        releaseBody();
        countRun(nanos);
        boolean leaves = !STATE.compareAndSet(this, STOPPING, RUN_OVER); // else the thread that settles the future, once that is done
        if (leaves) {
            state = ENDED;
        }
        runMayBeOver();
        return leaves;
    }

    /** Whether nothing of it runs, and nothing will. */
    boolean isRunOver() {
        int seen = state;
        return seen == ENDED || seen == DROPPED || seen == RUN_OVER;
    }

    /** Wakes the threads in {@link #awaitRunOver}; only where the run may have outlasted the future. */
    final void runMayBeOver() {
        synchronized (this) {
            notifyAll();
        }
    }

    /**
     * Waits until nothing of it runs; its future is done.
     *
     * @param deadline until when
     * @return false if the time was over first
     */
    final boolean awaitRunOver(Deadline deadline) throws InterruptedException {
        if (isRunOver()) {
            return true;
        }
        if (!deadline.isLimited() && isInside()) {
            throw waitForItself();
        }
        pool.aboutToWait();
        try (var _ = Waits.outOfTurn()) {
            synchronized (this) {
                while (!isRunOver()) {
                    if (!deadline.isLimited()) {
                        wait();
                    } else if (deadline.isOver()) {
                        return false;
                    } else {
                        TimeUnit.NANOSECONDS.timedWait(this, Math.max(1_000_000, deadline.left()));
                    }
                }
                return true;
            }
        }
    }

    /** The future of a submission that was settled from outside is done; the last of the two leaves the pool. */
    private void told() {
        if (!STATE.compareAndSet(this, STOPPING, TOLD)) {
            state = ENDED;
            pool.ended(this);
        }
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
        try {
            RUNNER.setRelease(this, null); // nobody interrupts it any more: the state says so
            releaseBody();
            if (failure == null && owner == null && options == TaskOptions.NONE && getClass() == Submission.class) {
                future.outlives(pool.endedTasks().of(pool, writtenClass()));
            }
            countRun(runNanos);
            pool.releasePlace(this); // before anybody sees the future done: then there is room for the next
        } finally {
            finish(value, failure);
        }
        return true;
    }

    /**
     * Gives a task that was handed over, but certainly not begun, back to the pool to be run by another worker.
     *
     * @return false when it was settled from outside meanwhile; it has then ended
     */
    public final boolean handBack() {
        cancelTimeLimit(); // before another run can have one; that of this run stops no other from here on
        wasHandedBack = true;
        long startedAt = since;
        since = Backend.current().nanoTime();
        if (!STATE.compareAndSet(this, RUNNING, QUEUED)) {
            since = startedAt;
            return false;
        }
        counters().handedBack();
        return true;
    }

    /**
     * Says that the worker is free of this submission: the last call for one that was started elsewhere.
     *
     * @param runNanos how long the run took, counted only if the future was settled from outside
     */
    public final void ended(long runNanos) {
        if (!isStopping() || endStopped(runNanos)) {
            pool.ended(this);
        }
    }

    /**
     * How long ago it was started; as long as it waits, how long it has waited.
     *
     * @return nanoseconds
     */
    public final long nanosSinceStart() {
        return Backend.current().nanoTime() - since;
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
                        drop(value, failure);
                        return true;
                    }
                }
                case RUNNING -> {
                    if (STATE.compareAndSet(this, RUNNING, STOPPING)) {
                        stop(value, failure, interrupt);
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

    private void drop(@Nullable T value, @Nullable Throwable failure) {
        try {
            pool.whileSettling(() -> {
                try {
                    counters().dropped();
                    pool.releasePlace(this);
                } finally {
                    finish(value, failure);
                }
            });
        } finally {
            dropped();
        }
    }

    private void stop(@Nullable T value, @Nullable Throwable failure, boolean interrupt) {
        try {
            pool.whileSettling(() -> {
                tryToStop(interrupt);
                finish(value, failure);
            });
        } finally {
            told();
        }
    }

    /**
     * A run that cannot be stopped goes on, and is waited for as one that heeds no interrupt; a timer tries again until it is over.
     */
    final void tryToStop(boolean interrupt) {
        try {
            stopRun(interrupt);
        } catch (Throwable e) { // the kind's code may do anything; the future has to get done
            Uncaught.log("run of " + this + " could not be stopped, and goes on; another try follows", e);
            stopLater(interrupt, STOP_AGAIN_MILLIS);
        }
    }

    private void stopLater(boolean interrupt, long millis) {
        try {
            Timers.after(Duration.ofMillis(millis), () -> {
                if (!isStopping()) {
                    return; // it is over
                }
                try {
                    stopRun(interrupt);
                } catch (Throwable e) { // as before: this was told once
                    stopLater(interrupt, Math.min(2 * millis, LONGEST_STOP_AGAIN_MILLIS));
                }
            });
        } catch (Throwable e) {
            Uncaught.log("run of " + this + " goes on: no timer for another try to stop it", e);
        }
    }

    /** Ends the future, and calls its callbacks. */
    void finish(@Nullable T value, @Nullable Throwable failure) {
        try {
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
        } finally {
            future.finish(value, failure);
        }
    }

    private void cancelTimeLimit() {
        if (options.timeout() == null) {
            return;
        }
        synchronized (this) {
            TimeLimit limit = timeLimit;
            if (limit != null && limit.timer != null) {
                limit.timer.cancel(false);
            }
            timeLimit = null;
        }
    }

    /** Interrupts the thread inside {@link #run()}, if the run has begun and not ended. */
    final void interruptRunner() {
        synchronized (this) {
            Thread thread = runner;
            if (thread != null) {
                Backend.beforeInterrupt(thread);
                interruptSent = true;
                Interrupts.interrupt(thread, depth);
            }
        }
    }

    /**
     * Whether the calling thread has to return before this can end. Also where the thread waits in another task that it runs inside
     * of this one.
     */
    boolean isInside() {
        return runner == Thread.currentThread();
    }

    /** Whether the calling thread would wait for the future in vain: its run goes on meanwhile, and nothing is to stop it. */
    boolean waitsForItself() {
        return options.timeout() == null && isRunning() && isInside();
    }

    /** Called by a thread that is about to wait for the future without a limit. */
    final void ensureNotOwn() {
        if (waitsForItself()) {
            throw waitForItself();
        }
    }

    private IllegalStateException waitForItself() {
        return new IllegalStateException("task " + name() + " on " + pool.name()
                + " waits for itself: it ends when this thread has returned from it; wait for it in another task or thread");
    }

    /** Called by a thread that is going to wait for the future: see {@link AbstractPool#aboutToWait}. */
    void aboutToWait(boolean interruptibly) {
        pool.aboutToWait(this);
        if (isDelayed()) {
            helpUntilDone(interruptibly, this::nextOfDelay);
            pool.aboutToWait(this);
        }
    }

    /** The submission whose delay this has to wait for: of an attempt, the task. */
    private Submission<?> whole() {
        return owner instanceof Submission<?> task ? task : this;
    }

    /** Whether it is not to be run yet. */
    final boolean isDelayed() {
        return pool.delayed().has(whole());
    }

    /** The future that is completed when its delay is over; null when that is so. */
    private @Nullable CompletableFuture<?> nextOfDelay() {
        WorkSignal end = pool.delayed().end(whole());
        CompletableFuture<?> next = end == null ? null : end.next();
        return isDelayed() ? next : null; // else it may have been told before that was asked for
    }

    /**
     * For a task that consists of others: a worker that waits for it runs those, one after another as they come, until the
     * future is done.
     *
     * @param step runs what can be run; returns what is completed when there is more, or null when there will be no more
     */
    final void helpUntilDone(boolean interruptibly, Supplier<@Nullable CompletableFuture<?>> step) {
        boolean interrupted = false;
        while (pool.isWorker() && !future.isDone()) {
            CompletableFuture<?> more = step.get();
            if (more == null) {
                break;
            }
            try (var _ = Waits.outOfTurn()) {
                CompletableFuture.anyOf(future, more).get();
            } catch (InterruptedException e) {
                interrupted = true;
                if (interruptibly) {
                    break;
                }
            } catch (ExecutionException | CancellationException e) {
                break; // the future failed
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** See {@link TaskFuture#help}. */
    void help(Runnable onMore) {
        WorkSignal end = pool.delayed().end(whole());
        if (end != null) {
            end.callOnce(onMore);
        }
        pool.aboutToWait(this);
    }

    /** The waiting thread that {@link #help help} was to call waits no more. */
    void helpNoMore(Runnable onMore) {
        pool.delayed().forget(whole(), onMore);
    }

    /** Whether it counts in the pool's statistics: a part of what is counted itself does not. */
    final boolean isCounted() {
        return owner == null || owner.countsParts();
    }

    /** The figures that it counts in. */
    Counters counters() {
        return isCounted() ? pool.counters() : Counters.NONE;
    }

    private void countRun(long nanos) {
        counters().ranFor(nanos);
        if (owner != null) {
            owner.ranFor(nanos);
        }
    }

    // ---- what a submission that consists of others does in its own way ----

    /** It is in, and is about to be dispatched. */
    void admitted(boolean runsHere) {
        if (owner != null) {
            owner.admitted(this);
        }
    }

    /** Whether it waits for a place in a full pool. */
    final boolean waitsForPlace() {
        return owner == null || owner.partsWaitForPlace();
    }

    /** Whether others may end it before it is dispatched. */
    boolean mayEndEarly() {
        return owner != null;
    }

    /** Hands it to the kind. */
    void dispatch() {
        pool.dispatch(this);
    }

    /** Runs it in the submitting thread, from its dispatch to its end. */
    void runHere() {
        pool.runOneHere(this);
    }

    /** Ends its run, if that is asked for: its future is about to be settled from outside. */
    void stopRun(boolean interrupt) {
        if (interrupt) {
            pool.stop(this);
        }
    }

    /** It was dropped, and its future is done: leaves the pool. */
    void dropped() {
        try {
            if (!pool.forgetDelay(this)) {
                pool.forget(this);
            }
        } finally {
            pool.ended(this);
        }
    }

    /** It has left the pool, which counted it out. */
    void left() {
        if (owner != null) {
            owner.over();
        }
    }

    @Override
    public String toString() {
        return "Submission[" + name() + ", " + stateName() + "]";
    }
}
