package dev.sennit.loop;

import java.io.IOException;

/** The other side of a {@link ByteStream} sent more than the reader is ready to hold. */
public final class InputTooLongException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what is too long, and the limit
     */
    public InputTooLongException(String message) {
        super(message);
    }
}
