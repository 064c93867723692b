package dev.sennit.images;

import dev.sennit.images.internal.codec.Bitmap;
import dev.sennit.images.internal.codec.Decoded;
import java.util.Arrays;

/**
 * Reduces the middle of a decoded picture by whole factors: each new pixel is the mean of a block of old ones. It is
 * fast and reads each row once. The result is at least three times as large as wanted, so that the filter applied
 * afterwards determines how it looks.
 */
final class BoxReduction {
    private static final int LEFT_FOR_THE_FILTER = 3;

    private final Decoded source;
    private final int left;
    private final int top;
    private final int cropWidth;
    private final int cropHeight;
    private final int across;
    private final int down;

    /** Prepares the part of a picture that a geometry wants; the decoder may have reduced the picture already. */
    BoxReduction(Decoded source, ImageHeader header, Geometry wanted) {
        this.source = source;
        cropWidth = scaled(wanted.cropWidth(), source.width(), header.width());
        cropHeight = scaled(wanted.cropHeight(), source.height(), header.height());
        left = (source.width() - cropWidth) / 2;
        top = (source.height() - cropHeight) / 2;
        across = Math.max(1, cropWidth / (LEFT_FOR_THE_FILTER * wanted.width()));
        down = Math.max(1, cropHeight / (LEFT_FOR_THE_FILTER * wanted.height()));
    }

    private static int scaled(int side, int decoded, int stored) {
        return Math.clamp(Math.round((double) side * decoded / stored), 1, decoded);
    }

    /** Returns the width of the part in pixels of the result; the last pixel may be made of fewer old ones. */
    double extentWidth() {
        return (double) cropWidth / across;
    }

    double extentHeight() {
        return (double) cropHeight / down;
    }

    Bitmap reduce() {
        int width = (cropWidth + across - 1) / across;
        int height = (cropHeight + down - 1) / down;
        int[] pixels = new int[Math.multiplyExact(width, height)];
        int[] row = new int[source.width()];
        boolean alpha = source.alpha();
        if (across == 1 && down == 1) {
            for (int y = 0; y < height; y++) {
                source.row(top + y, row);
                System.arraycopy(row, left, pixels, y * width, width);
            }
            return new Bitmap(width, height, alpha, pixels);
        }
        long[] sums = new long[4 * width];
        for (int y = 0; y < height; y++) {
            int rows = Math.min(down, cropHeight - y * down);
            Arrays.fill(sums, 0);
            for (int i = 0; i < rows; i++) {
                source.row(top + y * down + i, row);
                if (alpha) {
                    addTransparent(row, sums);
                } else {
                    add(row, sums);
                }
            }
            for (int x = 0; x < width; x++) {
                int count = rows * Math.min(across, cropWidth - x * across);
                pixels[y * width + x] = alpha ? meanTransparent(sums, 4 * x, count) : mean(sums, 4 * x, count);
            }
        }
        return new Bitmap(width, height, alpha, pixels);
    }

    private void add(int[] row, long[] sums) {
        for (int x = left, to = 0; x < left + cropWidth; to += 4) {
            int end = Math.min(x + across, left + cropWidth);
            long red = 0;
            long green = 0;
            long blue = 0;
            for (; x < end; x++) {
                int pixel = row[x];
                red += pixel >> 16 & 0xFF;
                green += pixel >> 8 & 0xFF;
                blue += pixel & 0xFF;
            }
            sums[to + 1] += red;
            sums[to + 2] += green;
            sums[to + 3] += blue;
        }
    }

    /** Adds a row with alpha: colours are weighted by their alpha. */
    private void addTransparent(int[] row, long[] sums) {
        for (int x = left, to = 0; x < left + cropWidth; to += 4) {
            int end = Math.min(x + across, left + cropWidth);
            for (; x < end; x++) {
                int pixel = row[x];
                int share = pixel >>> 24;
                sums[to] += share;
                sums[to + 1] += share * (pixel >> 16 & 0xFF);
                sums[to + 2] += share * (pixel >> 8 & 0xFF);
                sums[to + 3] += share * (pixel & 0xFF);
            }
        }
    }

    private static int mean(long[] sums, int at, int count) {
        int half = count / 2;
        return 0xFF000000
                | (int) ((sums[at + 1] + half) / count) << 16
                | (int) ((sums[at + 2] + half) / count) << 8
                | (int) ((sums[at + 3] + half) / count);
    }

    private static int meanTransparent(long[] sums, int at, int count) {
        long shares = sums[at];
        if (shares == 0) {
            return 0;
        }
        long half = shares / 2;
        return (int) ((shares + count / 2) / count) << 24
                | (int) ((sums[at + 1] + half) / shares) << 16
                | (int) ((sums[at + 2] + half) / shares) << 8
                | (int) ((sums[at + 3] + half) / shares);
    }
}
