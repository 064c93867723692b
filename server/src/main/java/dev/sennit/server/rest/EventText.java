package dev.sennit.server.rest;

/** The form of server-sent events, as the HTML standard has it. */
final class EventText {
    static final String TYPE = "text/event-stream";

    private EventText() {}

    /** Returns an event. A line of data is a line of the stream, whatever it ends with. */
    static String of(TopicEvent event) {
        StringBuilder text = new StringBuilder();
        if (!event.id().isEmpty()) {
            text.append("id: ").append(event.id()).append('\n');
        }
        return data(text, event.name(), event.data());
    }

    /** Returns an event that changes nothing of what the client has seen last. */
    static String of(String name, String data) {
        return data(new StringBuilder(), name, data);
    }

    private static String data(StringBuilder text, String name, String data) {
        if (!name.isEmpty()) {
            text.append("event: ").append(name).append('\n');
        }
        for (String line : data.split("\r\n|\r|\n", -1)) {
            text.append("data: ").append(line).append('\n');
        }
        return text.append('\n').toString();
    }

    /** Returns a line that clients pass over. */
    static String comment(String words) {
        return ": " + words + "\n\n";
    }

    /** Returns after how many milliseconds the client is to come back. */
    static String retry(long millis) {
        return "retry: " + millis + "\n\n";
    }
}
