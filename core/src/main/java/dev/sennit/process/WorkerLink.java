package dev.sennit.process;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The parent's end of the private line to one worker: the seam behind which bytes may travel another way.
 *
 * <p>Nothing of it is shared with another worker, so nobody but its worker can break it. Any thread may send; one at a
 * time receives.
 */
interface WorkerLink extends AutoCloseable {
    /** What a worker says. */
    enum Kind {
        /** It is up and waits for tasks. */
        READY,
        /** A task returned; the payload is the value. */
        VALUE,
        /** A task threw; the payload is the failure. */
        FAILURE,
        /** A task was cancelled before it had begun. */
        SKIPPED
    }

    /**
     * One answer.
     *
     * @param kind what it says
     * @param task which task it is about; 0 for READY
     * @param runNanos how long the task ran
     * @param cpuNanos processor time it used
     * @param payload the encoded outcome
     */
    record Reply(Kind kind, long task, long runNanos, long cpuNanos, byte[] payload) {}

    /**
     * Hands over a task. May wait while a large one is being read.
     *
     * @param task its number
     * @param ahead whether the worker has to claim it on its {@link StatusPage} before it begins it
     * @param message the encoded task
     */
    void sendTask(long task, boolean ahead, MessageBuffer message) throws IOException;

    /** Asks the worker to interrupt a task, or to skip it if it has not begun. */
    void cancel(long task) throws IOException;

    /** Asks the worker to exit. */
    void quit() throws IOException;

    /** Waits for the next answer; null when the worker is gone. */
    @Nullable Reply receive() throws IOException;

    /** Closes this end. The worker takes that for the end of its parent, and halts. */
    @Override
    void close();
}
