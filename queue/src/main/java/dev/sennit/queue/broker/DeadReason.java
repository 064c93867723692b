package dev.sennit.queue.broker;

/** Why a task is among the dead letters. */
public enum DeadReason {
    /** It has failed, and its {@link RetryPolicy} allows no other attempt. */
    FAILED,
    /** Its workers were lost too often while they ran it, see {@link RetryPolicy#crashes}. */
    CRASHED,
    /** Its worker was lost, and the task may run once only. */
    LOST,
    /** It ran longer than its hard limit, and may not be tried again. */
    TIMED_OUT,
    /** No worker knew its type for too long. */
    UNKNOWN_TYPE,
    /** Its message or its argument cannot be read. */
    UNREADABLE
}
