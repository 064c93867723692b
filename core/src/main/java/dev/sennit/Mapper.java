package dev.sennit;

import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Gatherer;
import org.jspecify.annotations.Nullable;

/**
 * Applies a function to many items in parallel: the bulk methods of a {@link Pool}, and of {@link Pool#chunksOf} with
 * chunks of a fixed size.
 */
public interface Mapper {

    /**
     * Applies a function to every item, in parallel, and returns the results in the order of the items.
     *
     * <p>Items are sent in chunks whose size follows the measured time of an item. Only a bounded window of chunks is
     * under way, so the iterable may be of any length: four chunks for each worker, but no more than 1,024 unless there
     * are more workers. Where any number of tasks can run, as on {@code virtual}, the window is 1,024 items; on
     * {@code virtual:5000} it is 5,000. The first failure cancels the rest.
     *
     * @param function the function to apply
     * @param items the arguments
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return the results, in the order of the items; the list cannot be modified
     * @throws java.util.concurrent.CompletionException with the failure of an item as its cause; with an {@link
     *     InterruptedException} as its cause, and the interrupt status set, if the calling thread is interrupted
     */
    <A extends @Nullable Object, R extends @Nullable Object> List<R> map(
            TaskFunction<? super A, ? extends R> function, Iterable<? extends A> items);

    /**
     * Works as {@link #map(TaskFunction, Iterable)}, for a function that is not written as a lambda. It must be
     * serializable where tasks leave this JVM; the compiler makes a {@link TaskFunction} of a lambda.
     *
     * @param function the function to apply
     * @param items the arguments
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return the results, in the order of the items; the list cannot be modified
     */
    default <A extends @Nullable Object, R extends @Nullable Object> List<R> map(
            Function<? super A, ? extends R> function, Iterable<? extends A> items) {
        return map(PlainFunction.<A, R>of(function), items);
    }

    /**
     * Applies a function of two arguments to the first items of both, then to the second, and so on. Otherwise the same
     * as {@link #map(TaskFunction, Iterable)}.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:4")) {
     *     System.out.println(pool.map(Math::pow, java.util.List.of(2.0, 3.0, 10.0), java.util.List.of(8.0, 4.0, 3.0)));
     * }
     * }
     *
     * <p>It ends with the shorter of the two, and does not read the rest of the longer, which may be infinite. For more
     * than two arguments, give items that are records to {@link #map(TaskFunction, Iterable)}: {@code map(box ->
     * box.width() * box.height() * box.depth(), boxes)}.
     *
     * @param function the function to apply
     * @param firsts the first arguments
     * @param seconds the second arguments
     * @param <A> the type of a first argument
     * @param <B> the type of a second argument
     * @param <R> the type of a result
     * @return the results, in the order of the items; the list cannot be modified
     * @throws java.util.concurrent.CompletionException as {@link #map(TaskFunction, Iterable)} does
     */
    <A extends @Nullable Object, B extends @Nullable Object, R extends @Nullable Object> List<R> map(
            TaskBiFunction<? super A, ? super B, ? extends R> function,
            Iterable<? extends A> firsts,
            Iterable<? extends B> seconds);

    /**
     * Works as {@link #map(TaskBiFunction, Iterable, Iterable)}, for a function that is not written as a lambda. It
     * must be serializable where tasks leave this JVM.
     *
     * @param function the function to apply
     * @param firsts the first arguments
     * @param seconds the second arguments
     * @param <A> the type of a first argument
     * @param <B> the type of a second argument
     * @param <R> the type of a result
     * @return the results, in the order of the items; the list cannot be modified
     */
    default <A extends @Nullable Object, B extends @Nullable Object, R extends @Nullable Object> List<R> map(
            BiFunction<? super A, ? super B, ? extends R> function,
            Iterable<? extends A> firsts,
            Iterable<? extends B> seconds) {
        return map(PlainBiFunction.<A, B, R>of(function), firsts, seconds);
    }

