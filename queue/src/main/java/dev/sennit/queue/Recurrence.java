package dev.sennit.queue;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * When a schedule is due, again and again: see {@link QueueSchedules}.
 *
 * {@snippet :
 * import dev.sennit.queue.Recurrence;
 * import java.time.Duration;
 * import java.time.Instant;
 * import java.time.ZoneId;
 *
 * Recurrence often = Recurrence.every(Duration.ofMinutes(10));
 * Recurrence nightly = Recurrence.cron("0 3 * * *", ZoneId.of("Europe/Vienna"));
 * System.out.println(nightly.next(Instant.parse("2026-01-01T12:00:00Z"))); // 2026-01-02T02:00:00Z
 * }
 *
 * <p><b>{@link #every}</b> counts from the first due time, so the due times do not drift. It knows no days: {@code
 * every(Duration.ofDays(1))} is at another time of day once the clocks have been put forward.
 *
 * <p><b>{@link #cron}</b> follows the clocks of a time zone. When they are put forward, due times that do not exist are
 * due at the moment of the change, once. When they are put back, due times that exist twice are due the first time
 * only, unless minute or hour begin with {@code *}: such a schedule goes on through both hours. So a nightly task runs
 * once each night, and one of every ten minutes runs every ten minutes. Cron of Debian does the same.
 */
public final class Recurrence {
    private static final String EVERY = "every ";

    private final String text;
    /** Of {@link #every}; else null. */
    private final @Nullable Duration period;
    /** Of {@link #cron}; else null. */
    private final @Nullable Cron cron;

    private final ZoneId zone;

    private Recurrence(String text, @Nullable Duration period, @Nullable Cron cron, ZoneId zone) {
        this.text = text;
        this.period = period;
        this.cron = cron;
        this.zone = zone;
    }

    /**
     * Returns due times at a fixed distance.
     *
     * @param period the distance, a whole number of milliseconds
     * @return the recurrence
     * @throws IllegalArgumentException if the period is less than a millisecond, or no whole number of them
     */
    public static Recurrence every(Duration period) {
        if (period.compareTo(Duration.ofMillis(1)) < 0 || !period.equals(period.truncatedTo(ChronoUnit.MILLIS))) {
            throw new IllegalArgumentException("period must be >= 1 ms and in whole milliseconds, was " + period);
        }
        return new Recurrence(EVERY + period, period, null, ZoneOffset.UTC);
    }

    /**
     * Returns the due times of a cron expression: minute, hour, day of the month, month, day of the week. Each is
     * {@code *}, a number, a range {@code 1-5}, either with a step {@code *}{@code /10}, or a list of these with
     * commas. Months and days of the week have names of three letters as well; Sunday is 0 or 7. If neither field of
     * days begins with {@code *}, a day that fits one of them is enough.
     *
     * @param expression the expression, such as {@code 0 3 * * mon-fri}
     * @param zone the time zone
     * @return the recurrence
     * @throws IllegalArgumentException if the expression is wrong; the message names the field
     */
    public static Recurrence cron(String expression, ZoneId zone) {
        Objects.requireNonNull(zone, "zone");
        String words = expression.strip().replaceAll("\\s+", " ");
        return new Recurrence(words, null, Cron.parse(words), zone);
    }

    /**
     * Reads what {@link #toString} and {@link #zone} have given.
     *
     * @param text {@code every PT10M}, or a cron expression
     * @param zone the time zone of the latter, such as {@code Europe/Vienna}
     * @return the recurrence
     * @throws IllegalArgumentException if there is an error in it
     */
    public static Recurrence parse(String text, String zone) {
        if (text.startsWith(EVERY)) {
            try {
                return every(Duration.parse(text.substring(EVERY.length()).strip()));
            } catch (DateTimeParseException e) {
                throw new IllegalArgumentException("a period is written as in \"every PT10M\", was \"" + text + "\"",
                        e);
            }
        }
        try {
            return cron(text, ZoneId.of(zone));
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(
                    "the time zone \"" + zone + "\" is not known: it is written as in Europe/Vienna", e);
        }
    }

    /**
     * Returns the next due time.
     *
     * @param after a moment; of {@link #every} a due time, or the moment from which to count
     * @return the first due time after it, or null if there is none
     */
    public @Nullable Instant next(Instant after) {
        if (period != null) {
            return after.plus(period);
        }
        return nextOf(Objects.requireNonNull(cron), after);
    }

    /**
     * Returns due times up to a moment: the last ones, if there are too many.
     *
     * @param from the first due time
     * @param upTo the last moment that counts
     * @param most how many at most, 1 or more
     * @return the due times, the earliest first
     */
    List<Instant> due(Instant from, Instant upTo, int most) {
        if (from.isAfter(upTo)) {
            return List.of();
        }
        Deque<Instant> due = new ArrayDeque<>();
        if (period != null) {
            long last = Duration.between(from, upTo).dividedBy(period);
            for (long i = Math.max(0, last - most + 1); i <= last; i++) {
                due.add(from.plus(period.multipliedBy(i)));
            }
            return List.copyOf(due);
        }
        // From the end in steps that grow: so what lies far back is not gone through, and a rare one is found.
        for (Duration back = Duration.ofMinutes(most);; back = back.multipliedBy(8)) {
            Instant begin = back.compareTo(Duration.between(from, upTo)) >= 0 ? from : upTo.minus(back);
            due.clear();
            Instant each = begin.equals(from) ? from : next(begin);
            for (; each != null && !each.isAfter(upTo); each = next(each)) {
                due.add(each);
                if (due.size() > most) {
                    due.removeFirst();
                }
            }
            if (begin.equals(from) || due.size() == most) {
                return List.copyOf(due);
            }
        }
    }

    /**
     * Returns the first due time after a moment of a rhythm that is kept.
     *
     * @param due a due time
     * @param now the moment
     */
    @Nullable Instant after(Instant due, Instant now) {
        if (now.isBefore(due)) {
            return due;
        }
        if (period == null) {
            return next(now);
        }
        return due.plus(period.multipliedBy(Duration.between(due, now).dividedBy(period) + 1));
    }

    private @Nullable Instant nextOf(Cron expression, Instant after) {
        LocalDateTime local = LocalDateTime.ofInstant(after, zone);
        ZoneOffsetTransition change = zone.getRules().getTransition(local);
        if (change != null && change.isOverlap()) {
            Instant inside = insideOverlap(expression, after, change);
            if (inside != null) {
                return inside;
            }
            local = change.getDateTimeBefore().minusNanos(1); // the times of the overlap are over
        }
        for (LocalDateTime next = expression.next(local); next != null; next = expression.next(next)) {
            Instant moment = momentOf(next);
            if (moment.isAfter(after)) { // else it did not exist, and was due at the change
                return moment;
            }
        }
        return null;
    }

    /** Returns the moment of a time: the first one of two, that of the change if there is none. */
    private Instant momentOf(LocalDateTime time) {
        ZoneOffsetTransition change = zone.getRules().getTransition(time);
        return change != null && change.isGap() ? change.getInstant() : time.atZone(zone).toInstant();
    }

    /** Returns the first moment after another one whose time exists twice, in the same overlap. */
    private static @Nullable Instant insideOverlap(Cron expression, Instant after, ZoneOffsetTransition change) {
        LocalDateTime begin = change.getDateTimeAfter();
        Instant best = null;
        LocalDateTime time = expression.next(begin.minusNanos(1));
        for (; time != null && time.isBefore(change.getDateTimeBefore()); time = expression.next(time)) {
            for (ZoneOffset offset : List.of(change.getOffsetBefore(), change.getOffsetAfter())) {
                Instant moment = time.toInstant(offset);
                boolean counts = offset.equals(change.getOffsetBefore()) || expression.hasWildcardTime();
                if (counts && moment.isAfter(after) && (best == null || moment.isBefore(best))) {
                    best = moment;
                }
            }
        }
        return best;
    }

    /**
     * Returns the time zone of a cron expression.
     *
     * @return the zone; {@code Z} for {@link #every}
     */
    public ZoneId zone() {
        return zone;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Recurrence that && that.text.equals(text) && that.zone.equals(zone);
    }

    @Override
    public int hashCode() {
        return text.hashCode() * 31 + zone.hashCode();
    }

    /** Returns it as it was written: {@code every PT10M}, or the cron expression. */
    @Override
    public String toString() {
        return text;
    }
}
