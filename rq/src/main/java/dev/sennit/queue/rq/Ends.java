package dev.sennit.queue.rq;

import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Server;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How jobs have ended: what RQ keeps of it, what stands beside a result in the field {@code sennit} of its entry, and
 * messages for submitters.
 */
final class Ends {
    private static final byte[] NULL = {'n', 'u', 'l', 'l'};

    private Ends() {}

    // ---- beside a result ----

    /** Returns what is kept beside a result: RQ passes over it. */
    static byte[] about(QueuedTask task, int attempts, @Nullable DeadReason reason, @Nullable ErrorInfo error) {
        ObjectNode about = Json.object();
        about.put("attempt", attempts);
        about.put("type", task.type());
        about.put("root", task.root());
        put(about, reason, error);
        return Json.write(about);
    }

    private static void put(ObjectNode node, @Nullable DeadReason reason, @Nullable ErrorInfo error) {
        if (reason != null) {
            node.put("reason", reason.name());
        }
        if (error != null) {
            ObjectNode one = node.putObject("error");
            one.put("type", error.type());
            one.put("message", error.message());
            one.put("stack", error.stack());
        }
    }

    /** Returns an error as RQ keeps it: text, compressed, as base64. */
    static byte[] exception(ErrorInfo error) {
        String text = error.stack().isEmpty() || error.stack().startsWith(error.type())
                ? error.stack()
                : error.text() + "\n" + error.stack();
        byte[] bytes = (text.isEmpty() ? error.text() : text).getBytes(StandardCharsets.UTF_8);
        return Base64.getEncoder().encode(Job.deflated(bytes));
    }

    // ---- messages ----

    /** Writes an end for whoever waits for it. */
    static byte[] write(EndedTask end) {
        ObjectNode node = Json.object();
        node.put("id", end.id());
        node.put("type", end.type());
        node.put("queue", end.queue());
        node.put("root", end.root());
        node.put("state", end.state().name());
        node.put("attempts", end.attempts());
        node.put("endedAt", end.endedAt().toEpochMilli());
        if (end.result() != null) {
            node.put("result", Base64.getEncoder().encodeToString(end.result()));
        }
        put(node, end.reason(), end.error());
        return Json.write(node);
    }

    /** Reads an end; null if it is none. */
    static @Nullable EndedTask read(byte[] json) {
        try {
            JsonNode node = Json.read(json);
            String id = Json.text(node, "id");
            String state = Json.text(node, "state");
            if (id == null || state == null) {
                return null;
            }
            String result = Json.text(node, "result");
            return new EndedTask(id, String.valueOf(Json.text(node, "type")), String.valueOf(Json.text(node, "queue")),
                    String.valueOf(Json.text(node, "root")), TaskState.valueOf(state),
                    result == null ? null : Base64.getDecoder().decode(result), reason(node), error(node),
                    node.path("attempts").asInt(), Instant.ofEpochMilli(node.path("endedAt").asLong()));
        } catch (JacksonException | IllegalArgumentException e) {
            return null;
        }
    }

    private static @Nullable DeadReason reason(@Nullable JsonNode node) {
        String reason = Json.text(node, "reason");
        try {
            return reason == null ? null : DeadReason.valueOf(reason);
        } catch (IllegalArgumentException e) {
            return DeadReason.FAILED;
        }
    }

    private static @Nullable ErrorInfo error(@Nullable JsonNode node) {
        JsonNode error = Json.member(node, "error");
        return error == null
                ? null
                : new ErrorInfo(orElse(Json.text(error, "type"), "unknown"), orElse(Json.text(error, "message"), ""),
                        orElse(Json.text(error, "stack"), ""));
    }

    private static String orElse(@Nullable String text, String otherwise) {
        return text == null ? otherwise : text;
    }

    // ---- what RQ keeps ----

    /** The parts of an answer of {@code ended.lua}. */
    private enum Part {
        STATUS, QUEUE, CREATED, ENDED_AT, TYPE, MESSAGE, DATA, RESULT_TYPE, VALUE, ERROR, ABOUT, END
    }

