package dev.sennit;

import dev.sennit.internal.Durations;
import dev.sennit.internal.Timers;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * When a {@link PeriodicWorker} runs something next. Asked when a task is added, and after each run.
 *
 * <p>{@link #afterStart}, {@link #afterEnd} and {@link #fixedRate} count time that only goes forward; {@link #aligned}
 * follows the wall clock, as a cron expression would: a program plugs one in by implementing {@link #next} with {@link
 * Due#at}.
 *
 * {@snippet :
 * Schedule everyMinute = Schedule.aligned(java.time.Duration.ofMinutes(1)).immediately();
 * Schedule cron = timing -> Schedule.Due.at(timing.now().plusSeconds(3600)); // whatever the expression says
 * }
 *
 * <p>An implementation keeps no state, so that one schedule serves any number of tasks.
 */
@FunctionalInterface
public interface Schedule {
    /**
     * When the next run is due.
     *
     * @param timing the time, and that of the last run
     * @return when
     */
    Due next(Timing timing);

    /**
     * What a schedule may look at. The durations are null before the first run.
     *
     * @param now the wall clock
     * @param sinceDue how long ago the last run was due, jitter left out
     * @param sinceStart how long ago it began
     * @param sinceEnd how long ago it ended
     */
    record Timing(
            Instant now, @Nullable Duration sinceDue, @Nullable Duration sinceStart, @Nullable Duration sinceEnd) {}

    /**
     * When something is due: after a time, or at a moment of the wall clock.
     *
     * @param after how long from now, or null
     * @param at the moment, or null
     * @param jitter how much later it is to begin; the run after it does not depend on that
     * @param missed how many runs were due meanwhile, and are left out
     */
    record Due(@Nullable Duration after, @Nullable Instant at, Duration jitter, long missed) {
        /** Checks what is given: one of {@code after} and {@code at}, a jitter and a count that are not negative. */
        public Due {
            if ((after == null) == (at == null)) {
                throw new IllegalArgumentException("due needs either after or at, was " + after + " and " + at);
            }
            if (jitter.isNegative() || missed < 0) {
                throw new IllegalArgumentException(
                        "jitter and missed must be >= 0, were " + jitter + " and " + missed);
            }
        }

        /**
         * After a time, which nobody can set.
         *
         * @param delay how long from now; negative is at once
         * @return the due time
         */
        public static Due in(Duration delay) {
            return new Due(delay.isNegative() ? Duration.ZERO : delay, null, Duration.ZERO, 0);
        }

        /**
         * At a moment of the wall clock. If that is set, the schedule is asked again.
         *
         * @param moment when
         * @return the due time
         */
        public static Due at(Instant moment) {
            return new Due(null, Objects.requireNonNull(moment, "moment"), Duration.ZERO, 0);
        }
    }

    /**
     * Some time after the last run began; at once if that run took longer.
     *
     * @param period the time, more than zero
     * @return the schedule
     */
    static Schedule afterStart(Duration period) {
        Duration checked = checked(period);
        return timing -> Due.in(timing.sinceStart() == null ? checked : checked.minus(timing.sinceStart()));
    }

    /**
     * Some time after the last run ended.
     *
     * @param period the time, more than zero
     * @return the schedule
     */
    static Schedule afterEnd(Duration period) {
        Duration checked = checked(period);
        return timing -> Due.in(timing.sinceEnd() == null ? checked : checked.minus(timing.sinceEnd()));
    }

    /**
     * Every so often, counted from the first run. Runs that would have been due during another are left out, and counted as
     * missed; the beat stays.
     *
     * @param period the time between two, more than zero
     * @return the schedule
     */
    static Schedule fixedRate(Duration period) {
        Duration checked = checked(period);
        return timing -> {
            Duration since = timing.sinceDue();
            if (since == null) {
                return Due.in(checked);
            }
            long beats = Math.max(1, since.plus(checked).minusNanos(1).dividedBy(checked));
            return new Due(checked.multipliedBy(beats).minus(since), null, Duration.ZERO, beats - 1);
        };
    }

    /**
     * At every full period of the wall clock: with one minute, when a minute begins. Counted from 1970 in UTC, so that a
     * period which divides an hour begins with the hour.
     *
     * @param period the time between two, at least a millisecond
     * @return the schedule
     */
    static Schedule aligned(Duration period) {
        long millis = checked(period).toMillis();
        if (millis == 0) {
            throw new IllegalArgumentException("period must be >= 1 ms, was " + Durations.text(period));
        }
        return timing -> {
            long now = timing.now().toEpochMilli();
            return Due.at(Instant.ofEpochMilli((Math.floorDiv(now, millis) + 1) * millis));
        };
    }

    /**
     * The same, but the first run is due at once.
     *
     * @return the schedule
     */
    default Schedule immediately() {
        return timing -> timing.sinceStart() == null ? Due.in(Duration.ZERO) : next(timing);
    }

    /**
     * The same, each run a little later, by chance, so that many programs do not call all at once. It does not add up.
     *
     * @param part how much later at most, as a part of the wait for the run: from 0 to 1
     * @return the schedule
     */
    default Schedule jitter(double part) {
        return jitter(part, null);
    }

    /**
     * The same, with numbers of one's own.
     *
     * @param part how much later at most, as a part of the wait for the run: from 0 to 1
     * @param random where chance comes from, used by one thread at a time; null for {@link ThreadLocalRandom}
     * @return the schedule
     */
    default Schedule jitter(double part, @Nullable RandomGenerator random) {
        if (!(part >= 0 && part <= 1)) {
            throw new IllegalArgumentException("part must be from 0 to 1, was " + part);
        }
        return timing -> {
            Due due = next(timing);
            Duration wait = due.after() != null ? due.after() : Duration.between(timing.now(), due.at());
            RandomGenerator chance = random != null ? random : ThreadLocalRandom.current();
            long most = (long) (Math.clamp(Timers.nanos(wait), 0, Long.MAX_VALUE / 2) * part);
            return new Due(due.after(), due.at(), Duration.ofNanos(chance.nextLong(most + 1)), due.missed());
        };
    }

    private static Duration checked(Duration period) {
        if (!period.isPositive()) {
            throw new IllegalArgumentException("period must be > 0, was " + period);
        }
        return period;
    }
}
