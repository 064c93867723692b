package dev.sennit;

import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by {@code submit} when a pool does not admit the task: it is shut down, or its backlog is full.
 *
 * <p>The message and {@link #statistics()} have the figures of that moment.
 */
public final class RejectedSubmissionException extends RejectedExecutionException {
    private static final long serialVersionUID = 1L;

    private final transient @Nullable PoolStatistics statistics;

    /**
     * Creates the exception.
     *
     * @param message the name of the pool, and the reason
     * @param statistics the pool's figures at that moment
     * @param cause the exception that ended the wait for room, or null
     */
    public RejectedSubmissionException(String message, PoolStatistics statistics, @Nullable Throwable cause) {
        super(message, cause);
        this.statistics = statistics;
    }

    /**
     * Returns the pool's figures at the moment of the refusal.
     *
     * @return the figures, or null in a copy of this exception that came from another process
     */
    public @Nullable PoolStatistics statistics() {
        return statistics;
    }
}
