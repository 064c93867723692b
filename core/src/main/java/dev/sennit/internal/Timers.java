package dev.sennit.internal;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The one place where library code asks to be called later.
 *
 * <p>The {@link Backend}'s timer keeps the time for the whole JVM. It hands the action to the {@link BackgroundExecutor}, so that no
 * action can delay the next, and runs it itself only where no thread can be had.
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
         * @return a handle that can call it off; null if the calling thread is none of those
         */
        @Nullable Future<?> after(Duration delay, Runnable action);
    }

    private static volatile Timekeeper first = (delay, action) -> null;

    private Timers() {}

    /**
     * Runs an action once, after a delay.
     *
     * @param delay how long to wait; more than 292 years counts as that
     * @param action what to run, on another thread
     * @return a handle whose {@code cancel(false)} calls it off
     * @throws OutOfMemoryError if there is no thread to be had for the timer; the action is then never run
     */
    public static Future<?> after(Duration delay, Runnable action) {
        Future<?> kept = first.after(delay, action);
        return kept != null ? kept : Backend.current().schedule(() -> BackgroundExecutor.execute(action), nanos(delay));
    }

    /**
     * Asks another first. For the schedule explorer, whose threads have a time of their own.
     *
     * @param timekeeper what to ask from now on
     */
    public static void askFirst(Timekeeper timekeeper) {
        first = timekeeper;
    }

    /**
     * A duration in nanoseconds, cut off at the largest long.
     *
     * @param duration the duration
     * @return nanoseconds
     */
    public static long nanos(Duration duration) {
        return TimeUnit.NANOSECONDS.convert(duration);
    }
}
