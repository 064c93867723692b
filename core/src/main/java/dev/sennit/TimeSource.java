package dev.sennit;

import dev.sennit.internal.Waits;
import java.time.Duration;
import java.time.Instant;

/**
 * Where retries and periodic work read the time and wait, so that a test can put its own clock there.
 *
 * <p>A program uses {@link #system()}, which is the default everywhere.
 */
public interface TimeSource {
    /**
     * The system's clocks.
     *
     * @return the one instance
     */
    static TimeSource system() {
        return SystemTime.INSTANCE;
    }

    /**
     * Time that only goes forward, whatever happens to the wall clock.
     *
     * @return nanoseconds since some moment; only differences mean anything
     */
    long nanoTime();

    /**
     * Time of day, which somebody may set.
     *
     * @return now
     */
    Instant now();

    /**
     * Waits in the calling thread.
     *
     * @param time how long; not positive returns at once
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     */
    void sleep(Duration time) throws InterruptedException;

    /** The clocks of this machine. */
    enum SystemTime implements TimeSource {
        /** The one instance. */
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
                Thread.sleep(time.isNegative() ? Duration.ZERO : time); // looks at the interrupt status in either case
            }
        }
    }
}
