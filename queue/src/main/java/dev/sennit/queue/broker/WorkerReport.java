package dev.sennit.queue.broker;

import java.time.Instant;
import java.util.List;
import java.util.Set;

/**
 * The report of a worker, which it sends again and again while it lives.
 *
 * @param id the id of the worker
 * @param host the name of its machine
 * @param pid its process id
 * @param state {@code running}, {@code quiet} (takes no more tasks) or {@code draining} (ends)
 * @param plan the plan of its pool
 * @param workers how many tasks it runs at a time
 * @param queues its queues with their weights, as text: {@code a:4}
 * @param types the names of the task types that it knows
 * @param running the ids of the tasks that it runs
 * @param succeeded how many tasks have succeeded
 * @param failed how many runs have failed
 * @param startedAt when it was started, by its own clock
 * @param seenAt when the broker heard of it last, by the broker's clock; what the worker says here does not count
 */
public record WorkerReport(String id, String host, long pid, String state, String plan, int workers,
        List<String> queues, Set<String> types, List<String> running, long succeeded, long failed, Instant startedAt,
        Instant seenAt) {
    /** Copies the collections. */
    public WorkerReport {
        queues = List.copyOf(queues);
        types = Set.copyOf(types);
        running = List.copyOf(running);
    }
}
