package dev.sennit.images;

import dev.sennit.images.ThumbnailSettings.Fit;
import dev.sennit.images.internal.codec.Bitmap;

/**
 * The part of a stored image that is used, and the size of the thumbnail.
 *
 * <p>The part is in the middle of the image, so turning the image only swaps width and height.
 *
 * @param cropWidth the width of the part
 * @param cropHeight the height of the part
 * @param width the width of the thumbnail
 * @param height the height of the thumbnail
 */
record Geometry(int cropWidth, int cropHeight, int width, int height) {
    /** With {@link Fit#WIDTH}, how much taller than wide a thumbnail may be. */
    private static final int TALLEST = 10;

    static Geometry of(ImageHeader image, Fit fit, int size) {
        Geometry shown = ofShown(image.shownWidth(), image.shownHeight(), fit, size);
        return image.isSideways()
                ? new Geometry(shown.cropHeight, shown.cropWidth, shown.height, shown.width)
                : shown;
    }

    private static Geometry ofShown(int width, int height, Fit fit, int size) {
        double across = (double) size / width;
        double down = (double) size / height;
        double scale = Math.min(1, switch (fit) {
            case WIDTH -> Math.min(across, TALLEST * down);
            case BOX -> Math.min(across, down);
            case CROP -> Math.max(across, down);
        });
        int newWidth = Math.clamp(Math.round(width * scale), 1, size);
        int tallest = fit == Fit.WIDTH ? TALLEST * size : size;
        int newHeight = Math.clamp(Math.round(height * scale), 1, tallest);
        return fit == Fit.CROP
                ? new Geometry(part(width, newWidth, scale), part(height, newHeight, scale), newWidth, newHeight)
                : new Geometry(width, height, newWidth, newHeight);
    }

    private static int part(int side, int newSide, double scale) {
        return Math.clamp(Math.round(newSide / scale), 1, side);
    }

    /**
     * Returns by how much a decoder may reduce the image: 1, 2, 4 or 8, so that it stays at least twice as large as
     * wanted.
     */
    int reduction() {
        int reduction = 8;
        while (reduction > 1 && (cropWidth / reduction < 2 * width || cropHeight / reduction < 2 * height)) {
            reduction /= 2;
        }
        return reduction;
    }

    long pixels() {
        return (long) width * height;
    }

    /** Returns whether a larger thumbnail is at least twice as large as this, so that this can be made from it. */
    boolean isHalfOf(Bitmap larger) {
        return larger.width() >= 2 * width && larger.height() >= 2 * height;
    }

    boolean hasSamePart(Geometry other) {
        return cropWidth == other.cropWidth && cropHeight == other.cropHeight;
    }
}
