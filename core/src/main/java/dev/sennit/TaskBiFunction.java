package dev.sennit;

import java.io.Serializable;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A function of two arguments that may leave this JVM, for {@link Mapper#map(TaskBiFunction, Iterable, Iterable)}: a
 * {@link BiFunction} that is {@link Serializable}, and may throw. A class implements {@link #call}.
 *
 * @param <A> the type of the first argument
 * @param <B> the type of the second argument
 * @param <R> the type of the result
 */
@FunctionalInterface
@SuppressWarnings("FunctionalInterfaceMethodChanged") // overloads prefer this type, which may throw, for lambdas
public interface TaskBiFunction<
        A extends @Nullable Object, B extends @Nullable Object, R extends @Nullable Object>
        extends BiFunction<A, B, R>, Serializable {

    /**
     * Calls this function. Pools call this method.
     *
     * @param first the first argument
     * @param second the second argument
     * @return the result
     * @throws Exception if the body throws it; it then becomes the failure of the whole {@code map}
     */
    R call(A first, B second) throws Exception;

    /**
     * Calls {@link #call}. A checked exception becomes the cause of a {@link java.util.concurrent.CompletionException};
     * after an {@link InterruptedException} the interrupt status is set.
     *
     * @param first the first argument
     * @param second the second argument
     * @return the result
     */
    @Override
    @SuppressWarnings("FunctionalInterfaceMethodChanged") // it does the same, and wraps checked exceptions
    default R apply(A first, B second) {
        try {
            return call(first, second);
        } catch (Exception e) {
            throw Unchecked.of(e);
        }
    }
}
