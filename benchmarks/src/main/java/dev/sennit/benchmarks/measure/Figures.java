package dev.sennit.benchmarks.measure;

import java.util.Locale;

/** How figures are written: three digits and a unit that suits their size. */
public final class Figures {
    private static final double NEAR = 0.0995;

    private Figures() {}

    /** A time: {@code 12.3 µs}. */
    public static String time(double seconds) {
        double size = Math.abs(seconds);
        if (size < 0.9995e-6) {
            return digits(seconds * 1e9) + " ns";
        } else if (size < 0.9995e-3) {
            return digits(seconds * 1e6) + " µs";
        } else if (size < 0.9995) {
            return digits(seconds * 1e3) + " ms";
        }
        return digits(seconds) + " s";
    }

    /** Memory: {@code 863 B}; from a megabyte on, which is a million, {@code 216 MB}. */
    public static String bytes(double bytes) {
        if (bytes >= 0.9995e6) {
            return digits(bytes / 1e6) + " MB";
        }
        return digits(bytes) + " B";
    }

    /** How much noise against a signal: {@code 51.6 dB}. */
    public static String decibels(double decibels) {
        return digits(decibels) + " dB";
    }

    /** How many a second: {@code 12.3 k/s}. */
    public static String rate(double perSecond) {
        if (perSecond >= 0.9995e6) {
            return digits(perSecond / 1e6) + " M/s";
        } else if (perSecond >= 0.9995e3) {
            return digits(perSecond / 1e3) + " k/s";
        }
        return digits(perSecond) + "/s";
    }

    /** How many times: {@code 1.76}; near one, where a hundredth is a lot, {@code 1.004}. */
    public static String ratio(double times) {
        boolean nearOne = Math.abs(times - 1) < NEAR;
        return nearOne ? String.format(Locale.ROOT, "%.3f", times) : digits(times);
    }

    /** How far from one, in percent with one decimal: {@code +0.4 %}. */
    public static String percentAbove(double times) {
        double percent = Math.round((times - 1) * 1000) / 10.0;
        return String.format(Locale.ROOT, "%s%.1f %%", percent > 0 ? "+" : "", percent == 0 ? 0.0 : percent);
    }

    private static String digits(double value) {
        double size = Math.abs(value);
        int decimals = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }
}
