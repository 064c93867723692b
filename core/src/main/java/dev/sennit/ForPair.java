package dev.sennit;

import java.io.Serializable;
import java.util.Collection;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** A {@link TaskBiFunction} as a function of pairs. */
record ForPair<A extends @Nullable Object, B extends @Nullable Object, R extends @Nullable Object>(
        TaskBiFunction<? super A, ? super B, ? extends R> function)
        implements TaskFunction<ForPair.Pair<A, B>, R>, Wrapping {
    private static final long serialVersionUID = 1L;

    /** The arguments of a call. */
    record Pair<A extends @Nullable Object, B extends @Nullable Object>(A first, B second) implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    @Override
    public Object wrapped() {
        return function;
    }

    @Override
    public R call(Pair<A, B> pair) throws Exception {
        return function.call(pair.first, pair.second);
    }

    /** Returns pairs of the items of both, up to the end of the shorter. */
    static <A extends @Nullable Object, B extends @Nullable Object> Iterable<Pair<A, B>> pairs(
            Iterable<? extends A> firsts, Iterable<? extends B> seconds) {
        return () -> {
            Iterator<? extends A> first = firsts.iterator();
            Iterator<? extends B> second = seconds.iterator();
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return first.hasNext() && second.hasNext();
                }

                @Override
                public Pair<A, B> next() {
                    return new Pair<>(first.next(), second.next());
                }
            };
        };
    }

    /** Returns the number of pairs, or {@link MapWindow#UNKNOWN}. */
    static int count(Iterable<?> firsts, Iterable<?> seconds) {
        return firsts instanceof Collection<?> first && seconds instanceof Collection<?> second
                ? Math.min(first.size(), second.size())
                : MapWindow.UNKNOWN;
    }
}
