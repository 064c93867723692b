package dev.sennit.internal;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Formats and parses amounts of memory, for people and JVM options: {@code 1.5 GB}, {@code 256m}. */
public final class Sizes {
    private static final Pattern SIZE = Pattern.compile("([1-9][0-9]{0,15})([kKmMgG]?)");

    private Sizes() {}

    /**
     * Formats an amount for a message.
     *
     * @param bytes 0 or more
     * @return such as {@code 1.5 GB}, {@code 256 MB}, {@code 12 KB}, {@code 100 bytes}; a KB is 1024 bytes
     */
    public static String text(long bytes) {
        if (bytes >= 1L << 30) {
            return number(bytes, 30) + " GB";
        }
        if (bytes >= 1L << 20) {
            return number(bytes, 20) + " MB";
        }
        return bytes >= 1L << 10 ? number(bytes, 10) + " KB" : bytes + " bytes";
    }

    private static String number(long bytes, int power) {
        String text = String.format(java.util.Locale.ROOT, "%.3f", (double) bytes / (1L << power));
        return text.replaceAll("\\.?0+$", "");
    }

    /**
     * Parses an amount as written in JVM options and plans: a number of bytes, or with {@code k}, {@code m} or
     * {@code g}.
     *
     * @param name the name of the setting, for the message
     * @param text the value
     * @return the number of bytes
     * @throws IllegalArgumentException naming the value and the form it should have
     */
    public static long parse(String name, String text) {
        Matcher matcher = SIZE.matcher(text);
        if (!matcher.matches()) {
            throw invalid(name, text);
        }
        long unit = switch (matcher.group(2)) {
            case "" -> 1;
            case "k", "K" -> 1L << 10;
            case "m", "M" -> 1L << 20;
            default -> 1L << 30;
        };
        long count = Long.parseLong(matcher.group(1));
        if (count > Long.MAX_VALUE / unit) {
            throw invalid(name, text);
        }
        return count * unit;
    }

    private static IllegalArgumentException invalid(String name, String text) {
        return new IllegalArgumentException(name + " must be a size such as 256m or 2g, was \"" + text + "\"");
    }
}
