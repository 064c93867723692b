package dev.sennit.internal;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Formats and parses durations for people: {@code 1.5 s}, {@code 250ms}. */
public final class Durations {
    private Durations() {}

    /**
     * Formats a duration for a message.
     *
     * @param duration the duration
     * @return such as {@code 1.5 s}, {@code 250 ms}, {@code 12 us}
     */
    public static String text(Duration duration) {
        double nanos = duration.toSeconds() * 1e9 + duration.getNano();
        if (Math.abs(nanos) >= 1e9) {
            return number(nanos / 1e9) + " s";
        }
        if (Math.abs(nanos) >= 1e6) {
            return number(nanos / 1e6) + " ms";
        }
        return number(nanos / 1e3) + " us";
    }

    private static String number(double value) {
        String text = String.format(java.util.Locale.ROOT, "%.3f", value);
        return text.replaceAll("\\.?0+$", "");
    }

    /**
     * Checks a time-out that callers may set.
     *
     * @param timeout the time-out; null is none
     * @return the same
     * @throws IllegalArgumentException if it is not positive
     */
    public static @Nullable Duration checkedTimeout(@Nullable Duration timeout) {
        if (timeout != null && !timeout.isPositive()) {
            throw new IllegalArgumentException("timeout must be > 0, was " + text(timeout));
        }
        return timeout;
    }

    /**
     * Reads a duration as plans write it: a number with {@code us}, {@code ms}, {@code s}, {@code m} or {@code h}.
     *
     * @param name the name of the setting, for the message
     * @param text the value
     * @return the duration
     * @throws IllegalArgumentException naming the value and the form it should have
     */
    public static Duration parse(String name, String text) {
        var matcher = java.util.regex.Pattern.compile("(\\d{1,12})(us|ms|s|m|h)").matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    name + " must be a duration such as 500ms, 2s or 10m, was \"" + text + "\"");
        }
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "us" -> Duration.ofNanos(amount * 1000);
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            default -> Duration.ofHours(amount);
        };
    }
}
