package dev.sennit;

import dev.sennit.internal.Waits;
import java.time.Duration;
import java.time.Instant;

/**
 * The clock of retries and periodic work, which read the time and wait through it. A test can supply its own.
 *
 * <p>A program uses {@link #system()}, which is the default everywhere.
 */
public interface TimeSource {
    /**
     * Returns the system's clocks.
     *
     * @return the singleton
     */
    static TimeSource system() {
        return SystemTime.INSTANCE;
    }

    /**
     * Returns monotonic time, which changes of the wall clock do not affect.
     *
     * @return nanoseconds since an arbitrary moment; only differences have a meaning
     */
    long nanoTime();

    /**
     * Returns the time of the wall clock, which may be set.
     *
     * @return now
     */
    Instant now();

    /**
     * Waits in the calling thread.
     *
     * @param time how long; with zero or less it returns at once
     * @throws InterruptedException if the thread is interrupted before or during the wait
     */
    void sleep(Duration time) throws InterruptedException;

    /** The clocks of this machine. */
    enum SystemTime implements TimeSource {
        /** The singleton. */
        INSTANCE;

        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public Instant now() {
            return Instant.now();
        }

        @Override
        public void sleep(Duration time) throws InterruptedException {
            try (var _ = Waits.outOfTurn()) {
                Thread.sleep(time.isNegative() ? Duration.ZERO : time); // checks the interrupt status in either case
            }
        }
    }
}
