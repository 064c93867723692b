package dev.sennit;

import java.time.Duration;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * Decides when a {@link Retry} gives up. Called after each attempt that another should follow.
 *
 * {@snippet :
 * var shutdown = new java.util.concurrent.atomic.AtomicBoolean();
 * Stop stop = Stop.afterAttempts(10)
 *         .or(Stop.beforeTime(java.time.Duration.ofSeconds(30)))
 *         .or(Stop.when(shutdown::get));
 * System.out.println(Retry.until(stop).call(() -> "answer"));
 * }
 *
 * <p>Every thread that uses the {@link Retry} calls its stop, which should be immutable, as all of these are. An
 * exception of the stop ends the call.
 */
@FunctionalInterface
public interface Stop {
    /**
     * Returns whether to give up instead of making another attempt.
     *
     * @param last the attempt that has just ended
     * @param elapsed time since the first attempt began
     * @param nextWait how long the wait before the next attempt would be
     * @return whether it was the last attempt
     */
    boolean stops(Attempt last, Duration elapsed, Duration nextWait);

    /**
     * Returns a stop that gives up after a number of attempts, the first included.
     *
     * @param attempts how many attempts
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
     * Returns a stop that gives up when a time has passed since the first attempt began. It does not cut short an
     * attempt that has begun, and the wait before the last attempt may end after that time: {@link #beforeTime}
     * prevents the latter.
     *
     * @param limit the time, from the beginning of the first attempt
     * @return the stop
     * @throws IllegalArgumentException if it is negative
     */
    static Stop afterTime(Duration limit) {
        ensureNotNegative(limit);
        return (last, elapsed, nextWait) -> elapsed.compareTo(limit) >= 0;
    }

    /**
     * Returns a stop that gives up when the next attempt would begin later than a time after the first began. So no
     * wait is in vain, and it gives up no later than {@link #afterTime}.
     *
     * @param limit the time, from the beginning of the first attempt
     * @return the stop
     * @throws IllegalArgumentException if it is negative
     */
    static Stop beforeTime(Duration limit) {
        ensureNotNegative(limit);
        return (last, elapsed, nextWait) -> elapsed.compareTo(limit) >= 0
                || nextWait.compareTo(limit.minus(elapsed)) >= 0;
    }

    /**
     * Returns a stop that gives up when a condition is true, such as a flag that is set on shutdown. The condition is
     * checked between attempts; it does not end a wait, as an interrupt does.
     *
     * @param condition returns whether to give up
     * @return the stop
     */
    static Stop when(BooleanSupplier condition) {
        Objects.requireNonNull(condition, "condition");
        return (TimelessStop) (last, elapsed, nextWait) -> condition.getAsBoolean();
    }

    /**
     * Returns a stop that never gives up: only a value, a failure that the condition does not cover, or an interrupt
     * ends the call.
     *
     * @return the stop
     */
    static Stop never() {
        return (TimelessStop) (last, elapsed, nextWait) -> false;
    }

    /**
     * Returns a stop that gives up when this stop or another does. The other is not called if this one gives up.
     *
     * @param other the other stop
     * @return the combined stop
     */
    default Stop or(Stop other) {
        Objects.requireNonNull(other, "other");
        Stop either =
                (last, elapsed, nextWait) -> stops(last, elapsed, nextWait) || other.stops(last, elapsed, nextWait);
        return this instanceof TimelessStop && other instanceof TimelessStop ? (TimelessStop) either::stops : either;
    }

    /**
     * Returns a stop that gives up when this stop and another do. The other is not called if this one does not give up.
     *
     * @param other the other stop
     * @return the combined stop
     */
    default Stop and(Stop other) {
        Objects.requireNonNull(other, "other");
        Stop both = (last, elapsed, nextWait) -> stops(last, elapsed, nextWait) && other.stops(last, elapsed, nextWait);
        return this instanceof TimelessStop && other instanceof TimelessStop ? (TimelessStop) both::stops : both;
    }

    private static void ensureNotNegative(Duration limit) {
        if (Objects.requireNonNull(limit, "limit").isNegative()) {
            throw new IllegalArgumentException("limit must be >= 0, was " + limit);
        }
    }
}
