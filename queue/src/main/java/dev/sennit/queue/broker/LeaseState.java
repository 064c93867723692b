package dev.sennit.queue.broker;

/** The answer to a {@link Renewal}. */
public enum LeaseState {
    /** The lease is renewed. */
    HELD,
    /** The lease is renewed, and the task is to stop: it was cancelled. */
    CANCEL_REQUESTED,
    /** The task is not the worker's any more: the lease had expired, and it was taken back. */
    LOST
}
