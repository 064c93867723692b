package dev.sennit.queue.rq;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.redis.foreign.Server;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The arguments of the scripts that end a run, or a job that waits. */
final class Ending {
    private static final byte[] NOTHING = {};
    private static final String NULL = "null";
    /** The text that RQ keeps of a job that was stopped. */
    private static final ErrorInfo STOPPED =
            new ErrorInfo("rq", "Job stopped by user, work-horse terminated.", "");

    private final Instant now;
    private final List<byte[]> arguments = new ArrayList<>();
    private final List<QueuedTask> callbacks = new ArrayList<>();
    private Batch successors = Batch.EMPTY;

    private Ending(Instant now) {
        this.now = now;
        add(Clock.stamp(now));
    }

    private void add(String value) {
        arguments.add(Server.bytes(value));
    }

    private void put(String name, String value) {
        put(name, Server.bytes(value));
    }

    private void put(String name, byte[] value) {
        add(name);
        arguments.add(value);
    }

    private Server.Call call(Script script) {
        arguments.add(NOTHING);
        new Enqueuing(now).add(successors, arguments);
        new Enqueuing(now).add(new Batch(callbacks, List.of()), arguments);
        return Server.call(script.text(), arguments);
    }

    private void tell(@Nullable String replyTo, EndedTask end) {
        if (replyTo != null) {
            put("channel", News.channel(replyTo));
            put("message", Ends.write(end));
        }
    }

    private EndedTask end(QueuedTask task, TaskState state, byte @Nullable [] result, @Nullable DeadReason reason,
            @Nullable ErrorInfo error, int attempts) {
        return new EndedTask(task.id(), task.type(), task.queue(), task.root(), state, result, reason, error, attempts,
                now);
    }

    /** Enqueues the error callbacks of a task. */
    private void callBack(QueuedTask task, String reason, @Nullable ErrorInfo error) {
        for (QueuedTask each : task.onDead()) {
            Map<String, String> headers = new HashMap<>(each.headers());
            headers.put(QueuedTask.DEAD_ID, task.id());
            headers.put(QueuedTask.DEAD_REASON, reason);
            headers.put(QueuedTask.DEAD_ERROR, error == null ? "" : error.text().replaceAll("\\s+", " "));
            String id = QueuedTask.newId();
            callbacks.add(each.toBuilder().id(id).headers(headers).build());
        }
    }

    // ---- runs ----

    private static Ending of(String id, int attempt, String kind, boolean isLost, Instant now) {
        var ending = new Ending(now);
        ending.add(id);
        ending.add(Integer.toString(attempt));
        ending.add(kind);
        ending.add(isLost ? "1" : "0");
        return ending;
    }

    /** Asks whether a completion was accepted before, of a token of which nothing else is known. */
    static Server.Call repeated(String id, int attempt, Instant now) {
        return of(id, attempt, "done", false, now).call(Script.END);
    }

    static Server.Call success(Held held, byte[] result, Batch successors, Instant now) {
        Job job = held.job();
        QueuedTask task = job.task();
        var ending = of(job.id(), held.attempt(), "done", false, now);
        ending.put("ttl", Long.toString(job.resultMillis()));
        ending.put("about", Ends.about(task, held.attempt(), null, null));
        if (!new String(result, StandardCharsets.UTF_8).strip().equals(NULL)) { // RQ keeps no None
            ending.put("value", Base64.getEncoder().encode(result));
        }
        ending.tell(task.replyTo(), ending.end(task, TaskState.SUCCEEDED, result, null, null, held.attempt()));
        ending.successors = successors;
        return ending.call(Script.END);
    }

    static Server.Call dead(Held held, DeadReason reason, ErrorInfo error, boolean isLost, Instant now) {
        Job job = held.job();
        var ending = of(job.id(), held.attempt(), "died", isLost, now);
        ending.failed(job.task(), Long.toString(job.failureMillis()), reason, error, held.attempt(), !job.isForeign());
        return ending.call(Script.END);
    }

    private void failed(QueuedTask task, String ttl, DeadReason reason, ErrorInfo error, int attempts, boolean isOurs) {
        put("ttl", ttl);
        put("exc", Ends.exception(error));
        put("about", Ends.about(task, attempts, reason, error));
        if (isOurs) {
            put("dead", "1");
        }
        callBack(task, reason.name(), error);
        tell(task.replyTo(), end(task, TaskState.DEAD, null, reason, error, attempts));
    }

