package dev.sennit.queue.broker;

import java.util.List;
import java.util.Objects;

/**
 * Holds tasks back until other tasks have succeeded: the parts. A chain is joins of one part each, a chord is a join of
 * many. The tasks that wait for it, if any, name it as {@link QueuedTask#after}, its parts as {@link QueuedTask#part};
 * all of them are in the same {@link Batch}.
 *
 * <p>A broker keeps the set of parts that have succeeded, with their results. The completion of the last part makes the
 * waiting tasks ready, in the same step. A task that waits gets the results of the parts, by their index, as
 * {@link Claim#inputs}.
 *
 * <p>A part that is dead may be replayed; the waiting tasks go on waiting until it is, or is purged. If a part is
 * cancelled, expires or is purged, the waiting tasks are cancelled, and so are those that wait for them.
 *
 * @param id the id, unlike all other ids
 * @param size how many parts it has, 1 or more
 * @param onDead tasks that the broker enqueues when the first of the parts does not succeed: it is dead, cancelled or
 *     expired. They get the headers of {@link QueuedTask#onDead}
 */
public record Join(String id, int size, List<QueuedTask> onDead) {
    /** Checks the values. */
    public Join {
        Objects.requireNonNull(id, "id");
        if (size < 1) {
            throw new IllegalArgumentException("size must be >= 1, was " + size);
        }
        onDead = List.copyOf(onDead);
    }
}
