package dev.sennit.queue.broker;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A task that is enqueued again and again, as the broker keeps it.
 *
 * @param name the name, which no other schedule of the broker has
 * @param when when: {@code every PT10M}, or a cron expression; those who fire the schedule understand it
 * @param zone the time zone of a cron expression, such as {@code Europe/Vienna}
 * @param template the task; each firing gives it a new id
 * @param missed what becomes of due times at which nobody was there to fire
 * @param overlap what happens at a due time if the task that was fired last has not ended
 * @param paused whether it is not fired
 * @param nextDue when it is due next, by the broker's clock; null if never again
 * @param lastDue the last due time that was fired, or null
 * @param lastTask the id of the task that was fired last, or null
 */
public record ScheduleEntry(String name, String when, String zone, QueuedTask template, Missed missed, Overlap overlap,
        boolean paused, @Nullable Instant nextDue, @Nullable Instant lastDue, @Nullable String lastTask) {
    /** The ways to treat due times at which no beat was there to fire. */
    public enum Missed {
        /** They are skipped. */
        SKIP,
        /** One task makes up for all of them. */
        ONCE,
        /** Each gets its task. */
        ALL
    }

    /** The ways to treat a due time at which the task that was fired last has not ended. */
    public enum Overlap {
        /** The due time is skipped. */
        SKIP,
        /** One task is enqueued when that one has ended. */
        WAIT,
        /** The task is enqueued. */
        ALLOW
    }
}
