package dev.sennit.images;

import java.util.Locale;

/** The formats of images that can be read. */
public enum ImageKind {
    /** Baseline and progressive; grey, colour and CMYK. */
    JPEG("JPEG", "jpg"),
    /** All depths, palettes, alpha; of an animation the picture that stands for it. */
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
     * The usual end of a file's name.
     *
     * @return without the dot: {@code jpg}
     */
    public String extension() {
        return extension;
    }

    /**
     * The MIME type.
     *
     * @return such as {@code image/jpeg}
     */
    public String mediaType() {
        return "image/" + name().toLowerCase(Locale.ROOT);
    }

    /** As people write it: {@code WebP}. */
    @Override
    public String toString() {
        return label;
    }
}
