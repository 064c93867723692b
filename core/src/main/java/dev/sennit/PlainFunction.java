package dev.sennit;

import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A {@link Function} as a {@link TaskFunction}; serializable if the function is. */
record PlainFunction<A extends @Nullable Object, R extends @Nullable Object>(
        Function<? super A, ? extends R> function) implements TaskFunction<A, R>, Wrapping {
    private static final long serialVersionUID = 1L;

    static <A extends @Nullable Object, R extends @Nullable Object> TaskFunction<? super A, ? extends R> of(
            Function<? super A, ? extends R> function) {
        Objects.requireNonNull(function, "function");
        return function instanceof TaskFunction<? super A, ? extends R> task ? task : new PlainFunction<A, R>(function);
    }

    @Override
    public Object wrapped() {
        return function;
    }

    @Override
    public R call(A argument) {
        return function.apply(argument);
    }
}
