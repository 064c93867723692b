package dev.sennit.benchmarks.queues;

import java.io.Closeable;

/** The submitters' side of a queue system, and its one worker process, which is idle between two calls. */
interface QueueSystem extends Closeable {
    /** Figures of {@link #latency}: from the enqueue until the task begins. */
    int BEGIN_P50 = 0;

    int BEGIN_P99 = 1;
    /** Figures of {@link #latency}: from the enqueue until the submitter has the result. */
    int RESULT_P50 = 2;

    int RESULT_P99 = 3;

    /**
     * Enqueues tasks that do nothing, and waits until the worker has ended all of them.
     *
     * @return the seconds from the first enqueue on
     */
    double runAll(int count) throws Exception;

    /**
     * Enqueues tasks that no worker takes, and removes them.
     *
     * @param batch how many in one step
     * @return the seconds, without those of the removal
     */
    double enqueue(int count, int batch) throws Exception;

    /**
     * Whether the worker is told of a task, so that {@link #latency} can be measured, and does not ask now and then.
     */
    default boolean isPushed() {
        return false;
    }

    /**
     * Enqueues one task after another for the idle worker.
     *
     * @return seconds: see the constants
     */
    default double[] latency(int count, long pauseMillis) throws Exception {
        throw new UnsupportedOperationException("its worker asks now and then");
    }

    /** The processor time of the worker so far, with its children. */
    double processorSeconds();

    /**
     * The resident memory of the worker, with its children.
     *
     * @param isSharedOnce whether a page that they share counts once; else in each of them
     */
    long memory(boolean isSharedOnce) throws Exception;
}
