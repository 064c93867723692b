package dev.sennit;

import dev.sennit.internal.Durations;
import dev.sennit.internal.Throwables;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An attempt of a {@link Retry} that has ended: the argument of stops, backoffs, conditions and callbacks.
 *
 * {@snippet :
 * Retry retry = Retry.attempts(3)
 *         .afterAttempt(attempt -> System.out.println(attempt.number() + " failed: " + attempt.failed()));
 * System.out.println(retry.call(() -> "answer"));
 * }
 *
 * @param number 1 for the first attempt of a call; stays at {@link Integer#MAX_VALUE} once it has reached that
 * @param waited the length of the wait before this attempt; zero for the first
 * @param value the value that the body returned, which may be null; null for an attempt that failed
 * @param failure the exception that the body threw, or null if it returned
 */
public record Attempt(int number, Duration waited, @Nullable Object value, @Nullable Throwable failure) {
    /**
     * Checks the values.
     *
     * @throws NullPointerException if {@code waited} is null
     * @throws IllegalArgumentException if the number is less than 1, the wait negative, or there are both a value and a
     *     failure
     */
    public Attempt {
        if (number < 1) {
            throw new IllegalArgumentException("number must be >= 1, was " + number);
        }
        if (waited.isNegative()) {
            throw new IllegalArgumentException("waited must be >= 0, was " + waited);
        }
        if (value != null && failure != null) {
            throw new IllegalArgumentException("an attempt has a value or a failure, not both");
        }
    }

    /**
     * Returns whether the body threw.
     *
     * @return false if it returned, even if the condition rejects the value
     */
    public boolean failed() {
        return failure != null;
    }

    @Override
    public String toString() {
        String before = waited.isZero() ? "" : ", after " + Durations.text(waited);
        return "Attempt[" + number + before
                + (failure != null ? ", failed: " + Throwables.text(failure) : ", returned " + value) + "]";
    }
}
