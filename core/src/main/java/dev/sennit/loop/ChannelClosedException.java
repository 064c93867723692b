package dev.sennit.loop;

import org.jspecify.annotations.Nullable;

/**
 * A {@link Channel} was closed: nothing more goes in, or there is nothing left to come out.
 *
 * <p>Its cause is what the channel was closed with; null when that was nothing.
 */
public final class ChannelClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    ChannelClosedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
