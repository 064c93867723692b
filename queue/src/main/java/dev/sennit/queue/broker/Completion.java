package dev.sennit.queue.broker;

/**
 * The success of a task.
 *
 * @param token the proof of the claim
 * @param result its result, as JSON
 * @param successors what it wants to have enqueued in the same step. A task that was cancelled meanwhile has no
 *     successors
 */
public record Completion(Token token, byte[] result, Batch successors) {}
