package dev.sennit;

import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Gatherer;
import org.jspecify.annotations.Nullable;

/**
 * Does the same to many items, in parallel: the bulk methods of a {@link Pool}, which has them itself and, with chunks of
 * another size, through {@link Pool#chunksOf}.
 */
public interface Mapper {

    /**
     * Applies a function to every item, in parallel, and returns the results in the order of the items.
     *
     * <p>Items travel in chunks whose size follows the measured time of an item, and only a bounded window of them is
     * under way, so the items may come from an iterable of any length: four chunks for each worker, but no more than 1,024 unless
     * there are more workers. Where any number of tasks can run, as on {@code virtual}, that is 1,024 items; {@code virtual:5000} has
     * 5,000. The first failure cancels the rest.
     *
     * @param function what to apply
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
     * As {@link #map(TaskFunction, Iterable)}, for a function that is at hand. It has to be serializable where tasks travel; the
     * compiler makes a {@link TaskFunction} of a lambda.
     *
     * @param function what to apply
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
     * Applies a function of two arguments to the first items of both, then to the second, and so on. As {@link #map(TaskFunction,
     * Iterable)} in all else.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:4")) {
     *     System.out.println(pool.map(Math::pow, java.util.List.of(2.0, 3.0, 10.0), java.util.List.of(8.0, 4.0, 3.0)));
     * }
     * }
     *
     * <p>It ends with the shorter of the two; what the longer has beyond that is left alone, so that one may be endless. For
     * more than two arguments, give items that are records to {@link #map(TaskFunction, Iterable)}: {@code map(box ->
     * box.width() * box.height() * box.depth(), boxes)}.
     *
     * @param function what to apply
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
     * As {@link #map(TaskBiFunction, Iterable, Iterable)}, for a function that is at hand. It has to be serializable where tasks
     * travel.
     *
     * @param function what to apply
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
     * As {@link #map(TaskFunction, Iterable)}, but does not wait for the results.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:4")) {
     *     pool.mapAsync(n -> n * n, java.util.List.of(1, 2, 3))
     *             .thenAccept(squares -> System.out.println("squares: " + squares))
     *             .exceptionally(failure -> null);
     * }
     * }
     *
     * <p>A thread that is none of the workers reads the items, as many as the window of {@link #map(TaskFunction, Iterable)}
     * takes, and the last when this has long returned: leave them as they are until the future is done. Where the kind runs
     * tasks in the calling thread, all has ended when this returns. Ending the future from outside cancels what is under way.
     * Closing the pool waits for it, and the statistics count its chunks alone.
     *
     * @param function what to apply
     * @param items the arguments
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a future of the results, in the order of the items; it fails with the first failure of an item
     * @throws RejectedSubmissionException if the pool is shut down
     */
    <A extends @Nullable Object, R extends @Nullable Object> TaskFuture<List<R>> mapAsync(
            TaskFunction<? super A, ? extends R> function, Iterable<? extends A> items);

    /**
     * As {@link #mapAsync(TaskFunction, Iterable)}, for a function that is at hand. It has to be serializable where tasks travel.
     *
     * @param function what to apply
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
     * The same as an intermediate operation of a stream: lazy, bounded, in the order of the stream.
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
     * <p>When an item fails, what comes after it is cancelled, the results of all items before it are handed on, and then its
     * failure is thrown, as {@link #map(TaskFunction, Iterable)} throws it. An interrupt ends the stream as it ends that. When the
     * stream wants no more, what is still under way is cancelled.
     *
     * @param function what to apply
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a gatherer
     */
    <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mapping(
            TaskFunction<? super A, ? extends R> function);

    /**
     * As {@link #mapping(TaskFunction)}, for a function that is at hand. It has to be serializable where tasks travel.
     *
     * @param function what to apply
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a gatherer
     */
    default <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mapping(
            Function<? super A, ? extends R> function) {
        return mapping(PlainFunction.<A, R>of(function));
    }

    /**
     * As {@link #mapping(TaskFunction)}, but hands each result on as soon as it is there. When an item fails, the results that were there before
     * come, also those of its own chunk, and then its failure; the rest is cancelled.
     *
     * @param function what to apply
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a gatherer
     */
    <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mappingUnordered(
            TaskFunction<? super A, ? extends R> function);

    /**
     * As {@link #mappingUnordered(TaskFunction)}, for a function that is at hand. It has to be serializable where tasks travel.
     *
     * @param function what to apply
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return a gatherer
     */
    default <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mappingUnordered(
            Function<? super A, ? extends R> function) {
        return mappingUnordered(PlainFunction.<A, R>of(function));
    }

    /**
     * Does something with every item, in parallel and in no order, and returns when all is done.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("threads:4")) {
     *     pool.forEach(java.util.List.of("one", "two", "three"), word -> System.out.println(word.length()));
     * }
     * }
     *
     * <p>Items travel in chunks and a bounded window of them is under way, as in {@link #map(TaskFunction, Iterable)}; failures and interrupts end
     * it in the same way.
     *
     * @param items the arguments
     * @param action what to do with each
     * @param <A> the type of an item
     */
    <A extends @Nullable Object> void forEach(Iterable<? extends A> items, ItemAction<? super A> action);

    /**
     * As {@link #forEach(Iterable, ItemAction)}, for a consumer that is at hand. It has to be serializable where tasks travel.
     *
     * @param items the arguments
     * @param action what to do with each
     * @param <A> the type of an item
     */
    default <A extends @Nullable Object> void forEach(Iterable<? extends A> items, Consumer<? super A> action) {
        forEach(items, PlainItemAction.<A>of(action));
    }
}
