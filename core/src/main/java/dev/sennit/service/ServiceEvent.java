package dev.sennit.service;

import java.time.Instant;

/**
 * What happened to a worker.
 *
 * @param at when
 * @param service the name of its service
 * @param id the worker's number
 * @param pid the process, 0 if none could be started
 * @param kind what happened
 * @param generation the generation of the process
 * @param why the cause, one line; empty where there is nothing to add
 */
public record ServiceEvent(Instant at, String service, int id, long pid, Kind kind, long generation, String why) {
    /** What can happen to a worker. */
    public enum Kind {
        /** A process was started. */
        STARTED,
        /** A process is ready. */
        READY,
        /** A process was asked to stop: it is not wanted any more, or has been replaced. */
        STOPPING,
        /** A process that was asked to stop has ended in time. */
        STOPPED,
        /** A process that was asked to stop did not end in time, and was killed. */
        KILLED,
        /** A process has ended that was not asked to; or could not be started. */
        DIED,
        /** A process has ended by itself, and its service's kind wants no other. */
        DONE,
        /** A process that was to replace another did not get ready. The other goes on. */
        GIVEN_UP,
        /** Too many processes have died: the worker stays down. */
        FAILED
    }
}
