package dev.sennit.images;

import java.util.Locale;

/** The formats of images that can be read. */
public enum ImageKind {
    /** Baseline and progressive; grey, colour and CMYK. */
    JPEG("JPEG", "jpg"),
    /** All depths, palettes, alpha; the default image of an animation. */
    PNG("PNG", "png"),
    /** The first frame of an animation. */
    GIF("GIF", "gif"),
    /** Lossy and lossless; the first frame of an animation. */
    WEBP("WebP", "webp"),
    /** Windows bitmaps. */
    BMP("BMP", "bmp"),
    /** The first page. */
    TIFF("TIFF", "tiff");

    private final String label;
    private final String extension;

    ImageKind(String label, String extension) {
        this.label = label;
        this.extension = extension;
    }

    /**
     * Returns the usual extension of a file's name.
     *
     * @return the extension without the dot, such as {@code jpg}
     */
    public String extension() {
        return extension;
    }

    /**
     * Returns the MIME type.
     *
     * @return such as {@code image/jpeg}
     */
    public String mediaType() {
        return "image/" + name().toLowerCase(Locale.ROOT);
    }

    /** Returns the usual name, such as {@code WebP}. */
    @Override
    public String toString() {
        return label;
    }
}
