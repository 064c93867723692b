package dev.sennit.queue.broker;

import java.util.Objects;

/**
 * A part of the tasks that can be paused: a queue, or a task type in all queues.
 *
 * @param kind which of both
 * @param name the name of the queue or the type
 */
public record Scope(Kind kind, String name) {
    /** The kinds of scopes. */
    public enum Kind {
        /** A queue. */
        QUEUE,
        /** A task type. */
        TYPE
    }

    /** Checks the values. */
    public Scope {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(name, "name");
    }

    /**
     * Returns a queue.
     *
     * @param name its name
     * @return the scope
     */
    public static Scope queue(String name) {
        return new Scope(Kind.QUEUE, name);
    }

    /**
     * Returns a task type.
     *
     * @param name its name
     * @return the scope
     */
    public static Scope type(String name) {
        return new Scope(Kind.TYPE, name);
    }
}
