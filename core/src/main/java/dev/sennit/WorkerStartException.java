package dev.sennit;

import org.jspecify.annotations.Nullable;

/**
 * The failure of all waiting and later tasks of a pool whose workers could not be started, or whose initializer failed.
 * The message tells why; for a worker process it has the output before its end.
 */
public final class WorkerStartException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception; for authors of pools.
     *
     * @param message the name of the pool, and the reason
     * @param cause the exception that was thrown, or null
     */
    public WorkerStartException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
