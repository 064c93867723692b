package dev.sennit.queue.broker;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The state of a task in the broker, for those who look.
 *
 * @param id the id
 * @param type the name of its type
 * @param version the version of its type
 * @param queue its queue
 * @param state where it is
 * @param priority its priority
 * @param key its key, or null
 * @param root the id of the first task of its workflow
 * @param enqueuedAt when it was enqueued
 * @param dueAt when it is due, if it is SCHEDULED
 * @param begunAt when its last run began, or null
 * @param endedAt when it ended, or null
 * @param worker the worker that has it or had it last, or null
 * @param attempts how often it was begun
 * @param failures how often it has failed
 * @param crashes how often its worker was lost
 * @param progress how far it has said it is, or null
 * @param reason why it is dead, or null
 * @param error its last error, or null
 * @param payload its argument; empty for a task that has ended and is not dead
 * @param headers its headers; empty for a task that has ended and is not dead
 */
public record TaskView(String id, String type, int version, String queue, TaskState state, int priority,
        @Nullable String key, String root, Instant enqueuedAt, @Nullable Instant dueAt, @Nullable Instant begunAt,
        @Nullable Instant endedAt, @Nullable String worker, int attempts, int failures, int crashes,
        @Nullable Progress progress, @Nullable DeadReason reason, @Nullable ErrorInfo error, byte[] payload,
        Map<String, String> headers) {
    /** Copies the map. */
    public TaskView {
        headers = Map.copyOf(headers);
    }
}
