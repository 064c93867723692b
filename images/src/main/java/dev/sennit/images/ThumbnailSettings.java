package dev.sennit.images;

import java.io.Serializable;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What thumbnails to make. Immutable, and may leave the JVM.
 *
 * {@snippet :
 * ThumbnailSettings settings = ThumbnailSettings.defaults().withSizes(320, 80).withFormat(ThumbnailSettings.Format.WEBP);
 * }
 *
 * @param sizes a thumbnail for each of them, in pixels, in this order
 * @param fit what a size limits
 * @param format what they are written as
 * @param quality of lossy formats, 1 to 100
 * @param maxPixels an image whose header promises more is refused before it is decoded: a decoder takes 4 bytes and more for each
 * @param onCorrupt what becomes of an image that is damaged
 * @param codec the name of the decoder and encoder to prefer, one of {@link ThumbnailMaker#codecs}, or {@code auto} for the
 *     first of them; what the preferred one cannot read, another does
 */
public record ThumbnailSettings(
        List<Integer> sizes, Fit fit, Format format, int quality, long maxPixels, OnCorrupt onCorrupt, String codec)
        implements Serializable {
    /** The system property that says which codec is preferred where the settings do not. */
    static final String CODEC_PROPERTY = "sennit.images.codec";

    private static final int LARGEST = 10_000;
    private static final ThumbnailSettings DEFAULTS = new ThumbnailSettings(
            List.of(200, 64, 32), Fit.WIDTH, Format.JPEG, 75, 100_000_000, OnCorrupt.FAIL, Codecs.AUTO);

    /** What a size limits. Nothing is ever made larger than it was, and proportions are kept. */
    public enum Fit {
        /** The width; and the height to ten times that, so that a strip does not become a tower. */
        WIDTH,
        /** Both width and height. */
        BOX,
        /** A square of that size is filled, and what stands out of it cut away on both sides. */
        CROP
    }

    /** What thumbnails are written as. Transparent pixels are kept where the format can, and laid on white where not. */
    public enum Format {
        /** Small, for photographs. */
        JPEG,
        /** Lossless. */
        PNG,
        /** Smaller than JPEG, and may be transparent. Needs a codec that is native code. */
        WEBP,
        /** JPEG, PNG and WebP stay what they are; all others become PNG. */
        SAME;

        ImageKind kindFor(ImageKind source) {
            return switch (this) {
                case JPEG -> ImageKind.JPEG;
                case PNG -> ImageKind.PNG;
                case WEBP -> ImageKind.WEBP;
                case SAME ->
                    switch (source) {
                        case JPEG, WEBP -> source;
                        case PNG, GIF, BMP, TIFF -> ImageKind.PNG;
                    };
            };
        }
    }

    /**
     * What becomes of an image that is cut off or has errors in it, where a decoder would go on and make up what is
     * missing. Of most formats but JPEG nothing can be made then, whatever is said here.
     */
    public enum OnCorrupt {
        /** No thumbnails: an {@link ImageException}. */
        FAIL,
        /** Thumbnails of what there is, and {@link Thumbnails#damage} tells. */
        WARN,
        /** Thumbnails of what there is, and not a word. */
        KEEP
    }

    /** Checks all of them. */
    public ThumbnailSettings {
        sizes = List.copyOf(sizes);
        if (sizes.isEmpty()) {
            throw new IllegalArgumentException("sizes must have at least one");
        }
        if (Set.copyOf(sizes).size() < sizes.size()) {
            throw new IllegalArgumentException("sizes must differ, were " + sizes);
        }
        for (int size : sizes) {
            if (size < 1 || size > LARGEST) {
                throw new IllegalArgumentException("size must be 1 to " + LARGEST + ", was " + size);
            }
        }
        if (quality < 1 || quality > 100) {
            throw new IllegalArgumentException("quality must be 1 to 100, was " + quality);
        }
        if (maxPixels < 1) {
            throw new IllegalArgumentException("maxPixels must be >= 1, was " + maxPixels);
        }
        Codecs.ensureKnown(codec);
    }

    /**
     * JPEGs of quality 75, 200, 64 and 32 pixels wide, of images of up to 100 million pixels; damaged ones fail. The
     * codec is what the system property {@code sennit.images.codec} names, or {@code auto}.
     *
     * @return to be changed by the other methods
     */
    public static ThumbnailSettings defaults() {
        return DEFAULTS.withCodec(System.getProperty(CODEC_PROPERTY, Codecs.AUTO));
    }

    /**
     * The same with other sizes.
     *
     * @param pixels each 1 to 10000
     * @return new settings
     */
    public ThumbnailSettings withSizes(int... pixels) {
        List<Integer> boxed = IntStream.of(pixels).boxed().toList();
        return new ThumbnailSettings(boxed, fit, format, quality, maxPixels, onCorrupt, codec);
    }

    /**
     * The same with another fit.
     *
     * @param other what a size limits
     * @return new settings
     */
    public ThumbnailSettings withFit(Fit other) {
        return new ThumbnailSettings(sizes, other, format, quality, maxPixels, onCorrupt, codec);
    }

    /**
     * The same in another format.
     *
     * @param other what thumbnails are written as
     * @return new settings
     */
    public ThumbnailSettings withFormat(Format other) {
        return new ThumbnailSettings(sizes, fit, other, quality, maxPixels, onCorrupt, codec);
    }

    /**
     * The same with another quality.
     *
     * @param percent 1 to 100
     * @return new settings
     */
    public ThumbnailSettings withQuality(int percent) {
        return new ThumbnailSettings(sizes, fit, format, percent, maxPixels, onCorrupt, codec);
    }

    /**
     * The same with another limit.
     *
     * @param pixels how many an image may have
     * @return new settings
     */
    public ThumbnailSettings withMaxPixels(long pixels) {
        return new ThumbnailSettings(sizes, fit, format, quality, pixels, onCorrupt, codec);
    }

    /**
     * The same with another answer to damage.
     *
     * @param other what becomes of damaged images
     * @return new settings
     */
    public ThumbnailSettings withOnCorrupt(OnCorrupt other) {
        return new ThumbnailSettings(sizes, fit, format, quality, maxPixels, other, codec);
    }

    /**
     * The same with another codec.
     *
     * @param name {@code auto}, {@code leptonica}, {@code turbojpeg} or {@code jdk}
     * @return new settings
     */
    public ThumbnailSettings withCodec(String name) {
        return new ThumbnailSettings(sizes, fit, format, quality, maxPixels, onCorrupt, name);
    }
}
