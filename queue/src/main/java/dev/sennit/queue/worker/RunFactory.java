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

    /**
     * Returns a claim with what its submitter could not say, see
     * {@link dev.sennit.queue.broker.QueuedTask#FOREIGN}.
     *
     * @param claim the claim as the broker gave it
     * @return the claim by which the worker goes
     */
    default Claim completed(Claim claim) {
        return claim;
    }
}
