package dev.sennit.queue.celery;

import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.When;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.foreign.PythonCall;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes messages of Celery's signatures, as its canvas does: what follows a task is a signature in the task's message,
 * and whoever ends the task sends it.
 *
 * <p><b>Signatures.</b> A plain one is a task. A chain sends its first task, whose message holds the others in reverse.
 * A group sends all its tasks. A chord sends its header, a group; each part's message holds the body, and Redis holds
 * how many parts there are. A group with something behind it in a chain is the header of a chord.
 *
 * <p><b>The hole.</b> The body of a chord gets the results of the parts, which only the script knows that ends the last
 * part. So its message is made in two pieces, before and behind the results, with the body as text and not in base64.
 */
final class Canvas {
    /**
     * A message to be sent.
     *
     * @param id the id of its task
     * @param queue kombu's name of the queue
     * @param priority Celery's priority
     * @param envelope all but the body
     * @param body the body, perhaps with a hole
     */
    record Out(String id, String queue, int priority, ObjectNode envelope, String body) {
        boolean hasHole() {
            return body.contains(HOLE);
        }

        /** Returns the entry of a list, or what stands before its hole. */
        byte[] before() {
            if (!hasHole()) {
                return Message.withBody(envelope, body);
            }
            String entry = withHole();
            return entry.substring(0, entry.indexOf(HOLE_IN_TEXT)).getBytes(StandardCharsets.UTF_8);
        }

        /** Returns what stands behind the hole, or nothing. */
        byte[] behind() {
            if (!hasHole()) {
                return new byte[0];
            }
            String entry = withHole();
            return entry.substring(entry.indexOf(HOLE_IN_TEXT) + HOLE_IN_TEXT.length())
                    .getBytes(StandardCharsets.UTF_8);
        }

        private String withHole() {
            envelope.put("body", body);
            return text(envelope);
        }

        /** Returns the body with something in its hole. */
        String filled(String argument) {
            return body.replace(HOLE, argument);
        }
    }

    /** How many parts a chord has, by the key of that. */
    record Size(String key, int parts) {}

    /** How the keys begin under which Celery gathers the parts of a chord. */
    static final String GROUP = "celery-taskset-meta-";
    /** The argument that only the script knows. */
    static final String HOLE;
    private static final String HOLE_IN_TEXT;

    static { // nobody who writes arguments knows it
        String name = "@sennit-hole-" + UUID.randomUUID() + "@";
        HOLE = "\"" + name + "\"";
        HOLE_IN_TEXT = "\\\"" + name + "\\\"";
    }

    /** The longest chain or group that is read of a message. */
    private static final int MOST_STEPS = 100_000;
    private static final int DEEPEST = 100;

    private final Address address;
    private final String origin;
    private final Instant now;
    private final List<Out> outs = new ArrayList<>();
    private final List<Size> sizes = new ArrayList<>();
    /** Arguments as they were written, by the ids of tasks: their numbers keep their digits. */
    private final Map<String, PythonCall> written = new HashMap<>();
    private int steps;
    private int depth;

    Canvas(Address address, String origin, Instant now) {
        this.address = address;
        this.origin = origin;
        this.now = now;
    }

    List<Out> outs() {
        return outs;
    }

    List<Size> sizes() {
        return sizes;
    }

    /**
     * Sends what a signature says.
     *
     * @param signature the signature
     * @param argument what goes before its own arguments, as JSON or {@link #HOLE}; or null
     * @param options go before its own options
     * @throws UnreadableException if it is no signature
     */
    void send(JsonNode signature, @Nullable String argument, ObjectNode options) {
        if (!(signature instanceof ObjectNode object) || ++depth > DEEPEST) {
            throw new UnreadableException("a signature is no object, or nested too deeply");
        }
        switch (String.valueOf(Json.text(object, "subtask_type"))) {
            case "chain" -> chain(object, argument, options);
            case "group" -> group(object, argument, options);
            case "chord" -> chord(object, argument, options);
            default -> task(object, argument, options);
        }
        depth--;
    }

