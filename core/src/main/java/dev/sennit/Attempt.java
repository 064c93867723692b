package dev.sennit;

import dev.sennit.internal.Durations;
import dev.sennit.internal.Throwables;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of a {@link Retry}, after it has ended: what stops, waits and conditions look at, and callbacks get.
 *
 * {@snippet :
 * Retry retry = Retry.attempts(3)
 *         .afterAttempt(attempt -> System.out.println(attempt.number() + " failed: " + attempt.failed()));
 * System.out.println(retry.call(() -> "answer"));
 * }
 *
 * @param number 1 for the first attempt of a call; stays at {@link Integer#MAX_VALUE} once it is there
 * @param waited how long was waited between the attempt before and this one; zero for the first
 * @param value what the body returned, or null, which is also the value of an attempt that failed
 * @param failure what the body threw, or null if it returned
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
     * Whether the body threw.
     *
     * @return false if it returned, whatever it returned
     */
    public boolean failed() {
        return failure != null;
    }

    @Override
    public String toString() {
        String before = waited.isZero() ? "" : ", after " + Durations.text(waited);
        return "Attempt[" + number + before + (failure != null ? ", failed: " + Throwables.text(failure) : ", returned " + value) + "]";
    }
}