    /** It was to stop, and has: a job of RQ's producers is stopped, as RQ calls it, and a task of Java's cancelled. */
    static Server.Call stopped(Held held, boolean isLost, Instant now) {
        Job job = held.job();
        QueuedTask task = job.task();
        var ending = of(job.id(), held.attempt(), "cancelled", isLost, now);
        if (job.isForeign()) {
            ending.put("status", "stopped");
            ending.put("ttl", Long.toString(job.failureMillis()));
            ending.put("exc", Ends.exception(STOPPED));
        } else {
            ending.put("canceled", "1");
            ending.put("ttl", Long.toString(task.resultTtl().toMillis()));
        }
        ending.put("about", Ends.about(task, held.attempt(), null, null));
        ending.callBack(task, TaskState.CANCELLED.name(), null);
        ending.tell(task.replyTo(),
                ending.end(task, TaskState.CANCELLED, null, null, null, held.attempt()));
        return ending.call(Script.END);
    }

    /** It runs again after a while: RQ's own policy goes before that of the task. */
    static Server.Call retry(Held held, Duration delay, Instant now) {
        Job job = held.job();
        Duration wait = job.isForeign() && job.hasRetries() ? job.interval() : delay;
        var ending = of(job.id(), held.attempt(), "retry", false, now);
        ending.put("delay", Long.toString(wait.toMillis()));
        if (job.hasRetries()) {
            ending.put("retries", Integer.toString(job.retriesLeft() - 1));
        }
        return ending.call(Script.END);
    }

    /** Its worker has ended or was lost: it is the next one. */
    static Server.Call back(String id, int attempt, boolean isCrash, boolean isLost, Instant now) {
        return of(id, attempt, isCrash ? "crash" : "back", isLost, now).call(Script.END);
    }

    /** It cannot be served. */
    static Server.Call refused(String id, int attempt, String reason, Instant now) {
        var ending = of(id, attempt, "died", false, now);
        ending.put("ttl", Long.toString(Job.FAILURE_MILLIS));
        List<byte[]> failure = refusal(id, attempt, reason);
        ending.put("exc", failure.get(0));
        ending.put("about", failure.get(1));
        return ending.call(Script.END);
    }

    /** Returns the failure of a job that cannot be read: as RQ keeps it, and what is kept beside it. */
    static List<byte[]> refusal(String id, int attempt, String reason) {
        var error = new ErrorInfo("dev.sennit.queue.rq.RqBroker", reason, "");
        QueuedTask unknown = QueuedTask.of("unknown", NOTHING).id(id).build();
        return Arrays.asList(Ends.exception(error), Ends.about(unknown, attempt, DeadReason.UNREADABLE, error));
    }

    // ---- jobs that wait ----

    private static Ending waiting(String id, String created, String queue, String kind, Instant now) {
        var ending = new Ending(now);
        ending.add(id);
        ending.add(created);
        ending.add(queue);
        ending.add(kind);
        return ending;
    }

    /** It was cancelled before it began. */
    static Server.Call cancelled(String id, String created, String queue, @Nullable QueuedTask task, Instant now) {
        var ending = waiting(id, created, queue, "canceled", now);
        ending.put("ttl", task == null ? "" : Long.toString(task.resultTtl().toMillis()));
        if (task != null) {
            ending.callBack(task, TaskState.CANCELLED.name(), null);
            ending.tell(task.replyTo(), ending.end(task, TaskState.CANCELLED, null, null, null, 0));
        }
        return ending.call(Script.WAITING);
    }

    /** It was not begun in time. */
    static Server.Call expired(QueuedTask task, Instant now) {
        var ending = waiting(task.id(), "", task.queue(), "expired", now);
        EndedTask end = ending.end(task, TaskState.EXPIRED, null, null, null, 0);
        ending.put("ttl", Long.toString(task.resultTtl().toMillis()));
        ending.callBack(task, TaskState.EXPIRED.name(), null);
        if (task.replyTo() == null) {
            ending.put("message", Ends.write(end));
        } else {
            ending.tell(task.replyTo(), end);
        }
        return ending.call(Script.WAITING);
    }

    /** No worker knew its type. */
    static Server.Call unknown(QueuedTask task, String created, boolean isOurs, ErrorInfo error, Instant now) {
        var ending = waiting(task.id(), created, task.queue(), "unknown", now);
        ending.failed(task, Long.toString(Job.FAILURE_MILLIS), DeadReason.UNKNOWN_TYPE, error, 0, isOurs);
        return ending.call(Script.WAITING);
    }

    /** No worker could read it for too long. */
    static Server.Call unreadable(String id, String created, String queue, String reason, Instant now) {
        var ending = waiting(id, created, queue, "unknown", now);
        ending.put("ttl", Long.toString(Job.FAILURE_MILLIS));
        List<byte[]> failure = refusal(id, 0, reason);
        ending.put("exc", failure.get(0));
        ending.put("about", failure.get(1));
        return ending.call(Script.WAITING);
    }
}
