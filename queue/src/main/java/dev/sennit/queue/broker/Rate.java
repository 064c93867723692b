package dev.sennit.queue.broker;

import java.time.Duration;

/**
 * How many tasks may begin in a time, over all workers. A limit fills up evenly: 60 a minute is one a second, and after
 * a pause {@code burst} may begin at once.
 *
 * @param tasks how many, 1 or more
 * @param period in which time, 1 ms or more
 * @param burst how many may begin at once after a pause, 1 or more
 */
public record Rate(long tasks, Duration period, long burst) {
    /** Checks the values. */
    public Rate {
        if (tasks < 1 || burst < 1) {
            throw new IllegalArgumentException("tasks and burst must be >= 1, were " + tasks + " and " + burst);
        }
        if (period.toMillis() < 1) {
            throw new IllegalArgumentException("period must be >= 1 ms, was " + period);
        }
    }

    /**
     * Returns a rate without bursts.
     *
     * @param tasks how many
     * @param period in which time
     * @return the rate
     */
    public static Rate of(long tasks, Duration period) {
        return new Rate(tasks, period, 1);
    }
}
