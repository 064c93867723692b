package dev.sennit.queue.broker;

import java.time.Duration;

/**
 * What {@link Broker#upkeep} has done.
 *
 * @param takenBack tasks whose lease had expired, and that are READY again
 * @param crashed tasks whose lease had expired once too often, and that are DEAD, or CANCELLED if they were cancelled
 * @param expired tasks that were not begun in time
 * @param unknown tasks that are dead because no worker knew their type
 * @param removed results and dead letters that were kept for long enough
 * @param more whether there is more to do: a call does a bounded part
 */
public record Upkeep(int takenBack, int crashed, int expired, int unknown, int removed, boolean more) {
    /** Nothing was to do. */
    public static final Upkeep NOTHING = new Upkeep(0, 0, 0, 0, 0, false);

    /**
     * The times that upkeep keeps to.
     *
     * @param unknownAfter after how long a READY task is dead if no worker that has reported in this time knows its
     *     type; a durable broker does not count the time before workers came back, after all were off for an hour
     * @param deadTtl how long dead letters are kept; then they are removed, and what waits for them is cancelled, as by
     *     {@link Broker#purge}
     * @param workerTtl after how long without a report a worker is forgotten
     */
    public record Limits(Duration unknownAfter, Duration deadTtl, Duration workerTtl) {
        /** A day for unknown types, 30 days for dead letters, a minute for workers. */
        public static final Limits USUAL = new Limits(Duration.ofDays(1), Duration.ofDays(30), Duration.ofMinutes(1));
    }
}
