package dev.sennit.cli.command;

import java.util.Locale;

/** Numbers with units, as people read them. */
public final class Figures {
    private static final double KIB = 1024;

    private Figures() {}

    /** Returns a duration with at most four significant digits: {@code 1.234 s}, {@code 56.7 ms}, {@code 8.9 us}. */
    public static String duration(double seconds) {
        if (seconds >= 0.9995) {
            return format("%.3f s", seconds);
        }
        if (seconds >= 0.000_999_5) {
            return format(seconds >= 0.099_95 ? "%.0f ms" : "%.1f ms", seconds * 1e3);
        }
        return format("%.1f us", seconds * 1e6);
    }

    public static String percent(double value) {
        return format("%.0f %%", value);
    }

    public static String times(double value) {
        return format("%.2fx", value);
    }

    public static String bytes(long bytes) {
        double mebibytes = bytes / KIB / KIB;
        return mebibytes < 10_000 ? format("%.0f MiB", mebibytes) : format("%.1f GiB", mebibytes / KIB);
    }

    public static String count(long number, String one, String many) {
        return number + " " + (number == 1 ? one : many);
    }

    private static String format(String form, double value) {
        return String.format(Locale.ROOT, form, value);
    }
}
