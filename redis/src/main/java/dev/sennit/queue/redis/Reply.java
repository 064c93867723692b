package dev.sennit.queue.redis;

import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.TaskFormatException;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.WorkerReport;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The answer of a script: a list of values, which are taken one after the other. */
final class Reply {
    private static final TaskState[] STATES = TaskState.values();

    private final List<?> values;
    private int at;

    private Reply(List<?> values) {
        this.values = values;
    }

    static Reply of(@Nullable Object answer) {
        if (answer instanceof List<?> list) {
            return new Reply(list);
        }
        throw new IllegalArgumentException("an answer that is no list");
    }

    boolean hasNext() {
        return at < values.size();
    }

    byte @Nullable [] optionalBytes() {
        Object value = values.get(at++);
        return value == null
                ? null
                : value instanceof byte[] bytes ? bytes : value.toString().getBytes(StandardCharsets.UTF_8);
    }

    byte[] bytes() {
        byte[] bytes = optionalBytes();
        if (bytes == null) {
            throw new IllegalArgumentException("an answer without a value");
        }
        return bytes;
    }

    String text() {
        return new String(bytes(), StandardCharsets.UTF_8);
    }

    @Nullable String optionalText() {
        byte[] bytes = optionalBytes();
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    long number() {
        return number(text());
    }

    private static long number(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) { // scripts of some servers write 1E+3
            return new BigDecimal(text).longValue();
        }
    }

    int integer() {
        return (int) number();
    }

    private @Nullable Instant time() {
        String text = optionalText();
        return text == null ? null : Instant.ofEpochMilli(number(text));
    }

    Reply list() {
        Object value = values.get(at++);
        return of(value);
    }

    List<String> texts() {
        List<String> texts = new ArrayList<>();
        while (hasNext()) {
            texts.add(text());
        }
        return texts;
    }

    // ---- what scripts tell of tasks ----

    /** Reads what {@code T.ended} in {@code tasks.lua} makes. */
    EndedTask ended() {
        String id = text();
        String type = text();
        String queue = text();
        String root = text();
        TaskState state = STATES[integer()];
        byte[] result = optionalBytes();
        String reason = optionalText();
        ErrorInfo error = error();
        return new EndedTask(id, type, queue, root.isEmpty() ? id : root, state, result, reason(reason), error,
                integer(), Objects.requireNonNull(time()));
    }

    private @Nullable ErrorInfo error() {
        String type = optionalText();
        String message = optionalText();
        String stack = optionalText();
        return type == null
                ? null
                : new ErrorInfo(type, message == null ? "" : message, stack == null ? "" : stack);
    }

    private static @Nullable DeadReason reason(@Nullable String name) {
        return name == null ? null : DeadReason.valueOf(name);
    }

    /** Reads ends that were pushed. */
    static List<EndedTask> ends(byte[] packed) {
        List<EndedTask> ends = new ArrayList<>();
        for (byte[] one : Packed.read(packed)) {
            ends.add(new Reply(Packed.readNullable(one)).ended());
        }
        return ends;
    }

    /**
     * A task that was claimed.
     *
     * @param token the proof
     * @param claim the claim, or null if the message cannot be read
     * @param problem what is wrong with the message, or null
     */
    record Begun(Token token, @Nullable Claim claim, @Nullable String problem) {}

    /** Reads what {@code claim.lua} makes of a task. */
    Begun begun() {
        var token = new Token(text(), integer());
        int failures = integer();
        int crashes = integer();
        Instant enqueuedAt = Objects.requireNonNull(time());
        byte[] message = bytes();
        byte[] payload = bytes();
        byte[] checkpoint = optionalBytes();
        Dead dead = dead();
        List<byte[]> inputs = new ArrayList<>();
        Reply all = list();
        while (all.hasNext()) {
            inputs.add(all.bytes());
        }
        String type = text();
        String queue = text();
        try {
            QueuedTask task = dead.change(token.id(), TaskJson.read(message, payload));
            if (!task.id().equals(token.id()) || !task.type().equals(type) || !task.queue().equals(queue)) {
                return new Begun(token, null, "the message is of another task");
            }
            return new Begun(token, claim(token, task, failures, crashes, enqueuedAt, checkpoint, inputs), null);
        } catch (TaskFormatException e) {
            return new Begun(token, null, String.valueOf(e.getMessage()));
        }
    }

    @SuppressWarnings("NullAway") // the class file of the record does not say that the checkpoint may be null
    private static Claim claim(Token token, QueuedTask task, int failures, int crashes, Instant enqueuedAt,
            byte @Nullable [] checkpoint, List<byte[]> inputs) {
        return new Claim(token, task, failures, crashes, enqueuedAt, checkpoint, inputs);
    }

    /** The facts for an error callback: its message is that of the task that it was made of. */
    private record Dead(@Nullable String id, @Nullable String reason, @Nullable String error) {
        QueuedTask change(String own, QueuedTask task) {
            if (id == null || reason == null) {
                return task;
            }
            Map<String, String> headers = new HashMap<>(task.headers());
            headers.put(QueuedTask.DEAD_ID, id);
            headers.put(QueuedTask.DEAD_REASON, reason);
            if (error != null && !error.isEmpty()) {
                headers.put(QueuedTask.DEAD_ERROR, error.replaceAll("\\R", " "));
            }
            return task.toBuilder().id(own).headers(headers).part(null).after(null).build();
        }
    }

    private Dead dead() {
        return new Dead(optionalText(), optionalText(), optionalText());
    }

