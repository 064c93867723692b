package dev.sennit.queue.broker;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A moment: some time from now by the broker's clock, or a time of day. A program whose own clock is wrong should
 * prefer the former.
 *
 * @param after the time from when the broker takes the message, 0 or more; or null
 * @param at the time of day, or null
 */
public record When(@Nullable Duration after, @Nullable Instant at) {
    /** Checks the values: exactly one of them is given. */
    public When {
        if ((after == null) == (at == null)) {
            throw new IllegalArgumentException("a moment needs either after or at, was " + after + " and " + at);
        }
        if (after != null && after.isNegative()) {
            throw new IllegalArgumentException("after must be >= 0, was " + after);
        }
    }

    /**
     * Returns the moment that is some time from now.
     *
     * @param after the time, 0 or more
     * @return the moment
     */
    public static When after(Duration after) {
        return new When(Objects.requireNonNull(after, "after"), null);
    }

    /**
     * Returns a time of day.
     *
     * @param at the time
     * @return the moment
     */
    public static When at(Instant at) {
        return new When(null, Objects.requireNonNull(at, "at"));
    }

    /**
     * Returns the time of day of this moment.
     *
     * @param now the broker's present time
     * @return the time
     */
    public Instant from(Instant now) {
        return at != null ? at : now.plus(Objects.requireNonNull(after));
    }
}
