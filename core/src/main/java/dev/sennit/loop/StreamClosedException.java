package dev.sennit.loop;

import java.io.IOException;

/** A {@link ByteStream} or {@link Listener} was closed on this side: by its {@code close()}, or by the end of its loop. */
public final class StreamClosedException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what was closed, and by what
     */
    public StreamClosedException(String message) {
        super(message);
    }
}
