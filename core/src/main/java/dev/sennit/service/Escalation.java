package dev.sennit.service;

/** The reaction when a worker has died more often than its service allows. */
public enum Escalation {
    /** The worker is restarted, after pauses that grow up to a bound. The default. */
    KEEP_TRYING,
    /** The worker stays down, as {@code FAILED}, until it is restarted by hand or the service is reloaded. */
    FAIL,
    /** All workers of the service are stopped, and stay down as with {@link #FAIL}. */
    STOP_SERVICE,
    /** The manager stops all services and exits with code 1, so that a container can be replaced as a whole. */
    EXIT
}
