package dev.sennit.loop;

import org.jspecify.annotations.Nullable;

/**
 * An {@link Actor} takes no more messages, or ended before it came to one.
 *
 * <p>Its cause is what stopped the actor; null when it was {@linkplain Actor#close closed}.
 */
public final class ActorClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    ActorClosedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
