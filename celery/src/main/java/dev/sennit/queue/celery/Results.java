package dev.sennit.queue.celery;

import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.foreign.Json;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Results as Celery's backend for Redis keeps them, and the ends of tasks that they tell. The member {@code sennit},
 * which Celery passes over, stands second: a repeated completion is known by the beginning of the text.
 */
final class Results {
    static final String KEY = "celery-task-meta-";

    /** As Python writes a time of day without its offset. */
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS");

    private Results() {}

    /**
     * The facts of its task that stand in a result.
     *
     * @param id the id of the task
     * @param type the name of its type
     * @param queue its queue
     * @param root the first task of its workflow
     * @param attempt the number of the attempt
     * @param parent the task before it, or null
     * @param group its group, or null
     */
    record About(String id, String type, String queue, String root, int attempt, @Nullable String parent,
            @Nullable String group) {}

    /** Returns how the result of an attempt that has succeeded begins. */
    static String beginning(int attempt) {
        return "{\"status\":\"SUCCESS\",\"sennit\":{\"attempt\":" + attempt + ",";
    }

    /** Returns a result. */
    static byte[] success(About about, byte[] result, List<String> children, Instant now) {
        String rest = tail(about, null, children, now);
        ObjectNode sennit = sennit(about, null);
        String text = new String(Json.write(sennit), StandardCharsets.UTF_8);
        return ("{\"status\":\"SUCCESS\",\"sennit\":" + text + ",\"result\":"
                + new String(result, StandardCharsets.UTF_8) + "," + rest).getBytes(StandardCharsets.UTF_8);
    }

    private static ObjectNode sennit(About about, @Nullable String reason) {
        ObjectNode sennit = Json.object();
        sennit.put("attempt", about.attempt);
        sennit.put("type", about.type);
        sennit.put("queue", about.queue);
        sennit.put("root", about.root);
        if (reason != null) {
            sennit.put("reason", reason);
        }
        return sennit;
    }

    /** Returns all behind the result, with the end of the object. */
    private static String tail(About about, @Nullable String traceback, List<String> children, @Nullable Instant now) {
        ObjectNode rest = Json.object();
        rest.put("traceback", traceback);
        ArrayNode all = rest.putArray("children");
        for (String child : children) {
            ArrayNode one = all.addArray();
            one.addArray().add(child).addNull();
            one.addNull();
        }
        rest.put("date_done", now == null ? null : TIME.format(now.atOffset(ZoneOffset.UTC)));
        if (about.group != null) {
            rest.put("group_id", about.group);
        }
        if (about.parent != null) {
            rest.put("parent_id", about.parent);
        }
        rest.put("task_id", about.id);
        return new String(Json.write(rest), StandardCharsets.UTF_8).substring(1);
    }

    /** Returns what stands for an exception. */
    static ObjectNode exception(String type, String module, @Nullable String message) {
        ObjectNode exception = Json.object();
        exception.put("exc_type", type);
        ArrayNode messages = exception.putArray("exc_message");
        if (message != null) {
            messages.add(message);
        }
        exception.put("exc_module", module);
        return exception;
    }

    /** Returns what stands for the exception of a run. */
    static ObjectNode exception(ErrorInfo error) {
        int dot = error.type().lastIndexOf('.');
        return exception(dot < 0 || dot == error.type().length() - 1 ? error.type() : error.type().substring(dot + 1),
                dot <= 0 ? "java.lang" : error.type().substring(0, dot), error.message());
    }

    /** Returns a result without success: FAILURE, REVOKED, RETRY; and the class of the error if Celery has another. */
    static byte[] other(String status, About about, ObjectNode exception, @Nullable String traceback,
            @Nullable String reason, @Nullable String error, @Nullable Instant now) {
        ObjectNode sennit = sennit(about, reason);
        if (error != null) {
            sennit.put("error", error);
        }
        return ("{\"status\":\"" + status + "\",\"sennit\":"
                + new String(Json.write(sennit), StandardCharsets.UTF_8) + ",\"result\":"
                + new String(Json.write(exception), StandardCharsets.UTF_8) + ","
                + tail(about, traceback, List.of(), now)).getBytes(StandardCharsets.UTF_8);
    }

    /** Returns the state of a task that tells its progress. */
    static byte[] progress(About about, Progress progress) {
        ObjectNode result = Json.object();
        result.put("done", progress.done());
        result.put("total", progress.total());
        result.put("message", progress.message());
        return ("{\"status\":\"PROGRESS\",\"sennit\":"
                + new String(Json.write(sennit(about, null)), StandardCharsets.UTF_8) + ",\"result\":"
                + new String(Json.write(result), StandardCharsets.UTF_8) + "," + tail(about, null, List.of(), null))
                .getBytes(StandardCharsets.UTF_8);
    }

