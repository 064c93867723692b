package dev.sennit;

import dev.sennit.MapWindow.Order;
import dev.sennit.internal.Throwables;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.function.Predicate;
import java.util.stream.Gatherer;
import org.jspecify.annotations.Nullable;

/**
 * The bulk methods of a pool.
 *
 * @param chunkSize items in a chunk; {@link MapWindow#MEASURED} for a size that follows the measured time of an item
 */
record PoolMapper(AbstractPool pool, int chunkSize) implements Mapper {
    PoolMapper {
        if (chunkSize < MapWindow.MEASURED) {
            throw new IllegalArgumentException("chunk size must be >= 1, was " + chunkSize);
        }
    }

    @Override
    public <A extends @Nullable Object, R extends @Nullable Object> List<R> map(
            TaskFunction<? super A, ? extends R> function, Iterable<? extends A> items) {
        return map(function, items, count(items), null);
    }

    @Override
    public <A extends @Nullable Object, B extends @Nullable Object, R extends @Nullable Object> List<R> map(
            TaskBiFunction<? super A, ? super B, ? extends R> function,
            Iterable<? extends A> firsts,
            Iterable<? extends B> seconds) {
        Objects.requireNonNull(function, "function");
        int known = ForPair.count(Objects.requireNonNull(firsts, "firsts"), Objects.requireNonNull(seconds, "seconds"));
        return map(new ForPair<A, B, R>(function), ForPair.<A, B>pairs(firsts, seconds), known, null);
    }

    /** Maps all items, and waits for the results in the calling thread. */
    private <A extends @Nullable Object, R extends @Nullable Object> List<R> map(
            TaskFunction<? super A, ? extends R> function,
            Iterable<? extends A> items,
            int known,
            @Nullable MapSubmission<?> async) {
        Objects.requireNonNull(function, "function");
        List<R> results = new ArrayList<>();
        feed(new MapWindow<A, R>(pool, function, Order.ALL_OR_NOTHING, known, chunkSize, async), items, results::add);
        return Collections.unmodifiableList(results);
    }

    @Override
    public <A extends @Nullable Object, R extends @Nullable Object> TaskFuture<List<R>> mapAsync(
            TaskFunction<? super A, ? extends R> function, Iterable<? extends A> items) {
        Objects.requireNonNull(function, "function");
        Objects.requireNonNull(items, "items");
        var body = new MapBody<A, R>(this, function, items);
        var map = new MapSubmission<>(pool, pool.carryToThread(body), TaskOptions.named(TaskNames.of(function)));
        body.submission = map;
        return pool.begin(map);
    }

    /** The body of a {@code mapAsync}, which runs in a thread of its own. */
    private static final class MapBody<A extends @Nullable Object, R extends @Nullable Object>
            implements Callable<List<R>> {
        private final PoolMapper mapper;
        private final TaskFunction<? super A, ? extends R> function;
        private final Iterable<? extends A> items;
        /** Written before it is begun. */
        private @Nullable MapSubmission<List<R>> submission;

        MapBody(PoolMapper mapper, TaskFunction<? super A, ? extends R> function, Iterable<? extends A> items) {
            this.mapper = mapper;
            this.function = function;
            this.items = items;
        }

        @Override
        public List<R> call() throws Exception {
            try {
                return mapper.map(function, items, count(items), submission);
            } catch (CompletionException e) { // the future wraps the cause in an exception of its own
                Throwable cause = Throwables.cause(e);
                if (cause instanceof Exception failure) {
                    throw failure;
                }
                if (cause instanceof Error failure) {
                    throw failure;
                }
                throw e;
            } finally {
                if (submission != null) {
                    submission.noMoreChunks();
                }
            }
        }
    }

    private static int count(Iterable<?> items) {
        return items instanceof Collection<?> collection ? collection.size() : MapWindow.UNKNOWN;
    }

    private static <A extends @Nullable Object, R extends @Nullable Object> void feed(
            MapWindow<A, R> window, Iterable<? extends A> items, Predicate<? super R> receiver) {
        try {
            for (A item : items) {
                window.add(item, receiver);
            }
        } catch (RuntimeException | Error e) { // the iterator may fail too
            window.cancel();
            throw e;
        }
        window.finish(receiver);
    }

    @Override
    public <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mapping(
            TaskFunction<? super A, ? extends R> function) {
        return gatherer(function, Order.ITEMS);
    }

    @Override
    public <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> mappingUnordered(
            TaskFunction<? super A, ? extends R> function) {
        return gatherer(function, Order.COMPLETION);
    }

    private <A extends @Nullable Object, R extends @Nullable Object> Gatherer<A, ?, R> gatherer(
            TaskFunction<? super A, ? extends R> function, Order order) {
        Objects.requireNonNull(function, "function");
        return Gatherer.<A, MapWindow<A, R>, R>ofSequential(
                () -> new MapWindow<>(pool, function, order, MapWindow.UNKNOWN, chunkSize, null),
                (window, item, downstream) -> window.add(item, downstream::push),
                (window, downstream) -> window.finish(downstream::push));
    }

    @Override
    public <A extends @Nullable Object> void forEach(Iterable<? extends A> items, ItemAction<? super A> action) {
        Objects.requireNonNull(action, "action");
        var window = new MapWindow<A, @Nullable Void>(pool, new ForItem<A>(action), Order.COMPLETION, count(items),
                chunkSize, null);
        feed(window, items, nothing -> true);
    }
}
