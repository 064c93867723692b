package dev.sennit.images;

import java.io.Serializable;

/**
 * A thumbnail.
 *
 * @param size the requested size
 * @param kind the format
 * @param width pixels in a row
 * @param height rows
 * @param bytes the content of the file; not a copy
 */
public record Thumbnail(int size, ImageKind kind, int width, int height, byte[] bytes) implements Serializable {
    /** Returns a text such as {@code 200: JPEG of 200x133 pixels, 5821 bytes}. */
    @Override
    public String toString() {
        return size + ": " + kind + " of " + width + "x" + height + " pixels, " + bytes.length + " bytes";
    }
}
