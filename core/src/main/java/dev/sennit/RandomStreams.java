package dev.sennit;

import java.io.Serializable;
import java.util.AbstractCollection;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/**
 * Random numbers that are the same in every run. Each task and each item gets a stream of its own, which depends only
 * on the seed and the number of the stream - not on the kind of pool, the number of workers, or timing. Created by
 * {@link Pool#random}.
 *
 * {@snippet :
 * try (Pool one = Pools.open("inline");
 *         Pool two = Pools.open("threads:2")) {
 *     var here = one.random(42).map((random, sides) -> random.nextInt(sides), java.util.List.of(6, 6, 20));
 *     var there = two.random(42).map((random, sides) -> random.nextInt(sides), java.util.List.of(6, 6, 20));
 *     System.out.println(here.equals(there));
 * }
 * }
 *
 * <p>The n-th task submitted gets stream n; submit from a single thread if the order must be the same in every run. The
 * i-th item of a {@code map} gets stream i of that call, and each call has streams of its own.
 *
 * <p>A stream is an {@code L32X64MixRandom} (G. Steele, S. Vigna, "LXM: Better Splittable Pseudorandom Number
 * Generators", OOPSLA 2021), seeded by the mixing function of {@link java.util.SplittableRandom} over the seed, the
 * call and the number, each a step of the golden ratio apart (G. Steele, D. Lea, C. Flood, OOPSLA 2014). Not for
 * secrets.
 */
public final class RandomStreams {
    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;
    private static final RandomGeneratorFactory<RandomGenerator> STREAMS = RandomGeneratorFactory.of("L32X64MixRandom");

    private final Pool pool;
    private final long seed;
    private final AtomicLong tasks = new AtomicLong();
    private final AtomicLong maps = new AtomicLong();

    RandomStreams(Pool pool, long seed) {
        this.pool = pool;
        this.seed = seed;
    }

    /**
     * Runs a task with the next stream.
     *
     * @param task the task
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> submit(RandomTask<T> task) {
        return submit(task, TaskOptions.NONE);
    }

    /**
     * Runs a task with the next stream, and a name or limits of its own. Each attempt of a task with a retry gets the
     * same stream from its beginning.
     *
     * @param task the task
     * @param options name and limits
     * @param <T> the type of the result
     * @return its future
     */
    public <T extends @Nullable Object> TaskFuture<T> submit(RandomTask<T> task, TaskOptions options) {
        Objects.requireNonNull(task, "task");
        return pool.submit(new Drawing<>(task, seedOf(seed, 0, tasks.getAndIncrement())), options);
    }

    /**
     * Applies a function to every item, each with a stream of its own, as {@link Pool#map} does.
     *
     * @param function the function to apply
     * @param items the arguments
     * @param <A> the type of an item
     * @param <R> the type of a result
     * @return the results, in the order of the items
     */
    public <A extends @Nullable Object, R extends @Nullable Object> List<R> map(
            RandomFunction<? super A, ? extends R> function, Iterable<? extends A> items) {
        Objects.requireNonNull(function, "function");
        Objects.requireNonNull(items, "items");
        long call = maps.incrementAndGet();
        return pool.map(new DrawingFunction<A, R>(function, seed, call), numbered(items));
    }

    private static <A extends @Nullable Object> Iterable<Numbered<A>> numbered(Iterable<? extends A> items) {
        if (!(items instanceof Collection<? extends A> known)) {
            return () -> numbering(items.iterator());
        }
        return new AbstractCollection<>() { // its size lets map cut better chunks
            @Override
            public Iterator<Numbered<A>> iterator() {
                return numbering(known.iterator());
            }

            @Override
            public int size() {
                return known.size();
            }
        };
    }

    private static <A extends @Nullable Object> Iterator<Numbered<A>> numbering(Iterator<? extends A> items) {
        return new Iterator<>() {
            private long next;

            @Override
            public boolean hasNext() {
                return items.hasNext();
            }

            @Override
            public Numbered<A> next() {
                return new Numbered<>(next++, items.next());
            }
        };
    }

    static long seedOf(long seed, long call, long number) {
        return mix64(mix64(seed + GOLDEN_GAMMA * (call + 1)) + GOLDEN_GAMMA * (number + 1));
    }

    /** Variant 13 of D. Stafford's mixing functions, as in SplittableRandom. */
    private static long mix64(long value) {
        long z = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    private static RandomGenerator stream(long streamSeed) {
        return STREAMS.create(streamSeed);
    }

    private record Numbered<A extends @Nullable Object>(long number, A item) implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    private record Drawing<T extends @Nullable Object>(RandomTask<T> task, long streamSeed)
            implements Task<T>, Wrapping {
        private static final long serialVersionUID = 1L;

        @Override
        public T call() throws Exception {
            return task.call(stream(streamSeed));
        }

        @Override
        public Object wrapped() {
            return task;
        }
    }

    private record DrawingFunction<A extends @Nullable Object, R extends @Nullable Object>(
            RandomFunction<? super A, ? extends R> function, long seed, long call)
            implements TaskFunction<Numbered<A>, R>, Wrapping {
        private static final long serialVersionUID = 1L;

        @Override
        public R call(Numbered<A> numbered) throws Exception {
            return function.apply(stream(seedOf(seed, call, numbered.number)), numbered.item);
        }

        @Override
        public Object wrapped() {
            return function;
        }
    }
}
