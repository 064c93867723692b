package dev.sennit.server.rest;

/** The fate of a subscriber for which more events wait than its buffer holds. */
public enum SlowReader {
    /** The oldest event that waits is dropped, and the subscriber is told how many it has missed. */
    DROP_OLDEST,
    /** The subscription ends. The subscriber may come back with the last event that it has. */
    CLOSE
}
