package dev.sennit.server.rest;

import java.time.Duration;
import java.util.Objects;

/**
 * How many jobs are kept in memory.
 *
 * @param active how many wait or run; more are refused
 * @param ended how many that have ended are kept, with their results; the oldest go first
 * @param keep how long one that has ended is kept
 */
public record JobLimits(int active, int ended, Duration keep) {
    private static final Duration LONGEST = Duration.ofDays(365);

    /** 1000 that wait or run, 1000 that have ended, which are kept for an hour. */
    public static final JobLimits DEFAULTS = new JobLimits(1000, 1000, Duration.ofHours(1));

    /** Checks the limits. */
    public JobLimits {
        ensureAtLeastOne("active", active);
        ensureAtLeastOne("ended", ended);
        Objects.requireNonNull(keep, "keep");
        if (!keep.isPositive() || keep.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("keep must be more than 0 and at most 365 days, was " + keep);
        }
    }

    private static void ensureAtLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be >= 1, was " + value);
        }
    }
}
