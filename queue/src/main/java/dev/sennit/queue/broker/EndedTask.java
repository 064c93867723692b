package dev.sennit.queue.broker;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a task has ended.
 *
 * @param id the id
 * @param type the name of its type
 * @param queue its queue
 * @param root the id of the first task of its workflow
 * @param state one of the states that are an end
 * @param result its result as JSON, if it has succeeded
 * @param reason why it is dead, if it is
 * @param error its last error, or null; a task that has succeeded at last shows none
 * @param attempts how often it was begun
 * @param endedAt when it ended, by the broker's clock
 */
public record EndedTask(String id, String type, String queue, String root, TaskState state, byte @Nullable [] result,
        @Nullable DeadReason reason, @Nullable ErrorInfo error, int attempts, Instant endedAt) {}
