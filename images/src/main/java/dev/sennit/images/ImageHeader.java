package dev.sennit.images;

import java.io.Serializable;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The header of an image, read without decoding the image: format, size and orientation.
 *
 * <p>It is read first, so that files that are no image, and small files that would fill the memory, never reach a
 * decoder. Only the bytes count, not names or media types. Whether the rest of the file is complete is not known yet.
 *
 * @param kind the format
 * @param width pixels in a row, as stored
 * @param height rows, as stored
 * @param orientation how to turn the stored picture, as EXIF numbers it: 1 is upright, 5 to 8 swap width and height
 * @param alpha whether there may be transparent pixels
 */
public record ImageHeader(ImageKind kind, int width, int height, int orientation, boolean alpha)
        implements Serializable {
    private static final int LONGEST_SIDE = 1_000_000;

    /**
     * Reads the header.
     *
     * @param image the bytes of the file; its first 64 KB are enough, except for images with a large preview or profile
     *     in front
     * @return the header
     * @throws ImageException if the bytes are no image, are of an unsupported format, end within the header, or have no
     *     pixels
     */
    public static ImageHeader read(byte[] image) throws ImageException {
        HeaderBytes bytes = new HeaderBytes(image, ByteOrder.BIG_ENDIAN, "file");
        if (bytes.has(0, "\u00FF\u00D8\u00FF")) {
            return JpegHeader.read(image);
        } else if (bytes.has(0, "\u0089PNG\r\n\u001A\n")) {
            return PngHeader.read(image);
        } else if (bytes.has(0, "GIF87a") || bytes.has(0, "GIF89a")) {
            return GifHeader.read(image);
        } else if (bytes.has(0, "RIFF") && bytes.has(8, "WEBP")) {
            return WebpHeader.read(image);
        } else if (bytes.has(0, "II*\0") || bytes.has(0, "MM\0*")) {
            return TiffHeader.read(image);
        } else if (BmpHeader.isBitmap(bytes)) {
            return BmpHeader.read(image);
        }
        throw new ImageException(describe(bytes));
    }

    /** Returns a header after checking its values; the readers of the formats call this. */
    static ImageHeader of(ImageKind kind, long width, long height, int orientation, boolean alpha)
            throws ImageException {
        if (width <= 0 || height <= 0 || width > LONGEST_SIDE || height > LONGEST_SIDE) {
            throw new ImageException(kind + " of " + width + "x" + height + " pixels: no side may be 0, or longer than "
                    + LONGEST_SIDE);
        }
        return new ImageHeader(kind, (int) width, (int) height, orientation, alpha);
    }

    /** Returns a description of bytes that are no image. */
    private static String describe(HeaderBytes bytes) {
        if (bytes.length() == 0) {
            return "empty, not an image";
        }
        String begin = new String(bytes.part(0, 1024).copy(), StandardCharsets.ISO_8859_1);
        String text = begin.strip().toLowerCase(Locale.ROOT);
        String other = null;
        if (text.contains("<svg")) {
            other = "SVG";
        } else if (text.startsWith("<!doctype html") || text.contains("<html") || text.contains("<head")
                || text.contains("<body")) {
            return "HTML, not an image";
        } else if (text.startsWith("<?xml")) {
            return "XML, not an image";
        } else if (text.startsWith("{") || text.startsWith("[{")) {
            return "JSON, not an image";
        } else if (text.startsWith("%pdf-")) {
            return "PDF, not an image";
        } else if (bytes.has(0, "\0\0\0\fjP  ") || bytes.has(0, "\u00FFO\u00FFQ")) {
            other = "JPEG 2000";
        } else if (bytes.has(0, "\u00FF\n") || bytes.has(0, "\0\0\0\fJXL ")) {
            other = "JPEG XL";
        } else if (bytes.has(4, "ftyp")) {
            other = begin.startsWith("avi", 8) ? "AVIF" : begin.matches("(?s).{8}(he|mif|msf).*") ? "HEIC" : "video";
        } else if (bytes.has(0, "8BPS")) {
            other = "Photoshop";
        } else if (bytes.has(0, "\0\0\1\0")) {
            other = "icon";
        } else if (bytes.has(0, "II+\0") || bytes.has(0, "MM\0+")) {
            other = "BigTIFF";
        }
        return (other == null ? "no image that can be read" : other + ", which cannot be read")
                + "; JPEG, PNG, GIF, WebP, BMP and TIFF can";
    }

    /**
     * Returns the width after turning.
     *
     * @return pixels
     */
    public int shownWidth() {
        return isSideways() ? height : width;
    }

    /**
     * Returns the height after turning.
     *
     * @return pixels
     */
    public int shownHeight() {
        return isSideways() ? width : height;
    }

    boolean isSideways() {
        return orientation >= 5;
    }

    /**
     * Returns the number of pixels that a decoder makes.
     *
     * @return width times height
     */
    public long pixels() {
        return (long) width * height;
    }

    void ensureAtMost(long maxPixels) throws ImageException {
        if (pixels() > maxPixels) {
            throw new ImageException(this + ", " + pixels() + " in all, more than the " + maxPixels
                    + " allowed; raise the limit of pixels if it is to be trusted");
        }
    }

    /** Returns a text such as {@code JPEG of 4000x3000 pixels}. */
    @Override
    public String toString() {
        return kind + " of " + width + "x" + height + " pixels";
    }
}
