package dev.sennit.queue;

import org.jspecify.annotations.Nullable;

/** An argument, a result or a checkpoint is not the JSON that is expected. The message names the field. */
public final class TaskDataException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /**
     * Makes an exception.
     *
     * @param message what is wrong, and where
     * @param cause the cause, or null
     */
    public TaskDataException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
