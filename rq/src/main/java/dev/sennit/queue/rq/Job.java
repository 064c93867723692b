package dev.sennit.queue.rq;

import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskFormatException;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.foreign.PythonCall;
import dev.sennit.queue.redis.foreign.Server;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A job as RQ keeps it in a hash, and the task that it stands for.
 *
 * <p><b>Arguments.</b> {@code data} is {@code [function, null, args, kwargs]}, compressed; {@link PythonCall} says
 * which argument a task type gets of them.
 *
 * <p><b>The field {@code sennit}</b> holds what RQ has no place for, if a program in Java has enqueued the job: the
 * message of {@link TaskJson}. Before it stands when the job was created: RQ's producers may use an id again, and leave
 * fields that they do not know.
 */
final class Job {
    /** RQ's default for {@code result_ttl}. */
    static final long RESULT_MILLIS = 500_000;
    /** RQ's default for {@code failure_ttl}. */
    static final long FAILURE_MILLIS = 31_536_000_000L;
    /** How long Sennit keeps dead letters. */
    private static final long DEAD_SECONDS = 2_592_000;
    /** How long the result of a job is kept at least that others wait for: each of them reads it when it begins. */
    private static final Duration AWAITED = Duration.ofDays(7);
    private static final Duration LONGEST = Duration.ofDays(365_000);
    private static final int MOST_BYTES = 64 << 20;
    /** The member of the message that says how the argument was written. */
    private static final String FORM = "form";
    private static final String META_OF_SENNIT = "sennit";

    private final String id;
    private final String queue;
    private final String created;
    private final ObjectNode meta;
    private final int retriesLeft;
    private final List<Integer> intervals;
    private final long resultMillis;
    private final long failureMillis;
    private final boolean isForeign;
    private final QueuedTask task;

    private Job(String id, String queue, String created, ObjectNode meta, int retriesLeft, List<Integer> intervals,
            long resultMillis, long failureMillis, boolean isForeign, QueuedTask task) {
        this.id = id;
        this.queue = queue;
        this.created = created;
        this.meta = meta;
        this.retriesLeft = retriesLeft;
        this.intervals = intervals;
        this.resultMillis = resultMillis;
        this.failureMillis = failureMillis;
        this.isForeign = isForeign;
        this.task = task;
    }

    String id() {
        return id;
    }

    String queue() {
        return queue;
    }

    String created() {
        return created;
    }

    QueuedTask task() {
        return task;
    }

    /** Whether a program in Python has enqueued it. */
    boolean isForeign() {
        return isForeign;
    }

    /** How long its result is kept in ms, -1 for ever. */
    long resultMillis() {
        return resultMillis;
    }

    /** How long its failure is kept in ms, -1 for ever. */
    long failureMillis() {
        return failureMillis;
    }

    /** Whether RQ's own policy of retries has others left. */
    boolean hasRetries() {
        return retriesLeft > 0;
    }

    int retriesLeft() {
        return retriesLeft;
    }

    /** Returns how long a retry waits by RQ's policy, as RQ reads it. */
    Duration interval() {
        if (intervals.isEmpty()) {
            return Duration.ZERO;
        }
        int index = Math.max(intervals.size() - retriesLeft, 0);
        return Duration.ofSeconds(intervals.get(Math.min(index, intervals.size() - 1)));
    }

    /** Returns RQ's meta with how far the job is, for {@code job.get_meta()}. */
    byte[] meta(ObjectNode progress) {
        ObjectNode with = meta.deepCopy();
        with.set("progress", progress);
        return Json.write(with);
    }

    // ---- data ----

    /** The function and the arguments of a job. */
    record Data(String function, String arguments, String named) {
        /**
         * Reads the data of a job.
         *
         * @throws UnreadableException if it is no call in JSON; nothing else is read
         */
        static Data read(byte[] data) {
            byte[] json = inflated(data);
            if (json.length == 0 || json[0] != '[') {
                throw new UnreadableException("the job's data is not JSON: RQ's producers and workers need"
                        + " serializer='rq.serializers.JSONSerializer'");
            }
            String[] parts = Json.elements(json, 4);
            if (parts == null || !parts[0].startsWith("\"") || parts[2].charAt(0) != '['
                    || parts[3].charAt(0) != '{') {
                throw new UnreadableException(
                        "the job's data is no list of a function, null, arguments and named ones");
            }
            if (!parts[1].equals("null")) {
                throw new UnreadableException("the job calls a method of an object, which only Python has");
            }
            String function = Json.read(parts[0].getBytes(StandardCharsets.UTF_8)).stringValue();
            if (function.isBlank()) {
                throw new UnreadableException("the job names no function");
            }
            return new Data(function, parts[2], parts[3]);
        }
    }

