package dev.sennit.server.rest;

/** <pre>QUEUED -> RUNNING -> SUCCEEDED | FAILED; from both of the first: -> CANCELLED</pre> */
public enum JobState {
    /** It waits for a worker. */
    QUEUED,
    /** A worker runs it. */
    RUNNING,
    /** It has a result. */
    SUCCEEDED,
    /** It has none, and is not tried again. */
    FAILED,
    /** It was cancelled before it had a result. */
    CANCELLED;

    /**
     * Whether it changes no more.
     *
     * @return true for the last three
     */
    public boolean isEnd() {
        return compareTo(SUCCEEDED) >= 0;
    }
}
