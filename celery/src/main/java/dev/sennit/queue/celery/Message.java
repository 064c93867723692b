package dev.sennit.queue.celery;

import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFormatException;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.When;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.foreign.PythonCall;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A message of Celery's protocol 2 as kombu keeps it in a list, and the task that it stands for.
 *
 * <p><b>Arguments.</b> {@link PythonCall} says which argument a task type gets of them. The header
 * {@code sennit} holds what Celery has no place for, and how the argument was written where that is not plain.
 */
final class Message {
    /** The header with all of a task that Celery does not know. */
    static final String SENNIT = "sennit";
    /** The header of a task that says how a worker makes the argument, see {@link QueuedTask#ARGUMENT}. */
    static final String OWN = "own";

    private static final String DEAD = "dead";
    /** The member of {@link #SENNIT} that says how the argument was written. */
    private static final String FORM = "form";
    /** The member of {@link #SENNIT} that says when it was enqueued, in ms. */
    private static final String AT = "at";
    private static final Instant LAST = Instant.parse("9999-12-31T23:59:59Z");
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSxxx");
    /** How much of the arguments is told to those who look on. */
    private static final int LONGEST_SHOWN = 1024;
    private static final Set<String> CELERYS = Set.of("lang", "task", "id", "shadow", "eta", "expires", "group",
            "group_index", "retries", "timelimit", "root_id", "parent_id", "argsrepr", "kwargsrepr", "origin",
            "ignore_result", "redelivered", "meth", "stamped_headers", "stamps", "replaced_task_nesting", "compression",
            "delivery_mode", SENNIT);

    private final byte[] raw;
    private final ObjectNode envelope;
    private final JsonNode headers;
    private final String id;
    private final String name;
    private final String arguments;
    private final String named;
    private final JsonNode embed;

    private Message(byte[] raw, ObjectNode envelope, JsonNode headers, String id, String name, String arguments,
            String named, JsonNode embed) {
        this.raw = raw;
        this.envelope = envelope;
        this.headers = headers;
        this.id = id;
        this.name = name;
        this.arguments = arguments;
        this.named = named;
        this.embed = embed;
    }

    /**
     * Reads a message.
     *
     * @throws UnreadableException if it is none; the message of the exception shows nothing of it
     */
    static Message read(byte[] raw) {
        try {
            if (!(Json.read(raw) instanceof ObjectNode envelope)) {
                throw new UnreadableException("the entry is no JSON object");
            }
            ensureJson(envelope);
            String body = Json.text(envelope, "body");
            if (body == null) {
                throw new UnreadableException("the message is none of protocol 2: it has no id, name or body");
            }
            String encoding = Json.text(envelope.get("properties"), "body_encoding");
            return of(raw, envelope, encoding == null
                    ? body.getBytes(StandardCharsets.UTF_8)
                    : Base64.getDecoder().decode(body));
        } catch (JacksonException e) {
            throw new UnreadableException("the message is no JSON: " + e.getOriginalMessage());
        } catch (UnreadableException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new UnreadableException("the body is not in base64");
        }
    }

    /**
     * Reads a message whose body comes apart.
     *
     * @throws UnreadableException if it is none; the message of the exception shows nothing of it
     */
    static Message of(ObjectNode envelope, byte[] body) {
        ensureJson(envelope);
        try {
            return of(body, envelope, body);
        } catch (JacksonException e) {
            throw new UnreadableException("the message is no JSON: " + e.getOriginalMessage());
        }
    }

    private static void ensureJson(ObjectNode envelope) {
        if (!"application/json".equals(Json.text(envelope, "content-type"))) {
            throw new UnreadableException("the content type is not JSON");
        }
    }

    private static Message of(byte[] raw, ObjectNode envelope, byte[] body) {
        JsonNode headers = Json.member(envelope, "headers");
        String id = Json.text(headers, "id");
        String name = Json.text(headers, "task");
        if (headers == null || id == null || name == null) {
            throw new UnreadableException("the message is none of protocol 2: it has no id, name or body");
        }
        if (Json.member(headers, "compression") != null) {
            throw new UnreadableException("the body is compressed");
        }
        String[] parts = Json.elements(body, 3);
        if (parts == null || parts[0].charAt(0) != '[' || parts[1].charAt(0) != '{' || parts[2].charAt(0) != '{') {
            throw new UnreadableException("the body is no list of arguments, named arguments and what follows");
        }
        return new Message(raw, envelope, headers, id, name, parts[0], parts[1],
                Json.read(parts[2].getBytes(StandardCharsets.UTF_8)));
    }

    byte[] raw() {
        return raw;
    }

