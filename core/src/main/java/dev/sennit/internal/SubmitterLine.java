package dev.sennit.internal;

import java.util.function.BooleanSupplier;

/** A thread that runs tasks of another process: what it says to their submitter, and hears of them. */
public interface SubmitterLine {
    /**
     * Sends a message of the task that runs. Called by this thread, in code that it runs.
     *
     * @param message not kept
     * @return false if it runs no task, or nobody hears the task
     */
    boolean message(byte[] message);

    /** Returns what tells any thread whether the task that runs is asked to stop. Called by this thread. */
    BooleanSupplier stopSignal();
}