    /** Reads what {@code select.lua} makes of a task. */
    TaskView view() {
        String id = text();
        String type = text();
        int version = integer();
        String queue = text();
        TaskState state = STATES[integer()];
        int priority = integer();
        String key = optionalText();
        String root = text();
        Instant enqueuedAt = Objects.requireNonNull(time());
        Instant dueAt = time();
        Instant begunAt = time();
        Instant endedAt = time();
        String worker = optionalText();
        int attempts = integer();
        int failures = integer();
        int crashes = integer();
        Progress progress = progress(optionalText());
        DeadReason reason = reason(optionalText());
        ErrorInfo error = error();
        byte[] payload = bytes();
        byte[] message = bytes();
        Dead dead = dead();
        return new TaskView(id, type, version, queue, state, priority, key, root.isEmpty() ? id : root, enqueuedAt,
                dueAt, begunAt, endedAt, worker, attempts, failures, crashes, progress, reason, error, payload,
                headers(message, dead, id));
    }

    private static Map<String, String> headers(byte[] message, Dead dead, String id) {
        try {
            return message.length == 0
                    ? Map.of()
                    : dead.change(id, TaskJson.read(message, new byte[0])).headers();
        } catch (TaskFormatException e) {
            return Map.of();
        }
    }

    static String progress(Progress progress) {
        return progress.done() + ":" + progress.total() + ":" + progress.message();
    }

    private static @Nullable Progress progress(@Nullable String text) {
        if (text == null) {
            return null;
        }
        String[] parts = text.split(":", 3);
        return parts.length < 3
                ? null
                : new Progress(Long.parseLong(parts[0]), Long.parseLong(parts[1]), parts[2]);
    }

    static BrokerEvent event(byte[] packed) {
        List<String> values = Packed.texts(packed);
        return new BrokerEvent(number(values.get(0)), Instant.ofEpochMilli(number(values.get(1))),
                BrokerEvent.Kind.valueOf(values.get(2)), values.get(3), values.get(4), values.get(5),
                values.get(6).isEmpty() ? null : values.get(6), values.get(7));
    }

    // ---- workers ----

    static byte[] report(WorkerReport report) {
        return new Packed().add(report.host()).add(Long.toString(report.pid())).add(report.state()).add(report.plan())
                .add(Integer.toString(report.workers())).addAll(report.queues()).addAll(report.types())
                .addAll(report.running()).add(Long.toString(report.succeeded())).add(Long.toString(report.failed()))
                .add(report.startedAt().toString()).bytes();
    }

    WorkerReport report() {
        String id = text();
        Instant seen = Objects.requireNonNull(time());
        var values = new Reply(Packed.read(bytes()));
        return new WorkerReport(id, values.text(), values.number(), values.text(), values.text(), values.integer(),
                Packed.texts(values.bytes()), new HashSet<>(Packed.texts(values.bytes())),
                Packed.texts(values.bytes()), values.number(), values.number(), Instant.parse(values.text()), seen);
    }

    static byte[] control(ControlMessage message) {
        var packed = new Packed().add(message.worker() == null ? "" : message.worker()).add(message.command());
        message.arguments().forEach((name, value) -> packed.add(name).add(value));
        return packed.bytes();
    }

    static ControlMessage control(byte[] packed) {
        List<String> values = Packed.texts(packed);
        Map<String, String> arguments = new HashMap<>();
        for (int i = 2; i + 1 < values.size(); i += 2) {
            arguments.put(values.get(i), values.get(i + 1));
        }
        return new ControlMessage(values.get(0).isEmpty() ? null : values.get(0), values.get(1), arguments);
    }

    // ---- schedules ----

    static String text(@Nullable Instant time) {
        return time == null ? "" : time.toString();
    }

    private static @Nullable Instant instant(@Nullable String text) {
        return text == null || text.isEmpty() ? null : Instant.parse(text);
    }

    /** The fields of a schedule. */
    static Map<String, byte[]> fields(ScheduleEntry entry) {
        Map<String, byte[]> fields = new HashMap<>();
        Map.of("when", entry.when(), "zone", entry.zone(), "missed", entry.missed().name(), "overlap",
                entry.overlap().name(), "paused", entry.paused() ? "1" : "0", "next", text(entry.nextDue()),
                "lastDue", text(entry.lastDue()), "lastTask", entry.lastTask() == null ? "" : entry.lastTask())
                .forEach((name, value) -> fields.put(name, value.getBytes(StandardCharsets.UTF_8)));
        fields.put("message", TaskJson.write(entry.template()));
        fields.put("payload", entry.template().payload());
        return fields;
    }

    ScheduleEntry schedule() {
        String name = text();
        Map<String, byte[]> fields = new HashMap<>();
        Reply all = list();
        while (all.hasNext()) {
            fields.put(all.text(), all.bytes());
        }
        QueuedTask template = TaskJson.read(field(fields, "message"), field(fields, "payload"));
        String lastTask = value(fields, "lastTask");
        return new ScheduleEntry(name, value(fields, "when"), value(fields, "zone"), template,
                ScheduleEntry.Missed.valueOf(value(fields, "missed")),
                ScheduleEntry.Overlap.valueOf(value(fields, "overlap")), value(fields, "paused").equals("1"),
                instant(value(fields, "next")), instant(value(fields, "lastDue")),
                lastTask.isEmpty() ? null : lastTask);
    }

    private static byte[] field(Map<String, byte[]> fields, String name) {
        byte[] value = fields.get(name);
        if (value == null) {
            throw new IllegalArgumentException("a schedule without " + name);
        }
        return value;
    }

    private static String value(Map<String, byte[]> fields, String name) {
        return new String(field(fields, name), StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return values.size() + " values, " + at + " taken";
    }
}
