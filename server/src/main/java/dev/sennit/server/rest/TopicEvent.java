package dev.sennit.server.rest;

import java.util.Objects;

/**
 * An event of a {@link Topic}.
 *
 * @param id names it among the events of its topic; the subscriber that has it may go on after it
 * @param name what kind of event it is; empty for those that browsers call {@code message}
 * @param data its text, of any number of lines
 */
public record TopicEvent(String id, String name, String data) {
    /** Checks that id and name have no end of line and no NUL, which would end them in a stream. */
    public TopicEvent {
        ensureLine("id", id);
        ensureLine("name", name);
        Objects.requireNonNull(data, "data");
    }

    static void ensureLine(String what, String text) {
        if (text.indexOf('\n') >= 0 || text.indexOf('\r') >= 0 || text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("the " + what + " of an event must have no end of line and no NUL");
        }
    }
}
