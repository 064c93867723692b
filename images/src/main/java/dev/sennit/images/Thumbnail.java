package dev.sennit.images;

import java.io.Serializable;

/**
 * A small image.
 *
 * @param size which of the sizes asked for
 * @param kind the format
 * @param width pixels in a row
 * @param height rows
 * @param bytes the contents of the file; not a copy
 */
public record Thumbnail(int size, ImageKind kind, int width, int height, byte[] bytes) implements Serializable {
    /** For people: {@code 200: JPEG of 200x133 pixels, 5821 bytes}. */
    @Override
    public String toString() {
        return size + ": " + kind + " of " + width + "x" + height + " pixels, " + bytes.length + " bytes";
    }
}
