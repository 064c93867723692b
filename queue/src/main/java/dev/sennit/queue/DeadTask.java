package dev.sennit.queue;

/**
 * A task that did not succeed, as its error callback gets it: see {@link Workflow#onDead(TaskType)}.
 *
 * @param id its id
 * @param type the name of its type
 * @param reason the name of a {@link dev.sennit.queue.broker.DeadReason}, {@code CANCELLED} or {@code EXPIRED}
 * @param error its last error, in one line; perhaps empty
 */
public record DeadTask(String id, String type, String reason, String error) {}
