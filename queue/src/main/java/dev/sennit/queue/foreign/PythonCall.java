package dev.sennit.queue.foreign;

import dev.sennit.queue.broker.QueuedTask;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call in Python, and the argument of a task type that it is.
 *
 * <table>
 * <caption>What a task type gets</caption>
 * <tr><th>call</th><th>argument</th></tr>
 * <tr><td>{@code f()}</td><td>{@code null}</td></tr>
 * <tr><td>{@code f(x)}</td><td>{@code x}, which a record takes as its first component</td></tr>
 * <tr><td>{@code f(x, y)}</td><td>{@code [x, y]}, which a record takes in the order of its components</td></tr>
 * <tr><td>{@code f(a=x, b=y)}</td><td>{@code {"a": x, "b": y}}</td></tr>
 * <tr><td>{@code f(x, b=y)}</td><td>a record takes both; else {@code {"args": [x], "kwargs": {"b": y}}}</td></tr>
 * </table>
 *
 * <p>A record whose components {@code f(x)} names, as {@code x} is an object, is {@code x} itself: so results that are
 * records go on to tasks that take them.
 *
 * <p>The other way, a list becomes the arguments, an object the named ones, and all else the one argument.
 *
 * @param arguments the positional arguments, a list as JSON
 * @param named the named arguments, an object as JSON
 * @param form how the argument of a task type was written, or null if that is plain: then the table holds
 */
public record PythonCall(String arguments, String named, @Nullable String form) {
    /**
     * Makes a call of the argument of a task type.
     *
     * @param program whose messages these are, for the message
     * @throws IllegalArgumentException if it is no JSON
     */
    public static PythonCall of(QueuedTask task, String program) {
        byte[] payload = task.payload();
        if (payload.length == 0) {
            return new PythonCall("[]", "{}", "empty");
        }
        var kind = Json.kind(payload);
        if (kind == null) {
            throw new IllegalArgumentException(
                    "messages of " + program + " are JSON, but the argument of " + task.type() + " is none");
        }
        String text = new String(payload, StandardCharsets.UTF_8);
        return switch (kind) {
            case START_ARRAY -> new PythonCall(text.strip(), "{}", "list");
            case START_OBJECT -> new PythonCall("[]", text.strip(), "map");
            case VALUE_NULL -> new PythonCall("[]", "{}", null);
            default -> new PythonCall("[" + text + "]", "{}", null);
        };
    }

    /**
     * Returns the argument.
     *
     * @param headers take {@link QueuedTask#ARGUMENT}, if the argument is not plain
     */
    public byte[] payload(Map<String, String> headers) {
        String payload;
        if ("empty".equals(form)) {
            payload = "";
        } else if ("list".equals(form)) {
            payload = arguments;
        } else if ("map".equals(form)) {
            payload = named;
        } else {
            int positional = Json.size(arguments);
            boolean hasNamed = Json.size(named) > 0;
            if (positional == 0) {
                payload = hasNamed ? named : "null";
            } else if (hasNamed) {
                payload = "{\"args\": " + arguments + ", \"kwargs\": " + named + "}";
                headers.put(QueuedTask.ARGUMENT, "mixed");
            } else if (positional == 1) {
                payload = Json.inner(arguments);
                if (payload.startsWith("{")) { // else it is none of named arguments, as it seems
                    headers.putIfAbsent(QueuedTask.ARGUMENT, "single");
                }
            } else {
                payload = arguments;
                headers.putIfAbsent(QueuedTask.ARGUMENT, "positional");
            }
        }
        return payload.getBytes(StandardCharsets.UTF_8);
    }
}
