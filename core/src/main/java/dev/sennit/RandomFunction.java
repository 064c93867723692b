package dev.sennit;

import java.io.Serializable;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A function that draws random numbers, see {@link Pool#random}.
 *
 * @param <A> the type of the argument
 * @param <R> the type of the result
 */
@FunctionalInterface
public interface RandomFunction<A extends @Nullable Object, R extends @Nullable Object> extends Serializable {
    /**
     * Applies this function.
     *
     * @param random the random numbers of this item
     * @param argument the item
     * @return the result
     * @throws Exception if it fails
     */
    R apply(RandomGenerator random, A argument) throws Exception;
}
