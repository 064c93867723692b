package dev.sennit.service;

/**
 * The state of a worker, which keeps its number while its processes are replaced.
 *
 * <pre>
 * WAITING  -> STARTING, STOPPED, FAILED
 * STARTING -> READY, WAITING, DRAINING, STOPPED, FAILED
 * READY    -> STARTING, WAITING, DRAINING, STOPPED, FAILED     stays READY while another process takes the place
 * DRAINING -> STOPPED, STARTING, WAITING, FAILED
 * STOPPED  -> STARTING, WAITING, FAILED                        when it is wanted again
 * FAILED   -> STARTING, WAITING, STOPPED                       when it is restarted, reloaded or not wanted any more
 * </pre>
 *
 * <p>The first restart after a death comes at once, so STARTING may follow READY. FAILED follows any other state, as a
 * process that cannot be started has died, too.
 */
public enum SlotState {
    /** The worker waits for services that come first, or for the end of a pause after a death. */
    WAITING,
    /** A process is starting and is not ready. */
    STARTING,
    /** A process is ready. */
    READY,
    /** The process was asked to stop. */
    DRAINING,
    /** No process runs, and none is to be started: the worker was stopped, or has done its work. */
    STOPPED,
    /** No process runs, after too many deaths. */
    FAILED
}
