package dev.sennit.queue.celery;

import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.QueuedTask;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The end of a run, as steps of the script {@link Script#END}: results, what is sent, parts of chords. All of it is
 * made here of the message, which does not change while the token holds; the script does it, or nothing of it.
 */
final class Ending {
    private static final String CHANNEL = "sennit.celery:reply:";
    /** Stands for the error of a body until the script knows it. */
    private static final String ERROR = "@sennit-error-2d1b6f0e@";
    private static final byte[] NOTHING = {};

    private final Address address;
    private final Held held;
    private final Instant now;
    private final String origin;
    private final String kind;
    private final List<byte[]> arguments = new ArrayList<>();

    /**
     * Begins.
     *
     * @param kind {@code done} or {@code cancelled}, which also end a task that is to stop; {@code lost}, which ends it
     *     only if its lease has expired; or another one
     */
    Ending(Address address, Held held, String kind, String origin, Instant now) {
        this.address = address;
        this.held = held;
        this.now = now;
        this.origin = origin;
        this.kind = kind;
        arguments.addAll(beginning(held.id(), held.attempt(), kind));
    }

    private static List<byte[]> beginning(String id, int attempt, String kind) {
        return List.of(Server.bytes(id), Server.bytes(attempt), Server.bytes(kind),
                Server.bytes(Results.beginning(attempt)));
    }

    /** Returns a call that only looks whether a completion is repeated. */
    static Server.Call repeated(String id, int attempt) {
        return Server.call(Script.END, beginning(id, attempt, "done"));
    }

    /** Returns the channel on which the submitter with an address hears of ends. */
    static String channel(String replyTo) {
        return CHANNEL + replyTo;
    }

    static @Nullable String replyTo(String channel) {
        return channel.startsWith(CHANNEL) ? channel.substring(CHANNEL.length()) : null;
    }

    Server.Call call() {
        return Server.call(Script.END, arguments);
    }

    String kind() {
        return kind;
    }

    private void step(String what, List<byte[]> values) {
        arguments.add(Server.bytes(what));
        arguments.add(Server.bytes(values.size()));
        arguments.addAll(values);
    }

    private void step(String what, String... values) {
        List<byte[]> all = new ArrayList<>(values.length);
        for (String each : values) {
            all.add(Server.bytes(each));
        }
        step(what, all);
    }

    private Results.About about() {
        Message message = held.message();
        return new Results.About(held.id(), message.name(), held.queue(), message.root(), held.attempts(),
                message.header("parent_id"), message.header("group"));
    }

    private Duration ttl() {
        Duration ttl = held.task() == null ? address.resultExpires() : held.task().resultTtl();
        return ttl.isZero() ? address.resultExpires() : ttl;
    }

    private boolean isKept() {
        return !held.message().ignoresResult();
    }

    private static byte[] millis(Duration time) {
        return Server.bytes(Math.max(1, time.toMillis()));
    }

    private void result(byte[] meta) {
        String replyTo = held.message().replyTo();
        byte[] channel = replyTo == null || replyTo.isEmpty() ? NOTHING : Server.bytes(channel(replyTo));
        if (isKept()) {
            step("result", List.of(Server.bytes(held.id()), millis(ttl()), meta, channel));
        } else {
            step("unkept", List.of(meta, channel));
        }
    }

    // ---- success ----

    /** Stores the result and sends what follows. */
    Ending success(byte[] result, List<QueuedTask> successors) {
        Message message = held.message();
        var canvas = new Canvas(address, origin, now);
        ObjectNode options = Canvas.after(held.id(), message.root());
        String text = new String(result, StandardCharsets.UTF_8);
        if (message.embed().get("callbacks") instanceof ArrayNode callbacks) {
            callbacks.forEach(each -> canvas.send(each, text, options.deepCopy()));
        }
        if (message.embed().get("chain") instanceof ArrayNode chain && !chain.isEmpty()) {
            ArrayNode rest = chain.deepCopy();
            JsonNode next = rest.remove(rest.size() - 1);
            ObjectNode more = options.deepCopy();
            if (!rest.isEmpty()) {
                more.set("chain", rest);
            }
            canvas.send(next, text, more);
        }
        send(canvas, "next");
        List<String> children = new ArrayList<>(canvas.outs().stream().map(Canvas.Out::id).toList());
        for (QueuedTask each : successors) {
            var single = new Canvas(address, origin, now);
            ObjectNode more = Canvas.after(held.id(), each.root());
            single.send(each, more, now);
            Canvas.Out out = single.outs().getFirst();
            step("once", List.of(Server.bytes(out.list()), out.before(), Server.bytes(out.id()),
                    millis(address.resultExpires())));
            children.add(out.id());
        }
        result(Results.success(about(), result, children, now));
        part("SUCCESS", text, message.header("group"), message.headers().get("group_index"),
                message.embed().get("chord"), held.id());
        return this;
    }

    private void send(Canvas canvas, String what) {
        for (Canvas.Size size : canvas.sizes()) {
            step("size", size.key(), Integer.toString(size.parts()),
                    Long.toString(address.resultExpires().toMillis()));
        }
        for (Canvas.Out out : canvas.outs()) {
            step(what, List.of(Server.bytes(out.list()), out.before()));
        }
    }

    /** Tells the chord of a part that it has ended; what follows is sent if it was the last one. */
    private void part(String state, String result, @Nullable String group, @Nullable JsonNode index,
            @Nullable JsonNode chord, String id) {
        if (group == null || group.isEmpty() || !(chord instanceof ObjectNode body)) {
            return;
        }
        byte[] ttl = millis(address.resultExpires());
        String place = index != null && index.isIntegralNumber() ? index.asString() : "+inf";
        List<byte[]> values = new ArrayList<>();
        values.add(Server.bytes(Canvas.GROUP + group));
        values.add(Server.bytes(place));
        values.add(Server.bytes("[1, " + quoted(id) + ", \"" + state + "\", " + result + "]"));
        values.add(ttl);
        var next = new Canvas(address, origin, now);
        next.send(body, Canvas.HOLE, Json.object());
        values.add(Server.bytes(next.outs().size()));
        for (Canvas.Out out : next.outs()) {
            values.add(Server.bytes(out.list()));
            values.add(out.before());
            values.add(out.behind() == null ? NOTHING : out.behind());
        }
        values.add(Server.bytes(next.sizes().size()));
        for (Canvas.Size size : next.sizes()) {
            values.add(Server.bytes(size.key()));
            values.add(Server.bytes(size.parts()));
        }
        failureOfBody(body, values);
        step("part", values);
    }

    private void failureOfBody(ObjectNode body, List<byte[]> values) {
        String id = Canvas.lastId(body);
        var about = new Results.About(id, String.valueOf(Json.text(body, "task")), "", held.message().root(), 0, null,
                null);
        String meta = new String(Results.other("FAILURE", about,
                Results.exception("ChordError", "celery.exceptions", ERROR), null, DeadReason.FAILED.name(), null, now),
                StandardCharsets.UTF_8);
        String error = "\"" + ERROR + "\"";
        int at = meta.indexOf(error);
        values.add(Server.bytes(Results.KEY + id));
        values.add(Server.bytes(meta.substring(0, at)));
        values.add(Server.bytes(meta.substring(at + error.length())));
        var callbacks = new Canvas(address, origin, now);
        callbacks.sendErrorCallbacks(Json.member(body.get("options"), "link_error"), id, held.message().root(),
                DeadReason.FAILED.name(), new ErrorInfo("celery.exceptions.ChordError", "a part has failed", ""));
        values.add(Server.bytes(callbacks.outs().size()));
        for (Canvas.Out out : callbacks.outs()) {
            values.add(Server.bytes(out.list()));
            values.add(out.before());
        }
    }

    private static String quoted(String text) {
        return new String(Json.write(Json.MAPPER.getNodeFactory().stringNode(text)), StandardCharsets.UTF_8);
    }

    // ---- other ends ----

    /** The task does not run again: stores that, and tells whoever waits for it. */
    Ending dead(DeadReason reason, ErrorInfo error) {
        ObjectNode exception = switch (reason) {
            case UNKNOWN_TYPE ->
                Results.exception("NotRegistered", "celery.exceptions", held.message().name());
            case CRASHED, LOST -> Results.exception("WorkerLostError", "billiard.exceptions", error.message());
            default -> Results.exception(error);
        };
        unsuccessful("FAILURE", exception, reason.name(), error);
        step("failed", List.of(Server.bytes(held.queue()), millis(ttl())));
        return this;
    }

    /** It was cancelled, or has expired. */
    Ending revoked(boolean isExpired) {
        String why = isExpired ? "EXPIRED" : "CANCELLED";
        return unsuccessful("REVOKED", Results.exception("TaskRevokedError", "celery.exceptions",
                isExpired ? "expired" : "revoked"), why,
                new ErrorInfo("celery.exceptions.TaskRevokedError", isExpired ? "expired" : "revoked", ""));
    }

    private Ending unsuccessful(String status, ObjectNode exception, String reason, ErrorInfo error) {
        Message message = held.message();
        String trace = error.stack().isEmpty() ? null : error.stack();
        String text = new String(Json.write(exception), StandardCharsets.UTF_8);
        String own = exception.equals(Results.exception(error)) ? null : error.type();
        try {
            var callbacks = new Canvas(address, origin, now);
            callbacks.sendErrorCallbacks(message.embed().get("errbacks"), held.id(), message.root(), reason, error);
            send(callbacks, "push");
            result(Results.other(status, about(), exception, trace, reason, own, now));
            part(status, text, message.header("group"), message.headers().get("group_index"),
                    message.embed().get("chord"), held.id());
            if (message.embed().get("chain") instanceof ArrayNode chain) {
                chain.forEach(each -> neverBegun(each, status, exception, reason, text));
            }
        } catch (RuntimeException e) { // what follows is no signature, but it has to end nevertheless
            arguments.subList(4, arguments.size()).clear();
            result(Results.other(status, about(), exception, trace, reason, own, now));
        }
        return this;
    }

    /** A task of the chain behind one that did not succeed. */
    private void neverBegun(JsonNode signature, String status, ObjectNode exception, String reason, String text) {
        JsonNode options = signature.get("options");
        String id = Json.text(options, "task_id");
        if (id == null) {
            return;
        }
        var about = new Results.About(id, String.valueOf(Json.text(signature, "task")), held.queue(),
                held.message().root(), 0, null, Json.text(options, "group_id"));
        String replyTo = Json.text(options, "reply_to");
        step("result", List.of(Server.bytes(id), millis(address.resultExpires()),
                Results.other(status, about, exception, null, reason, null, now),
                replyTo == null || replyTo.isEmpty() ? NOTHING : Server.bytes(channel(replyTo))));
        part(status, text, Json.text(options, "group_id"), options.get("group_index"), options.get("chord"), id);
    }

    /** It runs again after a while. */
    Ending retry(Duration delay, ErrorInfo error) {
        Instant due = delay.isZero() ? null : now.plus(delay);
        byte[] again = held.message().again(due);
        if (isKept()) {
            step("state", List.of(Server.bytes(held.id()), millis(ttl()),
                    Results.other("RETRY", about(), Results.exception(error),
                            error.stack().isEmpty() ? null : error.stack(), null, null, null)));
        }
        if (due == null) {
            step("stay", List.of(Server.bytes(held.list()), again));
        } else {
            step("due", List.of(Server.bytes(held.list()), again, Server.bytes(delay.toMillis())));
        }
        return this;
    }

    /** It waits for its time, without having begun. */
    Ending delay(Duration delay) {
        step("due", List.of(Server.bytes(held.list()), held.message().raw(),
                Server.bytes(Math.max(1, delay.toMillis()))));
        step("unbegun");
        return this;
    }

    /** Its worker has ended or was lost: it is the next one. */
    Ending back(boolean isCrash) {
        if (isCrash) {
            step("crash");
        }
        step("back", List.of(Server.bytes(held.list()), held.message().raw()));
        return this;
    }

    /** It cannot be read: its bytes are kept. */
    static Server.Call refused(String id, int attempt, String list, byte[] raw, String reason, Instant now) {
        List<byte[]> values = new ArrayList<>(beginning(id, attempt, "cancelled"));
        ObjectNode about = Json.object();
        about.put("reason", reason);
        about.put("list", list);
        about.put("at", now.toEpochMilli());
        byte[] head = Server.bytes(new String(Json.write(about), StandardCharsets.UTF_8) + "\n");
        byte[] entry = new byte[head.length + raw.length];
        System.arraycopy(head, 0, entry, 0, head.length);
        System.arraycopy(raw, 0, entry, head.length, raw.length);
        values.add(Server.bytes("dead"));
        values.add(Server.bytes(1));
        values.add(entry);
        // whoever waits for it learns of it
        values.add(Server.bytes("result"));
        values.add(Server.bytes(4));
        values.add(Server.bytes(id));
        values.add(Server.bytes(86_400_000));
        values.add(Results.other("FAILURE", new Results.About(id, "unknown", Address.queueOf(list), id, attempt, null,
                null), Results.exception("DecodeError", "kombu.exceptions", reason), null,
                DeadReason.UNREADABLE.name(), null, now));
        values.add(NOTHING);
        return Server.call(Script.END, values);
    }
}
