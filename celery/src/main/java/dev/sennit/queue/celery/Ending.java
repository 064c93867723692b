package dev.sennit.queue.celery;

import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.foreign.Json;
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
 * The end of a run, as {@link Step}s: results, what is sent, parts of chords. All of it is made here of the message,
 * which does not change while the token holds; the transport does it, or nothing of it.
 */
final class Ending {
    /** Stands for the error of a body until it is known. */
    private static final String ERROR = "@sennit-error-2d1b6f0e@";

    /** For what an end counts. */
    enum Kind {
        /** It has ended, also if it was to stop. */
        DONE,
        /** It was cancelled, or cannot be read: the same. */
        CANCELLED,
        /** Its worker was lost: only if its lease has expired. */
        LOST,
        /** Something else, which does not count if the task was to stop. */
        OTHER
    }

    private final Address address;
    private final Held held;
    private final Instant now;
    private final String origin;
    private final Kind kind;
    private final List<Step> steps = new ArrayList<>();

    Ending(Address address, Held held, Kind kind, String origin, Instant now) {
        this.address = address;
        this.held = held;
        this.now = now;
        this.origin = origin;
        this.kind = kind;
    }

    Held held() {
        return held;
    }

    Kind kind() {
        return kind;
    }

    List<Step> steps() {
        return steps;
    }

