package dev.sennit.queue.broker;

import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * The tasks that a worker can take, and for how long.
 *
 * @param worker the id of the worker
 * @param queues the queues, in the order in which it takes from them: from the second only what the first leaves room
 *     for
 * @param types the names of the task types that it may take now. Others stay where they are, for other workers
 * @param most how many tasks, 1 or more
 * @param lease how long they are its own without a renewal
 */
public record ClaimRequest(String worker, List<String> queues, Set<String> types, int most, Duration lease) {
    /** Checks the values. */
    public ClaimRequest {
        queues = List.copyOf(queues);
        types = Set.copyOf(types);
        if (most < 1) {
            throw new IllegalArgumentException("most must be >= 1, was " + most);
        }
        if (!lease.isPositive()) {
            throw new IllegalArgumentException("lease must be > 0, was " + lease);
        }
    }
}
