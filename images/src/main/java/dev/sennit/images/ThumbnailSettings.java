package dev.sennit.images;

import java.io.Serializable;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The settings of thumbnails. Immutable; can be sent to other processes.
 *
 * {@snippet :
 * ThumbnailSettings settings =
 *         ThumbnailSettings.defaults().withSizes(320, 80).withFormat(ThumbnailSettings.Format.WEBP);
 * }
 *
 * @param sizes the size of each thumbnail in pixels, in this order
 * @param fit the side or sides that a size limits
 * @param format the format of the thumbnails
 * @param quality of lossy formats, 1 to 100
 * @param maxPixels an image whose header announces more pixels is refused before it is decoded: a decoder takes 4 bytes
 *     or more for each
 * @param onCorrupt what to do with a damaged image
 * @param codec the name of the decoder and encoder to prefer, one of {@link ThumbnailMaker#codecs}, or {@code auto} for
 *     the first of them; another codec reads formats that the preferred one cannot
 */
public record ThumbnailSettings(
        List<Integer> sizes, Fit fit, Format format, int quality, long maxPixels, OnCorrupt onCorrupt, String codec)
        implements Serializable {
    /** The system property with the preferred codec of the default settings. */
    static final String CODEC_PROPERTY = "sennit.images.codec";

    private static final int LARGEST = 10_000;
    private static final ThumbnailSettings DEFAULTS = new ThumbnailSettings(
            List.of(200, 64, 32), Fit.WIDTH, Format.JPEG, 75, 100_000_000, OnCorrupt.FAIL, Codecs.AUTO);

    /** The side or sides that a size limits. Images are never enlarged, and proportions are kept. */
    public enum Fit {
        /** The width; and the height to ten times the width, so that a tall strip does not become huge. */
        WIDTH,
        /** Both width and height. */
        BOX,
        /** The image fills a square of that size, and is cropped equally on both sides. */
        CROP
    }

    /** The format of thumbnails. Transparency is kept if the format supports it, or put on white. */
    public enum Format {
        /** Small, for photographs. */
        JPEG,
        /** Lossless. */
        PNG,
        /** Smaller than JPEG, and may be transparent. Needs a native codec. */
        WEBP,
        /** The image's own format, for JPEG, PNG and WebP; PNG for all others. */
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
     * What to do with an image that is truncated or has errors, if a decoder would go on and invent the missing part.
     * With most formats other than JPEG, such an image always fails.
     */
    public enum OnCorrupt {
        /** Fail with an {@link ImageException}. */
        FAIL,
        /** Make thumbnails of the readable part, and report it in {@link Thumbnails#damage}. */
        WARN,
        /** Make thumbnails of the readable part, and report nothing. */
        KEEP
    }

    /** Checks the settings. */
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
     * Returns the defaults: JPEGs of quality 75, 200, 64 and 32 pixels wide, of images of up to 100 million pixels;
     * damaged images fail. The codec is the one that the system property {@code sennit.images.codec} names, or
     * {@code auto}.
     *
     * @return the default settings, to be changed by the other methods
     */
    public static ThumbnailSettings defaults() {
        return DEFAULTS.withCodec(System.getProperty(CODEC_PROPERTY, Codecs.AUTO));
    }

    /**
     * Returns these settings with other sizes.
     *
     * @param pixels each 1 to 10000
     * @return new settings
     */
    public ThumbnailSettings withSizes(int... pixels) {
        List<Integer> boxed = IntStream.of(pixels).boxed().toList();
        return new ThumbnailSettings(boxed, fit, format, quality, maxPixels, onCorrupt, codec);
    }

    /**
     * Returns these settings with another fit.
     *
     * @param other the fit
     * @return new settings
     */
    public ThumbnailSettings withFit(Fit other) {
        return new ThumbnailSettings(sizes, other, format, quality, maxPixels, onCorrupt, codec);
    }

    /**
     * Returns these settings with another format.
     *
     * @param other the format
     * @return new settings
     */
    public ThumbnailSettings withFormat(Format other) {
        return new ThumbnailSettings(sizes, fit, other, quality, maxPixels, onCorrupt, codec);
    }

    /**
     * Returns these settings with another quality.
     *
     * @param percent 1 to 100
     * @return new settings
     */
    public ThumbnailSettings withQuality(int percent) {
        return new ThumbnailSettings(sizes, fit, format, percent, maxPixels, onCorrupt, codec);
    }

    /**
     * Returns these settings with another limit of pixels.
     *
     * @param pixels how many an image may have
     * @return new settings
     */
    public ThumbnailSettings withMaxPixels(long pixels) {
        return new ThumbnailSettings(sizes, fit, format, quality, pixels, onCorrupt, codec);
    }

    /**
     * Returns these settings with another treatment of damage.
     *
     * @param other what to do with a damaged image
     * @return new settings
     */
    public ThumbnailSettings withOnCorrupt(OnCorrupt other) {
        return new ThumbnailSettings(sizes, fit, format, quality, maxPixels, other, codec);
    }

    /**
     * Returns these settings with another codec.
     *
     * @param name {@code auto}, {@code leptonica}, {@code turbojpeg} or {@code jdk}
     * @return new settings
     */
    public ThumbnailSettings withCodec(String name) {
        return new ThumbnailSettings(sizes, fit, format, quality, maxPixels, onCorrupt, name);
    }
}
