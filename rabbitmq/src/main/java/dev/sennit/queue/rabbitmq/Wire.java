package dev.sennit.queue.rabbitmq;

import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.WorkerReport;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What brokers tell each other beside tasks, as JSON. What makes no sense is an exception of any kind. */
final class Wire {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private Wire() {}

    // ---- ends: a line of JSON, and the result behind it ----

    static byte[] end(EndedTask end) {
        ObjectNode node = MAPPER.createObjectNode();
        node.put("id", end.id());
        node.put("type", end.type());
        node.put("queue", end.queue());
        node.put("root", end.root());
        node.put("state", end.state().name());
        node.put("attempts", end.attempts());
        node.put("at", end.endedAt().toEpochMilli());
        if (end.reason() != null) {
            node.put("reason", end.reason().name());
        }
        if (end.error() != null) {
            ObjectNode error = node.putObject("error");
            error.put("type", end.error().type());
            error.put("message", end.error().message());
            error.put("stack", end.error().stack());
        }
        byte[] result = end.result();
        node.put("result", result != null);
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes(MAPPER.writeValueAsBytes(node));
        bytes.write('\n');
        if (result != null) {
            bytes.writeBytes(result);
        }
        return bytes.toByteArray();
    }

    static EndedTask end(byte[] bytes) {
        int line = 0;
        while (bytes[line] != '\n') {
            line++;
        }
        JsonNode node = MAPPER.readTree(bytes, 0, line);
        JsonNode error = node.get("error");
        String reason = node.path("reason").asString("");
        return new EndedTask(text(node, "id"), text(node, "type"), text(node, "queue"), text(node, "root"),
                TaskState.valueOf(text(node, "state")),
                node.path("result").asBoolean(false) ? Arrays.copyOfRange(bytes, line + 1, bytes.length) : null,
                reason.isEmpty() ? null : DeadReason.valueOf(reason),
                error == null
                        ? null
                        : new ErrorInfo(text(error, "type"), text(error, "message"), text(error, "stack")),
                node.path("attempts").asInt(), Instant.ofEpochMilli(node.path("at").asLong()));
    }

    // ---- news: an object with its kind ----

    /**
     * A piece of news.
     *
     * @param kind what it is: {@code work}, {@code control}, {@code report}, {@code forget}, {@code who}
     * @param from the broker object that tells it
     * @param node its content
     */
    record News(String kind, String from, JsonNode node) {}

    static byte[] news(String kind, String from) {
        return MAPPER.writeValueAsBytes(object(kind, from));
    }

    private static ObjectNode object(String kind, String from) {
        ObjectNode node = MAPPER.createObjectNode();
        node.put("kind", kind);
        node.put("from", from);
        return node;
    }

    static News news(byte[] bytes) {
        JsonNode node = MAPPER.readTree(bytes);
        return new News(text(node, "kind"), text(node, "from"), node);
    }

    static byte[] work(String from, String queue) {
        ObjectNode node = object("work", from);
        node.put("queue", queue);
        return MAPPER.writeValueAsBytes(node);
    }

    static byte[] control(String from, ControlMessage message) {
        ObjectNode node = object("control", from);
        if (message.worker() != null) {
            node.put("worker", message.worker());
        }
        node.put("command", message.command());
        ObjectNode arguments = node.putObject("arguments");
        message.arguments().forEach(arguments::put);
        return MAPPER.writeValueAsBytes(node);
    }

    static ControlMessage control(News news) {
        Map<String, String> arguments = new HashMap<>();
        for (var each : news.node.path("arguments").properties()) {
            arguments.put(each.getKey(), each.getValue().stringValue());
        }
        return new ControlMessage(optional(news.node, "worker"), text(news.node, "command"), arguments);
    }

    static byte[] forget(String from, String worker) {
        ObjectNode node = object("forget", from);
        node.put("worker", worker);
        return MAPPER.writeValueAsBytes(node);
    }

    static byte[] report(String from, WorkerReport report, Map<String, Integer> running) {
        ObjectNode node = object("report", from);
        node.put("id", report.id());
        node.put("host", report.host());
        node.put("pid", report.pid());
        node.put("state", report.state());
        node.put("plan", report.plan());
        node.put("workers", report.workers());
        put(node, "queues", report.queues());
        put(node, "types", report.types());
        put(node, "running", report.running());
        node.put("succeeded", report.succeeded());
        node.put("failed", report.failed());
        node.put("startedAt", report.startedAt().toString());
        ObjectNode held = node.putObject("held");
        running.forEach(held::put);
        return MAPPER.writeValueAsBytes(node);
    }

    private static void put(ObjectNode node, String name, Iterable<String> texts) {
        ArrayNode array = node.putArray(name);
        texts.forEach(array::add);
    }

    static WorkerReport report(News news, Instant seenAt) {
        JsonNode node = news.node;
        return new WorkerReport(text(node, "id"), text(node, "host"), node.path("pid").asLong(), text(node, "state"),
                text(node, "plan"), node.path("workers").asInt(), texts(node, "queues"),
                new HashSet<>(texts(node, "types")), texts(node, "running"), node.path("succeeded").asLong(),
                node.path("failed").asLong(), Instant.parse(text(node, "startedAt")), seenAt);
    }

    /** How many tasks the broker object of a report holds, by queue. */
    static Map<String, Integer> held(News news) {
        Map<String, Integer> held = new HashMap<>();
        for (var each : news.node.path("held").properties()) {
            held.put(each.getKey(), each.getValue().asInt());
        }
        return held;
    }

    // ---- the directory: a queue and a type, or a queue with dead letters ----

    static byte[] source(String queue, @Nullable String type) {
        ObjectNode node = MAPPER.createObjectNode();
        node.put("queue", queue);
        if (type != null) {
            node.put("type", type);
        }
        return MAPPER.writeValueAsBytes(node);
    }

    /** A mark in the directory, up to which somebody reads. */
    static byte[] mark(String mark) {
        return MAPPER.writeValueAsBytes(MAPPER.createObjectNode().put("mark", mark));
    }

    static boolean isMark(byte[] bytes, String mark) {
        return mark.equals(MAPPER.readTree(bytes).path("mark").asString(""));
    }

    /** Returns null for a mark. */
    static Directory.@Nullable Entry source(byte[] bytes) {
        JsonNode node = MAPPER.readTree(bytes);
        if (node.has("mark")) {
            return null;
        }
        return new Directory.Entry(text(node, "queue"), optional(node, "type"));
    }

    private static List<String> texts(JsonNode node, String name) {
        List<String> texts = new ArrayList<>();
        node.path(name).forEach(each -> texts.add(each.stringValue()));
        return texts;
    }

    private static String text(JsonNode node, String name) {
        return node.path(name).stringValue();
    }

    private static @Nullable String optional(JsonNode node, String name) {
        JsonNode value = node.get(name);
        return value == null ? null : value.stringValue();
    }
}
