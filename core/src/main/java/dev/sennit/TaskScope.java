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
 * Structured concurrency on any pool: tasks that belong to a block of code, and have ended when it has.
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
 * <p>What {@link #join} waits for, and what ends the others early, is chosen when the scope is opened: {@link #open all have
 * to succeed}, {@link #firstSuccess one is enough}, {@link #awaitAll all are to end}. It is the idea of the JDK's
 * {@code StructuredTaskScope} (JEP 505), without a preview API and on every kind of pool.
 *
 * <h2>Nothing is left over</h2>
 *
 * <p>{@link #close} cancels what has not ended and waits until every run has, not only every future: after it, no task
 * of the scope touches anything. A task that ignores its cancellation is waited for, except on kinds that isolate, where
 * its worker is killed. So leave a scope by its {@code try} block, in whatever way: a task whose thread is interrupted
 * leaves its own scopes, and so ends its children as well.
 *
 * <p>{@code fork}, {@code join} and {@code close} are for the thread that opened the scope.
 *
 * <p>A task has the scoped values that are bound where it is forked, if it runs in this JVM and that was started with {@code
 * --add-opens java.base/java.lang}. {@link TaskContext} carries context in all other cases.
 *
 * @param <T> what the tasks return
 * @param <R> what {@code join} returns
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
    /** Written by the owner, and read by whoever cancels: guarded by itself where both can be. */
    private final List<TaskFuture<? extends T>> children = new ArrayList<>();
    /** Runs that may go on: a task is counted out when its worker is free of it. */
    private final AtomicInteger alive = new AtomicInteger();
    /** The task that decided the outcome before all had ended. */
    private final AtomicReference<@Nullable TaskFuture<? extends T>> decisive = new AtomicReference<>();

    private Phase phase = Phase.OPEN;
    private @Nullable Future<?> timer;
    /** Only where there is a timer. */
    private long deadline;
    /** Whether the time was over before the outcome was decided. */
    private volatile boolean expired;

    private TaskScope(Pool pool, Policy policy) {
        this.pool = AbstractPool.of(pool);
        this.policy = policy;
    }

    /**
     * A scope whose tasks all have to succeed: the first failure cancels the others, and {@link #join} throws it.
     *
     * @param pool where the tasks run
     * @return an open scope
     */
    public static TaskScope<@Nullable Object, @Nullable Void> open(Pool pool) {
        return new TaskScope<>(pool, Policy.ALL_SUCCEED);
    }

    /**
     * A scope in which one success is enough: it cancels the others, and {@link #join} returns its value.
     *
     * @param pool where the tasks run
     * @param <T> what the tasks return
     * @return an open scope
     */
    public static <T extends @Nullable Object> TaskScope<T, T> firstSuccess(Pool pool) {
        return new TaskScope<>(pool, Policy.FIRST_SUCCESS);
    }

    /**
     * A scope that waits for all of its tasks, however they end; their futures tell.
     *
     * @param pool where the tasks run
     * @return an open scope
     */
    public static TaskScope<@Nullable Object, @Nullable Void> awaitAll(Pool pool) {
        return new TaskScope<>(pool, Policy.AWAIT_ALL);
    }

    /**
     * Limits the time from here to the end of {@link #join}; call it before the first {@link #fork}. A limit of a scope
     * around this one holds as well: it ends this one's owner.
     *
     * @param time more than zero
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
     * @param task what to run
     * @param <U> what it returns
     * @return its future; cancelled already when the outcome is decided, and the task is then not run
     * @throws WrongThreadException if called by another thread than the scope's
     * @throws IllegalStateException if the scope was joined or closed
     * @throws RejectedSubmissionException as {@link Pool#submit(Task)}
     */
    public <U extends T> TaskFuture<U> fork(Task<U> task) {
        return fork(task, TaskOptions.NONE);
    }

    /**
     * Starts a task of this scope, with a name or limits of its own.
     *
     * @param task what to run
     * @param options name and limits
     * @param <U> what it returns
     * @return its future
     */
    public <U extends T> TaskFuture<U> fork(Task<U> task, TaskOptions options) {
        return start(task, options);
    }

    /**
     * Starts an action of this scope. Its value is null, which {@link #join} returns where one success is enough and this is the
     * first.
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
     * @param action what to run
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> fork(Action action) {
        return fork(action, TaskOptions.NONE);
    }

    /**
     * Starts an action of this scope, with a name or limits of its own.
     *
     * @param action what to run
     * @param options name and limits
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> fork(Action action, TaskOptions options) {
        return start(RunnableTask.of(Objects.requireNonNull(action, "action")), options);
    }

    /**
     * Starts a callable as a task of this scope. It has to be serializable where tasks travel.
     *
     * @param task what to run
     * @param <U> what it returns
     * @return its future
     */
    public <U extends T> TaskFuture<U> fork(Callable<U> task) {
        return fork(task, TaskOptions.NONE);
    }

    /**
     * Starts a callable as a task of this scope, with a name or limits of its own. It has to be serializable where tasks travel.
     *
     * @param task what to run
     * @param options name and limits
     * @param <U> what it returns
     * @return its future
     */
    public <U extends T> TaskFuture<U> fork(Callable<U> task, TaskOptions options) {
        return start(CallableTask.of(Objects.requireNonNull(task, "task")), options);
    }

    /**
     * Starts a runnable as a task of this scope. It has to be serializable where tasks travel.
     *
     * @param task what to run
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> fork(Runnable task) {
        return fork(task, TaskOptions.NONE);
    }

    /**
     * Starts a runnable as a task of this scope, with a name or limits of its own. It has to be serializable where tasks travel.
     *
     * @param task what to run
     * @param options name and limits
     * @return a future of null
     */
    public TaskFuture<@Nullable Void> fork(Runnable task, TaskOptions options) {
        return start(RunnableTask.of(Objects.requireNonNull(task, "task")), options);
    }

    /** Starts a task; the value of one that is no T is null. */
    private <U extends @Nullable Object> TaskFuture<U> start(Task<U> task, TaskOptions options) {
        ensureOwner("fork");
        ensure(phase == Phase.OPEN, phase == Phase.JOINED ? "was joined; open another for more tasks" : "is closed");
        alive.incrementAndGet();
        int before = children.size();
        var owner = new Child();
        TaskFuture<U> child;
        try {
            child = pool.submitFor(owner, task, options, timeLeft());
        } catch (RuntimeException | Error e) { // refused: it may have been taken in before that, or not
            forgetSince(before);
            owner.over();
            throw e;
        }
        timeLeft(); // if none is, that ends this task too
        return child;
    }

    /** The owner of a task of this scope: the pool tells it of the task's way. */
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

        /** Called by the pool, and for a task that was refused by {@code fork}, which cannot know whether the pool has done so. */
        @Override
        public void over() {
            if (over.compareAndSet(false, true)) {
                oneRunLess();
            }
        }
    }

    /** How long a task may wait for room; null for ever. When the time is over, it says so. */
    private @Nullable Duration timeLeft() {
        if (isTimeOver()) {
            expire();
        }
        if (isDecided()) {
            return Duration.ZERO;
        }
        return timer == null ? null : Duration.ofNanos(deadline - Backend.current().nanoTime());
    }

    /** Before it can begin: it may run in this very thread, and has to be known to whoever cancels it there. */
    @SuppressWarnings("unchecked") // it is one of T, or of null
    private void add(TaskFuture<?> future) {
        var child = (TaskFuture<? extends T>) future;
        synchronized (children) {
            children.add(child);
        }
        child.onDone(this::ended);
        if (isDecided()) { // by somebody who may not have seen this one
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
        if (child.isCancelled() && isTimeOver()) { // it waited in vain for room, say, and was quicker than the timer
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
     * Waits for the outcome: until all tasks have ended, or one has decided it.
     *
     * @return the first value of a scope in which one success is enough, else null
     * @throws ExecutionException with the first failure as its cause and the others suppressed: where all have to succeed,
     *     when one did not, and where one success is enough, when there was none
     * @throws TimeoutException when the time is over; it says how many tasks were unfinished, and they are cancelled
     * @throws InterruptedException if the calling thread is interrupted; the tasks are cancelled by {@link #close}
     * @throws WrongThreadException if called by another thread than the scope's
     * @throws IllegalStateException if the scope was joined or closed, or one success is enough and nothing was forked
     */
    public R join() throws InterruptedException, ExecutionException, TimeoutException {
        ensureOwner("join");
        ensure(phase == Phase.OPEN, phase == Phase.JOINED ? "was joined already" : "is closed");
        Futures.wait(children, Until.ALL); // a decision, and the end of the time, end them all
        phase = Phase.JOINED;
        TaskFuture<? extends T> decided = decisive.get();
        if (decided == null && expired) {
            long unfinished = children.stream().filter(TaskFuture::isCancelled).count();
            if (unfinished > 0) {
                throw new TimeoutException(unfinished + " (of " + children.size() + ") tasks of " + this + " unfinished");
            }
        }
        return outcome(decided != null ? decided : findDecisive());
    }

    /** A future may be done a moment before {@link #ended} is called for it. */
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
     * Cancels what has not ended, and returns when no task of this scope runs any more. An interrupt does not end the
     * wait; its status is set afterwards.
     *
     * @throws WrongThreadException if called by another thread than the scope's
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
