package dev.sennit.shared;

import java.io.Serial;

/**
 * Says that the memory of a {@link SharedQueue} holds what no queue wrote: a process that has it wrote where it should not.
 * What was in the queue cannot be trusted any more; make another.
 */
public final class QueueDamagedException extends IllegalStateException {
    @Serial
    private static final long serialVersionUID = 1L;

    QueueDamagedException(String message) {
        super(message);
    }
}
