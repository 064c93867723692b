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
     * @param random this item's own numbers
     * @param argument the item
     * @return the result
     * @throws Exception whatever goes wrong
     */
    R apply(RandomGenerator random, A argument) throws Exception;
}
