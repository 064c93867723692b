package dev.sennit.queue.celery;

import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.foreign.Json;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Celery's events, for {@code celery events}. Those of tasks are gathered and sent some times a second, as
 * Celery does. While nobody hears them, as Redis says, they are thrown away unsent.
 */
final class Events implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Events.class.getName());
    private static final int MOST_GATHERED = 10_000;
    private static final long TURN_NANOS = 250_000_000;
    /** After how many turns without a listener it looks for one again. */
    private static final int TURNS_WITHOUT = 4;

    private final Transport transport;
    private final AtomicLong clock = new AtomicLong();
    private final ConcurrentLinkedQueue<ObjectNode> gathered = new ConcurrentLinkedQueue<>();
    private final AtomicInteger size = new AtomicInteger();
    /** Whether somebody has heard the last ones, as far as is known. */
    private volatile boolean isHeard = true;
    /** Whether Celery's remote control has switched off the events of tasks. */
    private volatile boolean isOff;

    private volatile boolean isClosed;
    /** Guarded by this. */
    private @Nullable Thread thread;

    Events(Transport transport) {
        this.transport = transport;
    }

    /** Returns the next time of Celery's logical clock. */
    long tick() {
        return clock.incrementAndGet();
    }

    /** Takes note of the logical clock of somebody else. */
    void heard(long other) {
        clock.accumulateAndGet(other, (mine, theirs) -> Math.max(mine, theirs) + 1);
    }

    void switchOff(boolean off) {
        isOff = off;
    }

    /** Returns the name by which Celery knows a worker. */
    static String node(String worker) {
        return worker + "@" + Workers.host();
    }

    // ---- workers ----

    void alive(WorkerReport report, boolean isNew, int active) {
        if (isNew) {
            worker("online", report, active);
        }
        worker("heartbeat", report, active);
    }

    void offline(WorkerReport report) {
        flush();
        worker("offline", report, 0);
    }

    private void worker(String what, WorkerReport report, int active) {
        ObjectNode event = event("worker-" + what, report.id());
        event.put("freq", 10.0);
        event.put("active", active);
        event.put("processed", report.succeeded() + report.failed());
        ArrayNode load = event.putArray("loadavg");
        for (double average : loads()) {
            load.add(average);
        }
        event.put("sw_ident", "sennit");
        event.put("sw_ver", "0.1.0");
        event.put("sw_sys", System.getProperty("os.name", "unknown"));
        send("worker." + what, event, node(report.id()));
    }

    private static double[] loads() {
        try {
            String[] parts = Files.readString(Path.of("/proc/loadavg")).split(" ", -1);
            return new double[] {Double.parseDouble(parts[0]), Double.parseDouble(parts[1]),
                Double.parseDouble(parts[2])};
        } catch (IOException | RuntimeException e) {
            return new double[3]; // no Linux
        }
    }

    // ---- tasks ----

    void received(String worker, Held one) {
        if (isWanted()) {
            ObjectNode event = task("task-received", worker, one);
            Message message = one.message();
            event.put("name", message.name());
            event.put("args", Json.text(message.headers(), "argsrepr"));
            event.put("kwargs", Json.text(message.headers(), "kwargsrepr"));
            event.put("root_id", message.root());
            event.put("parent_id", message.header("parent_id"));
            event.put("retries", message.retries());
            event.put("eta", message.header("eta"));
            event.put("expires", message.header("expires"));
            gather(event);
            gather(task("task-started", worker, one));
        }
    }

    void succeeded(Held one, byte[] result) {
        if (isWanted()) {
            ObjectNode event = task("task-succeeded", one.worker(), one);
            String text = new String(result, StandardCharsets.UTF_8);
            event.put("result", text.length() <= 1024 ? text : text.substring(0, 1021) + "...");
            event.put("runtime", (System.currentTimeMillis() - one.since()) / 1000.0);
            gather(event);
        }
    }

    void failed(Held one, ErrorInfo error) {
        failed("task-failed", one, error);
    }

    void retried(Held one, ErrorInfo error) {
        failed("task-retried", one, error);
    }

    private void failed(String what, Held one, ErrorInfo error) {
        if (isWanted()) {
            ObjectNode event = task(what, one.worker(), one);
            event.put("exception", error.text());
            event.put("traceback", error.stack());
            gather(event);
        }
    }

    void revoked(String worker, Held one, boolean isExpired) {
        if (isWanted()) {
            ObjectNode event = task("task-revoked", worker, one);
            event.put("terminated", one.worker().isEmpty());
            event.putNull("signum");
            event.put("expired", isExpired);
            gather(event);
        }
    }

    private boolean isWanted() {
        return isHeard && !isOff && !isClosed;
    }

    private ObjectNode task(String what, String worker, Held one) {
        ObjectNode event = event(what, worker);
        event.put("uuid", one.id());
        return event;
    }

    private ObjectNode event(String what, String worker) {
        ObjectNode event = Json.object();
        event.put("hostname", node(worker));
        event.put("utcoffset", -ZoneId.systemDefault().getRules().getOffset(Instant.now()).getTotalSeconds() / 3600);
        event.put("pid", ProcessHandle.current().pid());
        event.put("clock", tick());
        event.put("timestamp", System.currentTimeMillis() / 1000.0);
        event.put("type", what);
        return event;
    }

    // ---- sending ----

    private void gather(ObjectNode event) {
        if (size.incrementAndGet() > MOST_GATHERED) {
            size.decrementAndGet();
            return;
        }
        gathered.add(event);
        synchronized (this) {
            if (thread == null && !isClosed) {
                thread = Thread.ofPlatform().daemon().name("sennit-celery-events").start(this::run);
            }
        }
    }

    private void run() {
        int without = 0;
        while (!isClosed) {
            LockSupport.parkNanos(TURN_NANOS);
            if (isHeard) {
                flush();
                without = 0;
            } else if (++without >= TURNS_WITHOUT) {
                isHeard = true; // the next event shows whether somebody hears it
            }
        }
    }

    private void flush() {
        List<ObjectNode> some = new ArrayList<>();
        for (ObjectNode each = gathered.poll(); each != null && some.size() < 1000; each = gathered.poll()) {
            size.decrementAndGet();
            some.add(each);
        }
        if (!some.isEmpty()) {
            ArrayNode all = Json.array();
            some.forEach(all::add);
            isHeard = send("task.multi", all, String.valueOf(Json.text(some.getFirst(), "hostname"))) > 0;
        }
    }

    /** Sends; returns how many hear it. */
    private long send(String key, JsonNode body, String node) {
        ObjectNode headers = Json.object();
        headers.put("hostname", node);
        try {
            return transport.event(key, envelope(body, headers, "celeryev", key, 1));
        } catch (RuntimeException e) {
            LOG.log(Level.DEBUG, "an event is not sent", e);
            return 1;
        }
    }

    /** Returns a message that is no task. */
    static ObjectNode envelope(JsonNode body, ObjectNode headers, String exchange, String key, int mode) {
        ObjectNode envelope = Json.object();
        envelope.put("body", Base64.getEncoder().encodeToString(Json.write(body)));
        envelope.put("content-encoding", "utf-8");
        envelope.put("content-type", "application/json");
        envelope.set("headers", headers);
        ObjectNode properties = envelope.putObject("properties");
        properties.put("delivery_mode", mode);
        ObjectNode info = properties.putObject("delivery_info");
        info.put("exchange", exchange);
        info.put("routing_key", key);
        properties.put("priority", 0);
        properties.put("body_encoding", "base64");
        properties.put("delivery_tag", UUID.randomUUID().toString());
        return envelope;
    }

    @Override
    public void close() {
        flush();
        isClosed = true;
        synchronized (this) {
            if (thread != null) {
                LockSupport.unpark(thread);
            }
        }
    }
}
