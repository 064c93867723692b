package dev.sennit;

import java.io.Serializable;

/**
 * A function that may leave this JVM, applied to each item by {@link Pool#map} and {@link Pool#mapping}.
 *
 * <p>Like {@link java.util.function.Function}, but {@link Serializable}, and free to throw.
 *
 * @param <A> the type of the argument
 * @param <R> the type of the result
 */
@FunctionalInterface
public interface TaskFunction<
                A extends @org.jspecify.annotations.Nullable Object,
                R extends @org.jspecify.annotations.Nullable Object>
        extends Serializable {

    /**
     * Applies this function.
     *
     * @param argument the item
     * @return the result
     * @throws Exception whatever the body throws; it becomes the failure of the whole {@code map}
     */
    R apply(A argument) throws Exception;
}
