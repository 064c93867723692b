package dev.sennit.queue;

import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A cron expression of five fields, as crontab(5) has them: minute, hour, day of the month, month, day of the week. It
 * knows times of day of no zone; {@link Recurrence} puts them into one.
 *
 * <p>If both fields of days are restricted, which is to say begin with no {@code *}, a day that fits either counts;
 * otherwise it has to fit both.
 */
final class Cron {
    /** Leap days are up to eight years apart; a weekday of one up to forty, over a century that has none. */
    private static final int MOST_YEARS = 41;

    private enum Field {
        MINUTE("minute", 0, 59, List.of()),
        HOUR("hour", 0, 23, List.of()),
        DAY("day of month", 1, 31, List.of()),
        MONTH("month", 1, 12,
                List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
        WEEKDAY("day of week", 0, 7, List.of("sun", "mon", "tue", "wed", "thu", "fri", "sat"));

        final String text;
        final int least;
        final int most;
        final List<String> names;

        Field(String text, int least, int most, List<String> names) {
            this.text = text;
            this.least = least;
            this.most = most;
            this.names = names;
        }
    }

    private final BitSet minutes;
    private final BitSet hours;
    private final BitSet days;
    private final BitSet months;
    /** From 0, Sunday, to 6. */
    private final BitSet weekdays;

    private final boolean isEitherDay;
    private final boolean hasWildcardTime;

    private Cron(String expression) {
        String[] fields = expression.strip().split("\\s+");
        if (fields.length != 5) {
            throw wrong(expression, "it needs 5 fields (minute, hour, day of month, month, day of week), and has "
                    + (expression.isBlank() ? 0 : fields.length));
        }
        minutes = read(expression, Field.MINUTE, fields[0]);
        hours = read(expression, Field.HOUR, fields[1]);
        days = read(expression, Field.DAY, fields[2]);
        months = read(expression, Field.MONTH, fields[3]);
        weekdays = read(expression, Field.WEEKDAY, fields[4]);
        if (weekdays.get(7)) {
            weekdays.set(0);
            weekdays.clear(7);
        }
        isEitherDay = !fields[2].startsWith("*") && !fields[4].startsWith("*");
        hasWildcardTime = fields[0].startsWith("*") || fields[1].startsWith("*");
    }

    /**
     * Reads an expression.
     *
     * @throws IllegalArgumentException if it is none, or has no time; the message is one line and names the field
     */
    static Cron parse(String expression) {
        var cron = new Cron(expression);
        if (cron.next(LocalDateTime.of(2000, 1, 1, 0, 0)) == null) {
            throw wrong(expression, "no month of it has such a day");
        }
        return cron;
    }

    /** Returns whether minute or hour begin with {@code *}: it is meant to go on through the day. */
    boolean hasWildcardTime() {
        return hasWildcardTime;
    }

    /** Returns the first time after another one, or null if there is none. */
    @Nullable LocalDateTime next(LocalDateTime after) {
        LocalDateTime from = after.withSecond(0).withNano(0).plusMinutes(1);
        LocalDate day = from.toLocalDate();
        if (fits(day)) {
            LocalTime time = next(from.getHour(), from.getMinute());
            if (time != null) {
                return day.atTime(time);
            }
        }
        LocalTime first = LocalTime.of(hours.nextSetBit(0), minutes.nextSetBit(0));
        LocalDate last = day.plusYears(MOST_YEARS);
        for (day = day.plusDays(1); !day.isAfter(last); day = day.plusDays(1)) {
            if (!months.get(day.getMonthValue())) {
                day = day.withDayOfMonth(day.lengthOfMonth()); // on to the next month
            } else if (fits(day)) {
                return day.atTime(first);
            }
        }
        return null;
    }

    /** Returns the first time of a day from hour and minute on. */
    private @Nullable LocalTime next(int hour, int minute) {
        int thatHour = hours.nextSetBit(hour);
        if (thatHour == hour) {
            int thatMinute = minutes.nextSetBit(minute);
            if (thatMinute >= 0) {
                return LocalTime.of(hour, thatMinute);
            }
            thatHour = hours.nextSetBit(hour + 1);
        }
        return thatHour < 0 ? null : LocalTime.of(thatHour, minutes.nextSetBit(0));
    }

    private boolean fits(LocalDate day) {
        if (!months.get(day.getMonthValue())) {
            return false;
        }
        boolean date = days.get(day.getDayOfMonth());
        boolean weekday = weekdays.get(day.getDayOfWeek().getValue() % 7);
        return isEitherDay ? date || weekday : date && weekday;
    }

    // ---- reading ----

    private static BitSet read(String expression, Field field, String text) {
        var values = new BitSet(field.most + 1);
        for (String item : text.split(",", -1)) {
            int slash = item.indexOf('/');
            String range = slash < 0 ? item : item.substring(0, slash);
            int step = slash < 0 ? 1 : number(expression, field, item.substring(slash + 1));
            int first;
            int last;
            if (range.equals("*")) {
                first = field.least;
                last = field == Field.WEEKDAY ? 6 : field.most;
            } else {
                int dash = range.indexOf('-');
                first = value(expression, field, dash < 0 ? range : range.substring(0, dash));
                last = dash >= 0
                        ? value(expression, field, range.substring(dash + 1))
                        : slash < 0 ? first : field.most;
                if (field == Field.WEEKDAY && last == 0 && first > 0) {
                    last = 7; // fri-sun
                }
            }
            if (first > last) {
                throw wrong(expression, field, "the range " + range + " is backwards");
            }
            if (step < 1 || step > field.most) {
                throw wrong(expression, field, "the step must be from 1 to " + field.most + ", was " + step);
            }
            for (int value = first; value <= last; value += step) {
                values.set(value);
            }
        }
        return values;
    }

    private static int value(String expression, Field field, String text) {
        int name = field.names.indexOf(text.toLowerCase(Locale.ROOT));
        int value = name >= 0 ? name + field.least : number(expression, field, text);
        if (value < field.least || value > field.most) {
            throw wrong(expression, field, "must be from " + field.least + " to " + field.most + ", was " + value);
        }
        return value;
    }

    private static int number(String expression, Field field, String text) {
        if (text.isEmpty() || text.length() > 4 || !text.chars().allMatch(sign -> sign >= '0' && sign <= '9')) {
            throw wrong(expression, field, text.isEmpty()
                    ? "a value is missing"
                    : "\"" + shown(text) + "\" is no "
                            + (field.names.isEmpty() ? "number" : "number and no name"));
        }
        return Integer.parseInt(text);
    }

    private static IllegalArgumentException wrong(String expression, Field field, String why) {
        return wrong(expression, "field " + (field.ordinal() + 1) + " (" + field.text + "): " + why);
    }

    private static IllegalArgumentException wrong(String expression, String why) {
        return new IllegalArgumentException("the cron expression \"" + shown(expression) + "\" is wrong: " + why);
    }

    /** Returns a text in one line that is not too long. */
    private static String shown(String text) {
        String line = text.replaceAll("\\p{Cntrl}", " ");
        return line.length() <= 80 ? line : line.substring(0, 80) + "...";
    }
}
