package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Interrupts;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uncaught;
import dev.sennit.internal.Waits;
import dev.sennit.internal.view.RunningTask;
import dev.sennit.internal.view.TaskObserver;
import dev.sennit.internal.view.TaskObserver.Outcome;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.List;
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
 * One task on its way through a pool; the pool's side of the caller's {@link TaskFuture}.
 *
 * <p>For authors of pools. A kind that runs tasks in this JVM calls {@link #run()}. A kind that runs them elsewhere
 * calls {@link #start()} when it hands the task over, {@link #succeed} or {@link #fail} when the answer is there, and
 * {@link #ended} when the worker is free again.
 *
 * <pre>
 * States:
 *   QUEUED   -> RUNNING -> ENDED        the usual way: the worker that runs it settles the future
 *   QUEUED   -> DROPPED                 the future was settled from outside before a worker began it
 *   QUEUED   -> SENT    -> RUNNING      it was sent to a worker that is still busy; until that worker begins it, it can
 *                                       be taken back (SENT -> QUEUED), to be dropped or to run elsewhere
 *   RUNNING  -> STOPPING                the future is being settled from outside (cancel, time limit, complete) while
 *                                       the run goes on; what the run brings is thrown away. From there two things
 *                                       happen, in any order:
 *   STOPPING -> TOLD     -> ENDED       the future is done first, and then the run ends
 *   STOPPING -> RUN_OVER -> ENDED       the run ends first, and then the future is done
 * </pre>
 *
 * <p>Exactly one compare-and-set decides which thread settles the future, and that thread counts it in the pool's
 * statistics.
 *
 * <h2>One ending</h2>
 *
 * <p>Each submission leaves its pool exactly once: when its future is done and its worker is free of it, by the thread
 * that brings about the second of the two. A failure on the way - of a timer, of a kind that cannot stop a run, of a
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

    /** Among the {@link #notes}: a caller has asked for the result, or will be notified of it. */
    private static final byte ASKED = 1;
    /** Among the {@link #notes}: the task is asked to come to an end by itself. */
    private static final byte STOP_REQUESTED = 2;

    private static final long STOP_AGAIN_MILLIS = 100;
    private static final long LONGEST_STOP_AGAIN_MILLIS = 10_000;

    private static final VarHandle STATE;
    private static final VarHandle IS_LOAD;
    private static final VarHandle HOLDS_PLACE;
    private static final VarHandle RUNNER;
    private static final VarHandle NOTES;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Submission.class, "state", int.class);
            IS_LOAD = MethodHandles.lookup().findVarHandle(Submission.class, "isLoad", boolean.class);
            HOLDS_PLACE = MethodHandles.lookup().findVarHandle(Submission.class, "holdsPlace", boolean.class);
            RUNNER = MethodHandles.lookup().findVarHandle(Submission.class, "runner", Thread.class);
            NOTES = MethodHandles.lookup().findVarHandle(Submission.class, "notes", byte.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // A million submissions may wait at a time: state that a plain task does not need is kept elsewhere, or in few
    // bytes.

    private final AbstractPool pool;
    private final TaskOptions options;
    private final TaskFuture<T> future = new TaskFuture<>(this);

    private volatile int state;
    /**
     * The callable; after the last run the class that the submitter wrote, so that a future does not retain objects
     * that the task captured. Changed by the thread that ends the run; other threads may see either value. Both are in
     * a {@link Tracked.Holder} while there is somebody to be told of the task's end.
     */
    private Object body;
    /** The low bits of the submitting thread's id, enough to distinguish live threads. Written before dispatch. */
    private int submitter = (int) Thread.currentThread().threadId();
    /**
     * When the task was queued; from its start on, when it was started. Written before dispatch, and then by the thread
     * that moves the state to or from QUEUED.
     */
    private long since = Backend.current().nanoTime();
    /** Its number among the tasks that are observed; 0 if it is not. Written before dispatch. */
    private long observed;
    /**
     * The thread inside {@link #run()}. Set by that thread; interrupted under this object's lock, while the state is
     * STOPPING.
     */
    private volatile @Nullable Thread runner;
    /** The task, scope, map or pipeline that this submission is a part of, or null. Written before admission. */
    private @Nullable Owner owner;
    /** Guarded by this. The time limit of the current run. */
    private @Nullable TimeLimit timeLimit;
    /** How many tasks deep the runner is: see {@link Interrupts}. Written before {@link #runner}. */
    private short depth;
    /** Guarded by this. Whether the runner was interrupted on behalf of this submission. */
    private boolean interruptSent;
    /** Whether the task was started before. Written before it is queued again. */
    private boolean wasHandedBack;
    /**
     * Whether it holds a place of a bounded backlog. Written before dispatch, and by the thread that releases the
     * place.
     */
    private volatile boolean holdsPlace;
    /** Whether its pool counts it as load. */
    private volatile boolean isLoad;
    /**
     * Whether a failure has no reader ({@code execute}) and goes to the uncaught-exception handler. Written before
     * dispatch.
     */
    private boolean reportsFailure;
    /** {@link #ASKED} and {@link #STOP_REQUESTED}, which any thread sets, and none takes back. */
    @SuppressWarnings("UnusedVariable") // written by its handle
    private volatile byte notes;

    /**
     * Creates a queued submission.
     *
     * @param pool the pool it belongs to
     * @param body the task
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

    /** Creates a stand-in for the succeeded tasks of one class; it knows only their pool and their class. */
    static Submission<?> ended(AbstractPool pool, Class<?> written) {
        return new Submission<>(pool, written);
    }

    /**
     * Returns the caller's future.
     *
     * @return the future
     */
    public final TaskFuture<T> future() {
        return future;
    }

    /**
     * Returns the task.
     *
     * @return the callable to call
     * @throws IllegalStateException if it has run, and will not run again
     */
    public final Callable<T> body() {
        if (!(bodyItself() instanceof Callable<?> callable)) {
            throw new IllegalStateException(this + " has run, and its body is gone");
        }
        @SuppressWarnings("unchecked") // as the constructor got it
        Callable<T> known = (Callable<T>) callable;
        return known;
    }

    private Object bodyItself() {
        Object seen = body;
        return seen instanceof Tracked.Holder holder ? holder.body() : seen;
    }

    /** Releases the objects that the task captured, unless it may run again. Called when a run is over. */
    private void releaseBody() {
        if (!isAttempt()) {
            Class<?> written = writtenClass();
            Tracked tracked = future.isDone() ? null : tracked();
            body = tracked == null ? written : new Tracked.Holder(written, tracked);
            released();
        }
    }

    private boolean isAttempt() {
        return owner != null && owner.repeatsParts();
    }

    /** Sets who follows it; before it is admitted. */
    final void isTrackedBy(Tracked tracked) {
        body = new Tracked.Holder(body(), tracked);
    }

    /** Returns who follows it, or the task that it is an attempt at; or null. */
    private @Nullable Tracked tracked() {
        return body instanceof Tracked.Holder holder ? holder.tracked() : null;
    }

    /** Tells those who follow it that it was not admitted. */
    final void tellRefused(Throwable failure) {
        Tracked tracked = tracked();
        if (tracked != null) {
            tracked.refused(failure);
        }
    }

    private void tellTrackers(@Nullable Throwable failure) {
        Tracked tracked = tracked();
        if (tracked != null && !isAttempt()) {
            tracked.ended(failure);
            if (bodyItself() instanceof Class<?> written) {
                body = written;
            }
        }
    }

    /** Releases resources that only a run needs. Called when the task will not run again. The default does nothing. */
    protected void released() {}

    /**
     * Returns the name given in the options, or else a name made from the body's class.
     *
     * @return the name
     */
    public final String name() {
        String given = options.name();
        return given != null ? given : TaskNames.ofClass(writtenClass());
    }

    /**
     * Returns the class the submitter wrote: that of the task, or of the runnable or function that the library wrapped.
     *
     * @return the class
     */
    public final Class<?> writtenClass() {
        Object seen = bodyItself();
        return seen instanceof Class<?> written ? written : TaskNames.written(seen).getClass();
    }

    /** Returns whether the calling thread submitted it. */
    final boolean isOfThisThread() {
        return submitter == (int) Thread.currentThread().threadId();
    }

    /** Makes it an attempt at a task. Its submitter is the task's, whichever thread makes the attempt. */
    final void isAttemptAt(RetriedSubmission<?> task) {
        Submission<?> whole = task;
        submitter = whole.submitter;
        Tracked tracked = whole.tracked();
        if (tracked != null) {
            isTrackedBy(tracked);
        }
        belongsTo(task);
    }

    /** Sets its owner; before it is admitted. */
    final void belongsTo(Owner newOwner) {
        owner = newOwner;
    }

    /** Notes that its failure has no reader; before it is admitted. */
    final void reportsFailure() {
        reportsFailure = true;
    }

    /**
     * Notes that a caller has asked for the result, or will be notified of it; returns false if that was noted before.
     */
    final boolean asked() {
        return (notes & ASKED) == 0 && ((byte) NOTES.getAndBitwiseOr(this, ASKED) & ASKED) == 0;
    }

    final boolean isAsked() {
        return (notes & ASKED) != 0;
    }

    /**
     * Returns whether its failure may go unnoticed: no caller has asked, and neither an owner nor {@code execute}
     * reports it.
     */
    final boolean mayFailUnasked() {
        return owner == null && !reportsFailure && !isAsked();
    }

    final AbstractPool pool() {
        return pool;
    }

    /**
     * Returns its name and limits.
     *
     * @return the options it was created with
     */
    public final TaskOptions options() {
        return options;
    }

    /** Notes that its delay is over: from now on it waits for a worker. */
    final void isDue() {
        since = Backend.current().nanoTime();
    }

    final String stateName() {
        return STATE_NAMES[state];
    }

    /**
     * Returns whether it still waits for a worker.
     *
     * @return true until it is started or dropped
     */
    public final boolean isQueued() {
        int seen = state;
        return seen == QUEUED || seen == SENT;
    }

    /**
     * Returns whether it runs and its future is still open.
     *
     * @return true between start and settlement
     */
    public final boolean isRunning() {
        return state == RUNNING;
    }

    final void countAsLoad() {
        isLoad = true;
    }

    /** Returns true to one caller, if the submission was counted as load. */
    final boolean endsLoad() {
        return isLoad && IS_LOAD.compareAndSet(this, true, false);
    }

    /** Notes that it holds a place; before it is dispatched. */
    final void holdsPlace() {
        holdsPlace = true;
    }

    /** Returns true to one caller, if it holds a place: a retried task may be dropped while its last attempt ends. */
    final boolean givesUpPlace() {
        return holdsPlace && HOLDS_PLACE.compareAndSet(this, true, false);
    }

    /** Returns the task in the form that {@link AbstractPool#shutdownNow} returns. */
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

    /** Returns whether it was settled before it began. */
    final boolean neverBegan() {
        return state == DROPPED;
    }

    /** Returns whether its run goes on although its future is settled. */
    final boolean isStopping() {
        int seen = state;
        return seen == STOPPING || seen == TOLD;
    }

    /**
     * Claims it for a worker. Its time limit counts from now on. A pool that is told to stop drops it instead.
     *
     * @return false when it was started or dropped; the caller must then not run it
     */
    public final boolean start() {
        return start(null);
    }

    /**
     * Claims it for a worker, as {@link #start()} does.
     *
     * @param worker the name of the worker, for observers
     * @return false when it was started or dropped; the caller must then not run it
     */
    public final boolean start(@Nullable String worker) {
        return claim() && begun(worker);
    }

    /** A worker that a cancelled task has set free comes before {@code shutdownNow} has cancelled those that wait. */
    private boolean claim() {
        if (pool.isStopping()) {
            settle(null, new CancellationException(), true);
        }
        return STATE.compareAndSet(this, QUEUED, RUNNING);
    }

    /** Begins a run elsewhere, after the move to RUNNING. If this fails, the task fails and its run is stopped. */
    private boolean begun(@Nullable String worker) {
        try {
            begin(Backend.current().nanoTime(), worker);
        } catch (Throwable e) { // no thread for a timer, for example
            settle(null, e, true);
        }
        return true;
    }

    private void begin(long now, @Nullable String worker) {
        long waited = now - since;
        counters().started(waited);
        since = now;
        TaskObserver observer = observer();
        if (observer != null) {
            observer.begun(observed, pool.name(), named(), now, waited, worker);
        }
        Tracked tracked = tracked();
        if (tracked != null) {
            tracked.begun(waited, wasHandedBack, worker);
        }
        boolean isWanted = owner == null || wasHandedBack || owner.begins();
        if (options.timeout() != null) {
            startTimeLimit(options.timeout());
        }
        if (!isWanted || pool.isStopping()) {
            settle(null, new CancellationException(), true);
        }
    }

    /**
     * Notes that it is sent to a worker that has to finish another task first.
     *
     * @return false when another thread has started or dropped it; the caller then ensures that the worker does not run
     *     it
     */
    public final boolean sent() {
        return STATE.compareAndSet(this, QUEUED, SENT);
    }

    /**
     * Notes that the worker it was sent to has begun it, or can no longer be kept from it. Its time limit counts from
     * now on.
     *
     * @return false when that was noted before
     */
    public final boolean startSent() {
        return STATE.compareAndSet(this, SENT, RUNNING) && begun(sentTo());
    }

    /**
     * Returns the name of the worker that it was sent to, for observers.
     *
     * @return null unless the kind knows it
     */
    protected @Nullable String sentTo() {
        return null;
    }

    /**
     * Notes that it was taken back from the worker it was sent to, which will not begin it.
     */
    public final void takenBack() {
        if (!STATE.compareAndSet(this, SENT, QUEUED)) {
            throw new IllegalStateException(this + " was taken back, but not sent");
        }
    }

    /**
     * Takes a task that was {@link #sent} back from its worker, before it is settled from outside: calls
     * {@link #takenBack}, or {@link #startSent} when the worker has begun it.
     */
    protected void takeBackOrStart() {
        throw new UnsupportedOperationException("a kind that sends tasks has to take them back");
    }

    /**
     * Returns whether its run has ended elsewhere, although its answer has not been read yet: then its time limit does
     * not stop it any more.
     *
     * @return false unless the kind knows that the run has ended
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
        if (!isWanted) { // settled or handed back meanwhile, by a thread that found no timer to cancel
            pending.cancel(false);
        }
    }

    /** Stops one run. A task that is handed back gets another for its next run. */
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
                    return; // that run is over
                }
            }
            stop(null, failure, true);
        }
    }

    /**
     * Runs the task in the calling thread, from {@link #start} to {@link #ended}; does nothing if another thread has
     * claimed or dropped it.
     */
    public final void run() {
        run(true);
    }

    /** Runs the task, as {@link #run()}, in a thread whose task the pool can tell: see {@link CurrentTask}. */
    final void runKnown() {
        run(false);
    }

    private void run(boolean isNoted) {
        if (!claim()) {
            return;
        }
        T value = null;
        Throwable failure = null;
        ObservedRun watched = null;
        Object outer = null;
        boolean wasNoted = false;
        long began = Backend.current().nanoTime();
        try {
            begin(began, Thread.currentThread().getName());
            depth = (short) Interrupts.depth();
            runner = Thread.currentThread();
            if (state == RUNNING) { // else it was settled before there was a thread to interrupt
                watched = ObservedRun.begin(this, isObserved(), began);
                if (isNoted) {
                    outer = CurrentTask.enter(this);
                    wasNoted = true;
                }
                value = options.name() == null ? body().call() : callNamed(options.name());
            }
        } catch (Throwable e) { // an Error too fails the task, and the worker goes on
            failure = e;
        }
        if (wasNoted) {
            CurrentTask.leave(outer);
        }
        long nanos = Backend.current().nanoTime() - began;
        long cpu = watched == null ? TaskObserver.UNKNOWN : watched.end(nanos);
        boolean leaves = true;
        try {
            if (failure == null ? !succeed(value, nanos, cpu) : !fail(failure, nanos, cpu)) {
                takeBackInterrupt();
                leaves = endStopped(nanos, cpu);
            }
        } finally {
            if (leaves) {
                pool.ended(this);
            }
        }
    }

    /**
     * Calls the body while the thread has the task's name; a thread that is not a worker of the pool keeps its own
     * name.
     */
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

    /**
     * Clears, after a stopped run, the interrupt that was meant for it, so that the thread's next work does not see it.
     */
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

    /**
     * Ends the run of a submission that was settled from outside; returns whether the caller has to take it out of the
     * pool.
     */
    private boolean endStopped(long nanos, long cpuNanos) {
        releaseBody();
        countRun(nanos, cpuNanos);
        TaskObserver observer = observer();
        if (observer != null) {
            observer.runOver(observed, pool.name(), named(), nanos, cpuNanos);
        }
        boolean leaves = !STATE.compareAndSet(this, STOPPING, RUN_OVER); // else told() does, once the future is done
        if (leaves) {
            state = ENDED;
        }
        runMayBeOver();
        return leaves;
    }

    /** Returns whether it does not run, and will not run again. */
    boolean isRunOver() {
        int seen = state;
        return seen == ENDED || seen == DROPPED || seen == RUN_OVER;
    }

    /** Wakes the threads in {@link #awaitRunOver}; called where the run may outlast the future. */
    final void runMayBeOver() {
        synchronized (this) {
            notifyAll();
        }
    }

    /**
     * Waits until its run is over, after its future is done.
     *
     * @param deadline when to give up
     * @return false if the deadline passed first
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

    /** Notes that the future is done after a settlement from outside; leaves the pool if the run is over already. */
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
        return succeed(value, runNanos, TaskObserver.UNKNOWN);
    }

    /**
     * Settles the future with the run's value.
     *
     * @param value the result
     * @param runNanos how long the run took, in nanoseconds
     * @param cpuNanos the processor time that it used, in nanoseconds; less than 0 if that is not known
     * @return false when it had been settled from outside
     */
    public final boolean succeed(@Nullable T value, long runNanos, long cpuNanos) {
        return endRun(value, null, runNanos, cpuNanos);
    }

    /**
     * Settles the future with the run's failure.
     *
     * @param failure the exception that the run threw, or why it could not be finished
     * @param runNanos how long the run took, in nanoseconds
     * @return false when it had been settled from outside
     */
    public final boolean fail(Throwable failure, long runNanos) {
        return fail(failure, runNanos, TaskObserver.UNKNOWN);
    }

    /**
     * Settles the future with the run's failure.
     *
     * @param failure the exception that the run threw, or why it could not be finished
     * @param runNanos how long the run took, in nanoseconds
     * @param cpuNanos the processor time that it used, in nanoseconds; less than 0 if that is not known
     * @return false when it had been settled from outside
     */
    public final boolean fail(Throwable failure, long runNanos, long cpuNanos) {
        return endRun(null, Objects.requireNonNull(failure, "failure"), runNanos, cpuNanos);
    }

    private boolean endRun(@Nullable T value, @Nullable Throwable failure, long runNanos, long cpuNanos) {
        if (!STATE.compareAndSet(this, RUNNING, ENDED)) {
            return false;
        }
        try {
            RUNNER.setRelease(this, null); // in state ENDED no thread interrupts it
            releaseBody();
            if (failure == null && owner == null && options == TaskOptions.NONE && getClass() == Submission.class) {
                future.outlives(pool.endedTasks().of(pool, writtenClass()));
            }
            countRun(runNanos, cpuNanos);
            pool.releasePlace(this); // first: a caller who sees the future done finds room for the next task
        } finally {
            finish(value, failure, runNanos, cpuNanos);
        }
        return true;
    }

    /**
     * Hands a task that was started, but that its worker has certainly not begun, back to the pool, for another worker.
     *
     * @return false when it was settled from outside meanwhile; the caller then calls {@link #ended}
     */
    public final boolean handBack() {
        cancelTimeLimit(); // before the state changes: the next run may start with a time limit of its own
        wasHandedBack = true;
        long startedAt = since;
        since = Backend.current().nanoTime();
        TaskObserver observer = observer();
        if (observer != null) { // first: the next run may begin at once
            observer.handedBack(observed, pool.name(), named());
        }
        if (!STATE.compareAndSet(this, RUNNING, QUEUED)) {
            since = startedAt;
            return false;
        }
        counters().handedBack();
        return true;
    }

    /**
     * Notes that the worker is free of this submission: the last call for a task that runs elsewhere.
     *
     * @param runNanos how long the run took, counted only if the future was settled from outside
     */
    public final void ended(long runNanos) {
        ended(runNanos, TaskObserver.UNKNOWN);
    }

    /**
     * Notes that the worker is free of this submission: the last call for a task that runs elsewhere.
     *
     * @param runNanos how long the run took, counted only if the future was settled from outside
     * @param cpuNanos the processor time that it used, in nanoseconds; less than 0 if that is not known
     */
    public final void ended(long runNanos, long cpuNanos) {
        if (!isStopping() || endStopped(runNanos, cpuNanos)) {
            pool.ended(this);
        }
    }

    /**
     * Returns how long ago it was started or, while it waits, how long it has waited.
     *
     * @return nanoseconds
     */
    public final long nanosSinceStart() {
        return Backend.current().nanoTime() - since;
    }

    /**
     * Settles the future from outside, unless it is settled. A task that waits is dropped; a task that runs is stopped.
     *
     * @param value the result, where failure is null
     * @param failure the failure, or null
     * @param interrupt whether to stop a run that has begun
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
                    finish(value, failure, TaskObserver.UNKNOWN, TaskObserver.UNKNOWN);
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
                finish(value, failure, TaskObserver.UNKNOWN, TaskObserver.UNKNOWN);
            });
        } finally {
            told();
        }
    }

    /**
     * Stops the run. If that fails, the run goes on like that of a task which ignores interrupts, and a timer tries
     * again until the run is over.
     */
    final void tryToStop(boolean interrupt) {
        try {
            stopRun(interrupt);
        } catch (Throwable e) { // the kind's code may throw anything; the future must become done even so
            Uncaught.log("run of " + this + " could not be stopped, and goes on; another try follows", e);
            stopLater(interrupt, STOP_AGAIN_MILLIS);
        }
    }

    private void stopLater(boolean interrupt, long millis) {
        try {
            Timers.after(Duration.ofMillis(millis), () -> {
                if (!isStopping()) {
                    return; // the run is over
                }
                try {
                    stopRun(interrupt);
                } catch (Throwable e) { // logged the first time
                    stopLater(interrupt, Math.min(2 * millis, LONGEST_STOP_AGAIN_MILLIS));
                }
            });
        } catch (Throwable e) {
            Uncaught.log("run of " + this + " goes on: no timer for another try to stop it", e);
        }
    }

    /** Counts the outcome, completes the future, and runs its callbacks. */
    void finish(@Nullable T value, @Nullable Throwable failure, long ranNanos, long cpuNanos) {
        try {
            cancelTimeLimit();
            if (failure == null) {
                counters().succeeded();
                tellEnd(Outcome.SUCCEEDED, ranNanos, cpuNanos, null);
            } else if (failure instanceof CancellationException) {
                counters().cancelled();
                tellEnd(Outcome.CANCELLED, ranNanos, cpuNanos, null);
            } else {
                counters().failed();
                tellEnd(Outcome.FAILED, ranNanos, cpuNanos, failure);
                if (reportsFailure) {
                    Uncaught.report(failure);
                }
            }
            tellTrackers(failure);
        } finally {
            future.finish(value, failure);
        }
    }

    private void tellEnd(Outcome outcome, long ranNanos, long cpuNanos, @Nullable Throwable failure) {
        TaskObserver observer = observer();
        if (observer != null) {
            observer.ended(observed, pool.name(), named(), outcome, ranNanos, cpuNanos, failure);
        }
    }

    /** Notes that it was admitted, and counted; before it is dispatched. */
    final void tellSubmitted() {
        TaskObserver observer = TaskObserver.Current.get();
        if (observer == null) {
            return;
        }
        long number = TaskObserver.Current.nextTask();
        if (TaskObserver.Current.get() == observer) { // else the next observer would hear of a task without a beginning
            observed = number;
            observer.submitted(number, pool.name(), named());
        }
    }

    /** Notes that another attempt at it follows. */
    final void tellRetried() {
        TaskObserver observer = observer();
        if (observer != null) {
            observer.retried(observed, pool.name(), named());
        }
    }

    /**
     * Tells how far the run has come, to those who look on; does nothing unless the task runs.
     *
     * @param done how much is done, 0 or more
     * @param total how much there is to do in all; less than 0 if that is not known
     * @param message what is being done
     */
    public final void progress(long done, long total, String message) {
        Submission<?> task = whole();
        TaskObserver observer = task.observer();
        if (observer != null && mayTell()) {
            observer.progress(task.observed, pool.name(), task.named(), done, total, message);
        }
    }

    /**
     * Gives a message of the task to the listener in its options; does nothing unless the task runs. What the listener
     * throws is logged.
     *
     * @param message belongs to the listener from now on
     * @return whether there was somebody to hear it
     */
    public final boolean message(byte[] message) {
        TaskMessageListener listener = options.onMessage();
        if (listener == null || !mayTell()) {
            return false;
        }
        try {
            listener.message(message);
        } catch (Throwable e) { // an Error too harms neither the task nor the thread, which may serve a worker
            Uncaught.log("listener for messages of task " + name() + " on " + pool.name() + " failed", e);
        }
        return true;
    }

    /** Returns whether the run is one whose outcome counts. */
    private boolean mayTell() {
        return isRunning() && whole().isRunning();
    }

    /** Asks the task to come to an end by itself. */
    final void requestStop() {
        if (!isRunOver()) { // else it may be the stand-in for many that have succeeded
            NOTES.getAndBitwiseOr(this, STOP_REQUESTED);
            tellStopRequested();
        }
    }

    /** Tells the kind that a stop is requested. */
    void tellStopRequested() {
        pool.stopRequested(this);
    }

    /**
     * Returns whether the task, or the one that this is an attempt at, is asked to come to an end by itself.
     *
     * @return true from the first request on
     */
    public final boolean isStopRequested() {
        return ((notes | whole().notes) & STOP_REQUESTED) != 0;
    }

    /** Returns whether the calling thread is in the body of this task, or of another inside it. */
    final boolean runsInThisThread() {
        return runner == Thread.currentThread();
    }

    /**
     * Returns the number under which the events of this task are told, those of an attempt under that of its task.
     *
     * @return the number; 0 if nobody is told of it
     */
    public final long eventNumber() {
        return whole().observed;
    }

    /** Returns who is told of this task, or null. */
    private @Nullable TaskObserver observer() {
        return observed == 0 ? null : TaskObserver.Current.get();
    }

    /** Returns whether it is told of, or the task that it is an attempt at. */
    private boolean isObserved() {
        return observed != 0 || owner instanceof Submission<?> task && task.observed != 0;
    }

    /** Tells views of the run, if a thread of this JVM is in it. */
    final void addIfRunningHere(List<RunningTask> running) {
        Thread thread = runner;
        long began = since;
        int now = state;
        if (thread != null && (now == RUNNING || now == STOPPING || now == TOLD)) {
            running.add(new RunningTask(eventNumber(), pool.name(), named(), thread.threadId(), began));
        }
    }

    private Object named() {
        String given = options.name();
        return given != null ? given : writtenClass();
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
     * Returns whether the calling thread runs this task, or another task inside it, and so has to return before this
     * can end.
     */
    boolean isInside() {
        return runner == Thread.currentThread();
    }

    /**
     * Returns whether the calling thread would wait for the future for ever: it runs the task, and no time limit stops
     * it.
     */
    boolean waitsForItself() {
        return options.timeout() == null && isRunning() && isInside();
    }

    /** Throws if the calling thread would wait for itself. Called before a wait for the future without a limit. */
    final void ensureNotOwn() {
        if (waitsForItself()) {
            throw waitForItself();
        }
    }

    private IllegalStateException waitForItself() {
        return new IllegalStateException("task " + name() + " on " + pool.name()
                + " waits for itself: it ends when this thread has returned from it; wait for it in "
                + "another task or thread");
    }

    /** Called by a thread that is about to wait for the future: see {@link AbstractPool#aboutToWait}. */
    void aboutToWait(boolean interruptibly) {
        pool.aboutToWait(this);
        if (isDelayed()) {
            helpUntilDone(interruptibly, this::nextOfDelay);
            pool.aboutToWait(this);
        }
    }

    /** Returns the submission whose delay counts: for an attempt, that of its task. */
    private Submission<?> whole() {
        return owner instanceof Submission<?> task ? task : this;
    }

    /** Returns whether its delay is not over. */
    final boolean isDelayed() {
        return pool.delayed().has(whole());
    }

    /** Returns a future that is completed when its delay is over, or null when it is over. */
    private @Nullable CompletableFuture<?> nextOfDelay() {
        WorkSignal end = pool.delayed().end(whole());
        CompletableFuture<?> next = end == null ? null : end.next();
        return isDelayed() ? next : null; // checked last: a delay that ended before next() may not complete it
    }

    /**
     * Has a worker that waits for a task made of parts run those parts, as they come, until the future is done.
     *
     * @param step runs the parts that can run now; returns a future that is completed when there are more, or null when
     *     there will be no more
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

    /** Undoes {@link #help}: the waiting thread does not wait any more. */
    void helpNoMore(Runnable onMore) {
        pool.delayed().forget(whole(), onMore);
    }

    /** Returns whether it counts in the pool's statistics: the parts of a counted whole do not. */
    final boolean isCounted() {
        return owner == null || owner.countsParts();
    }

    /** Returns the counters to count it in. */
    Counters counters() {
        return isCounted() ? pool.counters() : Counters.NONE;
    }

    private void countRun(long nanos, long cpuNanos) {
        counters().ranFor(nanos);
        if (owner != null) {
            owner.ranFor(nanos, cpuNanos);
        }
    }

    // ---- overridden by submissions made of parts ----

    /** Called when it is admitted, and is about to be dispatched. */
    void admitted(boolean runsHere) {
        if (owner != null) {
            owner.admitted(this);
        }
    }

    /** Returns whether it waits for a place in a full pool. */
    final boolean waitsForPlace() {
        return owner == null || owner.partsWaitForPlace();
    }

    /** Returns whether other threads may settle it before it is dispatched. */
    boolean mayEndEarly() {
        return owner != null;
    }

    /** Dispatches it in the way of its kind of pool. */
    void dispatch() {
        pool.dispatch(this);
    }

    /** Runs it in the submitting thread, from its dispatch to its end. */
    void runHere() {
        pool.runOneHere(this);
    }

    /** Stops its run, if asked to, before its future is settled from outside. */
    void stopRun(boolean interrupt) {
        if (interrupt) {
            pool.stop(this);
        }
    }

    /** Leaves the pool after it was dropped and its future is done. */
    void dropped() {
        try {
            if (!pool.forgetDelay(this)) {
                pool.forget(this);
            }
        } finally {
            pool.ended(this);
        }
    }

    /** Called when it has left the pool. */
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
