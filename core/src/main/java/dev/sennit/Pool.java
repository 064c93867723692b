package dev.sennit;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * An {@link ExecutorService} over workers of one kind: the calling thread, threads, virtual threads, coroutines, or
 * processes.
 *
 * <p>Every kind keeps the same contract, held by one conformance suite; which kind it is is chosen by whoever opens it,
 * usually with a plan string, and the code stays as it is. Every pool is an {@link AbstractPool}, which authors of other kinds
 * extend; scopes, pipelines and periodic work need more of a pool than callers do.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("threads:4")) {
 *     TaskFuture<Integer> one = pool.submit(() -> 6 * 7);
 *     java.util.List<Integer> squares = pool.map(n -> n * n, java.util.List.of(1, 2, 3));
 *     System.out.println(one.join() + " " + squares);
 * }
 * }
 *
 * <h2>The contract</h2>
 * <ul>
 *   <li>Every wait ends, with a value or a named cause.
 *   <li>{@code cancel(true)} and {@link TaskOptions#timeout} reach the running task.
 *   <li>A bounded backlog and what happens when it is full are set when the pool is opened ({@link BacklogPolicy}).
 *   <li>{@link #close} finishes what was submitted, {@link #shutdownNow} cancels it; both leave no thread, process,
 *       socket or file behind. A pool does not keep the JVM alive: close it to wait for its work.
 *   <li>{@link #shutdownNow} cancels the futures of the tasks it returns as well: nobody waits for them in vain.
 *   <li>Arguments are checked as {@link java.util.concurrent.ThreadPoolExecutor} does: null is a
 *       {@link NullPointerException}, submitting to a closed pool a {@link
 *       java.util.concurrent.RejectedExecutionException}.
 * </ul>
 *
 * <h2>Where the kinds differ</h2>
 * <table class="striped">
 * <caption>What a kind cannot offer</caption>
 * <thead><tr><th scope="col">&nbsp;</th><th scope="col">inline</th><th scope="col">threads, virtual, loop</th>
 *   <th scope="col">processes</th></tr></thead>
 * <tbody>
 * <tr><th scope="row">{@code submit} returns</th><td>when the task has ended</td><td>at once</td><td>at once</td></tr>
 * <tr><th scope="row">task and result</th><td>any object</td><td>any object</td><td>serializable, copied</td></tr>
 * <tr><th scope="row">a task that ignores interrupts</th><td>cannot be ended</td><td>cannot be ended; its future is,
 *   its thread stays busy</td><td>its worker is killed</td></tr>
 * <tr><th scope="row">{@code System.exit}, exhausted memory, a crash</th><td>takes this JVM down</td><td>takes this
 *   JVM down</td><td>fails that task alone</td></tr>
 * <tr><th scope="row">a task that submits to its own pool</th><td>yes</td><td>yes</td><td>no: a pool cannot travel,
 *   {@code submit} says so; a task may open a pool of its own</td></tr>
 * <tr><th scope="row">{@link java.util.concurrent.ExecutorCompletionService}</th><td>yes</td><td>yes</td><td>no: it hands over
 *   futures, which cannot travel, and {@code submit} says so; see {@link Futures#inCompletionOrder}</td></tr>
 * <tr><th scope="row">stack trace of a failure</th><td>one stack holds both sides</td><td>the task's; that of {@code
 *   get} is the waiter's</td><td>the task's, then the submitter's</td></tr>
 * <tr><th scope="row">processor time in the statistics</th><td>yes</td><td>threads: yes; virtual, loop: the JDK cannot
 *   tell</td><td>yes</td></tr>
 * </tbody>
 * </table>
 */
public sealed interface Pool extends ExecutorService, Mapper permits AbstractPool {

    /**
     * Runs a task.
     *
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     * @throws NullPointerException if the task is null
     * @throws RejectedSubmissionException if the pool is shut down, or full and its policy says so
     * @throws TaskSerializationException if the task has to travel and cannot
     */
    <T extends @Nullable Object> TaskFuture<T> submit(Task<T> task);

    /**
     * Runs a task with a name or limits of its own.
     *
     * @param task what to run
     * @param options name and limits
     * @param <T> the type of the result
     * @return its future
     * @throws NullPointerException if an argument is null
     * @throws RejectedSubmissionException if the pool is shut down, or full and its policy says so
     * @throws TaskSerializationException if the task has to travel and cannot
     */
    <T extends @Nullable Object> TaskFuture<T> submit(Task<T> task, TaskOptions options);

    /**
     * Runs an action: a block without a result, which may throw.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:2")) {
     *     pool.submit(() -> {
     *         Thread.sleep(10);
     *     }).join();
     * }
     * }
     *
     * <p><b>Which {@code submit} the compiler picks.</b> A lambda whose body has a value is a {@link Task}, also where the
     * value could be dropped ({@code () -> counter.incrementAndGet()}); so is a block that never returns ({@code () -> { throw
     * new IOException(); }}). A lambda without a value is an {@code Action}. The same holds for a reference to a method that
     * has no overloads. <b>A reference to an overloaded method, such as {@code System.out::println}, is ambiguous</b>, as it is
     * for {@link ExecutorService#submit(Runnable)}: write {@code () -> System.out.println()}. All methods of this library that
     * take a {@code Task} and an {@code Action} follow this rule.
     *
     * @param action what to run
     * @return a future of null
     */
    TaskFuture<@Nullable Void> submit(Action action);

    /**
     * Runs an action with a name or limits of its own.
     *
     * @param action what to run
     * @param options name and limits
     * @return a future of null
     */
    TaskFuture<@Nullable Void> submit(Action action, TaskOptions options);

    /**
     * Runs an action whose future has a given value.
     *
     * @param action what to run
     * @param result the value of the future once the action has returned
     * @param <T> the type of the result
     * @return its future
     */
    default <T extends @Nullable Object> TaskFuture<T> submit(Action action, T result) {
        return submit(new RunnableTask<>(Objects.requireNonNull(action, "action"), result), TaskOptions.NONE);
    }

    /**
     * Runs a task once a delay is over. It counts as waiting until then, and holds a place of a bounded backlog; {@link
     * #close} waits for it. On {@code inline} the caller waits.
     *
     * @param delay how long not to run it; zero or less is no delay
     * @param task what to run
     * @param <T> the type of the result
     * @return its future; cancelling it before the delay is over means that the task never runs
     */
    <T extends @Nullable Object> TaskFuture<T> submitAfter(Duration delay, Task<T> task);

    /**
     * Runs a task with a name or limits of its own once a delay is over.
     *
     * @param delay how long not to run it; zero or less is no delay
     * @param task what to run
     * @param options name and limits; the time limit counts from the beginning of the run
     * @param <T> the type of the result
     * @return its future
     */
    <T extends @Nullable Object> TaskFuture<T> submitAfter(Duration delay, Task<T> task, TaskOptions options);

    /**
     * Runs an action once a delay is over, as {@link #submitAfter(Duration, Task)} runs a task.
     *
     * @param delay how long not to run it; zero or less is no delay
     * @param action what to run
     * @return a future of null
     */
    default TaskFuture<@Nullable Void> submitAfter(Duration delay, Action action) {
        return submitAfter(delay, action, TaskOptions.NONE);
    }

    /**
     * Runs an action with a name or limits of its own once a delay is over.
     *
     * @param delay how long not to run it; zero or less is no delay
     * @param action what to run
     * @param options name and limits; the time limit counts from the beginning of the run
     * @return a future of null
     */
    default TaskFuture<@Nullable Void> submitAfter(Duration delay, Action action, TaskOptions options) {
        return submitAfter(delay, RunnableTask.of(Objects.requireNonNull(action, "action")), options);
    }

    /**
     * Runs a callable once a delay is over. It has to be serializable where tasks travel.
     *
     * @param delay how long not to run it; zero or less is no delay
     * @param task what to run
     * @param <T> the type of the result
     * @return its future
     */
    default <T extends @Nullable Object> TaskFuture<T> submitAfter(Duration delay, Callable<T> task) {
        return submitAfter(delay, task, TaskOptions.NONE);
    }

    /**
     * Runs a callable with a name or limits of its own once a delay is over. It has to be serializable where tasks travel.
     *
     * @param delay how long not to run it; zero or less is no delay
     * @param task what to run
     * @param options name and limits; the time limit counts from the beginning of the run
     * @param <T> the type of the result
     * @return its future
     */
    default <T extends @Nullable Object> TaskFuture<T> submitAfter(
            Duration delay, Callable<T> task, TaskOptions options) {
        return submitAfter(delay, CallableTask.of(Objects.requireNonNull(task, "task")), options);
    }

    /**
     * Runs a runnable once a delay is over. It has to be serializable where tasks travel.
     *
     * @param delay how long not to run it; zero or less is no delay
     * @param task what to run
     * @return a future of null
     */
    default TaskFuture<@Nullable Void> submitAfter(Duration delay, Runnable task) {
        return submitAfter(delay, task, TaskOptions.NONE);
    }

    /**
     * Runs a runnable with a name or limits of its own once a delay is over. It has to be serializable where tasks travel.
     *
     * @param delay how long not to run it; zero or less is no delay
     * @param task what to run
     * @param options name and limits; the time limit counts from the beginning of the run
     * @return a future of null
     */
    default TaskFuture<@Nullable Void> submitAfter(Duration delay, Runnable task, TaskOptions options) {
        return submitAfter(delay, RunnableTask.of(Objects.requireNonNull(task, "task")), options);
    }

    /**
     * {@inheritDoc}
     *
     * <p>A lambda takes {@link #submit(Task)} instead. A callable that is not serializable is refused with a {@link
     * TaskSerializationException} by kinds whose tasks have to travel.
     */
    @Override
    <T extends @Nullable Object> TaskFuture<T> submit(Callable<T> task);

    /**
     * Runs a callable with a name or limits of its own. It has to be serializable where tasks travel.
     *
     * @param task what to run
     * @param options name and limits
     * @param <T> the type of the result
     * @return its future
     */
    default <T extends @Nullable Object> TaskFuture<T> submit(Callable<T> task, TaskOptions options) {
        return submit(CallableTask.of(Objects.requireNonNull(task, "task")), options);
    }

    @Override
    TaskFuture<@Nullable Void> submit(Runnable task);

    /**
     * Runs a runnable with a name or limits of its own. It has to be serializable where tasks travel.
     *
     * @param task what to run
     * @param options name and limits; null for none, as in the JDK's {@code submit(runnable, null)}
     * @return a future of null
     */
    default TaskFuture<@Nullable Void> submit(Runnable task, @Nullable TaskOptions options) {
        return submit(
                RunnableTask.of(Objects.requireNonNull(task, "task")), options == null ? TaskOptions.NONE : options);
    }

    @Override
    <T extends @Nullable Object> TaskFuture<T> submit(Runnable task, T result);

    /**
     * Runs an action whose failure goes to the uncaught-exception handler of the thread that learns of it, as for
     * {@link java.util.concurrent.ThreadPoolExecutor#execute}.
     *
     * @param action what to run
     */
    void execute(Action action);

    /**
     * The bulk methods of this pool with chunks of a size that is set by hand; its own size them by measurement.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("processes:2")) {
     *     System.out.println(pool.chunksOf(2).map(n -> n * n, java.util.List.of(1, 2, 3)));
     * }
     * }
     *
     * <p>Each chunk is one task: so many items go to a worker in one message, one after another run there, and come back in one.
     * The last may have fewer. As no other goes out before it is full, a slow source holds up the items that it gave. For
     * items whose time varies in a way that no measurement of the ones before foretells; and 1 where each is long.
     *
     * @param size items in a chunk, 1 or more
     * @return the same methods
     * @throws IllegalArgumentException if the size is less than 1
     */
    Mapper chunksOf(int size);

    /**
     * {@inheritDoc}
     *
     * <p>The futures are {@link TaskFuture}s.
     */
    @Override
    <T extends @Nullable Object> List<java.util.concurrent.Future<T>> invokeAll(
            Collection<? extends Callable<T>> tasks) throws InterruptedException;

    /**
     * An object whose calls are tasks of this pool: each method of an interface calls the method of the same name and parameters
     * of an object, on a worker, and returns its future at once.
     *
     * {@snippet :
     *   interface Prices {
     *       TaskFuture<Integer> price(String article);
     *   }
     *   record Shop(int base) implements java.io.Serializable {
     *       public int price(String article) {
     *           return base + article.length();
     *       }
     *   }
     *   try (Pool pool = Pools.open("processes:2")) {
     *       Prices prices = pool.asynchronous(Prices.class, new Shop(10));
     *       System.out.println(prices.price("rope").thenCombine(prices.price("pin"), Integer::sum).join());
     *   }
     * }
     *
     * <p>The object need not implement the interface. An object that does returns futures itself; the worker waits for them, and
     * the caller's future gets their value.
     * <ul>
     *   <li>A method that returns {@link TaskFuture}, {@link java.util.concurrent.CompletableFuture}, {@link
     *       java.util.concurrent.CompletionStage} or {@link java.util.concurrent.Future} returns the {@code TaskFuture} of the call. It
     *       fails with what the object's method throws.
     *   <li>A {@code void} method submits the call and forgets it, as {@link #execute(Action)} does: a failure goes to the
     *       uncaught-exception handler.
     *   <li>A {@code default} method runs in the calling thread, on the asynchronous object. {@code equals}, {@code hashCode} and
     *       {@code toString} are the asynchronous object's own.
     * </ul>
     *
     * <p>Each call throws what {@code submit} throws. On kinds whose tasks travel, object, arguments and results have to be
     * serializable; each call works on a copy of the object. On other kinds calls run at the same time on one object, which has to
     * allow that.
     *
     * @param type the interface
     * @param object what is called
     * @param <I> the interface
     * @return an object of the interface
     * @throws IllegalArgumentException if {@code type} is no interface, a method of it returns something else, or the object has no
     *     public method for it
     * @throws TaskSerializationException if tasks of this pool travel, and the object is not serializable
     */
    default <I> I asynchronous(Class<I> type, Object object) {
        return AsynchronousObject.of(this, type, object);
    }

    /**
     * Random numbers for this pool's tasks that are the same in every run, on every kind of pool.
     *
     * @param seed what they begin with
     * @return streams of numbers, from the first on
     */
    default RandomStreams random(long seed) {
        return new RandomStreams(this, seed);
    }

    /**
     * How many tasks can run at once.
     *
     * @return the number of workers; {@link Integer#MAX_VALUE} where there is no limit
     */
    int workers();

    /**
     * What errors, listings and thread names call this pool.
     *
     * @return the name
     */
    String name();

    /**
     * What the pool has done so far.
     *
     * @return an immutable snapshot
     */
    PoolStatistics statistics();
}