    /** Returns how a job has ended, or null if it has not, or is not known. */
    static @Nullable EndedTask of(String id, List<?> answer) {
        byte[] end = (byte[]) answer.get(Part.END.ordinal());
        if (end.length > 0) {
            return read(end);
        }
        TaskState state = switch (text(answer, Part.STATUS)) {
            case "finished" -> TaskState.SUCCEEDED;
            case "failed" -> TaskState.DEAD;
            case "stopped", "canceled" -> TaskState.CANCELLED;
            default -> null;
        };
        if (state == null) {
            return null;
        }
        try {
            return of(id, state, answer);
        } catch (RuntimeException e) { // somebody has written something else there
            return new EndedTask(id, "unknown", text(answer, Part.QUEUE), id, TaskState.DEAD, null,
                    DeadReason.UNREADABLE, new ErrorInfo("dev.sennit.queue.rq.RqBroker",
                            "the result cannot be read: " + e.getClass().getSimpleName(), ""),
                    1, Instant.EPOCH);
        }
    }

    private static EndedTask of(String id, TaskState state, List<?> answer) {
        String text = text(answer, Part.ABOUT);
        JsonNode about = text.isEmpty() ? null : Job.message(text);
        String type = type(answer, about);
        String root = Json.text(about, "root");
        if (root == null) {
            QueuedTask task = Job.withoutArgument(text(answer, Part.MESSAGE));
            root = task == null ? id : task.root();
        }
        Instant endedAt = Clock.read(text(answer, Part.ENDED_AT));
        boolean isSuccess = state == TaskState.SUCCEEDED;
        boolean isDead = state == TaskState.DEAD;
        DeadReason reason = !isDead ? null : about == null ? DeadReason.FAILED : reason(about);
        ErrorInfo error = isSuccess ? null : error(about);
        byte[] exception = (byte[]) answer.get(Part.ERROR.ordinal());
        if (isDead && error == null && exception.length > 0) {
            error = error(Job.text(Base64.getDecoder().decode(exception)));
        }
        if (isDead && about == null && error != null && error.type().endsWith("JobTimeoutException")) {
            reason = DeadReason.TIMED_OUT;
        }
        byte[] value = (byte[]) answer.get(Part.VALUE.ordinal());
        int attempts = about == null ? state == TaskState.CANCELLED ? 0 : 1 : about.path("attempt").asInt();
        return new EndedTask(id, type, text(answer, Part.QUEUE), root, state,
                !isSuccess ? null : value.length == 0 ? NULL : Base64.getDecoder().decode(value),
                isDead && reason == null ? DeadReason.FAILED : reason, error, attempts,
                endedAt == null ? Instant.EPOCH : endedAt);
    }

    private static String type(List<?> answer, @Nullable JsonNode about) {
        String type = Json.text(about, "type");
        if (type == null) {
            type = text(answer, Part.TYPE);
        }
        byte[] data = (byte[]) answer.get(Part.DATA.ordinal());
        if (type.isEmpty() && data.length > 0) {
            try {
                return Job.Data.read(data).function();
            } catch (UnreadableException | JacksonException e) {
                return "unknown";
            }
        }
        return type.isEmpty() ? "unknown" : type;
    }

    /** Reads the traceback of Python: its last line names the exception. */
    private static ErrorInfo error(String traceback) {
        String all = traceback.strip();
        int start = all.length();
        while (start > 0) { // a message may have several lines; those of the stack are indented
            int before = all.lastIndexOf('\n', start - 1);
            String line = all.substring(before + 1, start);
            if (line.startsWith("  ") || line.startsWith("Traceback")) {
                break;
            }
            start = Math.max(before, 0);
        }
        String last = all.substring(start).strip();
        int colon = last.indexOf(": ");
        boolean isClass = colon > 0 && last.substring(0, colon).matches("[\\w.]+");
        return isClass
                ? new ErrorInfo(last.substring(0, colon), last.substring(colon + 2), all)
                : last.matches("[\\w.]+") ? new ErrorInfo(last, "", all) : new ErrorInfo("rq", last, all);
    }

    private static String text(List<?> answer, Part part) {
        return Server.text(answer.get(part.ordinal()));
    }
}
