package dev.sennit.queue.rq;

import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Server;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The workers, registered as RQ's are, so that {@code rq info} shows them: a hash for each, a set of all, and a set for
 * each queue. The field {@code sennit} holds what RQ has no place for.
 */
final class Workers {
    private static final String ALL = "rq:workers";
    private static final String KEY = "rq:worker:";
    private static final String OF_QUEUE = "rq:workers:";
    /** How long RQ shows a worker that is silent. */
    private static final String SECONDS = "90";

    private final Server server;
    private final Clock clock;

    Workers(Server server, Clock clock) {
        this.server = server;
        this.clock = clock;
    }

    // ---- reports ----

    void report(WorkerReport report) {
        String key = KEY + report.id();
        List<String> queues = report.queues().stream().map(Workers::name).toList();
        String now = clock.stamp();
        String state = switch (report.state()) {
            case "running" -> report.running().isEmpty() ? "idle" : "busy";
            case "quiet" -> "suspended";
            default -> report.running().isEmpty() ? "idle" : "busy";
        };
        List<Server.Call> calls = new ArrayList<>();
        calls.add(Server.call(Command.HSET, key, "last_heartbeat", now, "queues", String.join(",", queues),
                "pid", Long.toString(report.pid()), "hostname", report.host(), "ip_address", "unknown",
                "birth", Clock.stamp(report.startedAt()), "version", "Sennit", "python_version", "Java "
                        + Runtime.version().feature(),
                "state", state, "sennit", write(report)));
        calls.add(report.running().isEmpty()
                ? Server.call(Command.HDEL, key, "current_job", "death")
                : Server.call(Command.HSET, key, "current_job", report.running().getFirst()));
        calls.add(Server.call(Command.EXPIRE, key, SECONDS));
        calls.add(Server.call(Command.SADD, ALL, key));
        for (String queue : queues) {
            calls.add(Server.call(Command.SADD, OF_QUEUE + queue, key));
            calls.add(Server.call(Command.SADD, "rq:queues", "rq:queue:" + queue));
        }
        server.repeatable(calls);
    }

    void forget(String worker) {
        String key = KEY + worker;
        List<Server.Call> calls = new ArrayList<>();
        for (String queue : queues((List<?>) server.repeatable(Server.call(Command.HMGET, key, "queues")))) {
            calls.add(Server.call(Command.SREM, OF_QUEUE + queue, key));
        }
        calls.add(Server.call(Command.SREM, ALL, key));
        calls.add(Server.call(Command.DEL, key));
        server.repeatable(calls);
    }

    private static List<String> queues(List<?> field) {
        String queues = Server.text(field.getFirst());
        return queues.isEmpty() ? List.of() : List.of(queues.split(","));
    }

    /** Returns the name of a queue without its weight. */
    static String name(String weighted) {
        int colon = weighted.lastIndexOf(':');
        return colon > 0 && weighted.substring(colon + 1).matches("\\d+") ? weighted.substring(0, colon) : weighted;
    }

    void forgetSilent(Duration after) {
        Instant now = clock.now();
        for (WorkerReport report : all()) {
            if (!report.plan().isEmpty() && Duration.between(report.seenAt(), now).compareTo(after) > 0) {
                forget(report.id());
            }
        }
    }

    /** Returns all workers, those of Python among them: these have no plan, and serve any type. */
    List<WorkerReport> all() {
        List<String> keys = new ArrayList<>();
        ((List<?>) server.repeatable(Server.call(Command.SMEMBERS, ALL))).forEach(key -> keys.add(Server.text(key)));
        List<Server.Call> calls = new ArrayList<>();
        keys.forEach(key -> calls.add(Server.call(Command.HGETALL, key)));
        List<Object> hashes = server.repeatable(calls);
        Map<String, WorkerReport> all = new TreeMap<>();
        List<Server.Call> gone = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            Map<String, String> hash = new HashMap<>();
            List<?> pairs = (List<?>) hashes.get(i);
            for (int k = 0; k + 1 < pairs.size(); k += 2) {
                hash.put(Server.text(pairs.get(k)), Server.text(pairs.get(k + 1)));
            }
            if (hash.isEmpty()) {
                gone.add(Server.call(Command.SREM, ALL, keys.get(i))); // as RQ does
            } else if (keys.get(i).startsWith(KEY) && !hash.containsKey("death")) {
                String id = keys.get(i).substring(KEY.length());
                all.put(id, read(id, hash));
            }
        }
        server.repeatable(gone);
        return List.copyOf(all.values());
    }

    private String write(WorkerReport report) {
        ObjectNode node = Json.object();
        node.put("state", report.state());
        node.put("plan", report.plan());
        node.put("workers", report.workers());
        report.queues().forEach(node.putArray("queues")::add);
        report.types().forEach(node.putArray("types")::add);
        report.running().forEach(node.putArray("running")::add);
        node.put("succeeded", report.succeeded());
        node.put("failed", report.failed());
        node.put("startedAt", report.startedAt().toEpochMilli());
        node.put("seenAt", clock.now().toEpochMilli());
        return Server.text(Json.write(node));
    }

    private WorkerReport read(String id, Map<String, String> hash) {
        Instant now = clock.now();
        long pid = number(hash.get("pid"));
        String host = hash.getOrDefault("hostname", "");
        try {
            JsonNode node = Job.message(hash.getOrDefault("sennit", ""));
            if (node != null) {
                return new WorkerReport(id, host, pid, String.valueOf(Json.text(node, "state")),
                        String.valueOf(Json.text(node, "plan")), node.path("workers").asInt(),
                        texts(node.get("queues")), Set.copyOf(texts(node.get("types"))), texts(node.get("running")),
                        node.path("succeeded").asLong(), node.path("failed").asLong(),
                        Instant.ofEpochMilli(node.path("startedAt").asLong()),
                        Instant.ofEpochMilli(Math.min(node.path("seenAt").asLong(), now.toEpochMilli())));
            }
        } catch (JacksonException e) {
            // it is shown as one of Python
        }
        String queues = hash.getOrDefault("queues", "");
        String job = hash.getOrDefault("current_job", "");
        return new WorkerReport(id, host, pid, "running", "", 1, queues.isEmpty()
                ? List.of()
                : Stream.of(queues.split(",")).map(queue -> queue + ":1").toList(), Set.of(),
                job.isEmpty() ? List.of() : List.of(job),
                number(hash.get("successful_job_count")), number(hash.get("failed_job_count")),
                orElse(Clock.read(hash.getOrDefault("birth", "")), now),
                orElse(Clock.read(hash.getOrDefault("last_heartbeat", "")), now));
    }

    private static Instant orElse(@Nullable Instant at, Instant otherwise) {
        return at == null ? otherwise : at;
    }

    private static long number(@Nullable String text) {
        try {
            return text == null ? 0 : Long.parseLong(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private static List<String> texts(@Nullable JsonNode node) {
        List<String> texts = new ArrayList<>();
        if (node instanceof ArrayNode array) {
            array.forEach(each -> texts.add(each.asString()));
        }
        return texts;
    }

    /** Returns the types that workers of Java know. */
    Set<String> types() {
        Set<String> types = new HashSet<>();
        all().forEach(report -> types.addAll(report.types()));
        return types;
    }
}
