package dev.sennit.queue.broker;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Something that has happened to a task.
 *
 * @param number the number of the event, greater than those of all events before
 * @param at when, by the broker's clock
 * @param kind what
 * @param id the id of the task
 * @param type the name of its type
 * @param queue its queue
 * @param worker the worker, or null
 * @param detail more: the error, or an empty string
 */
public record BrokerEvent(long number, Instant at, Kind kind, String id, String type, String queue,
        @Nullable String worker, String detail) {
    /** The kinds of events. */
    public enum Kind {
        /** It was enqueued. */
        ENQUEUED,
        /** A worker has claimed it. */
        BEGUN,
        /** It has succeeded. */
        SUCCEEDED,
        /** A run has failed, and it will be tried again. */
        RETRIED,
        /** It is dead. */
        DIED,
        /** It was cancelled, or is to stop. */
        CANCELLED,
        /** It was not begun in time. */
        EXPIRED,
        /** Its worker gave it back. */
        GIVEN_BACK,
        /** Its worker was lost, and it is READY again. */
        TAKEN_BACK,
        /** It was dead, and is tried again. */
        REPLAYED
    }
}
