package dev.sennit.queue.celery;

import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.foreign.Json;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The workers: what they report, which other objects read too, and the rates that Celery sets for them. */
final class Workers {
    private final Transport transport;
    /** The last reports of the workers of this object. */
    private final Map<String, WorkerReport> own = new ConcurrentHashMap<>();
    private final Map<String, AtomicLong> counts = new ConcurrentHashMap<>();
    /** Rates of types, by the ids of workers. */
    private final Map<String, Map<String, Bucket>> rates = new ConcurrentHashMap<>();

    Workers(Transport transport) {
        this.transport = transport;
    }

    /** Returns the name of this machine, as Celery's node names have it. */
    static String host() {
        try {
            String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
            if (!name.isEmpty()) {
                return name;
            }
        } catch (IOException | RuntimeException e) {
            // no Linux
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    // ---- reports ----

    /** Takes a report; returns whether it is the worker's first. */
    boolean report(WorkerReport report, Instant now) {
        boolean isNew = own.put(report.id(), report) == null;
        transport.putReport(report, write(report, now));
        return isNew;
    }

    @Nullable WorkerReport forget(String worker) {
        transport.removeReport(worker);
        rates.remove(worker);
        counts.remove(worker);
        return own.remove(worker);
    }

    /** Returns what a worker of this object has reported last. */
    @Nullable WorkerReport last(String worker) {
        return own.get(worker);
    }

    /** Returns the last report of a worker of this object for others, or null. */
    byte @Nullable [] lastAsJson(String worker) {
        WorkerReport report = own.get(worker);
        return report == null ? null : write(report, Instant.now());
    }

    List<WorkerReport> all(Instant now) {
        Map<String, WorkerReport> all = new TreeMap<>();
        transport.reports().forEach((id, json) -> {
            WorkerReport report = read(id, json, now);
            if (report != null) {
                all.put(id, report);
            }
        });
        return List.copyOf(all.values());
    }

    void forgetSilent(Duration after, Instant now) {
        for (WorkerReport report : all(now)) {
            if (Duration.between(report.seenAt(), now).compareTo(after) > 0) {
                transport.removeReport(report.id());
            }
        }
    }

    private static byte[] write(WorkerReport report, Instant now) {
        ObjectNode node = Json.object();
        node.put("host", report.host());
        node.put("pid", report.pid());
        node.put("state", report.state());
        node.put("plan", report.plan());
        node.put("workers", report.workers());
        report.queues().forEach(node.putArray("queues")::add);
        report.types().forEach(node.putArray("types")::add);
        report.running().forEach(node.putArray("running")::add);
        node.put("succeeded", report.succeeded());
        node.put("failed", report.failed());
        node.put("startedAt", report.startedAt().toEpochMilli());
        node.put("seenAt", now.toEpochMilli());
        return Json.write(node);
    }

    private static @Nullable WorkerReport read(String id, byte[] json, Instant now) {
        try {
            JsonNode node = Json.read(json);
            return new WorkerReport(id, String.valueOf(Json.text(node, "host")), node.path("pid").asLong(),
                    String.valueOf(Json.text(node, "state")), String.valueOf(Json.text(node, "plan")),
                    node.path("workers").asInt(), texts(node.get("queues")), new HashSet<>(texts(node.get("types"))),
                    texts(node.get("running")), node.path("succeeded").asLong(), node.path("failed").asLong(),
                    Instant.ofEpochMilli(node.path("startedAt").asLong()),
                    Instant.ofEpochMilli(Math.min(node.path("seenAt").asLong(), now.toEpochMilli())));
        } catch (JacksonException e) {
            return null;
        }
    }

    private static List<String> texts(@Nullable JsonNode node) {
        List<String> texts = new ArrayList<>();
        if (node instanceof ArrayNode array) {
            array.forEach(each -> texts.add(each.asString()));
        }
        return texts;
    }

    // ---- counts ----

    void succeeded(Held one) {
        counts.computeIfAbsent(one.worker() + "\n" + one.message().name(), _ -> new AtomicLong()).incrementAndGet();
    }

    /** Returns how many tasks of each type have succeeded on a worker. */
    Map<String, Long> counts(String worker) {
        Map<String, Long> all = new TreeMap<>();
        counts.forEach((key, count) -> {
            if (key.startsWith(worker + "\n")) {
                all.put(key.substring(worker.length() + 1), count.get());
            }
        });
        return all;
    }

    // ---- rates ----

    private static final class Bucket {
        final double perNano;
        double tokens = 1;
        long filledAt = System.nanoTime();

        Bucket(double perSecond) {
            perNano = perSecond / 1e9;
        }

        synchronized int allowed() {
            long now = System.nanoTime();
            tokens = Math.min(1, tokens + (now - filledAt) * perNano);
            filledAt = now;
            return (int) (tokens + 1e-6);
        }

        synchronized void taken(int count) {
            tokens -= count;
        }

        synchronized Duration next() {
            return Duration.ofNanos((long) Math.ceil(Math.max(0, 1 - tokens) / perNano) + 1);
        }
    }

    /**
     * Limits how many tasks of a type a worker begins, as Celery's remote control says.
     *
     * @param perSecond how many, or 0 for no limit
     */
    void rate(String worker, String type, double perSecond) {
        Map<String, Bucket> ofWorker = rates.computeIfAbsent(worker, _ -> new ConcurrentHashMap<>());
        if (perSecond <= 0) {
            ofWorker.remove(type);
        } else {
            ofWorker.put(type, new Bucket(perSecond));
        }
    }

    /** The claims of one call. */
    static final class Share {
        private final Set<String> types;
        private final int most;
        private final @Nullable Bucket bucket;

        private Share(Set<String> types, int most, @Nullable Bucket bucket) {
            this.types = types;
            this.most = most;
            this.bucket = bucket;
        }

        Set<String> types() {
            return types;
        }

        int most() {
            return most;
        }

        void taken(int count) {
            if (bucket != null) {
                bucket.taken(count);
            }
        }
    }

    /** The tasks that a worker may claim now. */
    static final class Allowed {
        private final Set<String> free;
        private final Map<String, Bucket> limited;

        private Allowed(Set<String> free, Map<String, Bucket> limited) {
            this.free = free;
            this.limited = limited;
        }

        /** Returns what to claim; each of the limited types is one share. */
        List<Share> shares(int most) {
            List<Share> shares = new ArrayList<>();
            int left = most;
            for (var each : limited.entrySet()) {
                int allowed = Math.min(left, each.getValue().allowed());
                if (allowed > 0) {
                    shares.add(new Share(Set.of(each.getKey()), allowed, each.getValue()));
                    left -= allowed;
                }
            }
            if (left > 0 && !free.isEmpty()) {
                shares.add(new Share(free, left, null));
            }
            return shares;
        }

        /** Returns after how long another task of a limited type may begin, or null if none is limited. */
        @Nullable Duration again() {
            return limited.values().stream().map(Bucket::next).min(Duration::compareTo).orElse(null);
        }
    }

    Allowed allowed(String worker, Set<String> types) {
        Map<String, Bucket> ofWorker = rates.get(worker);
        if (ofWorker == null || ofWorker.isEmpty()) {
            return new Allowed(types, Map.of());
        }
        Set<String> free = new HashSet<>(types);
        Map<String, Bucket> limited = new TreeMap<>(ofWorker);
        limited.keySet().retainAll(types);
        free.removeAll(limited.keySet());
        return new Allowed(free, limited);
    }
}
