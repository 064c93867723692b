package dev.sennit.images;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import javax.imageio.ImageIO;

/**
 * A decoded picture for tests to look at, and the slow and plain way of making it small that others are measured
 * against.
 */
record Pixels(int width, int height, int[] argb) {
    /** Of JPEG or PNG. */
    static Pixels of(byte[] file) {
        try {
            BufferedImage image = ImageIO.read(new ByteArrayInputStream(file));
            int[] argb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
            return new Pixels(image.getWidth(), image.getHeight(), argb);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Pixels of(Thumbnail thumbnail) {
        return of(thumbnail.bytes());
    }

    int at(double across, double down) {
        return argb[(int) (down * height) * width + (int) (across * width)];
    }

    /** Which of the primary colours a place has; the tests' pictures are of no others. */
    String colorAt(double across, double down) {
        int pixel = at(across, down);
        String name = "" + (pixel >>> 24 < 128 ? "clear" : "");
        for (int shift : new int[] {16, 8, 0}) {
            name += (pixel >> shift & 0xFF) > 127 ? "1" : "0";
        }
        return switch (name) {
            case "000" -> "black";
            case "100" -> "red";
            case "010" -> "green";
            case "001" -> "blue";
            case "110" -> "yellow";
            case "111" -> "white";
            default -> name;
        };
    }

    /** Decibels; higher is more alike, and from 40 on nobody sees a difference. */
    double psnr(Pixels other) {
        if (width != other.width || height != other.height) {
            throw new AssertionError(width + "x" + height + " is not " + other.width + "x" + other.height);
        }
        double sum = 0;
        for (int i = 0; i < argb.length; i++) {
            for (int shift = 0; shift <= 16; shift += 8) {
                double difference = (argb[i] >> shift & 0xFF) - (other.argb[i] >> shift & 0xFF);
                sum += difference * difference;
            }
        }
        return 10 * Math.log10(255 * 255 / Math.max(1e-9, sum / (3 * argb.length)));
    }

    /** Lanczos over all pixels, in double, without any short cut. */
    Pixels lanczos(int newWidth, int newHeight) {
        double[] narrow = new double[3 * newWidth * height];
        for (int x = 0; x < newWidth; x++) {
            double[] weights = weights(x, newWidth, width);
            for (int from = 0; from < width; from++) {
                if (weights[from] == 0) {
                    continue;
                }
                for (int y = 0; y < height; y++) {
                    int pixel = argb[y * width + from];
                    int to = 3 * (y * newWidth + x);
                    narrow[to] += weights[from] * (pixel >> 16 & 0xFF);
                    narrow[to + 1] += weights[from] * (pixel >> 8 & 0xFF);
                    narrow[to + 2] += weights[from] * (pixel & 0xFF);
                }
            }
        }
        int[] small = new int[newWidth * newHeight];
        for (int y = 0; y < newHeight; y++) {
            double[] weights = weights(y, newHeight, height);
            for (int x = 0; x < newWidth; x++) {
                double[] sum = new double[3];
                for (int from = 0; from < height; from++) {
                    if (weights[from] != 0) {
                        for (int channel = 0; channel < 3; channel++) {
                            sum[channel] += weights[from] * narrow[3 * (from * newWidth + x) + channel];
                        }
                    }
                }
                small[y * newWidth + x] =
                        0xFF000000 | rounded(sum[0]) << 16 | rounded(sum[1]) << 8 | rounded(sum[2]);
            }
        }
        return new Pixels(newWidth, newHeight, small);
    }

    private static int rounded(double value) {
        return (int) Math.clamp(value + 0.5, 0, 255);
    }

    private static double[] weights(int to, int newLength, int length) {
        double scale = (double) length / newLength;
        double stretch = Math.max(1, scale);
        double[] weights = new double[length];
        for (int from = 0; from < length; from++) {
            double x = Math.abs(from + 0.5 - (to + 0.5) * scale) / stretch;
            weights[from] = x >= 3
                    ? 0
                    : x == 0 ? 1 : 3 * Math.sin(Math.PI * x) * Math.sin(Math.PI * x / 3) / (Math.PI * Math.PI * x * x);
        }
        double sum = Arrays.stream(weights).sum();
        return Arrays.stream(weights).map(weight -> weight / sum).toArray();
    }
}
