package dev.sennit.loop;

import java.io.IOException;

/** A {@link ByteStream} or {@link Listener} was closed on this side: by {@code close()}, or by the end of its loop. */
public final class StreamClosedException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message the name of the stream, and why it was closed
     */
    public StreamClosedException(String message) {
        super(message);
    }
}