    /**
     * Sends a task of Sennit.
     *
     * @param at when it was enqueued, or null
     */
    void send(QueuedTask task, ObjectNode options, @Nullable Instant at) {
        ObjectNode signature = signature(address, task, true, now);
        if (at != null) {
            ((ObjectNode) signature.get("options").get("headers").get(Message.SENNIT)).put("at", at.toEpochMilli());
        }
        written.put(task.id(), PythonCall.of(task, "Celery"));
        send(signature, null, options);
    }

    /** Returns options that name the task before, and the first one. */
    static ObjectNode after(String parent, String root) {
        ObjectNode options = Json.object();
        options.put("parent_id", parent);
        options.put("root_id", root);
        return options;
    }

    private static ObjectNode merged(ObjectNode signature, ObjectNode options) {
        ObjectNode merged = Json.object();
        if (signature.get("options") instanceof ObjectNode own) {
            merged.setAll(own);
        }
        for (var each : options.properties()) {
            // a chord waits for the group that its parts were made for
            if (!each.getKey().equals("group_id") || Json.member(merged, "group_id") == null) {
                merged.set(each.getKey(), each.getValue());
            }
        }
        return merged;
    }

    private static ObjectNode optionsOf(ObjectNode signature) {
        return signature.get("options") instanceof ObjectNode own ? own : signature.putObject("options");
    }

    /** Returns the id of the task of a signature, which it gets if it has none. */
    private static String idOf(ObjectNode options) {
        String id = Json.text(options, "task_id");
        if (id == null || id.isBlank() || id.length() > 200) {
            id = UUID.randomUUID().toString();
            options.put("task_id", id);
        }
        return id;
    }

    // ---- a task ----

    private void task(ObjectNode signature, @Nullable String argument, ObjectNode given) {
        if (++steps > MOST_STEPS) {
            throw new UnreadableException("more than " + MOST_STEPS + " tasks follow");
        }
        String name = Json.text(signature, "task");
        if (name == null) {
            throw new UnreadableException("a signature has no task");
        }
        ObjectNode options = merged(signature, given);
        String id = idOf(options);
        StringBuilder arguments = new StringBuilder("[");
        if (argument != null && !Json.isTrue(signature.get("immutable"))) {
            arguments.append(argument);
        }
        if (signature.get("args") instanceof ArrayNode own) {
            for (JsonNode each : own) {
                arguments.append(arguments.length() == 1 ? "" : ",").append(text(each));
            }
        }
        arguments.append(']');
        String named = signature.get("kwargs") instanceof ObjectNode own ? text(own) : "{}";
        PythonCall call = written.get(id);
        if (call != null) {
            arguments.replace(0, arguments.length(), call.arguments());
            named = call.named();
        }
        String root = Json.text(options, "root_id");
        ObjectNode headers =
                Message.headers(id, name, root == null ? id : root, Json.text(options, "parent_id"), origin);
        headers.put("argsrepr", Message.shown(arguments.toString(), true));
        headers.put("kwargsrepr", Message.shown(named, false));
        copy(options, "shadow", headers, "shadow");
        copy(options, "group_id", headers, "group");
        copy(options, "group_index", headers, "group_index");
        copy(options, "retries", headers, "retries");
        copy(options, "ignore_result", headers, "ignore_result");
        String eta = moment(options.get("eta"), options.get("countdown"));
        if (eta != null) {
            headers.put("eta", eta);
        }
        String expires = moment(options.get("expires"), options.get("expires"));
        if (expires != null) {
            headers.put("expires", expires);
        }
        if (options.has("time_limit") || options.has("soft_time_limit")) {
            ArrayNode limits = headers.putArray("timelimit");
            limits.add(orNull(options.get("time_limit")));
            limits.add(orNull(options.get("soft_time_limit")));
        }
        if (options.get("headers") instanceof ObjectNode more) {
            headers.setAll(more);
        }
        ObjectNode embed = Json.object();
        embed.set("callbacks", list(options.get("link")));
        embed.set("errbacks", list(options.get("link_error")));
        embed.set("chain", orNull(options.get("chain")));
        embed.set("chord", orNull(options.get("chord")));
        add(id, headers, options, "[" + arguments + "," + named + "," + text(embed) + "]");
    }

