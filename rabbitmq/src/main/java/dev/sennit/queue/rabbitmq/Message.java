package dev.sennit.queue.rabbitmq;

import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFormatException;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.When;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A task as it lies in a queue of RabbitMQ: a line of JSON with what has become of it so far, a line of JSON as
 * {@link TaskJson} writes it, and its argument.
 *
 * <pre>{@code
 * {"at":1795216592671,"number":7,"failures":1,"attempts":1}
 * {"id":"0197...","type":"thumbs.make","queue":"images"}
 * {"path":"a.jpg"}
 * }</pre>
 *
 * @param task the task
 * @param at when it was enqueued, in milliseconds since 1970
 * @param number counts the tasks of one millisecond
 * @param expires when it is too late to begin, in milliseconds since 1970; 0 for never
 * @param attempts how often it was begun, apart from what the server counts
 * @param failures how often it has failed
 * @param crashes how often its worker was lost, apart from what the server counts
 * @param checkpoint what an earlier run has kept, or null
 */
record Message(QueuedTask task, long at, long number, long expires, int attempts, int failures, int crashes,
        byte @Nullable [] checkpoint) {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    /** Makes the message of a task that is enqueued. */
    static Message of(QueuedTask task, Instant now, long number) {
        When late = task.expires();
        return new Message(task, now.toEpochMilli(), number, late == null ? 0 : late.from(now).toEpochMilli(), 0, 0, 0,
                null);
    }

    Message with(int newAttempts, int newFailures, int newCrashes, byte @Nullable [] newCheckpoint) {
        return new Message(task, at, number, expires, newAttempts, newFailures, newCrashes, newCheckpoint);
    }

    byte[] bytes() {
        ObjectNode state = MAPPER.createObjectNode();
        state.put("at", at);
        put(state, "number", number);
        put(state, "expires", expires);
        put(state, "attempts", attempts);
        put(state, "failures", failures);
        put(state, "crashes", crashes);
        if (checkpoint != null) {
            state.put("checkpoint", Base64.getEncoder().encodeToString(checkpoint));
        }
        byte[] first = MAPPER.writeValueAsBytes(state);
        byte[] second = TaskJson.write(task);
        var bytes = new ByteArrayOutputStream(first.length + second.length + 2 + task.payload().length);
        bytes.writeBytes(first);
        bytes.write('\n');
        bytes.writeBytes(second);
        bytes.write('\n');
        bytes.writeBytes(task.payload());
        return bytes.toByteArray();
    }

    private static void put(ObjectNode node, String name, long value) {
        if (value != 0) {
            node.put(name, value);
        }
    }

    /**
     * Reads a message.
     *
     * @throws TaskFormatException if it is none of a task
     * @throws IllegalArgumentException if the line before it makes no sense
     */
    static Message read(byte[] bytes) {
        int first = line(bytes, 0);
        int second = line(bytes, first + 1);
        JsonNode state;
        try {
            state = MAPPER.readTree(bytes, 0, first);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("its first line is no JSON: " + e.getOriginalMessage(), e);
        }
        if (!state.isObject() || !state.path("at").isIntegralNumber()) {
            throw new IllegalArgumentException("its first line does not say when it was enqueued");
        }
        JsonNode kept = state.get("checkpoint");
        if (kept != null && !kept.isString()) {
            throw new IllegalArgumentException("its checkpoint is no text");
        }
        QueuedTask task = TaskJson.read(Arrays.copyOfRange(bytes, first + 1, second),
                Arrays.copyOfRange(bytes, second + 1, bytes.length));
        return new Message(task, number(state, "at"), number(state, "number"), number(state, "expires"),
                count(state, "attempts"), count(state, "failures"), count(state, "crashes"),
                kept == null ? null : Base64.getDecoder().decode(kept.stringValue()));
    }

    /** Returns where a line ends. */
    private static int line(byte[] bytes, int from) {
        for (int i = from; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                return i;
            }
        }
        throw new IllegalArgumentException("it has not the lines of a task");
    }

    private static int count(JsonNode state, String name) {
        long number = number(state, name);
        if (number > 1_000_000_000) {
            throw new IllegalArgumentException(name + " is no count");
        }
        return (int) number;
    }

    private static long number(JsonNode state, String name) {
        JsonNode value = state.get(name);
        if (value == null) {
            return 0;
        }
        // Instant.ofEpochMilli takes all of them, and the sum of two is one
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0
                || value.longValue() > Long.MAX_VALUE / 4) {
            throw new IllegalArgumentException(name + " is no number");
        }
        return value.longValue();
    }

    /** Shows no argument. */
    @Override
    public String toString() {
        return task + " " + attempts + "/" + failures + "/" + crashes;
    }
}