    String id() {
        return id;
    }

    String name() {
        return name;
    }

    String arguments() {
        return arguments;
    }

    String named() {
        return named;
    }

    JsonNode embed() {
        return embed;
    }

    JsonNode headers() {
        return headers;
    }

    @Nullable String header(String which) {
        return Json.text(headers, which);
    }

    String root() {
        String root = header("root_id");
        return root == null || root.isBlank() || root.length() > 200 ? id : root;
    }

    int retries() {
        JsonNode retries = headers.get("retries");
        return retries != null && retries.canConvertToInt() && retries.isIntegralNumber()
                ? Math.clamp(retries.intValue(), 0, 1_000_000)
                : 0;
    }

    @Nullable Instant eta() {
        return moment(header("eta"));
    }

    @Nullable Instant expires() {
        return moment(header("expires"));
    }

    boolean ignoresResult() {
        return Json.isTrue(headers.get("ignore_result"));
    }

    /** Returns the properties. */
    JsonNode properties() {
        JsonNode properties = Json.member(envelope, "properties");
        return properties == null ? Json.object() : properties;
    }

    int priority() {
        JsonNode priority = Json.member(properties(), "priority");
        return priority != null && priority.isIntegralNumber() && priority.canConvertToInt()
                ? Math.clamp(priority.intValue(), 0, 9)
                : 0;
    }

    @Nullable String replyTo() {
        return Json.text(properties(), "reply_to");
    }

    /** Returns when it was enqueued, if its submitter has said so. */
    @Nullable Instant enqueuedAt() {
        JsonNode at = Json.member(headers.get(SENNIT), AT);
        return at != null && at.isIntegralNumber() && at.canConvertToLong()
                ? Instant.ofEpochMilli(Math.clamp(at.longValue(), 0, 253402300799000L))
                : null;
    }

    /** Returns the moment that Celery writes, by UTC if it has no offset; null if there is none. */
    static @Nullable Instant moment(@Nullable String text) {
        if (text == null) {
            return null;
        }
        Instant moment;
        try {
            moment = OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeException e) {
            try {
                moment = LocalDateTime.parse(text).toInstant(ZoneOffset.UTC);
            } catch (DateTimeException other) {
                throw new UnreadableException("eta or expires is no time of day");
            }
        }
        if (moment.isBefore(Instant.EPOCH) || moment.isAfter(LAST)) {
            throw new UnreadableException("eta or expires is not from 1970 to 9999");
        }
        return moment;
    }

    // ---- the task ----

    /**
     * Returns the task.
     *
     * @param queue the queue from which it was claimed, as the worker calls it
     * @throws UnreadableException if a value is out of its bounds
     */
    QueuedTask task(Address address, String queue) {
        Map<String, String> others = new HashMap<>();
        for (var each : headers.properties()) {
            if (!CELERYS.contains(each.getKey()) && each.getValue().isString()) {
                others.put(each.getKey(), each.getValue().stringValue());
            }
        }
        JsonNode own = Json.member(headers, SENNIT);
        JsonNode ours = own != null && name.equals(Json.text(own, "type")) ? own : null;
        String form = Json.text(ours, FORM);
        byte[] payload = new PythonCall(arguments, named, form).payload(others);
        if (DEAD.equals(others.get(QueuedTask.ARGUMENT)) && !others.containsKey(QueuedTask.DEAD_ID)) {
            payload = new byte[0]; // a worker of Python calls it, by the id of the task alone
            others.put(QueuedTask.DEAD_ID, Json.size(arguments) > 0 && Json.read(arguments.getBytes(
                    StandardCharsets.UTF_8)).get(0).isString()
                            ? Json.read(arguments.getBytes(StandardCharsets.UTF_8)).get(0).stringValue()
                            : "");
            others.put(QueuedTask.DEAD_REASON, "FAILED");
        }
        try {
            QueuedTask.Builder task = ours != null
                    ? TaskJson.read(Json.write(ours), payload).toBuilder()
                    : foreign(address, payload, others);
            return task.id(id).root(root()).queue(queue).headers(others)
                    .onDead(Canvas.errorCallbacks(embed)).build();
        } catch (IllegalArgumentException | TaskFormatException e) {
            throw new UnreadableException("the message is none of a task: " + e.getMessage());
        }
    }

