package dev.sennit.queue.worker;

import dev.sennit.Task;
import dev.sennit.queue.broker.Claim;

/** Makes of a claim what a pool can run. */
@FunctionalInterface
public interface RunFactory {
    /**
     * Returns what runs a task.
     *
     * @param claim the task
     * @param line the way to the worker, for a run in this JVM
     * @return gives the result as JSON, and behind it two arrays for each successor: the message and its argument;
     *     fails with a {@link RunFailure}
     * @throws RunFailure if the argument cannot be made
     */
    Task<byte[][]> task(Claim claim, RunLine line) throws RunFailure;
}
