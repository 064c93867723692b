package dev.sennit.queue.broker;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a {@link QueuedTask} as JSON, and reads it: the message that brokers store beside the argument, which they
 * keep as it is. What has its usual value is left out. A reader passes over names that it does not know, so a later
 * version may add some; a value of the wrong type, or out of its bounds, makes the whole message unreadable.
 *
 * <pre>{@code
 * {"id": "0197...", "type": "thumbs.make", "version": 2, "queue": "images", "priority": 9, "dueAfter": 60000,
 *  "retry": {"attempts": 5, "first": 1000, "factor": 2.0, "most": 600000, "jitter": 0.5, "never": [], "crashes": 3},
 *  "headers": {"tenant": "42"}, "part": {"join": "0197...", "index": 3}, "after": "0197..."}
 * }</pre>
 *
 * <p>Times are milliseconds: since 1970 if they are times of day. Error callbacks hold their argument as base64.
 */
public final class TaskJson {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    /** Error callbacks of error callbacks of ... */
    private static final int DEEPEST = 20;

    private TaskJson() {}

    /**
     * Writes all of a task but its argument.
     *
     * @param task the task
     * @return JSON in UTF-8
     */
    public static byte[] write(QueuedTask task) {
        return MAPPER.writeValueAsBytes(node(task, false));
    }

    /**
     * Reads a task.
     *
     * @param json what {@link #write} has written
     * @param payload its argument
     * @return the task
     * @throws TaskFormatException if it is none
     */
    public static QueuedTask read(byte[] json, byte[] payload) {
        try {
            return task(MAPPER.readTree(json), payload, 0);
        } catch (JacksonException e) {
            throw new TaskFormatException("the message is no JSON: " + e.getOriginalMessage());
        } catch (IllegalArgumentException | ArithmeticException | java.time.DateTimeException e) {
            throw new TaskFormatException("the message is none of a task: " + e.getMessage());
        }
    }

    private static ObjectNode node(QueuedTask task, boolean withPayload) {
        ObjectNode node = MAPPER.createObjectNode();
        node.put("id", task.id());
        node.put("type", task.type());
        if (task.version() != 1) {
            node.put("version", task.version());
        }
        node.put("queue", task.queue());
        if (task.priority() != QueuedTask.USUAL_PRIORITY) {
            node.put("priority", task.priority());
        }
        put(node, "due", task.due());
        put(node, "expires", task.expires());
        if (!task.retry().equals(RetryPolicy.NONE)) {
            node.set("retry", node(task.retry()));
        }
        put(node, "softLimit", task.softLimit());
        put(node, "hardLimit", task.hardLimit());
        if (task.atMostOnce()) {
            node.put("atMostOnce", true);
        }
        if (task.unique() != null) {
            ObjectNode unique = node.putObject("unique");
            unique.put("key", task.unique().key());
            unique.put("until", task.unique().until().name());
            put(unique, "period", task.unique().period());
        }
        if (task.key() != null) {
            ObjectNode key = node.putObject("key");
            key.put("key", task.key().key());
            key.put("limit", task.key().limit());
        }
        if (!task.headers().isEmpty()) {
            ObjectNode headers = node.putObject("headers");
            task.headers().forEach(headers::put);
        }
        if (!task.resultTtl().equals(QueuedTask.USUAL_RESULT_TTL)) {
            put(node, "resultTtl", task.resultTtl());
        }
        if (task.replyTo() != null) {
            node.put("replyTo", task.replyTo());
        }
        if (!task.root().equals(task.id())) {
            node.put("root", task.root());
        }
        if (task.part() != null) {
            ObjectNode part = node.putObject("part");
            part.put("join", task.part().join());
            part.put("index", task.part().index());
        }
        if (task.after() != null) {
            node.put("after", task.after());
        }
        if (!task.onDead().isEmpty()) {
            node.set("onDead", nodes(task.onDead()));
        }
        if (withPayload) {
            node.put("payload", Base64.getEncoder().encodeToString(task.payload()));
        }
        return node;
    }

    private static ArrayNode nodes(List<QueuedTask> tasks) {
        ArrayNode array = MAPPER.createArrayNode();
        tasks.forEach(each -> array.add(node(each, true)));
        return array;
    }

    private static ObjectNode node(RetryPolicy retry) {
        ObjectNode node = MAPPER.createObjectNode();
        node.put("attempts", retry.attempts());
        put(node, "first", retry.first());
        node.put("factor", retry.factor());
        put(node, "most", retry.most());
        node.put("jitter", retry.jitter());
        ArrayNode never = node.putArray("never");
        retry.never().forEach(never::add);
        node.put("crashes", retry.crashes());
        return node;
    }

    private static void put(ObjectNode node, String name, @Nullable Duration value) {
        if (value != null) {
            node.put(name, value.toMillis());
        }
    }