    private QueuedTask.Builder foreign(Address address, byte[] payload, Map<String, String> others) {
        others.put(QueuedTask.FOREIGN, "celery");
        JsonNode limits = headers.get("timelimit");
        Duration hard = limits == null ? null : seconds(limits.get(0));
        Duration soft = limits == null ? null : seconds(limits.get(1));
        if (hard != null && soft != null && soft.compareTo(hard) >= 0) {
            soft = null;
        }
        Instant eta = eta();
        Instant expires = expires();
        return QueuedTask.of(name, payload).id(id)
                .priority(address.sennitPriority(priority()))
                .due(eta == null ? null : When.at(eta))
                .expires(expires == null ? null : When.at(expires))
                .softLimit(soft)
                .hardLimit(hard)
                .replyTo(replyTo())
                .resultTtl(ignoresResult() ? Duration.ZERO : address.resultExpires());
    }

    private static @Nullable Duration seconds(@Nullable JsonNode value) {
        double seconds = value == null || !value.isNumber() ? 0 : value.decimalValue().doubleValue();
        return seconds > 0 && seconds <= 1e9 ? Duration.ofMillis(Math.max(1, Math.round(seconds * 1000))) : null;
    }

    // ---- writing ----

    /** Returns what Celery has no place for, as the value of the header {@link #SENNIT}. */
    static ObjectNode extra(QueuedTask task, @Nullable String form, @Nullable Instant now) {
        QueuedTask rest = task.toBuilder().headers(Map.of()).onDead(List.of()).part(null).after(null).build();
        var extra = (ObjectNode) Json.read(TaskJson.write(rest));
        if (form != null) {
            extra.put(FORM, form);
        }
        if (now != null) {
            extra.put(AT, now.toEpochMilli());
        }
        return extra;
    }

    /** Returns headers of a message, in kombu's order, without what a task has of its own. */
    static ObjectNode headers(String id, String name, String root, @Nullable String parent, String origin) {
        ObjectNode headers = Json.object();
        headers.put("lang", "java");
        headers.put("task", name);
        headers.put("id", id);
        headers.putNull("shadow");
        headers.putNull("eta");
        headers.putNull("expires");
        headers.putNull("group");
        headers.putNull("group_index");
        headers.put("retries", 0);
        headers.putArray("timelimit").addNull().addNull();
        headers.put("root_id", root);
        headers.put("parent_id", parent);
        headers.put("argsrepr", "()");
        headers.put("kwargsrepr", "{}");
        headers.put("origin", origin);
        headers.put("ignore_result", false);
        return headers;
    }

    /** Returns arguments for those who look on. */
    static String shown(String arguments, boolean isList) {
        String text = isList ? "(" + Json.inner(arguments) + ")" : arguments;
        return text.length() <= LONGEST_SHOWN ? text : text.substring(0, LONGEST_SHOWN - 3) + "...";
    }

    /**
     * Returns the entry of a list.
     *
     * @param body the body, or null for one that is put in later, as text: {@link #body}
     */
    static ObjectNode envelope(ObjectNode headers, String queue, int priority, @Nullable String replyTo) {
        ObjectNode envelope = Json.object();
        envelope.put("body", "");
        envelope.put("content-encoding", "utf-8");
        envelope.put("content-type", "application/json");
        envelope.set("headers", headers);
        ObjectNode properties = envelope.putObject("properties");
        properties.put("correlation_id", String.valueOf(Json.text(headers, "id")));
        properties.put("reply_to", replyTo == null ? "" : replyTo);
        properties.put("delivery_mode", 2);
        ObjectNode info = properties.putObject("delivery_info");
        info.put("exchange", "");
        info.put("routing_key", queue);
        properties.put("priority", priority);
        properties.put("delivery_tag", UUID.randomUUID().toString());
        return envelope;
    }

    /** Puts a body in, in base64 as kombu does. */
    static byte[] withBody(ObjectNode envelope, String body) {
        envelope.put("body", Base64.getEncoder().encodeToString(body.getBytes(StandardCharsets.UTF_8)));
        ((ObjectNode) envelope.get("properties")).put("body_encoding", "base64");
        return Json.write(envelope);
    }

    /** Returns this message for another try: with one retry more, and a delivery of its own. */
    byte[] again(@Nullable Instant eta) {
        ObjectNode copy = envelope.deepCopy();
        ObjectNode changed = (ObjectNode) copy.get("headers");
        changed.put("retries", retries() + 1);
        if (eta == null) {
            changed.putNull("eta");
        } else {
            changed.put("eta", time(eta));
        }
        if (copy.get("properties") instanceof ObjectNode properties) {
            properties.put("delivery_tag", UUID.randomUUID().toString());
        }
        return Json.write(copy);
    }

    /** Returns a moment as Celery writes it. */
    static String time(Instant moment) {
        return TIME.format(moment.atOffset(ZoneOffset.UTC));
    }
}
