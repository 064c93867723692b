package dev.sennit.loop;

import java.io.IOException;

/** The input of a {@link ByteStream} is longer than the reader's limit. */
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
