package dev.sennit.images;

import java.io.IOException;
import java.io.Serial;

/**
 * Thrown for an image of which no thumbnails can be made. The message is one line that says what the bytes are and what
 * is wrong with them. It names their source only if {@link ThumbnailMaker#make(java.nio.file.Path)} throws it.
 */
public final class ImageException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    /**
     * Creates the exception.
     *
     * @param message what is wrong, in one line
     */
    public ImageException(String message) {
        super(message);
    }

    /**
     * Creates the exception for a failure of a decoder.
     *
     * @param message what is wrong, in one line
     * @param cause the decoder's exception
     */
    public ImageException(String message, Throwable cause) {
        super(message, cause);
    }
}
