package dev.sennit.queue;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * The code of a task type that uses the context of its run: see {@link TaskHandler}.
 *
 * @param <A> the type of the argument
 * @param <R> the type of the result
 */
@FunctionalInterface
public interface ContextTaskHandler<A extends @Nullable Object, R extends @Nullable Object> extends Serializable {
    /**
     * Runs the task.
     *
     * @param argument the argument
     * @param context what the run knows of itself
     * @return the result
     * @throws Exception if it fails; the retry policy of the task decides what follows
     */
    R run(A argument, RunContext context) throws Exception;
}