    /** Whether the task does not run again. */
    boolean isLast() {
        return steps.stream().noneMatch(Step.Wait.class::isInstance);
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

    private void result(byte[] meta) {
        String replyTo = held.message().replyTo();
        steps.add(isKept() ? new Step.Result(held.id(), ttl(), meta, replyTo) : new Step.Unkept(meta, replyTo));
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
        send(canvas, false);
        List<String> children = new ArrayList<>(canvas.outs().stream().map(Canvas.Out::id).toList());
        for (QueuedTask each : successors) {
            var single = new Canvas(address, origin, now);
            ObjectNode more = Canvas.after(held.id(), each.root());
            single.send(each, more, now);
            Canvas.Out out = single.outs().getFirst();
            steps.add(new Step.Once(out, address.resultExpires()));
            children.add(out.id());
        }
        result(Results.success(about(), result, children, now));
        part("SUCCESS", text, message.header("group"), message.headers().get("group_index"),
                message.embed().get("chord"), held.id());
        return this;
    }

    private void send(Canvas canvas, boolean always) {
        canvas.sizes().forEach(size -> steps.add(new Step.Size(size, address.resultExpires())));
        canvas.outs().forEach(out -> steps.add(new Step.Send(out, always)));
    }

    /** Tells the chord of a part that it has ended; what follows is sent if it was the last one. */
    private void part(String state, String result, @Nullable String group, @Nullable JsonNode index,
            @Nullable JsonNode chord, String id) {
        if (group == null || group.isEmpty() || !(chord instanceof ObjectNode body)) {
            return;
        }
        var next = new Canvas(address, origin, now);
        next.send(body, Canvas.HOLE, Json.object());
        String bodyId = Canvas.lastId(body);
        var callbacks = new Canvas(address, origin, now);
        callbacks.sendErrorCallbacks(Json.member(body.get("options"), "link_error"), bodyId, held.message().root(),
                DeadReason.FAILED.name(), new ErrorInfo("celery.exceptions.ChordError", "a part has failed", ""));
        steps.add(new Step.Part(group, index != null && index.isIntegralNumber() ? index.asString() : null, id, state,
                result, address.resultExpires(), List.copyOf(next.outs()), List.copyOf(next.sizes()),
                failureOf(bodyId, body), List.copyOf(callbacks.outs())));
    }

    private Step.Failure failureOf(String id, ObjectNode body) {
        var about = new Results.About(id, String.valueOf(Json.text(body, "task")), "", held.message().root(), 0, null,
                null);
        String meta = new String(Results.other("FAILURE", about,
                Results.exception("ChordError", "celery.exceptions", ERROR), null, DeadReason.FAILED.name(), null, now),
                StandardCharsets.UTF_8);
        String error = "\"" + ERROR + "\"";
        int at = meta.indexOf(error);
        return new Step.Failure(id, meta.substring(0, at), meta.substring(at + error.length()));
    }

    // ---- other ends ----

    /** The task does not run again: stores that, and tells whoever waits for it. */
    Ending dead(DeadReason reason, ErrorInfo error) {
        ObjectNode exception = switch (reason) {
            case UNKNOWN_TYPE ->
                Results.exception("NotRegistered", "celery.exceptions", held.message().name());
            case CRASHED, LOST -> Results.exception("WorkerLostError", "billiard.exceptions", error.message());
            case TIMED_OUT -> Results.exception("TimeLimitExceeded", "billiard.exceptions", error.message());
            default -> isInterrupted(error)
                    ? Results.exception("SoftTimeLimitExceeded", "billiard.exceptions", error.message())
                    : Results.exception(error);
        };
        unsuccessful("FAILURE", exception, reason.name(), error);
        steps.add(new Step.Failed(held.queue(), ttl()));
        return this;
    }

    /** Whether the run has ended by the interrupt of its soft limit, and by no exception of its own. */
    private static boolean isInterrupted(ErrorInfo error) {
        return error.message().startsWith(ErrorInfo.AT_SOFT_LIMIT)
                && error.type().substring(error.type().lastIndexOf('.') + 1).contains("Interrupt");
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
            send(callbacks, true);
            result(Results.other(status, about(), exception, trace, reason, own, now));
            part(status, text, message.header("group"), message.headers().get("group_index"),
                    message.embed().get("chord"), held.id());
            if (message.embed().get("chain") instanceof ArrayNode chain) {
                chain.forEach(each -> neverBegun(each, status, exception, reason, text));
            }
        } catch (RuntimeException e) { // what follows is no signature, but it has to end nevertheless
            steps.clear();
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
        steps.add(new Step.Result(id, address.resultExpires(),
                Results.other(status, about, exception, null, reason, null, now), Json.text(options, "reply_to")));
        part(status, text, Json.text(options, "group_id"), options.get("group_index"), options.get("chord"), id);
    }

    /** It runs again after a while. */
    Ending retry(Duration delay, ErrorInfo error) {
        Instant due = delay.isZero() ? null : now.plus(delay);
        if (isKept()) {
            steps.add(new Step.State(ttl(), Results.other("RETRY", about(), Results.exception(error),
                    error.stack().isEmpty() ? null : error.stack(), null, null, null)));
        }
        steps.add(new Step.Wait(due == null ? Step.Wait.How.LAST : Step.Wait.How.DUE, due, delay, true));
        return this;
    }

    /** It waits for its time, without having begun. */
    Ending delay(Instant due) {
        steps.add(new Step.Wait(Step.Wait.How.DUE_UNBEGUN, due, Duration.between(now, due), false));
        return this;
    }

    /** Its worker has ended or was lost: it is the next one. */
    Ending back(boolean isCrash) {
        steps.add(new Step.Wait(isCrash ? Step.Wait.How.NEXT_AFTER_CRASH : Step.Wait.How.NEXT, null, Duration.ZERO,
                false));
        return this;
    }

    /** It cannot be read: its bytes are kept, and whoever waits for it learns of it. */
    static List<Step> refused(String id, int attempt, Place place, String reason, Instant now) {
        ObjectNode about = Json.object();
        about.put("reason", reason);
        about.put("list", place.shown());
        about.put("at", now.toEpochMilli());
        return List.of(new Step.Dead(Json.write(about), place.raw()),
                new Step.Result(id, Duration.ofDays(1), Results.other("FAILURE",
                        new Results.About(id, "unknown", place.queue(), id, attempt, null, null),
                        Results.exception("DecodeError", "kombu.exceptions", reason), null,
                        DeadReason.UNREADABLE.name(), null, now), null));
    }
}
