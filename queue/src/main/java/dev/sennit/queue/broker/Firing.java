package dev.sennit.queue.broker;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Fires a schedule: in one step, if nobody else has fired it meanwhile, the broker enqueues the tasks and sets the next
 * due time. So each due time fires once, however many schedulers there are.
 *
 * @param schedule the name of the schedule
 * @param due the due time, as the scheduler has read it; if the entry has another by now, nothing happens
 * @param nextDue the next due time, or null for never again
 * @param tasks what to enqueue; empty to skip the due time
 * @param unlessUnfinished whether nothing happens while the task that was fired last has not ended
 */
public record Firing(String schedule, Instant due, @Nullable Instant nextDue, List<QueuedTask> tasks,
        boolean unlessUnfinished) {
    /** The outcome of a firing. */
    public enum Outcome {
        /** It is done. */
        FIRED,
        /** The entry is gone, is paused, or has another due time: another scheduler was quicker, or it was changed. */
        NOT_DUE,
        /** The task that was fired last has not ended; nothing is changed. */
        UNFINISHED
    }

    /** Copies the list. */
    public Firing {
        tasks = List.copyOf(tasks);
    }
}