    /**
     * Works as {@link #map(TaskFunction, Iterable)}, but does not wait for the results.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:4")) {
     *     pool.mapAsync(n -> n * n, java.util.List.of(1, 2, 3))
     *             .thenAccept(squares -> System.out.println("squares: " + squares))
     *             .exceptionally(failure -> null);
     * }
     * }
     *
     * <p>A thread that is not a worker reads the items, as far ahead as the window of
     * {@link #map(TaskFunction, Iterable)} allows, also after this method has returned: do not modify them until the
     * future is done. Where the kind runs tasks in the calling thread, the future is done when this method returns.
     * Ending the future from outside cancels the chunks under way. Closing the pool waits for it, and the statistics
     * count only its chunks.
     *
     * @param function the function to apply
     * @param items the arguments
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a future of the results, in the order of the items; it fails with the first failure of an item
     * @throws RejectedSubmissionException if the pool is shut down
     */
    <A extends @Nullable Object, R extends @Nullable Object> TaskFuture<List<R>> mapAsync(
            TaskFunction<? super A, ? extends R> function, Iterable<? extends A> items);

    /**
     * Works as {@link #mapAsync(TaskFunction, Iterable)}, for a function that is not written as a lambda. It must be
     * serializable where tasks leave this JVM.
     *
     * @param function the function to apply
     * @param items the arguments
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a future of the results, in the order of the items
     */
    default <A extends @Nullable Object, R extends @Nullable Object> TaskFuture<List<R>> mapAsync(
            Function<? super A, ? extends R> function, Iterable<? extends A> items) {
        return mapAsync(PlainFunction.<A, R>of(function), items);
    }

    /**
     * Returns {@link #map(TaskFunction, Iterable)} as an intermediate operation of a stream: lazy, bounded, in the
     * order of the stream.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:4")) {
     *     java.util.stream.Stream.iterate(1, n -> n + 1)
     *             .gather(pool.mapping(n -> n * n))
     *             .limit(5)
     *             .forEach(System.out::println);
     * }
     * }
     *
     * <p>When an item fails, later items are cancelled, the results of all earlier items are passed on, and then the
     * failure is thrown, as {@link #map(TaskFunction, Iterable)} throws it. An interrupt ends the stream as it ends
     * that method. When the stream needs no more items, those still under way are cancelled.
     *
     * @param function the function to apply
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a gatherer
     */
    <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mapping(
            TaskFunction<? super A, ? extends R> function);

    /**
     * Works as {@link #mapping(TaskFunction)}, for a function that is not written as a lambda. It must be serializable
     * where tasks leave this JVM.
     *
     * @param function the function to apply
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a gatherer
     */
    default <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mapping(
            Function<? super A, ? extends R> function) {
        return mapping(PlainFunction.<A, R>of(function));
    }

    /**
     * Works as {@link #mapping(TaskFunction)}, but passes each result on as soon as it is available. When an item
     * fails, the results available before are passed on, those of its own chunk included, and then the failure is
     * thrown; the rest is cancelled.
     *
     * @param function the function to apply
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a gatherer
     */
    <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mappingUnordered(
            TaskFunction<? super A, ? extends R> function);

    /**
     * Works as {@link #mappingUnordered(TaskFunction)}, for a function that is not written as a lambda. It must be
     * serializable where tasks leave this JVM.
     *
     * @param function the function to apply
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a gatherer
     */
    default <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mappingUnordered(
            Function<? super A, ? extends R> function) {
        return mappingUnordered(PlainFunction.<A, R>of(function));
    }

    /**
     * Performs an action on every item, in parallel and in no order, and returns when all actions have ended.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:4")) {
     *     pool.forEach(java.util.List.of("one", "two", "three"), word -> System.out.println(word.length()));
     * }
     * }
     *
     * <p>Items are sent in chunks, with a bounded window, as in {@link #map(TaskFunction, Iterable)}; failures and
     * interrupts end it in the same way.
     *
     * @param items the arguments
     * @param action the action to perform on each item
     * @param <A> the type of an item
     */
    <A extends @Nullable Object> void forEach(Iterable<? extends A> items, ItemAction<? super A> action);

    /**
     * Works as {@link #forEach(Iterable, ItemAction)}, for a consumer that is not written as a lambda. It must be
     * serializable where tasks leave this JVM.
     *
     * @param items the arguments
     * @param action the action to perform on each item
     * @param <A> the type of an item
     */
    default <A extends @Nullable Object> void forEach(Iterable<? extends A> items, Consumer<? super A> action) {
        forEach(items, PlainItemAction.<A>of(action));
    }
}
