package dev.sennit.service;

/** The state of a worker's place, which keeps its number while processes come and go. */
public enum SlotState {
    /** It waits: for services that come first, or for the pause after a death. */
    WAITING,
    /** A process is starting and is not ready. */
    STARTING,
    /** A process is ready. */
    READY,
    /** The process was asked to stop. */
    DRAINING,
    /** No process runs, and none is wanted: it was stopped, or has done its work. */
    STOPPED,
    /** No process runs, as too many died. */
    FAILED
}
