package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Waits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Structured concurrency on any pool: tasks that belong to a block of code, and have ended when the block has.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("virtual");
 *         var scope = TaskScope.open(pool)) {
 *     TaskFuture<String> user = scope.fork(() -> "Ada");
 *     TaskFuture<Integer> orders = scope.fork(() -> 3);
 *     scope.join();
 *     System.out.println(user.resultNow() + " has " + orders.resultNow() + " orders");
 * }
 * }
 *
 * <p>The method that opens the scope decides which outcome {@link #join} waits for, and when the other tasks are
 * cancelled: {@link #open all tasks have to succeed}, {@link #firstSuccess one success is enough},
 * {@link #awaitAll all tasks are to end}. The idea is that of the JDK's {@code StructuredTaskScope} (JEP 505), without
 * a preview API and on every kind of pool.
 *
 * <h2>No task outlives its scope</h2>
 *
 * <p>{@link #close} cancels the tasks that have not ended, and waits until every run has ended, not only every future:
 * after it, no task of the scope runs. It waits for a task that ignores its cancellation, except on kinds that isolate
 * tasks, where the worker is killed. So use a scope in a {@code try} block: a task whose thread is interrupted leaves
 * its own scopes, and so ends its children as well.
 *
 * <p>Only the thread that opened the scope may call {@code fork}, {@code join} and {@code close}.
 *
 * <p>A task inherits the scoped values that are bound where it is forked, if it runs in this JVM, and this JVM was
 * started with {@code --add-opens java.base/java.lang}. {@link TaskContext} carries context in all other cases.
 *
 * @param <T> the type of the tasks' results
 * @param <R> the type of the result of {@code join}
 */
public final class TaskScope<T extends @Nullable Object, R extends @Nullable Object> implements AutoCloseable {
    private enum Policy {
        ALL_SUCCEED,
        FIRST_SUCCESS,
        AWAIT_ALL
    }

    private enum Phase {
        OPEN,
        JOINED,
        CLOSED
    }

    private final AbstractPool pool;
    private final Policy policy;
    private final Thread owner = Thread.currentThread();
    /** Written by the owner, with its own lock; other threads read it with this lock, when they cancel. */
    private final List<TaskFuture<? extends T>> children = new ArrayList<>();
    /** How many tasks may still run: a task is counted out when its worker is free of it. */
    private final AtomicInteger alive = new AtomicInteger();
    /** The first task that decided the outcome. */
    private final AtomicReference<@Nullable TaskFuture<? extends T>> decisive = new AtomicReference<>();

    private Phase phase = Phase.OPEN;
    private @Nullable Future<?> timer;
    /** Valid if there is a timer. */
    private long deadline;
    /** Whether the time limit has passed. */
    private volatile boolean expired;

    private TaskScope(Pool pool, Policy policy) {
        this.pool = AbstractPool.of(pool);
        this.policy = policy;
    }

    /**
     * Opens a scope whose tasks all have to succeed: the first failure cancels the others, and {@link #join} throws it.
     *
     * @param pool the pool that runs the tasks
     * @return an open scope
     */
    public static TaskScope<@Nullable Object, @Nullable Void> open(Pool pool) {
        return new TaskScope<>(pool, Policy.ALL_SUCCEED);
    }

    /**
     * Opens a scope in which one success is enough: it cancels the other tasks, and {@link #join} returns its value.
     *
     * @param pool the pool that runs the tasks
     * @param <T> the type of the tasks' results
     * @return an open scope
     */
    public static <T extends @Nullable Object> TaskScope<T, T> firstSuccess(Pool pool) {
        return new TaskScope<>(pool, Policy.FIRST_SUCCESS);
    }

    /**
     * Opens a scope that waits for all of its tasks, however they end. Their futures have the outcomes.
     *
     * @param pool the pool that runs the tasks
     * @return an open scope
     */
    public static TaskScope<@Nullable Object, @Nullable Void> awaitAll(Pool pool) {
        return new TaskScope<>(pool, Policy.AWAIT_ALL);
    }

    /**
     * Limits the time from this call to the end of {@link #join}; call it before the first {@link #fork}. The limit of
     * an enclosing scope also holds, as it cancels the task that opened this scope.
     *
     * @param time the limit, more than zero
     * @return this scope
     */
    public TaskScope<T, R> within(Duration time) {
        ensure(phase == Phase.OPEN && children.isEmpty(), "has tasks already; limit it before the first is forked");
        if (!time.isPositive()) {
            throw new IllegalArgumentException("time must be > 0, was " + time);
        }
        ensure(timer == null, "has a limit already");
        deadline = Backend.current().nanoTime() + Timers.nanos(time);
        timer = Timers.after(time, this::expire);
        return this;
    }

    private void expire() {
        expired = true;
        cancelAll();
    }

    private boolean isTimeOver() {
        return timer != null && !expired && deadline - Backend.current().nanoTime() <= 0;
    }

    private boolean isDecided() {
        return decisive.get() != null || expired;
    }

    /**
     * Starts a task of this scope.
     *
     * @param task the task
     * @param <U> the type of the result
     * @return its future; if the outcome is already decided, the future is cancelled and the task does not run
     * @throws WrongThreadException if called by a thread other than the scope's owner
     * @throws IllegalStateException if the scope was joined or closed
     * @throws RejectedSubmissionException as {@link Pool#submit(Task)}
     */
    public <U extends T> TaskFuture<U> fork(Task<U> task) {
        return fork(task, TaskOptions.NONE);
    }

    /**
     * Starts a task of this scope, with a name or limits of its own.
     *
     * @param task the task
     * @param options name and limits
     * @param <U> the type of the result
     * @return its future
     */
    public <U extends T> TaskFuture<U> fork(Task<U> task, TaskOptions options) {
        return start(task, options);
    }

    /**
     * Starts an action of this scope. Its value is null, which {@link #join} returns if one success is enough and this
     * is the first success.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("virtual");
     *         var scope = TaskScope.open(pool)) {
     *     scope.fork(() -> {
     *         Thread.sleep(10);
     *         System.out.println("slept");
     *     });
     *     scope.join();
     * }
     * }
     *
     * @param action the action
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> fork(Action action) {
        return fork(action, TaskOptions.NONE);
    }

    /**
     * Starts an action of this scope, with a name or limits of its own.
     *
     * @param action the action
     * @param options name and limits
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> fork(Action action, TaskOptions options) {
        return start(RunnableTask.of(Objects.requireNonNull(action, "action")), options);
    }

    /**
     * Starts a callable as a task of this scope. It must be serializable where tasks leave this JVM.
     *
     * @param task the task
     * @param <U> the type of the result
     * @return its future
     */
    public <U extends T> TaskFuture<U> fork(Callable<U> task) {
        return fork(task, TaskOptions.NONE);
    }

    /**
     * Starts a callable as a task of this scope, with a name or limits of its own. It must be serializable where tasks
     * leave this JVM.
     *
     * @param task the task
     * @param options name and limits
     * @param <U> the type of the result
     * @return its future
     */
    public <U extends T> TaskFuture<U> fork(Callable<U> task, TaskOptions options) {
        return start(CallableTask.of(Objects.requireNonNull(task, "task")), options);
    }

    /**
     * Starts a runnable as a task of this scope. It must be serializable where tasks leave this JVM.
     *
     * @param task the task
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> fork(Runnable task) {
        return fork(task, TaskOptions.NONE);
    }

    /**
     * Starts a runnable as a task of this scope, with a name or limits of its own. It must be serializable where tasks
     * leave this JVM.
     *
     * @param task the task
     * @param options name and limits
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> fork(Runnable task, TaskOptions options) {
        return start(RunnableTask.of(Objects.requireNonNull(task, "task")), options);
    }

    /** Starts a task whose value is a T, or null. */
    private <U extends @Nullable Object> TaskFuture<U> start(Task<U> task, TaskOptions options) {
        ensureOwner("fork");
        ensure(phase == Phase.OPEN, phase == Phase.JOINED ? "was joined; open another for more tasks" : "is closed");
        alive.incrementAndGet();
        int before = children.size();
        var owner = new Child();
        TaskFuture<U> child;
        try {
            child = pool.submitFor(owner, task, options, timeLeft());
        } catch (RuntimeException | Error e) { // refused; it may or may not have been admitted before
            forgetSince(before);
            owner.over();
            throw e;
        }
        timeLeft(); // if the time is over, this cancels the new task too
        return child;
    }

    /** The owner of a task of this scope. */
    private final class Child implements Owner {
        private final AtomicBoolean over = new AtomicBoolean();

        @Override
        @SuppressWarnings("unchecked") // only fork gives it to a submission
        public void admitted(Submission<?> part) {
            add((TaskFuture<? extends T>) part.future());
        }

        @Override
        public boolean inheritsScopedValues() {
            return true;
        }

        /** Called by the pool and, if the pool refused the task, also by {@code fork}: only the first call counts. */
        @Override
        public void over() {
            if (over.compareAndSet(false, true)) {
                oneRunLess();
            }
        }
    }

    /** Returns how long a task may wait for room, or null for ever; expires the scope when its time is over. */
    private @Nullable Duration timeLeft() {
        if (isTimeOver()) {
            expire();
        }
        if (isDecided()) {
            return Duration.ZERO;
        }
        return timer == null ? null : Duration.ofNanos(deadline - Backend.current().nanoTime());
    }

    /**
     * Adds a task before it can begin: it may run in the calling thread, and other threads must be able to cancel it
     * there.
     */
    @SuppressWarnings("unchecked") // its value is a T, or null
    private void add(TaskFuture<?> future) {
        var child = (TaskFuture<? extends T>) future;
        synchronized (children) {
            children.add(child);
        }
        child.onDone(this::ended);
        if (isDecided()) { // the thread that decided may have missed this task
            child.cancel(true);
        }
    }

    private void forgetSince(int count) {
        synchronized (children) {
            children.subList(count, children.size()).clear();
        }
    }

    private void oneRunLess() {
        if (alive.decrementAndGet() == 0) {
            LockSupport.unpark(owner);
        }
    }

    private void ended(TaskFuture<? extends T> child) {
        if (child.isCancelled() && isTimeOver()) { // it gave up its wait for room before the timer ran, for example
            expire();
        }
        if (decides(child) && !expired && decisive.compareAndSet(null, child)) {
            cancelAll();
        }
    }

    private boolean decides(TaskFuture<?> child) {
        return switch (policy) {
            case ALL_SUCCEED -> child.isCompletedExceptionally();
            case FIRST_SUCCESS -> !child.isCompletedExceptionally();
            case AWAIT_ALL -> false;
        };
    }

    private List<TaskFuture<? extends T>> snapshot() {
        synchronized (children) {
            return List.copyOf(children);
        }
    }

    private void cancelAll() {
        snapshot().forEach(child -> child.cancel(true));
    }

    /**
     * Waits for the outcome: until all tasks have ended, or a task has decided it.
     *
     * @return the first value if one success is enough, else null
     * @throws ExecutionException with the first failure as its cause and the others suppressed: if all tasks have to
     *     succeed and a task failed, or if one success is enough and no task succeeded
     * @throws TimeoutException if the time limit passed; it tells how many tasks were unfinished, and they are
     *     cancelled
     * @throws InterruptedException if the calling thread is interrupted; {@link #close} then cancels the tasks
     * @throws WrongThreadException if called by a thread other than the scope's owner
     * @throws IllegalStateException if the scope was joined or closed, or one success is enough and no task was forked
     */
    public R join() throws InterruptedException, ExecutionException, TimeoutException {
        ensureOwner("join");
        ensure(phase == Phase.OPEN, phase == Phase.JOINED ? "was joined already" : "is closed");
        Futures.wait(children, Until.ALL); // a decision, and the time limit, cancel all others
        phase = Phase.JOINED;
        TaskFuture<? extends T> decided = decisive.get();
        if (decided == null && expired) {
            long unfinished = children.stream().filter(TaskFuture::isCancelled).count();
            if (unfinished > 0) {
                throw new TimeoutException(
                        unfinished + " (of " + children.size() + ") tasks of " + this + " unfinished");
            }
        }
        return outcome(decided != null ? decided : findDecisive());
    }

    /** Finds a task that decides the outcome: a future may be done before {@link #ended} is called for it. */
    private @Nullable TaskFuture<? extends T> findDecisive() {
        for (TaskFuture<? extends T> child : children) {
            if (decides(child)) {
                return child;
            }
        }
        return null;
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // R is T where one success is enough, and else Void
    private R outcome(@Nullable TaskFuture<? extends T> decided) throws ExecutionException {
        if (policy == Policy.FIRST_SUCCESS) {
            if (decided != null) {
                return (R) decided.resultNow();
            }
            ensure(!children.isEmpty(), "has no task: fork one before join");
            throw failure(children.getFirst());
        }
        if (decided != null) {
            throw failure(decided);
        }
        return null;
    }

    private ExecutionException failure(TaskFuture<?> first) {
        Throwable cause = failureOf(first);
        var failure = Throwables.execution(cause);
        for (TaskFuture<?> child : children) {
            if (child != first && child.isCompletedExceptionally() && !child.isCancelled()) {
                failure.addSuppressed(failureOf(child));
            }
        }
        return failure;
    }

    private static Throwable failureOf(TaskFuture<?> child) {
        return child.isCancelled() ? new CancellationException(child.name() + " was cancelled") : child.exceptionNow();
    }

    /**
     * Cancels the tasks that have not ended, and returns when no task of this scope runs any more. An interrupt does
     * not end the wait; the interrupt status is set afterwards.
     *
     * @throws WrongThreadException if called by a thread other than the scope's owner
     */
    @Override
    public void close() {
        ensureOwner("close");
        phase = Phase.CLOSED;
        if (timer != null) {
            timer.cancel(false);
        }
        cancelAll();
        if (alive.get() > 0) {
            pool.aboutToWait();
        }
        boolean interrupted = false;
        try (var _ = Waits.outOfTurn()) {
            while (alive.get() > 0) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted(); // else it would not park again
            }
        }
        if (interrupted) {
            owner.interrupt();
        }
    }

    private void ensureOwner(String what) {
        if (Thread.currentThread() != owner) {
            throw new WrongThreadException(what + " of " + this + " called by thread "
                    + Thread.currentThread().getName() + "; only " + owner.getName() + ", which opened it, may");
        }
    }

    private void ensure(boolean holds, String whyNot) {
        if (!holds) {
            throw new IllegalStateException(this + " " + whyNot);
        }
    }

    @Override
    public String toString() {
        return "TaskScope[" + policy + " on " + pool.name() + ", " + phase + "]";
    }
}