    private void add(String id, ObjectNode headers, ObjectNode options, String body) {
        String queue = queue(options);
        JsonNode wanted = Json.member(options, "priority");
        int priority = wanted != null && wanted.isIntegralNumber() ? Math.clamp(wanted.longValue(), 0, 9) : 0;
        ObjectNode envelope = Message.envelope(headers, queue, priority, Json.text(options, "reply_to"));
        if (body.contains(HOLE)) {
            headers.put("argsrepr", "(...)");
        }
        outs.add(new Out(id, queue, priority, envelope, body));
    }

    private String queue(ObjectNode options) {
        String queue = Json.text(options, "queue");
        if (queue != null && !queue.isBlank()) {
            return queue;
        }
        String key = Json.text(options, "routing_key");
        return key != null && !key.isBlank() ? key : address.defaultQueue();
    }

    /** Returns a moment of a time of day, or of seconds from now; or null. */
    private @Nullable String moment(@Nullable JsonNode at, @Nullable JsonNode seconds) {
        if (at != null && at.isString()) {
            return at.stringValue();
        }
        if (seconds == null || !seconds.isNumber()) {
            return null;
        }
        double after = Math.clamp(seconds.decimalValue().doubleValue(), -1e9, 1e11);
        return Message.time(now.plusMillis(Math.round(after * 1000)));
    }

    private static void copy(ObjectNode from, String name, ObjectNode to, String newName) {
        JsonNode value = Json.member(from, name);
        if (value != null) {
            to.set(newName, value);
        }
    }

    private static JsonNode orNull(@Nullable JsonNode value) {
        return value == null ? Json.MAPPER.nullNode() : value;
    }

    private static JsonNode list(@Nullable JsonNode value) {
        if (value == null || value.isNull() || value.isArray()) {
            return orNull(value);
        }
        return Json.array().add(value);
    }

    private static String text(JsonNode node) {
        return new String(Json.write(node), StandardCharsets.UTF_8);
    }

    // ---- a chain ----

    private void chain(ObjectNode signature, @Nullable String argument, ObjectNode given) {
        ObjectNode options = merged(signature, given);
        Deque<JsonNode> left = new ArrayDeque<>();
        tasksOf(signature).forEach(left::addLast);
        List<ObjectNode> reversed = new ArrayList<>();
        for (JsonNode each = left.pollLast(); each != null; each = left.pollLast()) {
            if (!(each instanceof ObjectNode original)) {
                throw new UnreadableException("a task of a chain is no signature");
            }
            if ("chain".equals(Json.text(original, "subtask_type"))) {
                tasksOf(original).forEach(left::addLast);
                ensureFew(left.size());
                continue;
            }
            ObjectNode task = original.deepCopy();
            if (reversed.isEmpty()) {
                // whoever waits for the chain waits for its last task
                ObjectNode own = optionsOf(task);
                for (String name : List.of("task_id", "group_id", "group_index", "chord")) {
                    if (Json.member(options, name) != null && Json.member(own, name) == null) {
                        own.set(name, options.get(name));
                    }
                }
                for (String name : List.of("link", "link_error")) {
                    if (Json.member(options, name) != null) {
                        own.set(name, both(own.get(name), options.get(name)));
                    }
                }
            } else if ("group".equals(Json.text(task, "subtask_type"))) {
                ObjectNode body = reversed.removeLast();
                String id = idOf(optionsOf(body));
                task = chordOf(task, body);
                optionsOf(task).put("task_id", id);
            }
            idOf(optionsOf(task));
            reversed.add(task);
            ensureFew(reversed.size());
        }
        if (reversed.isEmpty()) {
            return;
        }
        ObjectNode first = reversed.removeLast();
        ObjectNode more = Json.object();
        for (String name : List.of("root_id", "parent_id")) {
            copy(options, name, more, name);
        }
        ArrayNode rest = Json.array();
        if (options.get("chain") instanceof ArrayNode outer) {
            rest.addAll(outer);
        }
        reversed.forEach(rest::add);
        if (!rest.isEmpty()) {
            more.set("chain", rest);
        }
        send(first, argument, more);
    }

