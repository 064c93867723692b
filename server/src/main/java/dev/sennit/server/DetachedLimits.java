package dev.sennit.server;

import java.time.Duration;
import java.util.Objects;

/**
 * How long a detached answer may take.
 *
 * @param longest how long it may go on; then it is asked to end
 * @param grace how long it may go on after it was asked to end, also when its worker stops; then its connection is cut,
 *     or it is answered with 503 if the response has not begun. To be less than the {@code stop-limit} of the service
 */
public record DetachedLimits(Duration longest, Duration grace) {
    private static final Duration LONGEST = Duration.ofDays(365);

    /** An hour, and five seconds. */
    public static final DetachedLimits DEFAULTS = new DetachedLimits(Duration.ofHours(1), Duration.ofSeconds(5));

    /** Checks the times. */
    public DetachedLimits {
        ensureTime("longest", longest);
        ensureTime("grace", grace);
    }

    private static void ensureTime(String name, Duration value) {
        Objects.requireNonNull(value, name);
        if (!value.isPositive() || value.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(name + " must be more than 0 and at most 365 days, was " + value);
        }
    }
}
