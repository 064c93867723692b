package dev.sennit;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * An {@link ExecutorService} over workers of one kind: the calling thread, threads, virtual threads, coroutines, or
 * processes.
 *
 * <p>Every kind keeps the same contract, held by one conformance suite; which kind it is is chosen by whoever opens it,
 * usually with a plan string, and the code stays as it is:
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
 * <tr><th scope="row">stack trace of a failure</th><td>one stack holds both sides</td><td>the task's; that of {@code
 *   get} is the waiter's</td><td>the task's, then the submitter's</td></tr>
 * <tr><th scope="row">processor time in the statistics</th><td>yes</td><td>threads: yes; virtual, loop: the JDK cannot
 *   tell</td><td>yes</td></tr>
 * </tbody>
 * </table>
 */
public interface Pool extends ExecutorService, Mapper {

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
     * Runs an action.
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
     * {@inheritDoc}
     *
     * <p>A lambda takes {@link #submit(Task)} instead. A callable that is not serializable is refused with a {@link
     * TaskSerializationException} by kinds whose tasks have to travel.
     */
    @Override
    <T extends @Nullable Object> TaskFuture<T> submit(Callable<T> task);

    @Override
    TaskFuture<@Nullable Void> submit(Runnable task);

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
