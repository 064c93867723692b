package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Waits;
import dev.sennit.internal.view.OpenPools;
import dev.sennit.internal.view.RunningTask;
import dev.sennit.internal.view.TaskObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Gatherer;
import org.jspecify.annotations.Nullable;

/**
 * The part of a pool that all kinds share: admission, back-pressure, bulk methods, statistics and termination.
 *
 * <p>For authors of pools. A kind defines how a task gets to a worker ({@link #dispatch}), how a run is stopped ({@link
 * #stop}), and how its workers end ({@link #releaseWorkers}).
 *
 * <h2>Life</h2>
 *
 * <p>A {@link Gate} counts the tasks that were admitted and have not ended. No task is admitted after {@code shutdown},
 * and the thread that counts out the last task of a closed pool, and only this thread, releases the workers.
 *
 * <h2>Back-pressure</h2>
 *
 * <p>A bounded pool has {@code workers + backlog} places. A task holds a place from submission until its run settles it
 * or, when it was settled from outside, until its worker is free of it. The place is released before the run's result
 * can be seen, so a caller that has the result finds room. Shutdown adds so many places that all waiting submitters
 * wake up; they find the pool closed.
 */
public abstract non-sealed class AbstractPool implements Pool {
    static final int FLOOD = 1 << 30;
    /** The owner of tasks that only inherit the scoped values of their submitter. */
    private static final Owner INHERITING = new Owner() {
        @Override
        public boolean inheritsScopedValues() {
            return true;
        }
    };

    private final String name;
    private final int workers;
    private final int backlog;
    private final BacklogPolicy whenFull;
    private final @Nullable Semaphore places;
    private final Counters counters = new Counters();
    /** The tasks with a retry that have not left the pool. */
    private final Set<Submission<?>> retrying = ConcurrentHashMap.newKeySet();
    /** Counts the tasks that were admitted and have not ended. */
    private final Gate gate = new Gate();
    private final CountDownLatch terminated = new CountDownLatch(1);
    private final QueueSweeper sweeper = new QueueSweeper();
    /** Submissions that run in threads which are not workers: callers, and workers that wait for another task. */
    private final Map<Submission<?>, Thread> runningInCallers = new ConcurrentHashMap<>();
    /** The threads that settle a task from outside: they run its callbacks before they count it out. */
    private final Set<Thread> settlers = ConcurrentHashMap.newKeySet();
    /** The {@code mapAsync} calls that have not ended. */
    private final Set<Submission<?>> maps = ConcurrentHashMap.newKeySet();
    private final DelayedTasks delayed = new DelayedTasks();
    private final EndedTasks endedTasks = new EndedTasks();
    private final UnaskedFailures unaskedFailures;
    private final OpenPools.Entry amongOpenPools;
    private volatile boolean stopping;

    private static final int NEW = 0;
    private static final int OPENED = 1;
    private static final int CLOSED = 2;
    /** What those who look on are told of the pool: NEW -> OPENED -> CLOSED, or NEW -> CLOSED if it did not open. */
    private final AtomicInteger told = new AtomicInteger(NEW);

    /**
     * Creates an open pool.
     *
     * @param settings name, backlog and policy
     * @param workers how many tasks can run at once
     */
    @SuppressWarnings("this-escape") // to views, which expect a pool that is not complete
    protected AbstractPool(PoolBuilder<?> settings, int workers) {
        this.name = settings.nameOrNext();
        this.unaskedFailures = new UnaskedFailures(name, settings.tellsUnasked());
        this.workers = workers;
        this.backlog = settings.boundFor(workers);
        this.whenFull = settings.whenFull();
        this.places = backlog == PoolBuilder.UNBOUNDED || workers == Integer.MAX_VALUE
                ? null
                : new Semaphore((int) Math.min((long) workers + backlog, FLOOD - 1));
        this.amongOpenPools = OpenPools.add(this, pool -> ((AbstractPool) pool).runningHere());
    }

    static AbstractPool of(Pool pool) {
        return switch (Objects.requireNonNull(pool, "pool")) {
            case AbstractPool known -> known;
        };
    }

    // ---- what a kind provides ----

    /**
     * Takes an admitted task: queues it, or starts it.
     *
     * @param submission the task
     */
    protected abstract void dispatch(Submission<?> submission);

    /**
     * Returns the tasks that the kind holds: queued, and running on its workers.
     *
     * @return a snapshot
     */
    protected abstract Collection<? extends Submission<?>> held();

    /**
     * Returns whether the calling thread is a worker thread of this pool, which runs a task or a callback.
     *
     * @return true if a wait for room could be a wait for the calling thread itself
     */
    protected abstract boolean onWorker();

    /**
     * Ends the workers, and calls {@link #workersReleased} when they have ended. Called once, when the pool is closed
     * and every task has ended.
     */
    protected abstract void releaseWorkers();

    /**
     * Returns how many workers are alive.
     *
     * @return the count
     */
    protected abstract int aliveWorkers();

    /**
     * Creates the submission of a task. A kind whose tasks leave this JVM encodes the task here, in the submitting
     * thread.
     *
     * @param body the task
     * @param options name and limits
     * @param <T> the type of the result
     * @return a queued submission
     */
    protected <T extends @Nullable Object> Submission<T> newSubmission(Callable<T> body, TaskOptions options) {
        return new Submission<>(this, body, options);
    }

    /**
     * Creates a submission of the same task for another attempt.
     *
     * @param ended a submission that has ended, created by {@link #newSubmission}
     * @param <T> the type of the result
     * @return a queued submission
     */
    protected <T extends @Nullable Object> Submission<T> again(Submission<T> ended) {
        return newSubmission(ended.body(), ended.options());
    }

    /**
     * Stops a run whose future is settled. The default interrupts the thread in {@link Submission#run}.
     *
     * @param submission a submission that was running
     */
    protected void stop(Submission<?> submission) {
        submission.interruptRunner();
    }

    /**
     * Called when a task was asked to come to an end by itself; from then on {@link Submission#isStopRequested} is true
     * of it. A kind whose tasks leave this JVM tells the worker of a task that it has been given; it asks the
     * submission when it gives a worker the task. The default does nothing.
     *
     * @param submission a submission that has not ended, in any state; it may end meanwhile
     */
    protected void stopRequested(Submission<?> submission) {}

    /**
     * Called when a task was dropped before it began; a kind may remove the task from its queue. The default does
     * nothing.
     *
     * @param submission the task
     */
    protected void forget(Submission<?> submission) {}

    /**
     * Called by a thread that is about to wait for one of the pool's futures without a limit. The default keeps the
     * pool from starving: a worker that waits for a queued task runs this task itself. A cancellation of the waiting
     * task then also interrupts the other task if the same thread submitted it; a task that another thread submitted
     * runs to its end first. Called again when the delay of a submission is over, as no worker runs it before.
     *
     * @param submission the submission whose future the thread is about to wait for
     */
    protected void aboutToWait(Submission<?> submission) {
        if (submission.isQueued() && onWorker() && !submission.isDelayed()) {
            if (submission.isOfThisThread()) {
                runInCaller(submission);
            } else {
                CancelScope.shield(() -> runInCaller(submission));
            }
        }
    }

    /**
     * Called by a thread that is about to wait until runs are over whose futures are done. The default does nothing. A
     * kind overrides it if a waiting worker would keep the pool from learning that a run is over.
     */
    protected void aboutToWait() {}

    /**
     * Returns how many workers died unexpectedly.
     *
     * @return the count
     */
    protected long workersLost() {
        return 0;
    }

    /**
     * Returns how many workers the pool has replaced or retired while it was open.
     *
     * @return the count
     */
    protected long workersRecycled() {
        return 0;
    }

    /**
     * Returns the process ids of the workers.
     *
     * @return a snapshot; empty for kinds whose workers are not processes
     */
    protected List<Long> workerPids() {
        return List.of();
    }

    /**
     * Returns the processor time used by the pool's workers.
     *
     * @return the time, or empty where it is not known
     */
    protected Optional<Duration> cpuTime() {
        return Optional.empty();
    }

    /**
     * Returns how long a chunk, which is one message to a worker, should take; {@link #map} sizes its chunks by this.
     *
     * @return a duration; zero makes a chunk of every item
     */
    protected Duration chunkTime() {
        return Duration.ofMillis(1);
    }

    /**
     * Called when a task that {@link #countsAsLoad} is about to be settled, before its future is done.
     */
    protected void loadEnded() {}

    /**
     * Runs an action when a delay is over.
     *
     * @param delay positive
     * @param action short; must not block
     * @return a future whose {@code cancel(false)} cancels the action
     */
    protected Future<?> callAfter(Duration delay, Runnable action) {
        return Timers.after(delay, action);
    }

    /**
     * Returns whether queued tasks are ordered by priority.
     *
     * @return false unless the kind supports priorities, and was asked to use them
     */
    protected boolean ordersByPriority() {
        return false;
    }

    /**
     * Returns whether a task runs on a copy of the objects that it captured, so that this JVM sees nothing of it but
     * its result.
     *
     * @return false unless tasks leave this JVM
     */
    protected boolean copiesTasks() {
        return false;
    }

    /**
     * Returns whether tasks inherit the scoped values that are bound where they are submitted, as the tasks of a {@link
     * TaskScope} do. This needs a JVM started with {@code --add-opens java.base/java.lang}.
     *
     * @return false unless the kind's tasks are coroutines
     */
    protected boolean inheritsScopedValues() {
        return false;
    }

    /**
     * Returns whether {@code submit} runs the task before it returns; then the submitter also waits for a delay to
     * pass.
     *
     * @return false unless the kind has no execution units of its own
     */
    protected boolean runsInCaller() {
        return false;
    }

    // ---- what a kind may call ----

    /**
     * Submits a task to another pool. The task inherits the scoped values of the calling thread, unless it leaves this
     * JVM.
     *
     * @param other the pool
     * @param task the task
     * @param <T> the type of the result
     * @return its future
     */
    protected static <T extends @Nullable Object> TaskFuture<T> submitInheriting(Pool other, Callable<T> task) {
        return of(other).submitFor(
                INHERITING, CallableTask.of(Objects.requireNonNull(task, "task")), TaskOptions.NONE, null);
    }

    /**
     * Submits a runnable to another pool, with the scoped values of the calling thread, unless it leaves this JVM.
     *
     * @param other the pool
     * @param task the task
     * @return a future of null
     */
    protected static TaskFuture<@Nullable Void> submitInheriting(Pool other, Runnable task) {
        return of(other).submitFor(
                INHERITING, RunnableTask.of(Objects.requireNonNull(task, "task")), TaskOptions.NONE, null);
    }

    /**
     * Requests a call of {@link #loadEnded} when a task ends, which may be at once.
     *
     * @param submission the task, which the kind has counted and is about to queue
     */
    protected final void countsAsLoad(Submission<?> submission) {
        submission.countAsLoad();
        if (!submission.isQueued() && submission.endsLoad()) { // a thread that drops it may have missed countAsLoad
            loadEnded();
        }
    }

    /**
     * Notes that a cancelled task may be left in a queue, and removes such tasks once they are half of it.
     *
     * @param queue the queue; the caller holds its lock, if it has one
     */
    protected final void sweep(java.util.Queue<? extends Submission<?>> queue) {
        sweeper.dropped(queue);
    }

    /**
     * Notes that the pool is open, for those who look on: called before its first worker starts. A kind that does not
     * call it is open for them with its first task.
     */
    protected final void opened() {
        if (told.get() == NEW && told.compareAndSet(NEW, OPENED)) {
            TaskObserver observer = TaskObserver.Current.get();
            if (observer != null) {
                observer.poolOpened(name);
            }
        }
    }

    /**
     * Notes that a worker can run tasks, for those who look on. A kind with a worker for each task tells nothing.
     *
     * @param worker the name that {@link Submission#start(String)} gets, or the name of the thread
     */
    protected final void workerStarted(String worker) {
        TaskObserver observer = TaskObserver.Current.get();
        if (observer != null) {
            observer.workerStarted(name, worker);
        }
    }

    /**
     * Notes that a worker has ended which was started; before {@link #workersReleased}.
     *
     * @param worker the name that it was started with
     * @param why the cause, if it was not to end; else null
     */
    protected final void workerEnded(String worker, @Nullable String why) {
        TaskObserver observer = TaskObserver.Current.get();
        if (observer != null) {
            observer.workerEnded(name, worker, why);
        }
    }

    /**
     * Notes that all workers have ended: {@link #awaitTermination} returns.
     */
    protected final void workersReleased() {
        amongOpenPools.remove();
        if (told.getAndSet(CLOSED) == OPENED) {
            TaskObserver observer = TaskObserver.Current.get();
            if (observer != null) {
                observer.poolClosed(name);
            }
        }
        terminated.countDown();
    }

    /**
     * Runs a task in the calling thread.
     *
     * @param submission the task
     */
    protected final void runInCaller(Submission<?> submission) {
        runningInCallers.put(submission, Thread.currentThread());
        try {
            submission.run();
        } finally {
            runningInCallers.remove(submission);
        }
    }

    /**
     * Returns the class that a submitter wrote: that of the task, or of the runnable or function that the library
     * wrapped.
     *
     * @param body a task's body
     * @return the class
     */
    protected static Class<?> writtenClassOf(Callable<?> body) {
        return TaskNames.written(body).getClass();
    }

    /**
     * Returns the name of a task whose options give no name.
     *
     * @param body a task's body
     * @return a name that tells where the task was written
     */
    protected static String nameOf(Callable<?> body) {
        return TaskNames.of(body);
    }

    /**
     * Returns whether {@link #shutdownNow} was called: from then on a task that starts is cancelled.
     *
     * @return true from then on
     */
    protected final boolean isStopping() {
        return stopping;
    }

    final Counters counters() {
        return counters;
    }

    final EndedTasks endedTasks() {
        return endedTasks;
    }

    final UnaskedFailures unaskedFailures() {
        return unaskedFailures;
    }

    /** Returns whether the calling thread is a worker thread of this pool. */
    final boolean isWorker() {
        return onWorker();
    }

    // ---- what a task with a retry calls ----

    /** Counts another attempt of an admitted task in. */
    final void enterAgain() {
        gate.enterAgain();
    }

    final void dispatchAttempt(Submission<?> attempt) {
        dispatchOrFail(attempt);
        if (stopping) { // shutdownNow may have missed it
            attempt.settle(null, new CancellationException(), true);
        }
    }

    // ---- submission ----

    @Override
    public final <T extends @Nullable Object> TaskFuture<T> submit(Task<T> task) {
        return submit(task, TaskOptions.NONE);
    }

    @Override
    public final <T extends @Nullable Object> TaskFuture<T> submit(Task<T> task, TaskOptions options) {
        return admit(make(Objects.requireNonNull(task, "task"), options));
    }

    /** Creates a submission that runs in the context of the calling thread. */
    final <T extends @Nullable Object> Submission<T> newInContext(Callable<T> body, TaskOptions options) {
        return create(body, options, inheritsScopedValues());
    }

    private <T extends @Nullable Object> Submission<T> create(
            Callable<T> task, TaskOptions options, boolean inherits) {
        Callable<T> body = TaskContexts.carry(task, this, options, copiesTasks(), inherits);
        Tracked tracked = Tracked.of(body);
        if (tracked == null) {
            return newWhole(body, options);
        }
        try {
            Submission<T> created = newWhole(body, options);
            created.isTrackedBy(tracked);
            return created;
        } catch (Throwable e) { // it cannot travel, for example
            tracked.refused(e);
            throw e;
        }
    }

    private <T extends @Nullable Object> Submission<T> newWhole(Callable<T> body, TaskOptions options) {
        Retry retry = options.retry();
        return retry == null
                ? newSubmission(body, options)
                : new RetriedSubmission<>(this, body, options, retry, newSubmission(body, options.withoutRetry()));
    }

    /**
     * Wraps a callable that runs in this JVM, even if the kind's tasks do not, in the context of the calling thread.
     */
    final <T extends @Nullable Object> Callable<T> carryToThread(Callable<T> body) {
        return TaskContexts.carry(body, inheritsScopedValues());
    }

    private <T extends @Nullable Object> Submission<T> make(Callable<T> task, TaskOptions options) {
        return make(task, options, inheritsScopedValues());
    }

    private <T extends @Nullable Object> Submission<T> make(Callable<T> task, TaskOptions options, boolean inherits) {
        if (options.priority() != 0 && !ordersByPriority()) {
            throw new IllegalArgumentException("priority must be 0, was " + options.priority() + ": pool " + name
                    + " does not order tasks by priority; threads do with order=priority");
        }
        return create(task, options, inherits);
    }

    @Override
    public final <T extends @Nullable Object> TaskFuture<T> submitAfter(Duration delay, Task<T> task) {
        return submitAfter(delay, task, TaskOptions.NONE);
    }

    @Override
    public final <T extends @Nullable Object> TaskFuture<T> submitAfter(
            Duration delay, Task<T> task, TaskOptions options) {
        Objects.requireNonNull(delay, "delay");
        Submission<T> submission = make(Objects.requireNonNull(task, "task"), options);
        return admit(submission, Deadline.NEVER, delay.isPositive() ? delay : Duration.ZERO);
    }

    @Override
    public final TaskFuture<@Nullable Void> submit(Action action) {
        return submit((Runnable) action);
    }

    @Override
    public final TaskFuture<@Nullable Void> submit(Action action, TaskOptions options) {
        return admit(make(new RunnableTask<@Nullable Void>(Objects.requireNonNull(action, "action"), null), options));
    }

    @Override
    public final <T extends @Nullable Object> TaskFuture<T> submit(Callable<T> task) {
        return admit(newInContext(Objects.requireNonNull(task, "task"), TaskOptions.NONE));
    }

    @Override
    public final TaskFuture<@Nullable Void> submit(Runnable task) {
        return admit(newInContext(RunnableTask.of(Objects.requireNonNull(task, "task")), TaskOptions.NONE));
    }

    @Override
    public final <T extends @Nullable Object> TaskFuture<T> submit(Runnable task, T result) {
        return admit(newInContext(new RunnableTask<>(Objects.requireNonNull(task, "task"), result), TaskOptions.NONE));
    }

    @Override
    public final void execute(Action action) {
        execute((Runnable) action);
    }

    @Override
    public final void execute(Runnable command) {
        var task = new RunnableTask<@Nullable Void>(Objects.requireNonNull(command, "command"), null);
        Submission<@Nullable Void> submission = this.<@Nullable Void>newInContext(task, TaskOptions.NONE);
        submission.reportsFailure();
        admit(submission);
    }

    /**
     * Submits a task that is a part of an owner.
     *
     * @param left how long the task may wait for room, after which it is admitted as cancelled; null for ever
     */
    final <T extends @Nullable Object> TaskFuture<T> submitFor(
            Owner owner, Task<T> task, TaskOptions options, @Nullable Duration left) {
        boolean inherits = inheritsScopedValues() || owner.inheritsScopedValues() && !copiesTasks();
        Submission<T> submission = make(Objects.requireNonNull(task, "task"), options, inherits);
        submission.belongsTo(owner);
        return admit(submission, Deadline.in(left), Duration.ZERO);
    }

    /**
     * Submits a task that is of no use after a deadline: if it waits for room until then, it is admitted as cancelled.
     */
    final <T extends @Nullable Object> TaskFuture<T> submitBefore(Deadline deadline, Callable<T> task) {
        return admit(newInContext(task, TaskOptions.NONE), deadline, Duration.ZERO);
    }

    private <T extends @Nullable Object> TaskFuture<T> admit(Submission<T> submission) {
        return admit(submission, Deadline.NEVER, Duration.ZERO);
    }

    /**
     * Admits a task that is to run after a delay; as cancelled if there is no room before the deadline. A delayed task
     * holds its place meanwhile, so that the bound of the pool includes it.
     */
    private <T extends @Nullable Object> TaskFuture<T> admit(
            Submission<T> submission, Deadline deadline, Duration delay) {
        if (!gate.enter()) {
            throw refused(submission, "is shut down", null);
        }
        return place(submission, deadline, delay);
    }

    private <T extends @Nullable Object> TaskFuture<T> place(
            Submission<T> submission, Deadline deadline, Duration delay) {
        boolean inCaller = false;
        boolean tooLate = deadline.isOver();
        if (places != null && !tooLate) {
            if (places.tryAcquire()) {
                submission.holdsPlace();
            } else if (whenFull == BacklogPolicy.CALLER_RUNS) {
                inCaller = true;
            } else if (whenFull == BacklogPolicy.REJECT) {
                leave();
                throw refused(submission, "is full", null);
            } else if (!onWorker() && submission.waitsForPlace()) { // the room must not depend on the thread that waits
                tooLate = !waitForPlace(submission, places, deadline);
                if (!tooLate) {
                    submission.holdsPlace();
                }
            }
        }
        opened();
        counters.submitted();
        submission.tellSubmitted();
        boolean here = (inCaller || runsInCaller()) && !tooLate;
        boolean mayEndEarly = submission.mayEndEarly() || delay.isPositive();
        if (mayEndEarly) { // keeps the pool open if another thread settles the task before it is dispatched
            gate.enterAgain();
        }
        try {
            makeKnown(submission, here);
            if (tooLate) {
                submission.settle(null, new CancellationException(), false);
            } else if (here) {
                if (delay.isPositive()) {
                    delayed.await(delay, submission);
                }
                submission.runHere();
            } else if (delay.isPositive()) {
                delayed.dispatchAfter(delay, submission);
            } else {
                dispatchOrFail(submission);
            }
        } catch (RuntimeException | Error e) {
            submission.future().asked(); // the submitter has the failure
            throw e;
        } finally {
            if (mayEndEarly) {
                leave();
            }
        }
        return submission.future();
    }

    /** Publishes an admitted task to everything that may end it. */
    private void makeKnown(Submission<?> submission, boolean here) {
        try {
            submission.admitted(here);
        } catch (RuntimeException | Error e) { // no worker will run it, so it ends here
            submission.settle(null, e, false);
            if (here) {
                submission.runHere(); // finds it ended
            }
            throw e;
        }
    }

    /** Runs a task, or an attempt, in the calling thread. */
    final void runOneHere(Submission<?> submission) {
        if (runsInCaller()) {
            dispatchOrFail(submission);
        } else {
            runInCaller(submission);
        }
    }

    final void dispatchOrFail(Submission<?> submission) {
        try {
            submission.dispatch();
        } catch (RuntimeException | Error e) { // no thread, for example: no worker will run it, so it ends here
            if (submission.settle(null, e, false) || !submission.future().isCancelled()) {
                throw e;
            }
            // It was taken in, and shutdownNow has cancelled it meanwhile: the caller gets its future.
        }
    }

    /** Waits for a place; returns false when the deadline passed first. */
    private boolean waitForPlace(Submission<?> submission, Semaphore free, Deadline deadline) {
        try {
            if (!deadline.acquire(free)) {
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            leave();
            throw refused(submission, "is full, and the wait for room was interrupted", e);
        }
        if (isShutdown()) {
            free.release();
            leave();
            throw refused(submission, "was shut down while this submission waited for room", null);
        }
        return true;
    }

    private RejectedSubmissionException refused(Submission<?> submission, String why, @Nullable Throwable cause) {
        counters.rejected();
        PoolStatistics seen = statistics();
        String bound = places == null ? "" : ", backlog " + backlog;
        var refused = new RejectedSubmissionException(
                "pool " + name + " " + why + ": " + seen.running() + " running, " + seen.queued() + " queued, "
                        + seen.workers() + (seen.workers() == 1 ? " worker" : " workers") + bound,
                seen,
                cause);
        submission.tellRefused(refused);
        return refused;
    }

    /** Counts a task out, and releases the workers if it was the last task of a closed pool. */
    final void leave() {
        if (gate.leave()) {
            releaseWorkers();
        }
    }

    /**
     * Runs a settlement from outside, and notes the thread meanwhile: a callback that closes the pool would wait for
     * itself.
     */
    final void whileSettling(Runnable settling) {
        Thread self = Thread.currentThread();
        boolean isOutermost = settlers.add(self);
        try {
            settling.run();
        } finally {
            if (isOutermost) {
                settlers.remove(self);
            }
        }
    }

    /** Ends the delay of a dropped task; returns false if the delay was over, or there was none. */
    final boolean forgetDelay(Submission<?> submission) {
        if (!delayed.remove(submission)) {
            return false;
        }
        leave();
        return true;
    }

    final DelayedTasks delayed() {
        return delayed;
    }

    /** Returns the tasks with a retry, which add and remove themselves. */
    final Set<Submission<?>> retrying() {
        return retrying;
    }

    /** Returns the {@code mapAsync} calls, which add and remove themselves. */
    final Set<Submission<?>> maps() {
        return maps;
    }

    /** Counts a submission out: its future is done, and its worker is free of it, if it ever had one. */
    final void ended(Submission<?> submission) {
        try {
            releasePlace(submission);
        } finally {
            try {
                leave();
            } finally {
                submission.left();
            }
        }
    }

    /** Releases the place of a submission that is about to be settled, or whose stopped run has ended. */
    final void releasePlace(Submission<?> submission) {
        if (places != null && submission.givesUpPlace()) {
            places.release();
        }
        if (submission.endsLoad()) {
            loadEnded();
        }
    }

    // ---- bulk ----

    @Override
    public final Mapper chunksOf(int size) {
        if (size < 1) {
            throw new IllegalArgumentException("chunk size must be >= 1, was " + size);
        }
        return new PoolMapper(this, size);
    }

    private Mapper measured() {
        return new PoolMapper(this, MapWindow.MEASURED);
    }

    @Override
    public final <A extends @Nullable Object, R extends @Nullable Object> List<R> map(
            TaskFunction<? super A, ? extends R> function, Iterable<? extends A> items) {
        return measured().map(function, items);
    }

    @Override
    public final <A extends @Nullable Object, B extends @Nullable Object, R extends @Nullable Object> List<R> map(
            TaskBiFunction<? super A, ? super B, ? extends R> function,
            Iterable<? extends A> firsts,
            Iterable<? extends B> seconds) {
        return measured().map(function, firsts, seconds);
    }

    @Override
    public final <A extends @Nullable Object, R extends @Nullable Object> TaskFuture<List<R>> mapAsync(
            TaskFunction<? super A, ? extends R> function, Iterable<? extends A> items) {
        return measured().mapAsync(function, items);
    }

    @Override
    public final <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mapping(
            TaskFunction<? super A, ? extends R> function) {
        return measured().mapping(function);
    }

    @Override
    public final <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mappingUnordered(
            TaskFunction<? super A, ? extends R> function) {
        return measured().mappingUnordered(function);
    }

    @Override
    public final <A extends @Nullable Object> void forEach(
            Iterable<? extends A> items, ItemAction<? super A> action) {
        measured().forEach(items, action);
    }

    /** Admits a {@code mapAsync} and begins it. */
    final <T extends @Nullable Object> TaskFuture<T> begin(MapSubmission<T> map) {
        if (!gate.enter()) {
            throw refused(map, "is shut down", null);
        }
        if (runsInCaller()) {
            runInCaller(map);
            return map.future();
        }
        map.admitted(false);
        if (stopping) { // shutdownNow may have missed it
            map.settle(null, new CancellationException(), true);
        }
        try {
            Backend.start(Thread.ofVirtual().name(name + "-map").unstarted(map::run));
        } catch (Throwable e) { // no thread to be had: the map will not run, so it ends here
            map.future().asked(); // the submitter has the failure
            map.settle(null, e, false);
            throw e;
        }
        return map.future();
    }

    /** Admits a chunk of an admitted {@code mapAsync}, even when the pool is closed. */
    final <T extends @Nullable Object> TaskFuture<T> admitChunk(Submission<T> chunk) {
        gate.enterAgain();
        return place(chunk, Deadline.NEVER, Duration.ZERO);
    }

    final boolean isFull() {
        return freePlaces() == 0;
    }

    /** Returns how many submissions find room; shutdown adds {@link #FLOOD}. */
    final int freePlaces() {
        return places == null ? FLOOD : places.availablePermits();
    }

    @Override
    public final <T extends @Nullable Object> List<Future<T>> invokeAll(Collection<? extends Callable<T>> tasks)
            throws InterruptedException {
        return Invocations.all(this, tasks);
    }

    @Override
    public final <T extends @Nullable Object> List<Future<T>> invokeAll(
            Collection<? extends Callable<T>> tasks, long timeout, TimeUnit unit) throws InterruptedException {
        return Invocations.all(this, tasks, Deadline.in(unit.toNanos(timeout)));
    }

    @Override
    public final <T extends @Nullable Object> T invokeAny(Collection<? extends Callable<T>> tasks)
            throws InterruptedException, ExecutionException {
        return Invocations.any(this, tasks);
    }

    @Override
    public final <T extends @Nullable Object> T invokeAny(
            Collection<? extends Callable<T>> tasks, long timeout, TimeUnit unit)
            throws InterruptedException, ExecutionException, TimeoutException {
        return Invocations.any(this, tasks, Deadline.in(unit.toNanos(timeout)));
    }

    // ---- life ----

    @Override
    public final void shutdown() {
        if (gate.close(this::floodPlaces)) {
            releaseWorkers();
        }
    }

    private void floodPlaces() {
        if (places != null) {
            places.release(FLOOD);
        }
    }

    @Override
    public final List<Runnable> shutdownNow() {
        // Collected twice, before and after stopping is set: a thread that moves a task later cancels it instead.
        Set<Submission<?>> waiting = new LinkedHashSet<>(underWay());
        waiting.removeIf(one -> !one.isQueued());
        stopping = true;
        // A submission that is admitted but not yet dispatched is in no list; it finds stopping set when it starts.
        shutdown();
        maps.forEach(this::cancelNow); // before their chunks, whose cancellation would make the maps fail
        List<Submission<?>> all = underWay();
        all.stream().filter(Submission::isQueued).forEach(waiting::add);
        all.forEach(this::cancelNow);
        waiting.forEach(this::cancelNow);
        runningInCallers.keySet().forEach(this::cancelNow); // attempts included
        List<Runnable> neverBegun = new ArrayList<>();
        for (Submission<?> submission : waiting) {
            if (submission.neverBegan()) {
                neverBegun.add(submission.asRunnable());
            }
        }
        return neverBegun;
    }

    private List<Submission<?>> underWay() {
        List<Submission<?>> all = new ArrayList<>(held());
        all.removeIf(one -> !one.isCounted()); // attempts: their task cancels them
        all.addAll(retrying);
        all.addAll(delayed.all());
        return all;
    }

    /** Cancels a task; if its future is settled and its run goes on, after {@code cancel(false)}, stops the run. */
    final void cancelNow(Submission<?> submission) {
        if (!submission.settle(null, new CancellationException(), true) && submission.isStopping()) {
            submission.tryToStop(true);
        }
    }

    /**
     * Shuts down, and waits until every submitted task and all workers have ended. An interrupt while waiting turns it
     * into {@link #shutdownNow}.
     *
     * @throws IllegalStateException if called by a task of this pool or by a callback of such a task, which would wait
     *     for itself; the pool is shut down even so
     */
    @Override
    public final void close() {
        shutdown();
        Thread self = Thread.currentThread();
        if (!isTerminated() && (onWorker() || runningInCallers.containsValue(self) || settlers.contains(self))) {
            throw new IllegalStateException("close() of pool " + name + " called by one of its own tasks");
        }
        boolean interrupted = false;
        while (true) {
            try (var _ = Waits.outOfTurn()) {
                terminated.await();
                break;
            } catch (InterruptedException e) {
                if (!interrupted) {
                    interrupted = true;
                    shutdownNow();
                }
            }
        }
        unaskedFailures.tellAll();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public final boolean isShutdown() {
        return gate.isClosed();
    }

    @Override
    public final boolean isTerminated() {
        return terminated.getCount() == 0;
    }

    @Override
    public final boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            if (!terminated.await(timeout, unit)) {
                return false;
            }
        }
        unaskedFailures.tellAll();
        return true;
    }

    // ---- figures ----

    /** Returns the tasks that run in threads of this JVM. */
    private List<RunningTask> runningHere() {
        List<RunningTask> running = new ArrayList<>();
        held().forEach(one -> one.addIfRunningHere(running));
        runningInCallers.keySet().forEach(one -> one.addIfRunningHere(running));
        return running;
    }

    @Override
    public final int workers() {
        return workers;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final PoolStatistics statistics() {
        return counters.snapshot(aliveWorkers(), workersLost(), workersRecycled(), cpuTime(), workerPids());
    }

    @Override
    public String toString() {
        PoolStatistics seen = statistics();
        String life = isTerminated() ? "terminated" : isShutdown() ? "shut down" : "open";
        return name + "[" + life + ", " + seen.workers() + " workers, " + seen.running() + " running, "
                + seen.queued() + " queued, " + seen.ended() + " ended]";
    }
}