    /** RQ reads what is not compressed as it is. */
    private static byte[] inflated(byte[] data) {
        try (Inflater inflater = new Inflater()) {
            inflater.setInput(data);
            var out = new ByteArrayOutputStream(Math.min(data.length * 3 + 64, 1 << 20));
            byte[] part = new byte[Math.clamp(data.length * 4L, 256, 1 << 16)];
            while (!inflater.finished()) {
                int count = inflater.inflate(part);
                if (count == 0 && (inflater.needsInput() || inflater.needsDictionary())) {
                    return data;
                }
                out.write(part, 0, count);
                if (out.size() > MOST_BYTES) {
                    throw new UnreadableException("the job's data is larger than " + (MOST_BYTES >> 20) + " MB");
                }
            }
            return out.toByteArray();
        } catch (DataFormatException e) {
            return data;
        }
    }

    static byte[] deflated(byte[] bytes) {
        try (Deflater deflater = new Deflater(Deflater.BEST_SPEED)) {
            deflater.setInput(bytes);
            deflater.finish();
            var out = new ByteArrayOutputStream(bytes.length / 2 + 64);
            byte[] part = new byte[Math.clamp(bytes.length + 64L, 64, 1 << 16)];
            while (!deflater.finished()) {
                out.write(part, 0, deflater.deflate(part));
            }
            return out.toByteArray();
        }
    }

    /** Returns the text of an error that RQ has written. */
    static String text(byte[] deflated) {
        return new String(inflated(deflated), StandardCharsets.UTF_8);
    }

    // ---- reading ----

    /** The fields of a hash, in the order in which {@code claim.lua} has them. */
    private enum Field {
        CREATED_AT, DATA, SENNIT, TIMEOUT, RETRIES_LEFT, RETRY_INTERVALS, META, RESULT_TTL, FAILURE_TTL, ON_SUCCESS,
        ON_FAILURE, DEPENDENCIES, INPUTS
    }

    /**
     * Reads a job.
     *
     * @param failures how often it has failed before
     * @throws UnreadableException if it is none that can be served
     */
    static Job read(String id, String queue, int failures, List<?> fields) {
        try {
            return of(id, queue, failures, fields);
        } catch (JacksonException e) {
            throw new UnreadableException("the job's data is no JSON: " + e.getOriginalMessage());
        } catch (IllegalArgumentException | TaskFormatException e) {
            throw new UnreadableException("the job is none of a task: " + e.getMessage());
        }
    }

    /** Returns a job of which nothing is known but its message, or that it has none: its argument is not read. */
    static Job lost(String id, String queue, String created, String message) {
        QueuedTask own = withoutArgument(message);
        boolean isOwn = own != null && own.id().equals(id) && own.queue().equals(queue);
        return new Job(id, queue, created, Json.object(), 0, List.of(), 0, isOwn ? DEAD_SECONDS * 1000 : FAILURE_MILLIS,
                !isOwn, own != null && isOwn ? own : QueuedTask.of("unknown", new byte[0]).id(id).queue(queue).build());
    }

    private static String text(List<?> fields, Field field) {
        return Server.text(fields.get(field.ordinal()));
    }

