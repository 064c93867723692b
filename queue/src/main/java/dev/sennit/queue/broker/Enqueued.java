package dev.sennit.queue.broker;

/**
 * What became of a task of a {@link Batch}.
 *
 * @param id its id; if it is a duplicate, that of the task that is there already
 * @param isDuplicate whether the broker refused it, because of another one with its {@link Unique} key
 */
public record Enqueued(String id, boolean isDuplicate) {}
