package dev.sennit.queue;

/** Why a run is asked to stop. */
public enum StopReason {
    /**
     * The task was cancelled, or its lease was lost. Its thread is interrupted too, and what it does from now on is not
     * kept. In a worker process the reason may read {@link #DRAIN} once the interrupt is used up.
     */
    CANCELLED,
    /** It has run for its soft limit. Its thread is interrupted too. */
    SOFT_LIMIT,
    /**
     * Its worker ends. The run may go on until the worker's deadline; a long one should keep a checkpoint and give the
     * task back.
     */
    DRAIN
}