    private static Job of(String id, String queue, int failures, List<?> fields) {
        Data data = Data.read((byte[]) fields.get(Field.DATA.ordinal()));
        for (Field callback : List.of(Field.ON_SUCCESS, Field.ON_FAILURE)) {
            if (!text(fields, callback).isEmpty()) {
                throw new UnreadableException("the job has " + callback.name().toLowerCase(java.util.Locale.ROOT)
                        + ", a function that only a worker of Python can call: have a job depend on it instead");
            }
        }
        String created = text(fields, Field.CREATED_AT);
        JsonNode own = own(created, text(fields, Field.SENNIT));
        if (own != null && !data.function.equals(Json.text(own, "type"))) {
            own = null;
        }
        Map<String, String> headers = new HashMap<>();
        var call = new PythonCall(data.arguments, data.named, Json.text(own, FORM));
        ObjectNode meta = meta(text(fields, Field.META));
        int retriesLeft = Math.clamp(number(text(fields, Field.RETRIES_LEFT), 0), 0, 1_000_000);
        List<Integer> intervals = intervals(text(fields, Field.RETRY_INTERVALS));
        long failureMillis = millis(text(fields, Field.FAILURE_TTL), FAILURE_MILLIS);
        if (own != null) {
            QueuedTask task = TaskJson.read(Json.write(own), call.payload(headers));
            ensureCallable(task.onDead());
            if (!task.id().equals(id) || !task.queue().equals(queue)) {
                throw new UnreadableException("the job has another id or queue than its message");
            }
            return new Job(id, queue, created, meta, retriesLeft, List.of(), resultMillis(task),
                    failureMillis == 0 ? FAILURE_MILLIS : failureMillis, false, task);
        }
        byte[] payload = call.payload(headers);
        for (var each : meta.properties()) {
            if (each.getValue().isString() && !each.getKey().startsWith("sennit-")) {
                headers.put(each.getKey(), each.getValue().stringValue());
            }
        }
        RetryPolicy retry = RetryPolicy.NONE;
        if (retriesLeft > 0) {
            retry = RetryPolicy.attempts(failures + retriesLeft + 1);
        } else if (text(fields, Field.RETRIES_LEFT).isEmpty()) {
            headers.put(QueuedTask.FOREIGN, "rq");
        }
        long resultMillis = millis(text(fields, Field.RESULT_TTL), RESULT_MILLIS);
        long timeout = number(text(fields, Field.TIMEOUT), 180);
        QueuedTask task = QueuedTask.of(data.function, payload).id(id).queue(queue).headers(headers).retry(retry)
                .hardLimit(timeout > 0 ? Duration.ofSeconds(Math.min(timeout, LONGEST.toSeconds())) : null)
                .resultTtl(resultMillis < 0 ? LONGEST : Duration.ofMillis(resultMillis))
                .build();
        return new Job(id, queue, created, meta, retriesLeft, intervals, resultMillis, failureMillis, true, task);
    }

    /** Returns the message that Java has written for this very job, or null. */
    private static @Nullable JsonNode own(String created, String field) {
        int cut = field.indexOf('\n');
        return cut < 0 || !field.substring(0, cut).equals(created)
                ? null
                : message(field.substring(cut + 1));
    }

    /** Reads a message; null if it is none. */
    static @Nullable JsonNode message(String json) {
        return json.isEmpty() ? null : Json.read(json.getBytes(StandardCharsets.UTF_8));
    }

    /** Reads all of the task of a message but its argument; null if it is none. */
    static @Nullable QueuedTask withoutArgument(String json) {
        try {
            QueuedTask task =
                    json.isEmpty() ? null : TaskJson.read(json.getBytes(StandardCharsets.UTF_8), new byte[0]);
            if (task != null) {
                ensureCallable(task.onDead());
            }
            return task;
        } catch (TaskFormatException | IllegalArgumentException e) {
            return null;
        }
    }

    /** Checks that error callbacks can be enqueued when their time comes. */
    private static void ensureCallable(List<QueuedTask> callbacks) {
        for (QueuedTask callback : callbacks) {
            PythonCall.of(callback, "RQ");
            ensureCallable(callback.onDead());
        }
    }

    private static ObjectNode meta(String json) {
        return !json.isEmpty() && Json.read(json.getBytes(StandardCharsets.UTF_8)) instanceof ObjectNode meta
                ? meta
                : Json.object();
    }

    private static List<Integer> intervals(String json) {
        List<Integer> intervals = new ArrayList<>();
        if (!json.isEmpty() && Json.read(json.getBytes(StandardCharsets.UTF_8)) instanceof ArrayNode array) {
            for (JsonNode each : array) {
                intervals.add(each.canConvertToInt() ? Math.max(0, each.intValue()) : 0);
            }
        }
        return intervals;
    }

