package dev.sennit.queue;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * The code of a task type. It is serializable, so that a worker can run it in a process of its own: a method
 * reference or a lambda that captures nothing always is.
 *
 * @param <A> the type of the argument
 * @param <R> the type of the result
 */
@FunctionalInterface
public interface TaskHandler<A extends @Nullable Object, R extends @Nullable Object> extends Serializable {
    /**
     * Runs the task.
     *
     * @param argument the argument
     * @return the result
     * @throws Exception if it fails; the retry policy of the task decides what follows
     */
    R run(A argument) throws Exception;
}