    private static ArrayNode both(@Nullable JsonNode one, JsonNode other) {
        ArrayNode all = Json.array();
        for (JsonNode each : new JsonNode[] {list(one), list(other)}) {
            if (each instanceof ArrayNode some) {
                all.addAll(some);
            }
        }
        return all;
    }

    static ObjectNode chordOf(ObjectNode header, ObjectNode body) {
        ObjectNode chord = Json.object();
        chord.put("task", "celery.chord");
        chord.putArray("args");
        ObjectNode named = chord.putObject("kwargs");
        named.putObject("kwargs");
        named.set("header", header);
        named.set("body", body);
        chord.putObject("options");
        chord.put("subtask_type", "chord");
        chord.put("immutable", false);
        return chord;
    }

    private static List<JsonNode> tasksOf(ObjectNode signature) {
        List<JsonNode> tasks = new ArrayList<>();
        if (Json.member(signature.get("kwargs"), "tasks") instanceof ArrayNode some) {
            some.forEach(tasks::add);
        }
        return tasks;
    }

    private static void ensureFew(int count) {
        if (count > MOST_STEPS) {
            throw new UnreadableException("more than " + MOST_STEPS + " tasks follow");
        }
    }

    // ---- groups and chords ----

    private void group(ObjectNode signature, @Nullable String argument, ObjectNode given) {
        ObjectNode options = merged(signature, given);
        JsonNode chord = Json.member(options, "chord");
        parts(idOf(options), flat(tasksOf(signature)), argument, chord, options);
    }

    /** Groups in groups are one group. */
    private static List<JsonNode> flat(List<JsonNode> tasks) {
        List<JsonNode> flat = new ArrayList<>();
        Deque<JsonNode> left = new ArrayDeque<>(tasks);
        for (JsonNode each = left.poll(); each != null; each = left.poll()) {
            if (each instanceof ObjectNode object && "group".equals(Json.text(object, "subtask_type"))) {
                tasksOf(object).reversed().forEach(left::addFirst);
            } else {
                flat.add(each);
            }
            ensureFew(flat.size() + left.size());
        }
        return flat;
    }

    private void parts(String group, List<JsonNode> parts, @Nullable String argument, @Nullable JsonNode chord,
            ObjectNode options) {
        int index = 0;
        int count = 0;
        JsonNode waiting = chord;
        for (JsonNode part : parts) {
            ObjectNode more = Json.object();
            for (String name : List.of("root_id", "parent_id")) {
                copy(options, name, more, name);
            }
            more.put("group_id", group);
            more.put("group_index", index++);
            JsonNode body = chord != null ? chord : Json.member(part.get("options"), "chord");
            if (body != null) {
                more.set("chord", body);
                waiting = body;
            }
            count += counts(part, 0);
            send(part, argument, more);
        }
        if (waiting != null && !parts.isEmpty()) {
            sizes.add(new Size(GROUP + group + ".s", count));
        }
    }

    /** Returns how many completions a signature is for the chord of which it is a part. */
    private static int counts(@Nullable JsonNode signature, int depth) {
        if (!(signature instanceof ObjectNode object) || depth > DEEPEST) {
            return 0;
        }
        return switch (String.valueOf(Json.text(object, "subtask_type"))) {
            case "group" -> tasksOf(object).stream().mapToInt(each -> counts(each, depth + 1)).sum();
            case "chain" -> tasksOf(object).reversed().stream().mapToInt(each -> counts(each, depth + 1))
                    .filter(count -> count > 0).findFirst().orElse(0);
            case "chord" -> counts(Json.member(object.get("kwargs"), "body"), depth + 1);
            default -> 1;
        };
    }