    private static long number(String text, long otherwise) {
        if (text.isEmpty()) {
            return otherwise;
        }
        try {
            return new java.math.BigDecimal(text).longValue();
        } catch (NumberFormatException e) {
            throw new UnreadableException("the job has a number that is none");
        }
    }

    private static long millis(String seconds, long otherwise) {
        if (seconds.isEmpty()) {
            return otherwise;
        }
        long number = number(seconds, 0);
        return number < 0 ? -1 : Math.min(number, LONGEST.toSeconds()) * 1000;
    }

    private static long resultMillis(QueuedTask task) {
        Duration ttl = task.part() != null && task.resultTtl().compareTo(AWAITED) < 0 ? AWAITED : task.resultTtl();
        return ttl.compareTo(LONGEST) > 0 ? LONGEST.toMillis() : ttl.toMillis();
    }

    // ---- writing ----

    /** Returns the message of a task, by which it is read again. */
    static byte[] message(QueuedTask task) {
        var message = (ObjectNode) Json.read(TaskJson.write(task));
        String form = PythonCall.of(task, "RQ").form();
        if (form != null) {
            message.put(FORM, form);
        }
        return Json.write(message);
    }

    /**
     * Returns the fields of a new job.
     *
     * @param message see {@link #message}
     * @param before the ids of the jobs that it waits for
     * @param stamp now
     * @throws IllegalArgumentException if its argument is no JSON
     */
    static Map<String, byte[]> fields(QueuedTask task, byte[] message, List<String> before, String stamp) {
        PythonCall call = PythonCall.of(task, "RQ");
        String data = "[" + Json.quoted(task.type()) + ",null," + call.arguments() + "," + call.named() + "]";
        Map<String, byte[]> fields = new LinkedHashMap<>();
        fields.put("created_at", Server.bytes(stamp));
        fields.put("data", deflated(data.getBytes(StandardCharsets.UTF_8)));
        for (String empty : List.of("success_callback_name", "failure_callback_name", "started_at", "ended_at",
                "last_heartbeat", "worker_name")) {
            fields.put(empty, new byte[0]);
        }
        fields.put("origin", Server.bytes(task.queue()));
        fields.put("description", Server.bytes(task.type() + "(...)")); // arguments may be secret
        fields.put("timeout", Server.bytes(task.hardLimit() == null ? -1 : seconds(task.hardLimit())));
        fields.put("result_ttl", Server.bytes((resultMillis(task) + 999) / 1000));
        fields.put("failure_ttl", Server.bytes(DEAD_SECONDS));
        if (task.retry().attempts() > 1) {
            fields.put("retries_left", Server.bytes(task.retry().attempts() - 1));
            fields.put("retry_intervals", Json.write(intervals(task.retry())));
        }
        if (!before.isEmpty()) {
            ArrayNode ids = Json.array();
            before.forEach(ids::add);
            fields.put("dependency_id", Server.bytes(before.getFirst()));
            fields.put("dependency_ids", Json.write(ids));
            fields.put("sennit_inputs", Server.bytes(before.size()));
        }
        if (!task.headers().isEmpty()) {
            ObjectNode meta = Json.object();
            task.headers().forEach(meta::put);
            fields.put("meta", Json.write(meta));
        }
        fields.put(META_OF_SENNIT, marked(stamp, message));
        fields.put("sennit_type", marked(stamp, Server.bytes(task.type())));
        return fields;
    }

    private static byte[] marked(String stamp, byte[] value) {
        byte[] mark = Server.bytes(stamp + "\n");
        byte[] marked = new byte[mark.length + value.length];
        System.arraycopy(mark, 0, marked, 0, mark.length);
        System.arraycopy(value, 0, marked, mark.length, value.length);
        return marked;
    }

    private static long seconds(Duration time) {
        return Math.min(LONGEST.toSeconds(), time.plusMillis(999).toSeconds());
    }

    /** Returns the waits of a policy in seconds, for workers of Python. */
    private static ArrayNode intervals(RetryPolicy retry) {
        ArrayNode intervals = Json.array();
        double wait = retry.first().toMillis();
        for (int i = 1; i < retry.attempts() && i <= 100; i++) {
            double bounded = Math.min(wait, retry.most().toMillis());
            intervals.add((int) Math.min(Integer.MAX_VALUE, Math.ceil(bounded / 1000)));
            wait *= retry.factor();
        }
        return intervals;
    }
}
