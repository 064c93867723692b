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
 * Decides when a {@link PeriodicWorker} runs a task next. Called when a task is added, and after each run.
 *
 * <p>{@link #afterStart}, {@link #afterEnd} and {@link #fixedRate} use monotonic time; {@link #aligned} follows the
 * wall clock, as a cron expression does. A program adds cron expressions by implementing {@link #next} with
 * {@link Due#at}.
 *
 * {@snippet :
 * Schedule everyMinute = Schedule.aligned(java.time.Duration.ofMinutes(1)).immediately();
 * Schedule cron = timing -> Schedule.Due.at(timing.now().plusSeconds(3600)); // whatever the expression says
 * }
 *
 * <p>An implementation must be stateless, so that a schedule can be used for any number of tasks. Its {@code toString}
 * is shown to those who look at tasks: {@code every 10 s}.
 */
@FunctionalInterface
public interface Schedule {
    /**
     * Returns when the next run is due.
     *
     * @param timing the present time, and the times of the last run
     * @return the due time
     */
    Due next(Timing timing);

    /**
     * The present time, and the times of the last run. The durations are null before the first run.
     *
     * @param now the time of the wall clock
     * @param sinceDue how long ago the last run was due, without jitter
     * @param sinceStart how long ago the last run began
     * @param sinceEnd how long ago the last run ended
     */
    record Timing(
            Instant now, @Nullable Duration sinceDue, @Nullable Duration sinceStart, @Nullable Duration sinceEnd) {}

    /**
     * A due time: after a delay, or at a moment of the wall clock.
     *
     * @param after the delay from now, or null
     * @param at the moment, or null
     * @param jitter how much later the run begins; the due time after it does not depend on the jitter
     * @param missed how many runs were due meanwhile, and are skipped
     */
    record Due(@Nullable Duration after, @Nullable Instant at, Duration jitter, long missed) {
        /** Checks the values: exactly one of {@code after} and {@code at}; jitter and count must not be negative. */
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
         * Returns a due time after a delay in monotonic time.
         *
         * @param delay the delay from now; if negative, the run is due at once
         * @return the due time
         */
        public static Due in(Duration delay) {
            return new Due(delay.isNegative() ? Duration.ZERO : delay, null, Duration.ZERO, 0);
        }

        /**
         * Returns a due time at a moment of the wall clock. If the wall clock is set, the schedule is called again.
         *
         * @param moment the moment
         * @return the due time
         */
        public static Due at(Instant moment) {
            return new Due(null, Objects.requireNonNull(moment, "moment"), Duration.ZERO, 0);
        }
    }

    /**
     * Returns a schedule whose runs are due a fixed time after the last run began, or at once if that run took longer.
     *
     * @param period the time, more than zero
     * @return the schedule
     */
    static Schedule afterStart(Duration period) {
        Duration checked = checked(period);
        return new TextSchedule(
                timing -> Due.in(timing.sinceStart() == null ? checked : checked.minus(timing.sinceStart())),
                () -> Durations.text(checked) + " after the start");
    }

    /**
     * Returns a schedule whose runs are due a fixed time after the last run ended.
     *
     * @param period the time, more than zero
     * @return the schedule
     */
    static Schedule afterEnd(Duration period) {
        Duration checked = checked(period);
        return new TextSchedule(
                timing -> Due.in(timing.sinceEnd() == null ? checked : checked.minus(timing.sinceEnd())),
                () -> Durations.text(checked) + " after the end");
    }

    /**
     * Returns a schedule whose runs are due at a fixed rate, counted from the first run. Runs that become due during
     * another run are skipped, and counted as missed; the following runs keep the rhythm.
     *
     * @param period the time between two runs, more than zero
     * @return the schedule
     */
    static Schedule fixedRate(Duration period) {
        Duration checked = checked(period);
        return new TextSchedule(timing -> {
            Duration since = timing.sinceDue();
            if (since == null) {
                return Due.in(checked);
            }
            long beats = Math.max(1, since.plus(checked).minusNanos(1).dividedBy(checked));
            return new Due(checked.multipliedBy(beats).minus(since), null, Duration.ZERO, beats - 1);
        }, () -> "every " + Durations.text(checked));
    }

    /**
     * Returns a schedule whose runs are due at every full period of the wall clock: with a period of a minute, when a
     * minute begins. Periods count from 1970 in UTC, so those that divide an hour are aligned to the hour.
     *
     * @param period the time between two runs, at least a millisecond
     * @return the schedule
     */
    static Schedule aligned(Duration period) {
        long millis = checked(period).toMillis();
        if (millis == 0) {
            throw new IllegalArgumentException("period must be >= 1 ms, was " + Durations.text(period));
        }
        return new TextSchedule(timing -> {
            long now = timing.now().toEpochMilli();
            return Due.at(Instant.ofEpochMilli((Math.floorDiv(now, millis) + 1) * millis));
        }, () -> "at each full " + Durations.text(Duration.ofMillis(millis)));
    }

    /**
     * Returns this schedule, but with the first run due at once.
     *
     * @return the schedule
     */
    default Schedule immediately() {
        return new TextSchedule(
                timing -> timing.sinceStart() == null ? Due.in(Duration.ZERO) : next(timing),
                () -> TextSchedule.text(this) + ", first at once");
    }

    /**
     * Returns this schedule, but each run begins a random time later, so that many programs do not run at the same
     * moment. The jitter of runs does not add up.
     *
     * @param part how much later at most, as a part of the wait for the run: from 0 to 1
     * @return the schedule
     */
    default Schedule jitter(double part) {
        return jitter(part, null);
    }

    /**
     * Returns this schedule with jitter from a given generator: see {@link #jitter(double)}.
     *
     * @param part how much later at most, as a part of the wait for the run: from 0 to 1
     * @param random the source of random numbers, used by one thread at a time; null for {@link ThreadLocalRandom}
     * @return the schedule
     */
    default Schedule jitter(double part, @Nullable RandomGenerator random) {
        if (!(part >= 0 && part <= 1)) {
            throw new IllegalArgumentException("part must be from 0 to 1, was " + part);
        }
        return new TextSchedule(timing -> {
            Due due = next(timing);
            Duration wait = due.after() != null ? due.after() : Duration.between(timing.now(), due.at());
            RandomGenerator chance = random != null ? random : ThreadLocalRandom.current();
            long most = (long) (Math.clamp(Timers.nanos(wait), 0, Long.MAX_VALUE / 2) * part);
            return new Due(due.after(), due.at(), Duration.ofNanos(chance.nextLong(most + 1)), due.missed());
        }, () -> TextSchedule.text(this) + ", up to " + Math.round(part * 100) + " % later");
    }

    private static Duration checked(Duration period) {
        if (!period.isPositive()) {
            throw new IllegalArgumentException("period must be > 0, was " + period);
        }
        return period;
    }
}