    private static void put(ObjectNode node, String name, @Nullable When value) {
        if (value != null) {
            put(node, name + "After", value.after());
            if (value.at() != null) {
                node.put(name + "At", value.at().toEpochMilli());
            }
        }
    }

    private static QueuedTask task(JsonNode node, byte[] payload, int depth) {
        if (!node.isObject()) {
            throw new IllegalArgumentException("it is no object");
        }
        if (depth > DEEPEST) {
            throw new IllegalArgumentException("its callbacks are nested more than " + DEEPEST + " times");
        }
        String id = text(node, "id");
        String root = optionalText(node, "root");
        QueuedTask.Builder task = QueuedTask.of(text(node, "type"), payload).id(id)
                .version(Math.toIntExact(number(node, "version", 1)))
                .queue(text(node, "queue"))
                .priority(Math.toIntExact(number(node, "priority", QueuedTask.USUAL_PRIORITY)))
                .due(when(node, "due"))
                .expires(when(node, "expires"))
                .softLimit(duration(node, "softLimit"))
                .hardLimit(duration(node, "hardLimit"))
                .atMostOnce(node.path("atMostOnce").asBoolean(false))
                .headers(headers(node.get("headers")))
                .replyTo(optionalText(node, "replyTo"))
                .root(root == null ? id : root)
                .after(optionalText(node, "after"));
        JsonNode retry = node.get("retry");
        if (retry != null) {
            task.retry(retry(retry));
        }
        JsonNode unique = node.get("unique");
        if (unique != null) {
            task.unique(new Unique(text(unique, "key"), Unique.Until.valueOf(text(unique, "until")),
                    duration(unique, "period")));
        }
        JsonNode key = node.get("key");
        if (key != null) {
            task.key(new KeyLimit(text(key, "key"), Math.toIntExact(number(key, "limit", KeyLimit.UNLIMITED))));
        }
        Duration ttl = duration(node, "resultTtl");
        if (ttl != null) {
            task.resultTtl(ttl);
        }
        JsonNode part = node.get("part");
        if (part != null) {
            task.part(new PartOf(text(part, "join"), Math.toIntExact(number(part, "index", -1))));
        }
        JsonNode onDead = node.get("onDead");
        if (onDead != null) {
            List<QueuedTask> callbacks = new ArrayList<>();
            for (JsonNode each : onDead) {
                callbacks.add(task(each, Base64.getDecoder().decode(text(each, "payload")), depth + 1));
            }
            task.onDead(callbacks);
        }
        return task.build();
    }

    private static RetryPolicy retry(JsonNode node) {
        List<String> never = new ArrayList<>();
        for (JsonNode each : node.path("never")) {
            never.add(text("never", each));
        }
        Duration first = duration(node, "first");
        Duration most = duration(node, "most");
        JsonNode factor = node.path("factor");
        JsonNode jitter = node.path("jitter");
        if (first == null || most == null || !factor.isNumber() || !jitter.isNumber()) {
            throw new IllegalArgumentException("its retry has no first, most, factor or jitter");
        }
        return new RetryPolicy(Math.toIntExact(number(node, "attempts", 0)), first, factor.doubleValue(), most,
                jitter.doubleValue(), never, Math.toIntExact(number(node, "crashes", 0)));
    }

    private static Map<String, String> headers(@Nullable JsonNode node) {
        if (node == null) {
            return Map.of();
        }
        if (!node.isObject()) {
            throw new IllegalArgumentException("headers is no object");
        }
        Map<String, String> headers = new HashMap<>();
        for (var each : node.properties()) {
            headers.put(each.getKey(), text("header " + each.getKey(), each.getValue()));
        }
        return headers;
    }

    private static @Nullable When when(JsonNode node, String name) {
        Duration after = duration(node, name + "After");
        JsonNode at = node.get(name + "At");
        if (after != null) {
            return When.after(after);
        }
        return at == null ? null : When.at(Instant.ofEpochMilli(number(node, name + "At", 0)));
    }

    private static @Nullable Duration duration(JsonNode node, String name) {
        return node.get(name) == null ? null : Duration.ofMillis(number(node, name, 0));
    }

    private static long number(JsonNode node, String name, long absent) {
        JsonNode value = node.get(name);
        if (value == null) {
            return absent;
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw new IllegalArgumentException(name + " is no number");
        }
        return value.longValue();
    }

    private static String text(JsonNode node, String name) {
        return text(name, node.get(name));
    }

    private static @Nullable String optionalText(JsonNode node, String name) {
        JsonNode value = node.get(name);
        return value == null ? null : text(name, value);
    }

    private static String text(String name, @Nullable JsonNode value) {
        if (value == null) {
            throw new IllegalArgumentException("it has no " + name);
        }
        if (!value.isString()) {
            throw new IllegalArgumentException(name + " is no text");
        }
        return value.stringValue();
    }
}
