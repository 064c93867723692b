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
 * <p>Every kind keeps the same contract, which one conformance suite checks. The code that opens a pool chooses the
 * kind, usually with a plan string; code that uses the pool does not change. Every pool is an {@link AbstractPool},
 * which authors of further kinds extend: scopes, pipelines and periodic work need more of a pool than this interface.
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
 *   <li>No hung waits: every wait ends with a value or a named cause.
 *   <li>{@code cancel(true)} and {@link TaskOptions#timeout} reach the running task, {@link TaskFuture#requestStop} one
 *       that asks, and its {@link TaskMessages} the submitter.
 *   <li>A bounded backlog, and the {@linkplain BacklogPolicy policy} when it is full, are set when the pool is opened.
 *   <li>{@link #close} finishes the submitted tasks, {@link #shutdownNow} cancels them; both leave no thread, process,
 *       socket or file behind. A pool does not keep the JVM alive: close it to wait for its work.
 *   <li>{@link #shutdownNow} cancels the futures of the tasks it returns as well, so no thread waits for them for ever.
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
 * <tr><th scope="row">a task that ignores interrupts</th><td>cannot be stopped</td><td>cannot be stopped: its future
 *   ends, its thread stays busy</td><td>its worker is killed</td></tr>
 * <tr><th scope="row">{@code System.exit}, exhausted memory, a crash</th><td>takes this JVM down</td><td>takes this
 *   JVM down</td><td>fails only that task</td></tr>
 * <tr><th scope="row">a task that submits to its own pool</th><td>yes</td><td>yes</td><td>no: {@code submit} throws, as
 *   a pool cannot be serialized; a task may open a pool of its own</td></tr>
 * <tr><th scope="row">{@link java.util.concurrent.ExecutorCompletionService}</th><td>yes</td><td>yes</td><td>no: {@code
 *   submit} throws, as its futures cannot be serialized; see {@link Futures#inCompletionOrder}</td></tr>
 * <tr><th scope="row">stack trace of a failure</th><td>one stack has both sides</td><td>the task's; that of {@code
 *   get} is the waiting thread's</td><td>the task's, then the submitter's</td></tr>
 * <tr><th scope="row">the listener for {@linkplain TaskMessages messages} is called by</th><td>the task's thread</td>
 *   <td>the task's thread</td><td>the thread that serves the worker</td></tr>
 * <tr><th scope="row">processor time in the statistics</th><td>yes</td><td>threads: yes; virtual, loop: the JDK cannot
 *   tell</td><td>yes</td></tr>
 * </tbody>
 * </table>
 */
public sealed interface Pool extends ExecutorService, Mapper permits AbstractPool {

    /**
     * Runs a task.
     *
     * @param task the task
     * @param <T> the type of the result
     * @return its future
     * @throws NullPointerException if the task is null
     * @throws RejectedSubmissionException if the pool is shut down, or full and its policy is to reject
     * @throws TaskSerializationException if the pool's tasks leave this JVM, and the task cannot be serialized
     */
    <T extends @Nullable Object> TaskFuture<T> submit(Task<T> task);

    /**
     * Runs a task with a name or limits of its own.
     *
     * @param task the task
     * @param options name and limits
     * @param <T> the type of the result
     * @return its future
     * @throws NullPointerException if an argument is null
     * @throws RejectedSubmissionException if the pool is shut down, or full and its policy is to reject
     * @throws TaskSerializationException if the pool's tasks leave this JVM, and the task cannot be serialized
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
     * <p><b>Which {@code submit} the compiler picks.</b> A lambda whose body has a value is a {@link Task}, also where
     * the value could be ignored ({@code () -> counter.incrementAndGet()}); so is a block that never returns ({@code ()
     * -> { throw new IOException(); }}). A lambda without a value is an {@code Action}. The same holds for a reference
     * to a method that has no overloads. <b>A reference to an overloaded method, such as {@code System.out::println},
     * is ambiguous</b>, as it is for {@link ExecutorService#submit(Runnable)}: write
     * {@code () -> System.out.println()}. All methods of this library that take a {@code Task} and an {@code Action}
     * follow this rule.
     *
     * @param action the action
     * @return a future of null
     */
    TaskFuture<@Nullable Void> submit(Action action);

    /**
     * Runs an action with a name or limits of its own.
     *
     * @param action the action
     * @param options name and limits
     * @return a future of null
     */
    TaskFuture<@Nullable Void> submit(Action action, TaskOptions options);

    /**
     * Runs an action whose future has a given value.
     *
     * @param action the action
     * @param result the value of the future once the action has returned
     * @param <T> the type of the result
     * @return its future
     */
    default <T extends @Nullable Object> TaskFuture<T> submit(Action action, T result) {
        return submit(new RunnableTask<>(Objects.requireNonNull(action, "action"), result), TaskOptions.NONE);
    }

    /**
     * Runs a task after a delay. Until then the task counts as queued and holds a place of a bounded backlog, and
     * {@link #close} waits for it. On {@code inline} the caller waits.
     *
     * @param delay the delay; zero or less for none
     * @param task the task
     * @param <T> the type of the result
     * @return its future; if it is cancelled before the delay is over, the task never runs
     */
    <T extends @Nullable Object> TaskFuture<T> submitAfter(Duration delay, Task<T> task);

    /**
     * Runs a task with a name or limits of its own after a delay.
     *
     * @param delay the delay; zero or less for none
     * @param task the task
     * @param options name and limits; the time limit counts from the beginning of the run
     * @param <T> the type of the result
     * @return its future
     */
    <T extends @Nullable Object> TaskFuture<T> submitAfter(Duration delay, Task<T> task, TaskOptions options);

    /**
     * Runs an action after a delay, as {@link #submitAfter(Duration, Task)} runs a task.
     *
     * @param delay the delay; zero or less for none
     * @param action the action
     * @return a future of null
     */
    default TaskFuture<@Nullable Void> submitAfter(Duration delay, Action action) {
        return submitAfter(delay, action, TaskOptions.NONE);
    }

    /**
     * Runs an action with a name or limits of its own after a delay.
     *
     * @param delay the delay; zero or less for none
     * @param action the action
     * @param options name and limits; the time limit counts from the beginning of the run
     * @return a future of null
     */
    default TaskFuture<@Nullable Void> submitAfter(Duration delay, Action action, TaskOptions options) {
        return submitAfter(delay, RunnableTask.of(Objects.requireNonNull(action, "action")), options);
    }

    /**
     * Runs a callable after a delay. It must be serializable where tasks leave this JVM.
     *
     * @param delay the delay; zero or less for none
     * @param task the task
     * @param <T> the type of the result
     * @return its future
     */
    default <T extends @Nullable Object> TaskFuture<T> submitAfter(Duration delay, Callable<T> task) {
        return submitAfter(delay, task, TaskOptions.NONE);
    }

    /**
     * Runs a callable with a name or limits of its own after a delay. It must be serializable where tasks leave this
     * JVM.
     *
     * @param delay the delay; zero or less for none
     * @param task the task
     * @param options name and limits; the time limit counts from the beginning of the run
     * @param <T> the type of the result
     * @return its future
     */
    default <T extends @Nullable Object> TaskFuture<T> submitAfter(
            Duration delay, Callable<T> task, TaskOptions options) {
        return submitAfter(delay, CallableTask.of(Objects.requireNonNull(task, "task")), options);
    }

    /**
     * Runs a runnable after a delay. It must be serializable where tasks leave this JVM.
     *
     * @param delay the delay; zero or less for none
     * @param task the task
     * @return a future of null
     */
    default TaskFuture<@Nullable Void> submitAfter(Duration delay, Runnable task) {
        return submitAfter(delay, task, TaskOptions.NONE);
    }

    /**
     * Runs a runnable with a name or limits of its own after a delay. It must be serializable where tasks leave this
     * JVM.
     *
     * @param delay the delay; zero or less for none
     * @param task the task
     * @param options name and limits; the time limit counts from the beginning of the run
     * @return a future of null
     */
    default TaskFuture<@Nullable Void> submitAfter(Duration delay, Runnable task, TaskOptions options) {
        return submitAfter(delay, RunnableTask.of(Objects.requireNonNull(task, "task")), options);
    }

    /**
     * {@inheritDoc}
     *
     * <p>The compiler picks {@link #submit(Task)} for a lambda. Kinds whose tasks leave this JVM refuse a callable that
     * is not serializable with a {@link TaskSerializationException}.
     */
    @Override
    <T extends @Nullable Object> TaskFuture<T> submit(Callable<T> task);

    /**
     * Runs a callable with a name or limits of its own. It must be serializable where tasks leave this JVM.
     *
     * @param task the task
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
     * Runs a runnable with a name or limits of its own. It must be serializable where tasks leave this JVM.
     *
     * @param task the task
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
     * Runs an action whose failure goes to the uncaught-exception handler of the thread that settles it, as for
     * {@link java.util.concurrent.ThreadPoolExecutor#execute}.
     *
     * @param action the action
     */
    void execute(Action action);

    /**
     * Returns the bulk methods of this pool with chunks of a fixed size. The pool's own bulk methods size their chunks
     * by measurement.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("processes:2")) {
     *     System.out.println(pool.chunksOf(2).map(n -> n * n, java.util.List.of(1, 2, 3)));
     * }
     * }
     *
     * <p>Each chunk is one task: its items go to a worker in one message, run there one after another, and the results
     * come back in one message. The last chunk may have fewer items. A chunk is not sent before it is full, so a slow
     * source delays the items it has already given. Use this for items whose times cannot be predicted from those of
     * earlier items, and with a size of 1 where each item takes long.
     *
     * @param size items in a chunk, 1 or more
     * @return the bulk methods
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
     * Creates an object whose calls are tasks of this pool: each method of an interface calls the method of the same
     * name and parameters of an object, on a worker, and returns its future at once.
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
     * <p>The object need not implement the interface. If it does, its methods return futures; the worker waits for
     * them, and the caller's future gets their values.
     * <ul>
     *   <li>A method that returns {@link TaskFuture}, {@link java.util.concurrent.CompletableFuture}, {@link
     *       java.util.concurrent.CompletionStage} or {@link java.util.concurrent.Future} returns the {@code TaskFuture}
     *       of the call. It fails with the exception that the object's method throws.
     *   <li>A {@code void} method submits the call as {@link #execute(Action)} does: a failure goes to the
     *       uncaught-exception handler.
     *   <li>A {@code default} method runs in the calling thread, on the asynchronous object. {@code equals},
     *       {@code hashCode} and {@code toString} are the asynchronous object's own.
     * </ul>
     *
     * <p>Each call throws the exceptions that {@code submit} throws. On kinds whose tasks leave this JVM, object,
     * arguments and results must be serializable, and each call works on a copy of the object. On other kinds calls run
     * concurrently on the one object, which has to be thread-safe.
     *
     * @param type the interface
     * @param object the object to call
     * @param <I> the interface
     * @return an object of the interface
     * @throws IllegalArgumentException if {@code type} is not an interface, a method of it has another return type, or
     *     the object has no public method for it
     * @throws TaskSerializationException if tasks of this pool leave this JVM, and the object is not serializable
     */
    default <I> I asynchronous(Class<I> type, Object object) {
        return AsynchronousObject.of(this, type, object);
    }

    /**
     * Returns streams of random numbers for this pool's tasks that are the same in every run, on every kind of pool.
     *
     * @param seed the seed
     * @return streams of numbers, from the first on
     */
    default RandomStreams random(long seed) {
        return new RandomStreams(this, seed);
    }

    /**
     * Returns how many tasks can run at once.
     *
     * @return the number of workers; {@link Integer#MAX_VALUE} where there is no limit
     */
    int workers();

    /**
     * Returns the name of this pool in errors, listings and thread names.
     *
     * @return the name
     */
    String name();

    /**
     * Returns the pool's figures so far.
     *
     * @return an immutable snapshot
     */
    PoolStatistics statistics();
}
