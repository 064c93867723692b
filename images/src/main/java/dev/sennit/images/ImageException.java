package dev.sennit.images;

import java.io.IOException;
import java.io.Serial;

/**
 * An image of which no thumbnails can be made, and why: the message is one line that says what the bytes are and what is wrong
 * with them. It does not say where they came from, but for {@link ThumbnailMaker#make(java.nio.file.Path)}.
 */
public final class ImageException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    /**
     * Creates one.
     *
     * @param message what is wrong, in one line
     */
    public ImageException(String message) {
        super(message);
    }

    /**
     * Creates one for a failure of a decoder.
     *
     * @param message what is wrong, in one line
     * @param cause what the decoder threw
     */
    public ImageException(String message, Throwable cause) {
        super(message, cause);
    }
}
