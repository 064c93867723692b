package dev.sennit;

import java.util.Objects;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** A {@link BiFunction} as a {@link TaskBiFunction}; serializable if the function is. */
record PlainBiFunction<A extends @Nullable Object, B extends @Nullable Object, R extends @Nullable Object>(
        BiFunction<? super A, ? super B, ? extends R> function) implements TaskBiFunction<A, B, R>, Wrapping {
    private static final long serialVersionUID = 1L;

    static <A extends @Nullable Object, B extends @Nullable Object,
            R extends @Nullable Object> TaskBiFunction<? super A, ? super B, ? extends R> of(
                    BiFunction<? super A, ? super B, ? extends R> function) {
        Objects.requireNonNull(function, "function");
        return function instanceof TaskBiFunction<? super A, ? super B, ? extends R> task
                ? task
                : new PlainBiFunction<A, B, R>(function);
    }

    @Override
    public Object wrapped() {
        return function;
    }

    @Override
    public R call(A first, B second) {
        return function.apply(first, second);
    }
}
