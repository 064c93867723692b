package dev.sennit.loop;

import org.jspecify.annotations.Nullable;

/**
 * A {@link Channel} was closed: no element can be sent, or none is left to receive.
 *
 * <p>The exception's cause is the one that the channel was closed with; null if there was none.
 */
public final class ChannelClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    ChannelClosedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
