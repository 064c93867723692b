package dev.sennit.internal;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Runs actions later. All timed actions of the library go through here.
 *
 * <p>The {@link Backend}'s timer serves the whole JVM. It passes a due action to the {@link BackgroundExecutor}, so
 * that no action can delay the next, and runs the action itself only if no thread can be had.
 */
public final class Timers {
    /** Keeps the time for some threads. */
    @FunctionalInterface
    public interface Timekeeper {
        /**
         * Runs an action once, after a delay.
         *
         * @param delay how long to wait
         * @param action the action
         * @return a handle that can cancel it; null if the calling thread is not one of the timekeeper's
         */
        @Nullable Future<?> after(Duration delay, Runnable action);
    }

    private static volatile Timekeeper first = (delay, action) -> null;

    private Timers() {}

    /**
     * Runs an action once, after a delay.
     *
     * @param delay the delay; more than 292 years counts as 292 years
     * @param action the action, which runs in another thread
     * @return a future whose {@code cancel(false)} cancels the action
     * @throws OutOfMemoryError if no thread is available for the timer; the action is then never run
     */
    public static Future<?> after(Duration delay, Runnable action) {
        Future<?> kept = first.after(delay, action);
        return kept != null ? kept : Backend.current().schedule(() -> BackgroundExecutor.execute(action), nanos(delay));
    }

    /**
     * Sets a timekeeper that is tried first. For the schedule explorer, whose threads have a time of their own.
     *
     * @param timekeeper the timekeeper
     */
    public static void askFirst(Timekeeper timekeeper) {
        first = timekeeper;
    }

    /**
     * Returns a duration in nanoseconds, cut off at the largest long.
     *
     * @param duration the duration
     * @return nanoseconds
     */
    public static long nanos(Duration duration) {
        return TimeUnit.NANOSECONDS.convert(duration);
    }
}
