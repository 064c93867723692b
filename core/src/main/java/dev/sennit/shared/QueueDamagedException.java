package dev.sennit.shared;

import java.io.Serial;

/**
 * Thrown when the memory of a {@link SharedQueue} has contents that no queue wrote: a process that shares it wrote
 * where it should not. The elements of the queue cannot be trusted any more; make another queue.
 */
public final class QueueDamagedException extends IllegalStateException {
    @Serial
    private static final long serialVersionUID = 1L;

    QueueDamagedException(String message) {
        super(message);
    }
}
