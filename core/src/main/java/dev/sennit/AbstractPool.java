package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Waits;
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
import java.util.stream.Gatherer;
import org.jspecify.annotations.Nullable;

/**
 * What every kind of pool shares: admission, back-pressure, bulk methods, statistics and the end of life.
 *
 * <p>For authors of pools. A kind says how a task gets to a worker ({@link #dispatch}), how a run is ended ({@link
 * #stop}), and how its workers go away ({@link #releaseWorkers}).
 *
 * <h2>Life</h2>
 *
 * <p>A {@link Gate} counts the tasks that were admitted and have not ended. None can slip in behind {@code shutdown}, and
 * the last one out of a closed pool, and only that one, releases the workers.
 *
 * <h2>Back-pressure</h2>
 *
 * <p>A bounded pool has {@code workers + backlog} places. A task holds one from submission until it is settled, or, when
 * it was settled from outside, until its worker is free of it; so who has seen a future done finds room. Shutting down
 * floods the places, which wakes everybody who waits for one; they find the pool closed.
 */
public abstract non-sealed class AbstractPool implements Pool {
    static final int FLOOD = 1 << 30;
    /** Of tasks that have the scoped values of their submitter, and belong to nothing else. */
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
    /** Tasks that may be tried again, until they are over. */
    private final Set<Submission<?>> retrying = ConcurrentHashMap.newKeySet();
    /** Has in it the tasks that were admitted and have not ended. */
    private final Gate gate = new Gate();
    private final CountDownLatch terminated = new CountDownLatch(1);
    private final QueueSweeper sweeper = new QueueSweeper();
    /** Submissions that run in threads which are not workers: callers, and workers that wait for another task. */
    private final Map<Submission<?>, Thread> runningInCallers = new ConcurrentHashMap<>();
    /** Threads that settle a task from outside: they call its callbacks before they count it out. */
    private final Set<Thread> settlers = ConcurrentHashMap.newKeySet();
    /** Each {@code mapAsync} until it has ended. */
    private final Set<Submission<?>> maps = ConcurrentHashMap.newKeySet();
    private final DelayedTasks delayed = new DelayedTasks();
    private final EndedTasks endedTasks = new EndedTasks();
    private final UnaskedFailures unaskedFailures;
    private volatile boolean stopping;

    /**
     * Creates a pool that is open.
     *
     * @param settings name, backlog and policy
     * @param workers how many tasks can run at once
     */
    protected AbstractPool(PoolBuilder<?> settings, int workers) {
        this.name = settings.nameOrNext();
        this.unaskedFailures = new UnaskedFailures(name, settings.tellsUnasked());
        this.workers = workers;
        this.backlog = settings.boundFor(workers);
        this.whenFull = settings.whenFull();
        this.places = backlog == PoolBuilder.UNBOUNDED || workers == Integer.MAX_VALUE
                ? null
                : new Semaphore((int) Math.min((long) workers + backlog, FLOOD - 1));
    }

    /** Any pool, as what it is. */
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
     * The tasks that the kind holds: queued, and running on its workers.
     *
     * @return a snapshot
     */
    protected abstract Collection<? extends Submission<?>> held();

    /**
     * Whether the calling thread is one of the pool's, running a task or a callback.
     *
     * @return true if waiting for room could be waiting for itself
     */
    protected abstract boolean onWorker();

    /**
     * Called once, when the pool is closed and every task has ended: lets the workers go, and calls {@link
     * #workersReleased} when they are gone.
     */
    protected abstract void releaseWorkers();

    /**
     * How many workers are alive.
     *
     * @return the count
     */
    protected abstract int aliveWorkers();

    /**
     * Makes the submission for a task; kinds whose tasks travel encode it here, in the submitting thread.
     *
     * @param body what to call
     * @param options name and limits
     * @param <T> the type of the result
     * @return a submission that waits
     */
    protected <T extends @Nullable Object> Submission<T> newSubmission(Callable<T> body, TaskOptions options) {
        return new Submission<>(this, body, options);
    }

    /**
     * Makes a submission of the same task for another attempt.
     *
     * @param ended one that has ended, made by {@link #newSubmission}
     * @param <T> the type of the result
     * @return a submission that waits
     */
    protected <T extends @Nullable Object> Submission<T> again(Submission<T> ended) {
        return newSubmission(ended.body(), ended.options());
    }

    /**
     * Ends a run whose future is settled. The default interrupts the thread in {@link Submission#run}.
     *
     * @param submission one that was running
     */
    protected void stop(Submission<?> submission) {
        submission.interruptRunner();
    }

    /**
     * Called when a task was dropped before it began; a queue may forget it.
     *
     * @param submission the task
     */
    protected void forget(Submission<?> submission) {}

    /**
     * Called by a thread that is about to wait for one of the pool's futures without a limit. The default keeps the
     * pool from starving: a worker that waits for a task which nobody has begun runs it itself. What cancels the one that
     * waits ends the other as well if it is its own; one that somebody else submitted comes to its end first. Called again when
     * the delay of a submission is over: before that nobody runs it.
     *
     * @param submission what it is going to wait for
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
     * Called by a thread that is about to wait until runs are over, whose futures are done. Does nothing unless a worker
     * that waits would keep the pool from hearing of them.
     */
    protected void aboutToWait() {}

    /**
     * Workers that died under the pool.
     *
     * @return the count
     */
    protected long workersLost() {
        return 0;
    }

    /**
     * Workers that the pool replaced, or let go, while it was open.
     *
     * @return the count
     */
    protected long workersRecycled() {
        return 0;
    }

    /**
     * The process ids of the workers that are there.
     *
     * @return a snapshot; empty for kinds whose workers are no processes
     */
    protected List<Long> workerPids() {
        return List.of();
    }

    /**
     * Processor time used by the pool's workers.
     *
     * @return the time, or empty where it cannot be known
     */
    protected Optional<Duration> cpuTime() {
        return Optional.empty();
    }

    /**
     * The time one message to a worker should take, from which {@link #map} sizes its chunks.
     *
     * @return a duration; zero sends every item alone
     */
    protected Duration chunkTime() {
        return Duration.ofMillis(1);
    }

    /**
     * Called when a task that {@link #countsAsLoad} is about to be settled, before anybody sees that.
     */
    protected void loadEnded() {}

    /**
     * Calls back once a delay is over.
     *
     * @param delay positive
     * @param action something short that does not block
     * @return a handle whose {@code cancel(false)} calls it off
     */
    protected Future<?> callAfter(Duration delay, Runnable action) {
        return Timers.after(delay, action);
    }

    /**
     * Whether waiting tasks are taken by priority.
     *
     * @return false unless the kind can, and was asked to
     */
    protected boolean ordersByPriority() {
        return false;
    }

    /**
     * Whether a task runs on a copy of what it captured, and so cannot tell this JVM anything but its result.
     *
     * @return false unless tasks leave this JVM
     */
    protected boolean copiesTasks() {
        return false;
    }

    /**
     * Whether tasks have the scoped values that are bound where they are submitted, as those of a {@link TaskScope} do. They can
     * where the JVM was started with {@code --add-opens java.base/java.lang}.
     *
     * @return false unless the kind's tasks are coroutines
     */
    protected boolean inheritsScopedValues() {
        return false;
    }

    /**
     * Whether {@code submit} runs the task before it returns; then it is the submitter who waits for a delay to pass.
     *
     * @return false unless the kind has no execution unit of its own
     */
    protected boolean runsInCaller() {
        return false;
    }

    // ---- what a kind may call ----

    /**
     * Submits a task to another pool, on behalf of a task whose scoped values it is to have; not where it leaves this JVM.
     *
     * @param other the pool
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    protected static <T extends @Nullable Object> TaskFuture<T> submitInheriting(Pool other, Callable<T> task) {
        return of(other).submitFor(
                INHERITING, CallableTask.of(Objects.requireNonNull(task, "task")), TaskOptions.NONE, null);
    }

    /**
     * The same for a runnable.
     *
     * @param other the pool
     * @param task what to run
     * @return a future of null
     */
    protected static TaskFuture<@Nullable Void> submitInheriting(Pool other, Runnable task) {
        return of(other).submitFor(
                INHERITING, RunnableTask.of(Objects.requireNonNull(task, "task")), TaskOptions.NONE, null);
    }

    /**
     * Asks for a call of {@link #loadEnded} when a task has ended, which may be at once.
     *
     * @param submission the task, which has been counted and is about to be queued
     */
    protected final void countsAsLoad(Submission<?> submission) {
        submission.countAsLoad();
        if (!submission.isQueued() && submission.endsLoad()) { // whoever dropped it may not have seen that
            loadEnded();
        }
    }

    /**
     * Notes that a cancelled task lies in a queue, and takes such tasks out once they are half of it.
     *
     * @param queue where it may lie; the caller holds whatever lock the queue needs
     */
    protected final void sweep(java.util.Queue<? extends Submission<?>> queue) {
        sweeper.dropped(queue);
    }

    /**
     * Says that all workers are gone: {@link #awaitTermination} returns.
     */
    protected final void workersReleased() {
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
     * The class that a submitter wrote: of the task, or of the runnable or function that this library made a task of.
     *
     * @param body a task's body
     * @return the class
     */
    protected static Class<?> writtenClassOf(Callable<?> body) {
        return TaskNames.written(body).getClass();
    }

    /**
     * What a task is called whose options give no name.
     *
     * @param body a task's body
     * @return a name that tells where the task was written
     */
    protected static String nameOf(Callable<?> body) {
        return TaskNames.of(body);
    }

    /**
     * Whether {@link #shutdownNow} was called: a task that starts from now on is cancelled.
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

    /** Whether the calling thread is one of the pool's. */
    final boolean isWorker() {
        return onWorker();
    }

    // ---- what a task that is tried again calls ----

    /** Counts another attempt in, of a task that is in. */
    final void enterAgain() {
        gate.enterAgain();
    }

    final void dispatchAttempt(Submission<?> attempt) {
        dispatchOrFail(attempt);
        if (stopping) { // shutdownNow may have looked before it was there
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

    /** Makes a submission that runs in the context of the calling thread. */
    final <T extends @Nullable Object> Submission<T> newInContext(Callable<T> body, TaskOptions options) {
        return newSubmission(TaskContexts.carry(body, copiesTasks(), inheritsScopedValues()), options);
    }

    /** Gives what runs in a thread of this JVM, whatever the kind, the context of the calling thread. */
    final <T extends @Nullable Object> Callable<T> carryToThread(Callable<T> body) {
        return TaskContexts.carry(body, false, inheritsScopedValues());
    }

    private <T extends @Nullable Object> Submission<T> make(Callable<T> task, TaskOptions options) {
        return make(task, options, inheritsScopedValues());
    }

    private <T extends @Nullable Object> Submission<T> make(Callable<T> task, TaskOptions options, boolean inherits) {
        if (options.priority() != 0 && !ordersByPriority()) {
            throw new IllegalArgumentException("priority must be 0, was " + options.priority() + ": pool " + name
                    + " does not order tasks by priority; threads do with order=priority");
        }
        Callable<T> body = TaskContexts.carry(task, copiesTasks(), inherits);
        Retry retry = options.retry();
        return retry == null
                ? newSubmission(body, options)
                : new RetriedSubmission<>(this, body, options, retry, newSubmission(body, options.withoutRetry()));
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
     * Submits a task that is a part of something.
     *
     * @param left how long it may wait for room, and then is taken in as one that was cancelled; null for ever
     */
    final <T extends @Nullable Object> TaskFuture<T> submitFor(
            Owner owner, Task<T> task, TaskOptions options, @Nullable Duration left) {
        boolean inherits = inheritsScopedValues() || owner.inheritsScopedValues() && !copiesTasks();
        Submission<T> submission = make(Objects.requireNonNull(task, "task"), options, inherits);
        submission.belongsTo(owner);
        return admit(submission, Deadline.in(left), Duration.ZERO);
    }

    /** Submits a task that is of no use after a while: one that waits for room till then is taken in as if it were cancelled. */
    final <T extends @Nullable Object> TaskFuture<T> submitBefore(Deadline deadline, Callable<T> task) {
        return admit(newInContext(task, TaskOptions.NONE), deadline, Duration.ZERO);
    }

    private <T extends @Nullable Object> TaskFuture<T> admit(Submission<T> submission) {
        return admit(submission, Deadline.NEVER, Duration.ZERO);
    }

    /**
     * Takes a task in, for after a delay; when there is no room before the deadline, as one that was cancelled. One that is
     * delayed holds its place meanwhile: a bounded pool is bounded in every way.
     */
    private <T extends @Nullable Object> TaskFuture<T> admit(
            Submission<T> submission, Deadline deadline, Duration delay) {
        if (!gate.enter()) {
            throw refused("is shut down", null);
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
                throw refused("is full", null);
            } else if (!onWorker() && submission.waitsForPlace()) { // a worker may wait for a part, which cannot wait for it then
                tooLate = !waitForPlace(places, deadline);
                if (!tooLate) {
                    submission.holdsPlace();
                }
            }
        }
        counters.submitted();
        boolean here = (inCaller || runsInCaller()) && !tooLate;
        boolean mayEndEarly = submission.mayEndEarly() || delay.isPositive();
        if (mayEndEarly) { // others see it before it is dispatched: the pool outlasts the end they may make of it
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
                submission.runHere(); // which finds it ended
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
        } catch (RuntimeException | Error e) { // no thread to be had, say: no worker will run it, so it ends here
            submission.settle(null, e, false);
            throw e;
        }
    }

    /** Returns false when the time was over first. */
    private boolean waitForPlace(Semaphore free, Deadline deadline) {
        try {
            if (!deadline.acquire(free)) {
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            leave();
            throw refused("is full, and the wait for room was interrupted", e);
        }
        if (isShutdown()) {
            free.release();
            leave();
            throw refused("was shut down while this submission waited for room", null);
        }
        return true;
    }

    private RejectedSubmissionException refused(String why, @Nullable Throwable cause) {
        counters.rejected();
        PoolStatistics seen = statistics();
        String bound = places == null ? "" : ", backlog " + backlog;
        return new RejectedSubmissionException(
                "pool " + name + " " + why + ": " + seen.running() + " running, " + seen.queued() + " queued, "
                        + seen.workers() + (seen.workers() == 1 ? " worker" : " workers") + bound,
                seen,
                cause);
    }

    /** Counts a task out; the last one of a closed pool releases the workers. */
    final void leave() {
        if (gate.leave()) {
            releaseWorkers();
        }
    }

    /** Settles a future from outside, before its task is counted out: a callback that closes the pool would wait for itself. */
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

    /** Ends the delay of a task that was dropped; false if it was over, or there was none. */
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

    /** Tasks that may be tried again put themselves in here until they are over. */
    final Set<Submission<?>> retrying() {
        return retrying;
    }

    /** Each {@code mapAsync} puts itself in here until it is over. */
    final Set<Submission<?>> maps() {
        return maps;
    }

    /** A submission's future is done, and its worker is free of it or it never got one: counts it out. */
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

    /** Gives back the place of a submission that is about to be settled, or whose stopped run has ended. */
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

    /** Takes in a {@code mapAsync} and begins it. */
    final <T extends @Nullable Object> TaskFuture<T> begin(MapSubmission<T> map) {
        if (!gate.enter()) {
            throw refused("is shut down", null);
        }
        if (runsInCaller()) {
            runInCaller(map);
            return map.future();
        }
        map.admitted(false);
        if (stopping) { // shutdownNow may have looked before it was there
            map.settle(null, new CancellationException(), true);
        }
        try {
            Backend.start(Thread.ofVirtual().name(name + "-map").unstarted(map::run));
        } catch (Throwable e) { // no thread to be had: nobody will run it, so it ends here
            map.future().asked(); // the submitter has the failure
            map.settle(null, e, false);
            throw e;
        }
        return map.future();
    }

    /** Lets a chunk of such a map in, which is in itself. */
    final <T extends @Nullable Object> TaskFuture<T> admitChunk(Submission<T> chunk) {
        gate.enterAgain();
        return place(chunk, Deadline.NEVER, Duration.ZERO);
    }

    final boolean isFull() {
        return freePlaces() == 0;
    }

    /** How many submissions find room; {@link #FLOOD} is added by shutdown. */
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
        // Looked at twice: once it stops, whoever moves a task from one place to another cancels it instead.
        Set<Submission<?>> waiting = new LinkedHashSet<>(underWay());
        waiting.removeIf(one -> !one.isQueued());
        stopping = true;
        // A submission that was admitted but not yet dispatched is in no list; it finds "stopping" when it starts.
        shutdown();
        maps.forEach(this::cancelNow); // before their chunks, whose end would be their failure
        List<Submission<?>> all = underWay();
        all.stream().filter(Submission::isQueued).forEach(waiting::add);
        all.forEach(this::cancelNow);
        waiting.forEach(this::cancelNow);
        runningInCallers.keySet().forEach(this::cancelNow); // attempts too: their thread waits for nothing else
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
        all.removeIf(one -> !one.isCounted()); // an attempt: its task calls it off
        all.addAll(retrying);
        all.addAll(delayed.all());
        return all;
    }

    /** Cancels a task; stops one as well that goes on although its future is settled: {@code cancel(false)} let it. */
    final void cancelNow(Submission<?> submission) {
        if (!submission.settle(null, new CancellationException(), true) && submission.isStopping()) {
            submission.tryToStop(true);
        }
    }

    /**
     * Shuts down, waits until every submitted task has ended, and lets the workers go. An interrupt while waiting
     * turns it into {@link #shutdownNow}.
     *
     * @throws IllegalStateException if called by a task of this pool, or by a callback of one, which would wait for itself; the
     *     pool is shut down all the same
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
