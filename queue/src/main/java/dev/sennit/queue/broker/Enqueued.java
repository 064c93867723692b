package dev.sennit.queue.broker;

/**
 * The outcome of enqueuing a task of a {@link Batch}.
 *
 * @param id its id; if it is a duplicate, that of the task that is there already; its own if it waits for a duplicate
 * @param isDuplicate whether the broker refused it, because of another one with its {@link Unique} key, or because it
 *     waits for a task that was refused
 */
public record Enqueued(String id, boolean isDuplicate) {}
