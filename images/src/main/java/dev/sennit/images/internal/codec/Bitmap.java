package dev.sennit.images.internal.codec;

/**
 * A picture in memory.
 *
 * @param width pixels in a row
 * @param height rows
 * @param alpha whether the highest byte of a pixel is its alpha
 * @param pixels the pixels row by row, each alpha, red, green and blue from the highest byte down; not premultiplied
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Bitmap(int width, int height, boolean alpha, int[] pixels) {
    /** Returns the picture turned upright, for an orientation as EXIF numbers it. */
    public Bitmap upright(int orientation) {
        if (orientation == 1) {
            return this;
        }
        boolean sideways = orientation >= 5;
        int newWidth = sideways ? height : width;
        int newHeight = sideways ? width : height;
        int[] turned = new int[pixels.length];
        for (int y = 0, to = 0; y < newHeight; y++) {
            for (int x = 0; x < newWidth; x++, to++) {
                int from = switch (orientation) {
                    case 2 -> y * width + width - 1 - x;
                    case 3 -> (height - 1 - y) * width + width - 1 - x;
                    case 4 -> (height - 1 - y) * width + x;
                    case 5 -> x * width + y;
                    case 6 -> (height - 1 - x) * width + y;
                    case 7 -> (height - 1 - x) * width + width - 1 - y;
                    case 8 -> x * width + width - 1 - y;
                    default -> throw new IllegalArgumentException("orientation must be 1 to 8, was " + orientation);
                };
                turned[to] = pixels[from];
            }
        }
        return new Bitmap(newWidth, newHeight, alpha, turned);
    }

    /** Returns the picture on a white background, for formats without transparency. */
    public Bitmap opaque() {
        if (!alpha) {
            return this;
        }
        int[] flat = new int[pixels.length];
        for (int i = 0; i < flat.length; i++) {
            int pixel = pixels[i];
            int share = pixel >>> 24;
            flat[i] = 0xFF000000
                    | onWhite(pixel >> 16 & 0xFF, share) << 16
                    | onWhite(pixel >> 8 & 0xFF, share) << 8
                    | onWhite(pixel & 0xFF, share);
        }
        return new Bitmap(width, height, false, flat);
    }

    private static int onWhite(int value, int share) {
        return (value * share + 255 * (255 - share) + 127) / 255;
    }
}
