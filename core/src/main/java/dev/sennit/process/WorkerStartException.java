package dev.sennit.process;

import org.jspecify.annotations.Nullable;

/**
 * Worker processes could not be started, several times in a row: the failure of everything that waits in the pool, and
 * of what is submitted from then on. The message holds what the last of them wrote before it ended.
 */
public final class WorkerStartException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    WorkerStartException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
