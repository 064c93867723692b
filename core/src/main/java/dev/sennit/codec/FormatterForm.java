package dev.sennit.codec;

import dev.sennit.codec.ValueForms.NoFormException;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.chrono.Chronology;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DecimalStyle;
import java.time.format.FormatStyle;
import java.time.format.ResolverStyle;
import java.time.temporal.TemporalField;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link DateTimeFormatter} travels: as the name of a constant, a pattern, or its styles.
 *
 * <p>A formatter does not return its pattern. But its toString names its parts, one after the other, and the JDK gives
 * the name for each letter of a pattern. So this class puts a pattern together from the parts, makes a formatter of it,
 * and accepts it if it has the same toString and formats some dates alike; everything else is a setting that a
 * formatter does return. A formatter with parts that no pattern has is refused.
 *
 * @param kind how to read the text
 * @param text name of a constant, pattern, or styles
 * @param style the four characters of numbers
 */
record FormatterForm(
        Kind kind,
        String text,
        Locale locale,
        String style,
        ResolverStyle resolver,
        @Nullable Set<TemporalField> fields,
        @Nullable String chronology,
        @Nullable ZoneId zone) implements Address {
    private static final long serialVersionUID = 1L;

    /** The meaning of a text. */
    enum Kind {
        CONSTANT,
        PATTERN,
        STYLES
    }

    private static final String REMEDY = "send its pattern, and make the formatter where it is used";
    private static final int LONGEST_RUN = 9;
    private static final Pattern STYLES = Pattern.compile("Localized\\((\\w*),(\\w*)\\)");
    /** The first of some dates that differ in every field whose value may have a name. */
    private static final ZonedDateTime SAMPLE =
            ZonedDateTime.of(2024, 1, 1, 1, 2, 3, 456_789_012, ZoneOffset.ofHours(1));

    private static final int SAMPLES = 14;

    private static final class Known {
        static final Map<String, DateTimeFormatter> CONSTANTS = new LinkedHashMap<>();
        /** The letters of a pattern, by the text of their part. */
        static final Map<String, String> LETTERS = new HashMap<>();

        static {
            CONSTANTS.put("BASIC_ISO_DATE", DateTimeFormatter.BASIC_ISO_DATE);
            CONSTANTS.put("ISO_LOCAL_DATE", DateTimeFormatter.ISO_LOCAL_DATE);
            CONSTANTS.put("ISO_OFFSET_DATE", DateTimeFormatter.ISO_OFFSET_DATE);
            CONSTANTS.put("ISO_DATE", DateTimeFormatter.ISO_DATE);
            CONSTANTS.put("ISO_LOCAL_TIME", DateTimeFormatter.ISO_LOCAL_TIME);
            CONSTANTS.put("ISO_OFFSET_TIME", DateTimeFormatter.ISO_OFFSET_TIME);
            CONSTANTS.put("ISO_TIME", DateTimeFormatter.ISO_TIME);
            CONSTANTS.put("ISO_LOCAL_DATE_TIME", DateTimeFormatter.ISO_LOCAL_DATE_TIME);
            CONSTANTS.put("ISO_OFFSET_DATE_TIME", DateTimeFormatter.ISO_OFFSET_DATE_TIME);
            CONSTANTS.put("ISO_ZONED_DATE_TIME", DateTimeFormatter.ISO_ZONED_DATE_TIME);
            CONSTANTS.put("ISO_DATE_TIME", DateTimeFormatter.ISO_DATE_TIME);
            CONSTANTS.put("ISO_ORDINAL_DATE", DateTimeFormatter.ISO_ORDINAL_DATE);
            CONSTANTS.put("ISO_WEEK_DATE", DateTimeFormatter.ISO_WEEK_DATE);
            CONSTANTS.put("ISO_INSTANT", DateTimeFormatter.ISO_INSTANT);
            CONSTANTS.put("RFC_1123_DATE_TIME", DateTimeFormatter.RFC_1123_DATE_TIME);
            for (char letter = 'A'; letter <= 'z'; letter++) {
                for (int run = 1; run <= LONGEST_RUN && Character.isLetter(letter); run++) {
                    String letters = Character.toString(letter).repeat(run);
                    try {
                        LETTERS.putIfAbsent(DateTimeFormatter.ofPattern(letters, Locale.ROOT).toString(), letters);
                    } catch (IllegalArgumentException e) {
                        // no such letter, or not so many
                    }
                }
            }
        }
    }

    static FormatterForm of(DateTimeFormatter formatter) throws NoFormException {
        String parts = formatter.toString();
        for (Map.Entry<String, DateTimeFormatter> constant : Known.CONSTANTS.entrySet()) {
            if (constant.getValue().toString().equals(parts)) {
                return of(formatter, Kind.CONSTANT, constant.getKey());
            }
        }
        Matcher styles = STYLES.matcher(parts);
        if (styles.matches()) {
            return of(formatter, Kind.STYLES, styles.group(1) + "," + styles.group(2));
        }
        for (boolean hasDoubled : new boolean[] {false, true}) {
            String pattern = patternOf(parts, hasDoubled);
            FormatterForm form = pattern == null ? null : verified(formatter, Kind.PATTERN, pattern);
            if (form != null) {
                return form;
            }
        }
        throw new NoFormException(formatter, REMEDY);
    }

    private static FormatterForm of(DateTimeFormatter formatter, Kind kind, String text) throws NoFormException {
        FormatterForm form = verified(formatter, kind, text);
        if (form == null) {
            throw new NoFormException(formatter, REMEDY);
        }
        return form;
    }

    /** Returns null if the form would make another formatter. */
    private static @Nullable FormatterForm verified(DateTimeFormatter formatter, Kind kind, String text) {
        DecimalStyle style = formatter.getDecimalStyle();
        Chronology chronology = formatter.getChronology();
        var form = new FormatterForm(
                kind,
                text,
                formatter.getLocale(),
                "" + style.getZeroDigit() + style.getPositiveSign() + style.getNegativeSign()
                        + style.getDecimalSeparator(),
                formatter.getResolverStyle(),
                formatter.getResolverFields(),
                chronology == null ? null : chronology.getId(),
                formatter.getZone());
        try {
            DateTimeFormatter made = form.formatter();
            return made.toString().equals(formatter.toString()) && writesTheSame(made, formatter) ? form : null;
        } catch (IllegalArgumentException e) { // not a pattern after all
            return null;
        }
    }

    private static boolean writesTheSame(DateTimeFormatter made, DateTimeFormatter formatter) {
        for (int i = 0; i < SAMPLES; i++) {
            ZonedDateTime time = SAMPLE.plusMonths(i).plusDays(i).plusHours(5L * i);
            if (!written(made, time).equals(written(formatter, time))) {
                return false;
            }
        }
        return true;
    }

    private static String written(DateTimeFormatter formatter, ZonedDateTime time) {
        try {
            return formatter.format(time);
        } catch (DateTimeException e) {
            return "cannot";
        }
    }

    /**
     * Returns null if a part cannot be in a pattern.
     *
     * @param hasDoubled whether two quotes in a literal are one quote; else they end a literal and begin another, which
     *     looks the same
     */
    private static @Nullable String patternOf(String parts, boolean hasDoubled) {
        var pattern = new StringBuilder();
        int at = 0;
        while (at < parts.length()) {
            char first = parts.charAt(at);
            int end;
            if (first == '[' || first == ']') {
                pattern.append(first);
                end = at + 1;
            } else if (first == '\'') {
                end = endOfLiteral(parts, at, hasDoubled);
                String literal = parts.substring(at, end);
                char only = literal.length() == 3 ? literal.charAt(1) : 'x';
                pattern.append(
                        Character.isLetter(only) || "[]{}#'".indexOf(only) >= 0 ? literal : Character.toString(only));
            } else {
                end = endOfPart(parts, at);
                String letters = Known.LETTERS.get(parts.substring(at, end));
                if (letters == null) {
                    return null;
                }
                pattern.append(letters);
            }
            at = end;
        }
        return pattern.toString();
    }

    private static int endOfLiteral(String parts, int start, boolean hasDoubled) {
        int at = start + 1;
        while (at < parts.length()) {
            if (parts.charAt(at) != '\'') {
                at++;
            } else if (hasDoubled && at > start + 1 && at + 1 < parts.length() && parts.charAt(at + 1) == '\'') {
                at += 2;
            } else {
                return at + 1;
            }
        }
        return parts.length();
    }

    private static int endOfPart(String parts, int start) {
        int depth = 0;
        for (int at = start; at < parts.length(); at++) {
            char next = parts.charAt(at);
            if (next == '(') {
                depth++;
            } else if (next == ')' && --depth == 0) {
                return at + 1;
            }
        }
        return parts.length();
    }

    @Override
    public Object readResolve() {
        return AllowList.made(formatter());
    }

    private DateTimeFormatter formatter() {
        DateTimeFormatter plain =
                switch (kind) {
                    case CONSTANT -> constant();
                    case PATTERN -> DateTimeFormatter.ofPattern(text, locale);
                    case STYLES -> localized();
                };
        DecimalStyle characters = DecimalStyle.STANDARD.withZeroDigit(
                style.charAt(0))
                .withPositiveSign(style.charAt(1))
                .withNegativeSign(style.charAt(2))
                .withDecimalSeparator(style.charAt(3));
        return plain.withLocale(locale)
                .withDecimalStyle(characters)
                .withResolverStyle(resolver)
                .withResolverFields(fields)
                .withChronology(chronology == null ? null : Chronology.of(chronology))
                .withZone(zone);
    }

    private DateTimeFormatter constant() {
        DateTimeFormatter constant = Known.CONSTANTS.get(text);
        if (constant == null) {
            throw new IllegalArgumentException("no formatter is called " + text);
        }
        return constant;
    }

    private DateTimeFormatter localized() {
        String[] styles = text.split(",", -1);
        if (styles.length != 2) {
            throw new IllegalArgumentException("no styles: " + text);
        }
        FormatStyle date = styles[0].isEmpty() ? null : FormatStyle.valueOf(styles[0]);
        FormatStyle time = styles[1].isEmpty() ? null : FormatStyle.valueOf(styles[1]);
        return new DateTimeFormatterBuilder().appendLocalized(date, time).toFormatter(locale);
    }
}
