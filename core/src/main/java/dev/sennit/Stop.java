package dev.sennit;

import java.time.Duration;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * When a {@link Retry} gives up. Asked after each attempt that should be followed by another.
 *
 * {@snippet :
 * var shutdown = new java.util.concurrent.atomic.AtomicBoolean();
 * Stop stop = Stop.afterAttempts(10)
 *         .or(Stop.beforeTime(java.time.Duration.ofSeconds(30)))
 *         .or(Stop.when(shutdown::get));
 * System.out.println(Retry.until(stop).call(() -> "answer"));
 * }
 *
 * <p>A stop is asked by every thread that uses the {@link Retry}, so it should be immutable, as all of these are. What it
 * throws ends the call.
 */
@FunctionalInterface
public interface Stop {
    /**
     * Whether to give up instead of making another attempt.
     *
     * @param last the attempt that has just ended
     * @param elapsed time since the first attempt began
     * @param nextWait how long would be waited before the next attempt
     * @return whether it was the last attempt
     */
    boolean stops(Attempt last, Duration elapsed, Duration nextWait);

    /**
     * Gives up after so many attempts, the first one included.
     *
     * @param attempts how many
     * @return the stop
     * @throws IllegalArgumentException if it is less than 1
     */
    static Stop afterAttempts(int attempts) {
        if (attempts < 1) {
            throw new IllegalArgumentException("attempts must be >= 1, was " + attempts);
        }
        return (TimelessStop) (last, elapsed, nextWait) -> last.number() >= attempts;
    }

    /**
     * Gives up once so much time has passed since the first attempt began. An attempt that has begun is not cut short,
     * and the wait before the last one may end after that time: {@link #beforeTime} prevents the latter.
     *
     * @param limit how long further attempts are made
     * @return the stop
     * @throws IllegalArgumentException if it is negative
     */
    static Stop afterTime(Duration limit) {
        ensureNotNegative(limit);
        return (last, elapsed, nextWait) -> elapsed.compareTo(limit) >= 0;
    }

    /**
     * Gives up when the next attempt would begin later than this, counted from the beginning of the first: it does not
     * wait in vain, and it gives up no later than {@link #afterTime}.
     *
     * @param limit until when attempts may begin
     * @return the stop
     * @throws IllegalArgumentException if it is negative
     */
    static Stop beforeTime(Duration limit) {
        ensureNotNegative(limit);
        return (last, elapsed, nextWait) ->
                elapsed.compareTo(limit) >= 0 || nextWait.compareTo(limit.minus(elapsed)) >= 0;
    }

    /**
     * Gives up as soon as something says so, such as a flag that is set on shutdown. It is asked between attempts; what
     * ends a wait is an interrupt.
     *
     * @param condition whether to give up
     * @return the stop
     */
    static Stop when(BooleanSupplier condition) {
        Objects.requireNonNull(condition, "condition");
        return (TimelessStop) (last, elapsed, nextWait) -> condition.getAsBoolean();
    }

    /**
     * Never gives up: only a value, a failure that the condition does not cover, or an interrupt ends the call.
     *
     * @return the stop
     */
    static Stop never() {
        return (TimelessStop) (last, elapsed, nextWait) -> false;
    }

    /**
     * Gives up when this one or the other does. The other is not asked if this one does.
     *
     * @param other the other
     * @return the combined stop
     */
    default Stop or(Stop other) {
        Objects.requireNonNull(other, "other");
        Stop either = (last, elapsed, nextWait) ->
                stops(last, elapsed, nextWait) || other.stops(last, elapsed, nextWait);
        return this instanceof TimelessStop && other instanceof TimelessStop ? (TimelessStop) either::stops : either;
    }

    /**
     * Gives up when both do. The other is not asked if this one does not.
     *
     * @param other the other
     * @return the combined stop
     */
    default Stop and(Stop other) {
        Objects.requireNonNull(other, "other");
        Stop both = (last, elapsed, nextWait) ->
                stops(last, elapsed, nextWait) && other.stops(last, elapsed, nextWait);
        return this instanceof TimelessStop && other instanceof TimelessStop ? (TimelessStop) both::stops : both;
    }

    private static void ensureNotNegative(Duration limit) {
        if (Objects.requireNonNull(limit, "limit").isNegative()) {
            throw new IllegalArgumentException("limit must be >= 0, was " + limit);
        }
    }
}
