package dev.sennit.service;

/** What happens when a worker died more often than its service allows. */
public enum Escalation {
    /** It is started again, after pauses that grow to a bound. The default. */
    KEEP_TRYING,
    /** It stays down, as {@code FAILED}, until it is restarted by hand or the service is reloaded. */
    FAIL,
    /** All workers of the service are stopped, and it stays down as with {@link #FAIL}. */
    STOP_SERVICE,
    /** The manager stops everything and exits with code 1, for a container that is to be replaced whole. */
    EXIT
}
