package dev.sennit;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * A function of two arguments that may leave this JVM, for {@link Mapper#map(TaskBiFunction, Iterable, Iterable)}.
 *
 * <p>Like {@link java.util.function.BiFunction}, but {@link Serializable}, and free to throw.
 *
 * @param <A> the type of the first argument
 * @param <B> the type of the second argument
 * @param <R> the type of the result
 */
@FunctionalInterface
public interface TaskBiFunction<
                A extends @Nullable Object, B extends @Nullable Object, R extends @Nullable Object>
        extends Serializable {

    /**
     * Applies this function.
     *
     * @param first the first argument
     * @param second the second argument
     * @return the result
     * @throws Exception whatever the body throws; it becomes the failure of the whole {@code map}
     */
    R apply(A first, B second) throws Exception;
}
