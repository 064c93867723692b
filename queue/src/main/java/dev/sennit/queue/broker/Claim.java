package dev.sennit.queue.broker;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A task that a worker has claimed.
 *
 * @param token the proof
 * @param task the task
 * @param failures how often it has failed before
 * @param crashes how often its worker was lost before
 * @param enqueuedAt when it was enqueued, by the broker's clock
 * @param checkpoint what an earlier run has kept last, or null
 * @param inputs the results of the tasks that it has waited for, by their index; empty if it has not waited
 */
public record Claim(Token token, QueuedTask task, int failures, int crashes, Instant enqueuedAt,
        byte @Nullable [] checkpoint, List<byte[]> inputs) {
    /** Copies the list. */
    public Claim {
        inputs = List.copyOf(inputs);
    }
}
