package dev.sennit.queue.broker;

import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How many tasks of a queue are where.
 *
 * @param queue the queue
 * @param counts the number of tasks in each state that is not SUCCEEDED, CANCELLED or EXPIRED; states without a task
 *     may be missing
 * @param oldest how long the oldest READY task has waited since it became ready, or null if there is none, or it is not
 *     known: a broker that does not say how old a message is sees it for the first time
 * @param paused whether the queue is paused
 */
public record QueueCounts(String queue, Map<TaskState, Long> counts, @Nullable Duration oldest, boolean paused) {
    /** Copies the map. */
    public QueueCounts {
        counts = Map.copyOf(counts);
    }

    /**
     * Returns the number of tasks in a state.
     *
     * @param state the state
     * @return the number, 0 or more
     */
    public long count(TaskState state) {
        return counts.getOrDefault(state, 0L);
    }
}
