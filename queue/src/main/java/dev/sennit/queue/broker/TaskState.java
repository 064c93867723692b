package dev.sennit.queue.broker;

/**
 * Where a task of a queue is.
 *
 * <pre>
 * enqueue -> READY, SCHEDULED (due later), BLOCKED (waits for other tasks) or HELD (its key has no free place)
 *
 * SCHEDULED -> READY or HELD      it is due
 * BLOCKED   -> READY, SCHEDULED or HELD   the tasks before it have succeeded
 * HELD      -> READY              its key has a place
 * READY     -> RUNNING            a worker has claimed it
 * RUNNING   -> SUCCEEDED
 * RUNNING   -> SCHEDULED, READY   it has failed and is retried
 * RUNNING   -> READY              its worker gave it back, or its lease has expired
 * RUNNING   -> DEAD               it failed for the last time, or its workers crashed too often
 * DEAD      -> READY or HELD      it is replayed
 * each that waits -> CANCELLED, EXPIRED, DEAD (no worker knows its type)
 * RUNNING   -> CANCELLED          it was asked to stop, and has
 * </pre>
 */
public enum TaskState {
    /** A worker may claim it. */
    READY,
    /** It is due later: by a delay, or for a retry. */
    SCHEDULED,
    /** It waits until other tasks have succeeded. */
    BLOCKED,
    /** Other tasks of its key have all places of that key. */
    HELD,
    /** A worker has claimed it. */
    RUNNING,
    /** It has a result. */
    SUCCEEDED,
    /** It will not be tried again unless it is replayed. */
    DEAD,
    /** It was cancelled. */
    CANCELLED,
    /** It was not begun in time. */
    EXPIRED;

    /**
     * Returns whether the task has ended: only a {@link #DEAD} one can go on, by a replay.
     *
     * @return whether it is SUCCEEDED, DEAD, CANCELLED or EXPIRED
     */
    public boolean isEnd() {
        return compareTo(SUCCEEDED) >= 0;
    }
}
