package dev.sennit.queue.broker;

/**
 * How far a task has come.
 *
 * @param done how much is done, 0 or more
 * @param total how much there is to do in all, or less than 0 if that is not known
 * @param message what is being done, or an empty string
 */
public record Progress(long done, long total, String message) {}
