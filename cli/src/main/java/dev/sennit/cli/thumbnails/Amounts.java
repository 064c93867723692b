package dev.sennit.cli.thumbnails;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads amounts as people write them: {@code 100M}, {@code 1.5G}, {@code 30s}, {@code 250ms}. */
final class Amounts {
    private static final Pattern FORM = Pattern.compile("(\\d{1,12}(?:\\.\\d{1,9})?)([A-Za-z]*)");
    private static final Map<String, Long> COUNTS = Map.of("", 1L, "k", 1_000L, "m", 1_000_000L, "g", 1_000_000_000L);
    private static final Map<String, Long> MILLIS =
            Map.of("ms", 1L, "s", 1_000L, "", 1_000L, "m", 60_000L, "min", 60_000L, "h", 3_600_000L);

    private Amounts() {}

    /**
     * Reads a number, 1 or more; k, M and G stand for thousands, millions and thousands of millions.
     *
     * @throws IllegalArgumentException if the text is no such number
     */
    static long count(String text) {
        long value = parse(text, COUNTS);
        if (value < 1) {
            throw new IllegalArgumentException("expected a number such as 500k, 100M or 2G, was \"" + text + "\"");
        }
        return value;
    }

    /**
     * Reads a duration of a millisecond or more; without a unit it is seconds.
     *
     * @throws IllegalArgumentException if the text is no such duration
     */
    static Duration duration(String text) {
        long millis = parse(text, MILLIS);
        if (millis < 1) {
            throw new IllegalArgumentException("expected a time such as 500ms, 30s or 2m, was \"" + text + "\"");
        }
        return Duration.ofMillis(millis);
    }

    /** Returns zero if the text is malformed, or the number does not fit. */
    private static long parse(String text, Map<String, Long> units) {
        Matcher matcher = FORM.matcher(text.strip());
        if (!matcher.matches()) {
            return 0;
        }
        Long unit = units.get(matcher.group(2).toLowerCase(java.util.Locale.ROOT));
        if (unit == null) {
            return 0;
        }
        BigDecimal value = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unit));
        return value.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0 ? 0 : value.longValue();
    }
}
