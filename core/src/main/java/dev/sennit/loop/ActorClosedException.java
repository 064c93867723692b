package dev.sennit.loop;

import org.jspecify.annotations.Nullable;

/**
 * An {@link Actor} takes no more messages, or ended before it handled one.
 *
 * <p>The exception's cause is the cause that stopped the actor; null if the actor was {@linkplain Actor#close closed}.
 */
public final class ActorClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    ActorClosedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