    private void chord(ObjectNode signature, @Nullable String argument, ObjectNode given) {
        JsonNode named = signature.get("kwargs");
        if (!(Json.member(named, "body") instanceof ObjectNode original)) {
            throw new UnreadableException("a chord has no body");
        }
        ObjectNode options = merged(signature, given);
        ObjectNode body = original.deepCopy();
        ObjectNode own = optionsOf(body);
        String wanted = Json.text(own, "task_id") == null ? Json.text(options, "task_id") : Json.text(own, "task_id");
        own.setAll(options);
        own.remove("task_id");
        if (wanted != null) {
            own.put("task_id", wanted);
        }
        idOf(own);
        JsonNode header = Json.member(named, "header");
        List<JsonNode> parts = new ArrayList<>();
        String group = null;
        if (header instanceof ArrayNode some) {
            some.forEach(parts::add);
        } else if (header instanceof ObjectNode object) {
            group = Json.text(object.get("options"), "task_id");
            parts.addAll("group".equals(Json.text(object, "subtask_type")) ? tasksOf(object) : List.of(object));
        }
        List<JsonNode> flat = flat(parts);
        if (flat.isEmpty()) {
            send(body, "[]", Json.object());
            return;
        }
        parts(group == null ? UUID.randomUUID().toString() : group, flat, argument, body, options);
    }

    /** Returns the id of the task that ends what a signature says. */
    static String lastId(JsonNode signature) {
        String id = Json.text(signature.get("options"), "task_id");
        if ("chain".equals(Json.text(signature, "subtask_type")) && signature instanceof ObjectNode chain
                && !tasksOf(chain).isEmpty()) {
            String last = Json.text(tasksOf(chain).getLast().get("options"), "task_id");
            return last != null ? last : id != null ? id : UUID.randomUUID().toString();
        }
        return id != null ? id : UUID.randomUUID().toString();
    }

    // ---- tasks of Sennit as signatures ----

    /**
     * Returns a signature.
     *
     * @param task the task; what it is part of and waits for does not count
     * @param isImmutable whether its argument is its own, and not the result of the task before
     */
    static ObjectNode signature(Address address, QueuedTask task, boolean isImmutable, Instant now) {
        PythonCall call = PythonCall.of(task, "Celery");
        ObjectNode signature = Json.object();
        signature.put("task", task.type());
        signature.set("args", Json.read(call.arguments().getBytes(StandardCharsets.UTF_8)));
        signature.set("kwargs", Json.read(call.named().getBytes(StandardCharsets.UTF_8)));
        ObjectNode options = signature.putObject("options");
        options.put("task_id", task.id());
        options.put("queue", address.queue(task.queue()));
        options.put("priority", address.priority(task.priority()));
        options.put("reply_to", task.replyTo() == null ? "" : task.replyTo());
        if (task.due() != null) {
            put(options, task.due(), "countdown", "eta", now);
        }
        if (task.expires() != null) {
            put(options, task.expires(), "expires", "expires", now);
        }
        putSeconds(options, "time_limit", task.hardLimit());
        putSeconds(options, "soft_time_limit", task.softLimit());
        if (task.resultTtl().isZero()) {
            options.put("ignore_result", true);
        }
        if (!task.onDead().isEmpty()) {
            ArrayNode callbacks = options.putArray("link_error");
            task.onDead().forEach(each -> callbacks.add(signature(address, each, true, now)));
        }
        ObjectNode headers = options.putObject("headers");
        task.headers().forEach(headers::put);
        headers.set(Message.SENNIT, Message.extra(task, isImmutable ? call.form() : null, null));
        signature.putNull("subtask_type");
        signature.put("immutable", isImmutable);
        return signature;
    }

