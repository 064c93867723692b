package dev.sennit;

import org.jspecify.annotations.Nullable;

/**
 * A task, its result, or an object that either refers to cannot be sent to another process.
 *
 * <p>For a task {@code submit} throws it; for a result it is the failure of the future. The message names the value,
 * its class, and the remedy; the cause is Java serialization's own exception.
 */
public final class TaskSerializationException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message the value that cannot be sent, and the remedy
     * @param cause Java serialization's own exception, or null
     */
    public TaskSerializationException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
