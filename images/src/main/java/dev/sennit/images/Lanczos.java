package dev.sennit.images;

import dev.sennit.images.internal.codec.Bitmap;
import java.util.Arrays;

/**
 * Resizes by the Lanczos filter of three lobes: each new pixel is a weighted sum of the old ones around it, first down
 * the columns, then along the rows. To reduce a picture, the filter is stretched over all old pixels that become one,
 * so that fine patterns fade instead of turning into coarse ones.
 *
 * <p>Sums are computed in float, over a row of each colour (and alpha), in loops so plain that the JIT vectorizes them.
 * With alpha, colours are weighted by it.
 */
final class Lanczos {
    private static final int LOBES = 3;

    private final Bitmap source;
    private final int channels;
    /** The window of rows as floats, each at its number modulo the length. */
    private final float[][] window;

    private int unpacked;

    private Lanczos(Bitmap source, int rows) {
        this.source = source;
        channels = source.alpha() ? 4 : 3;
        window = new float[rows][channels * source.width()];
    }

    /**
     * Resizes a picture.
     *
     * @param extentWidth how much of the source's width to use, which may end within a pixel
     * @param extentHeight how much of its height to use
     */
    static Bitmap resize(Bitmap source, double extentWidth, double extentHeight, int width, int height) {
        if (width == source.width() && height == source.height() && width == extentWidth && height == extentHeight) {
            return source;
        }
        Weights down = new Weights(extentHeight, source.height(), height);
        Weights across = new Weights(extentWidth, source.width(), width);
        return new Lanczos(source, down.longest()).resize(across, down);
    }

    private Bitmap resize(Weights across, Weights down) {
        int width = across.length();
        int height = down.length();
        int[] pixels = new int[Math.multiplyExact(width, height)];
        float[] row = new float[channels * source.width()];
        float[] pixel = new float[channels];
        for (int y = 0; y < height; y++) {
            sumColumns(down.first(y), down.of(y), row);
            for (int x = 0; x < width; x++) {
                sumRow(row, across.first(x), across.of(x), pixel);
                pixels[y * width + x] = channels == 4 ? packTransparent(pixel) : pack(pixel, 255);
            }
        }
        return new Bitmap(width, height, source.alpha(), pixels);
    }

    private void sumColumns(int first, float[] weights, float[] sum) {
        Arrays.fill(sum, 0);
        for (int i = 0; i < weights.length; i++) {
            float weight = weights[i];
            float[] row = unpackedRow(first + i);
            for (int j = 0; j < sum.length; j++) {
                sum[j] += weight * row[j];
            }
        }
    }

    private void sumRow(float[] row, int first, float[] weights, float[] sum) {
        for (int channel = 0; channel < channels; channel++) {
            int at = channel * source.width() + first;
            float value = 0;
            for (int i = 0; i < weights.length; i++) {
                value += weights[i] * row[at + i];
            }
            sum[channel] = value;
        }
    }

    private float[] unpackedRow(int y) {
        for (; unpacked <= y; unpacked++) {
            unpack(unpacked, window[unpacked % window.length]);
        }
        return window[y % window.length];
    }

    private void unpack(int y, float[] row) {
        int width = source.width();
        int[] pixels = source.pixels();
        for (int x = 0, from = y * width; x < width; x++, from++) {
            int pixel = pixels[from];
            row[x] = pixel >> 16 & 0xFF;
            row[width + x] = pixel >> 8 & 0xFF;
            row[2 * width + x] = pixel & 0xFF;
        }
        if (channels == 4) {
            for (int x = 0, from = y * width; x < width; x++, from++) {
                float share = (pixels[from] >>> 24) / 255f;
                row[x] *= share;
                row[width + x] *= share;
                row[2 * width + x] *= share;
                row[3 * width + x] = share;
            }
        }
    }

    private static int pack(float[] pixel, int alpha) {
        return alpha << 24 | rounded(pixel[0]) << 16 | rounded(pixel[1]) << 8 | rounded(pixel[2]);
    }

    private static int packTransparent(float[] pixel) {
        int alpha = rounded(255 * pixel[3]);
        if (alpha == 0) {
            return 0;
        }
        for (int i = 0; i < 3; i++) {
            pixel[i] /= pixel[3];
        }
        return pack(pixel, alpha);
    }

    private static int rounded(float value) {
        return Math.clamp((int) (value + 0.5f), 0, 255);
    }

    /** For each new row or column, the old ones that it is made of and their weights, which add up to 1. */
    private static final class Weights {
        private final int[] firsts;
        private final float[][] weights;

        Weights(double extent, int oldLength, int newLength) {
            firsts = new int[newLength];
            weights = new float[newLength][];
            double scale = extent / newLength;
            double stretch = Math.max(1, scale);
            double reach = LOBES * stretch;
            for (int i = 0; i < newLength; i++) {
                double center = (i + 0.5) * scale;
                int from = Math.max(0, (int) (center - reach + 0.5));
                int to = Math.min(oldLength, (int) (center + reach + 0.5));
                from = Math.min(from, oldLength - 1);
                to = Math.max(to, from + 1);
                firsts[i] = from;
                weights[i] = normalized(from, to, center, stretch);
            }
        }

        private static float[] normalized(int from, int to, double center, double stretch) {
            double[] raw = new double[to - from];
            double sum = 0;
            for (int j = 0; j < raw.length; j++) {
                raw[j] = filter((from + j + 0.5 - center) / stretch);
                sum += raw[j];
            }
            float[] result = new float[raw.length];
            for (int j = 0; j < raw.length; j++) {
                result[j] = (float) (raw[j] / sum);
            }
            return result;
        }

        private static double filter(double x) {
            double distance = Math.abs(x);
            return distance >= LOBES ? 0 : sinc(distance) * sinc(distance / LOBES);
        }

        private static double sinc(double x) {
            return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
        }

        int length() {
            return firsts.length;
        }

        int first(int i) {
            return firsts[i];
        }

        float[] of(int i) {
            return weights[i];
        }

        int longest() {
            int longest = 0;
            for (float[] each : weights) {
                longest = Math.max(longest, each.length);
            }
            return longest;
        }
    }
}