    private static void put(ObjectNode options, When when, String after, String at, Instant now) {
        if (when.after() != null && after.equals("countdown")) {
            options.put(after, when.after().toMillis() / 1000.0);
        } else {
            options.put(at, Message.time(when.from(now)));
        }
    }

    private static void putSeconds(ObjectNode options, String name, @Nullable Duration value) {
        if (value != null) {
            options.put(name, value.toMillis() / 1000.0);
        }
    }

    /** Returns the error callbacks of a message that are tasks of Sennit. */
    static List<QueuedTask> errorCallbacks(JsonNode embed) {
        List<QueuedTask> tasks = new ArrayList<>();
        if (embed.get("errbacks") instanceof ArrayNode some) {
            for (JsonNode each : some) {
                if (sennit(each) != null) {
                    tasks.add(task(each));
                }
            }
        }
        return tasks;
    }

    /** Returns what a signature of Sennit holds for Sennit, or null if it is none. */
    private static @Nullable ObjectNode sennit(JsonNode signature) {
        return Json.member(Json.member(Json.member(signature, "options"), "headers"),
                Message.SENNIT) instanceof ObjectNode extra ? extra : null;
    }

    private static QueuedTask task(JsonNode signature) {
        JsonNode options = signature.get("options");
        ObjectNode extra = sennit(signature);
        if (extra == null || !(signature.get("args") instanceof ArrayNode arguments)
                || !(signature.get("kwargs") instanceof ObjectNode named)) {
            throw new UnreadableException("an error callback is no signature of Sennit");
        }
        Map<String, String> headers = new HashMap<>();
        options.get("headers").properties().forEach(each -> {
            if (each.getValue().isString()) {
                headers.put(each.getKey(), each.getValue().stringValue());
            }
        });
        String form = String.valueOf(Json.text(extra, "form"));
        String payload = switch (form) {
            case "empty" -> "";
            case "list" -> text(arguments);
            case "map" -> text(named);
            default -> arguments.isEmpty() ? "null" : text(arguments.get(0));
        };
        List<QueuedTask> more = new ArrayList<>();
        if (options.get("link_error") instanceof ArrayNode some) {
            some.forEach(each -> more.add(task(each)));
        }
        return TaskJson.read(Json.write(extra), payload.getBytes(StandardCharsets.UTF_8)).toBuilder()
                .headers(headers).onDead(more).build();
    }

    /**
     * Sends the error callbacks of a task that does not succeed. Those of Sennit learn why; those of Celery get the id.
     *
     * @param errbacks the signatures, or null
     */
    void sendErrorCallbacks(@Nullable JsonNode errbacks, String id, String root, String why, ErrorInfo error) {
        if (!(errbacks instanceof ArrayNode some)) {
            return;
        }
        for (JsonNode each : some) {
            ObjectNode options = after(id, root);
            if (sennit(each) == null) {
                send(each, text(Json.MAPPER.getNodeFactory().stringNode(id)), options);
                continue;
            }
            ObjectNode copy = (ObjectNode) each.deepCopy();
            ObjectNode own = (ObjectNode) copy.get("options");
            String fresh = QueuedTask.newId();
            own.put("task_id", fresh);
            ObjectNode headers = (ObjectNode) own.get("headers");
            headers.put(QueuedTask.DEAD_ID, id);
            headers.put(QueuedTask.DEAD_REASON, why);
            headers.put(QueuedTask.DEAD_ERROR, error.text().replaceAll("\\s+", " ").strip());
            ((ObjectNode) headers.get(Message.SENNIT)).put("id", fresh);
            JsonNode workflow = headers.get(Message.SENNIT).get("root");
            if (workflow != null) {
                options.set("root_id", workflow);
            } else {
                options.put("root_id", fresh);
            }
            send(copy, null, options);
        }
    }

    /** Returns the text of a reason. */
    static String text(@Nullable DeadReason reason, String otherwise) {
        return reason == null ? otherwise : reason.name();
    }
}
