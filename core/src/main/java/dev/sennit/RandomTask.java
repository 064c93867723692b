package dev.sennit;

import java.io.Serializable;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A task that draws random numbers, see {@link Pool#random}.
 *
 * @param <T> the type of the result
 */
@FunctionalInterface
public interface RandomTask<T extends @Nullable Object> extends Serializable {
    /**
     * Runs the task.
     *
     * @param random the random numbers of this task
     * @return the result
     * @throws Exception if it fails
     */
    T call(RandomGenerator random) throws Exception;
}