    // ---- reading ----

    /** Returns the end that a result tells, or null if the task has not ended, or it is no result. */
    static @Nullable EndedTask end(String id, byte @Nullable [] json) {
        if (json == null) {
            return null;
        }
        try {
            JsonNode meta = Json.read(json);
            String status = Json.text(meta, "status");
            return status == null ? null : end(id, json, meta, status);
        } catch (JacksonException e) {
            return null;
        }
    }

    private static @Nullable EndedTask end(String id, byte[] json, JsonNode meta, String status) {
        JsonNode result = Json.member(meta, "result");
        JsonNode sennit = Json.member(meta, "sennit");
        String reason = Json.text(sennit, "reason");
        String type = Json.text(sennit, "type");
        String queue = Json.text(sennit, "queue");
        String root = Json.text(sennit, "root");
        JsonNode attempt = Json.member(sennit, "attempt");
        int attempts = attempt != null && attempt.canConvertToInt() ? attempt.intValue() : 1;
        String name = type != null ? type : orElse(Json.text(meta, "name"), "unknown");
        Instant endedAt = endedAt(meta);
        return switch (status) {
            case "SUCCESS" -> new EndedTask(id, name, orElse(queue, ""), orElse(root, id), TaskState.SUCCEEDED,
                    Json.member(json, "result"), null, null,
                    attempts, endedAt);
            case "FAILURE", "REJECTED", "IGNORED" -> new EndedTask(id, name, orElse(queue, ""), orElse(root, id),
                    TaskState.DEAD, null, reason(reason, result), error(result, meta), attempts, endedAt);
            case "REVOKED" -> new EndedTask(id, name, orElse(queue, ""), orElse(root, id),
                    isExpired(reason, result) ? TaskState.EXPIRED : TaskState.CANCELLED, null, null,
                    reason == null || reason.equals("EXPIRED") || message(result).isEmpty()
                            ? null
                            : error(result, meta),
                    attempts, endedAt);
            default -> null;
        };
    }

    private static String orElse(@Nullable String text, String otherwise) {
        return text == null ? otherwise : text;
    }

    private static boolean isExpired(@Nullable String reason, @Nullable JsonNode result) {
        return "EXPIRED".equals(reason) || reason == null && message(result).equals("expired");
    }

    private static Instant endedAt(JsonNode meta) {
        try {
            Instant at = Message.moment(Json.text(meta, "date_done"));
            return at == null ? Instant.EPOCH : at;
        } catch (IllegalArgumentException e) {
            return Instant.EPOCH;
        }
    }

    private static DeadReason reason(@Nullable String reason, @Nullable JsonNode result) {
        if (reason != null) {
            try {
                return DeadReason.valueOf(reason);
            } catch (IllegalArgumentException e) {
                return DeadReason.FAILED;
            }
        }
        return switch (String.valueOf(Json.text(result, "exc_type"))) {
            case "NotRegistered" -> DeadReason.UNKNOWN_TYPE;
            case "WorkerLostError" -> DeadReason.CRASHED;
            case "TimeLimitExceeded", "SoftTimeLimitExceeded" -> DeadReason.TIMED_OUT;
            default -> DeadReason.FAILED;
        };
    }

    private static ErrorInfo error(@Nullable JsonNode result, JsonNode meta) {
        String type = orElse(Json.text(result, "exc_type"), "unknown");
        String module = Json.text(result, "exc_module");
        String traceback = Json.text(meta, "traceback");
        String own = Json.text(Json.member(meta, "sennit"), "error");
        return own != null
                ? new ErrorInfo(own, message(result), orElse(traceback, ""))
                : new ErrorInfo(module == null || module.equals("builtins") ? type : module + "." + type,
                        message(result), orElse(traceback, ""));
    }

    private static String message(@Nullable JsonNode result) {
        JsonNode message = Json.member(result, "exc_message");
        if (message == null) {
            return "";
        }
        if (message.isString()) {
            return message.stringValue();
        }
        List<String> parts = new ArrayList<>();
        if (message instanceof ArrayNode some) {
            for (JsonNode each : some) {
                parts.add(each.isString() ? each.stringValue() : new String(Json.write(each), StandardCharsets.UTF_8));
            }
        }
        return String.join(", ", parts);
    }
}
