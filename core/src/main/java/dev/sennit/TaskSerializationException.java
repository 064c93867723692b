package dev.sennit;

import org.jspecify.annotations.Nullable;

/**
 * A task, its result, or something either holds cannot travel between processes.
 *
 * <p>Thrown by {@code submit} when it is the task; the failure of the future when it is the result. The message names
 * the value, its class, and what to do; the cause is Java serialization's own exception.
 */
public final class TaskSerializationException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message which value cannot travel, and what to do
     * @param cause Java serialization's own exception; null if the message tells all
     */
    public TaskSerializationException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
