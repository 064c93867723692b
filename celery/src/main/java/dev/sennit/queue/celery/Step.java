package dev.sennit.queue.celery;

import dev.sennit.queue.foreign.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A step of an {@link Ending}, which the transport does. */
sealed interface Step {
    /**
     * Sends a message that follows.
     *
     * @param out the message
     * @param always whether it is sent though the task was to stop
     */
    record Send(Canvas.Out out, boolean always) implements Step {}

    /**
     * Sends a message unless a task of its id is there.
     *
     * @param out the message
     * @param known for how long its id is known
     */
    record Once(Canvas.Out out, Duration known) implements Step {}

    /** Notes how many parts a chord that follows has. */
    record Size(Canvas.Size size, Duration ttl) implements Step {}

    /**
     * The task waits again.
     *
     * @param how where
     * @param due when, or null
     * @param delay how long until then
     * @param isRetry whether it has one retry more
     */
    record Wait(How how, @Nullable Instant due, Duration delay, boolean isRetry) implements Step {
        /** Where it waits. */
        enum How {
            /** It is the next one. */
            NEXT,
            /** It is the next one; its worker was lost. */
            NEXT_AFTER_CRASH,
            /** At the end. */
            LAST,
            /** Until its time comes. */
            DUE,
            /** Until its time comes, and that it was claimed does not count. */
            DUE_UNBEGUN
        }
    }

    /**
     * Stores the result of a task, and tells who waits for it.
     *
     * @param id the task
     * @param ttl how long it is kept
     * @param meta the result
     * @param replyTo who waits, or null
     */
    record Result(String id, Duration ttl, byte[] meta, @Nullable String replyTo) implements Step {}

    /** The same of a result that is not kept. */
    record Unkept(byte[] meta, @Nullable String replyTo) implements Step {}

    /** Stores a state of the task, which goes on. */
    record State(Duration ttl, byte[] meta) implements Step {}

    /**
     * A part of a chord has ended.
     *
     * @param group the group
     * @param index its place in the group, or null
     * @param id the task
     * @param state how it has ended
     * @param result its result, or error
     * @param ttl how long what is gathered is kept
     * @param next what follows the last part, with a hole for the results
     * @param sizes sizes of chords that follow
     * @param failure the result of the body if a part has failed
     * @param callbacks what is sent then
     */
    record Part(String group, @Nullable String index, String id, String state, String result, Duration ttl,
            List<Canvas.Out> next, List<Canvas.Size> sizes, Failure failure, List<Canvas.Out> callbacks)
            implements
            Step {
        /** Returns what is gathered of it. */
        String member() {
            return "[1, " + Json.quoted(id) + ", \"" + state + "\", " + result + "]";
        }
    }

    /**
     * The result of a body that never begins, around the text of its error.
     *
     * @param id the body
     * @param before what stands before the text
     * @param behind what stands behind it
     */
    record Failure(String id, String before, String behind) {}

    /** A task of a queue has failed for the last time, and is counted for a while. */
    record Failed(String queue, Duration counted) implements Step {}

    /** Keeps bytes that cannot be read. */
    record Dead(byte[] about, byte[] raw) implements Step {}
}
