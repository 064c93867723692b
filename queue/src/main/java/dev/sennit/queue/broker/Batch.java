package dev.sennit.queue.broker;

import java.util.List;

/**
 * Tasks that are enqueued in one step: all or, if the broker cannot be reached, none.
 *
 * @param tasks the tasks
 * @param joins the joins that the tasks name
 */
public record Batch(List<QueuedTask> tasks, List<Join> joins) {
    /** No tasks. */
    public static final Batch EMPTY = new Batch(List.of(), List.of());

    /** Copies the lists. */
    public Batch {
        tasks = List.copyOf(tasks);
        joins = List.copyOf(joins);
    }

    /**
     * Returns a batch of tasks that do not wait for each other.
     *
     * @param tasks the tasks
     * @return the batch
     */
    public static Batch of(QueuedTask... tasks) {
        return new Batch(List.of(tasks), List.of());
    }

    /**
     * Returns whether there is nothing to enqueue.
     *
     * @return whether the batch has no task
     */
    public boolean isEmpty() {
        return tasks.isEmpty();
    }
}
