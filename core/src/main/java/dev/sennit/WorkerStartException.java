package dev.sennit;

import org.jspecify.annotations.Nullable;

/**
 * Workers of a pool could not be started, or their initializer failed: the failure of everything that waits in the pool,
 * and of what is submitted from then on. The message says why; for a worker process, what it wrote before it ended.
 */
public final class WorkerStartException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * For pools.
     *
     * @param message which pool, and why
     * @param cause what was thrown, or null
     */
    public WorkerStartException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
