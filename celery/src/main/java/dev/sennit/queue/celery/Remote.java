package dev.sennit.queue.celery;

import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.foreign.Hearer;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Server;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Celery's remote control: answers what {@code celery inspect} asks of the workers of a broker object, and does what
 * {@code celery control} says. Requests of Sennit go the same way, to workers of Sennit alone.
 */
final class Remote {
    private static final Logger LOG = System.getLogger(Remote.class.getName());
    private static final String EXCHANGE = "celery.pidbox";
    /** The name that all workers of Sennit know as theirs, also those that have not reported yet. */
    static final String ALL = "sennit";
    /** The request of Sennit's for the report of a worker. */
    static final String REPORT = "sennit_report";
    /** Reads {@code 10/m}. */
    private static final Pattern RATE = Pattern.compile("(\\d+(?:\\.\\d+)?)(?:/([smh]))?");

    private final Transport transport;
    private final Address address;
    private final Workers workers;
    private final CeleryBroker broker;
    private final Events events;

    Remote(Transport transport, Address address, Workers workers, CeleryBroker broker, Events events) {
        this.transport = transport;
        this.address = address;
        this.workers = workers;
        this.broker = broker;
        this.events = events;
    }

    // ---- sending ----

    /** Tells all workers, those of Python too, that a task is not to begin, nor to go on. */
    void revoke(String id) {
        ObjectNode arguments = Json.object();
        arguments.put("task_id", id);
        arguments.put("terminate", true);
        arguments.put("signal", "SIGTERM");
        broadcast("revoke", arguments, null);
    }

    /** Sends a request of Sennit; workers of Python do not get it. */
    void send(ControlMessage message) {
        ArrayNode to = Json.array();
        if (message.worker() != null) {
            to.add(Events.node(message.worker()));
        } else {
            if (transport.keepsReports()) {
                broker.workers().forEach(report -> to.add(report.id() + "@" + report.host()));
            }
            transport.listening().forEach(worker -> to.add(Events.node(worker)));
            to.add(ALL);
        }
        ObjectNode arguments = Json.object();
        arguments.put("worker", message.worker());
        arguments.put("command", message.command());
        ObjectNode values = arguments.putObject("arguments");
        message.arguments().forEach(values::put);
        broadcast("sennit", arguments, to);
    }

    private void broadcast(String method, ObjectNode arguments, @Nullable ArrayNode destination) {
        ObjectNode body = Json.object();
        body.put("method", method);
        body.set("arguments", arguments);
        body.set("destination", destination == null ? Json.MAPPER.nullNode() : destination);
        body.putNull("pattern");
        body.putNull("matcher");
        ObjectNode headers = Json.object();
        headers.put("clock", events.tick());
        headers.put("expires", 0);
        transport.request(Events.envelope(body, headers, EXCHANGE, "", 1));
    }

    // ---- hearing ----

    void heard(ObjectNode envelope) {
        JsonNode body;
        try {
            if (!"application/json".equals(Json.text(envelope, "content-type"))) {
                return;
            }
            String text = String.valueOf(Json.text(envelope, "body"));
            body = Json.read("base64".equals(Json.text(envelope.get("properties"), "body_encoding"))
                    ? Base64.getDecoder().decode(text)
                    : Server.bytes(text));
            JsonNode clock = Json.member(envelope.get("headers"), "clock");
            events.heard(clock != null && clock.canConvertToLong() ? clock.longValue() : 0);
        } catch (JacksonException | IllegalArgumentException e) {
            LOG.log(Level.WARNING, address + " - a request of remote control cannot be read");
            return;
        }
        for (String worker : transport.listening()) {
            if (isFor(Events.node(worker), body)) {
                heard(worker, body);
            }
        }
    }

    private static boolean isFor(String node, JsonNode body) {
        if (Json.member(body, "destination") instanceof ArrayNode to && !to.isEmpty()) {
            for (JsonNode each : to) {
                if (each.isString() && (each.stringValue().equals(node) || each.stringValue().equals(ALL)
                        && String.valueOf(Json.text(body, "method")).startsWith(ALL))) {
                    return true;
                }
            }
            return false;
        }
        String pattern = Json.text(body, "pattern");
        String matcher = Json.text(body, "matcher");
        if (pattern == null || matcher == null) {
            return true;
        }
        try {
            String regex = matcher.equals("pcre")
                    ? pattern
                    : Pattern.quote(pattern).replace("*", "\\E.*\\Q").replace("?", "\\E.\\Q");
            return matcher.equals("pcre")
                    ? Pattern.compile(regex).matcher(node).lookingAt()
                    : Pattern.matches(regex, node);
        } catch (PatternSyntaxException e) {
            return false;
        }
    }

    private void heard(String worker, JsonNode body) {
        JsonNode answer;
        try {
            JsonNode arguments = Json.member(body, "arguments");
            answer = answer(worker, String.valueOf(Json.text(body, "method")),
                    arguments == null ? Json.object() : arguments);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, address + " - a request of remote control failed: " + e);
            answer = Json.object().put("error", String.valueOf(e.getMessage()));
        }
        if (Json.member(body, "reply_to") instanceof ObjectNode to && answer != null) {
            reply(worker, answer, String.valueOf(Json.text(to, "exchange")),
                    String.valueOf(Json.text(to, "routing_key")), Json.text(body, "ticket"));
        }
    }

    private void reply(String worker, JsonNode answer, String exchange, String key, @Nullable String ticket) {
        ObjectNode body = Json.object();
        body.set(Events.node(worker), answer);
        ObjectNode headers = Json.object();
        headers.put("ticket", ticket);
        headers.put("clock", events.tick());
        transport.reply(exchange, key, Events.envelope(body, headers, exchange, key, 1));
    }

    private static ObjectNode ok(String text) {
        return Json.object().put("ok", text);
    }

    private static ObjectNode error(String text) {
        return Json.object().put("error", text);
    }

    private @Nullable JsonNode answer(String worker, String method, JsonNode arguments) {
        return switch (method) {
            case "ping" -> ok("pong");
            case "active" -> requests(worker, true);
            case "reserved" -> requests(worker, false);
            case "scheduled" -> scheduled(worker);
            case "registered" -> registered(worker);
            case "stats" -> stats(worker);
            case "active_queues" -> queues(worker);
            case "revoked" -> revoked();
            case "conf" -> Json.object();
            case "report" -> ok("sennit on Java " + Runtime.version());
            case "clock" -> Json.object().put("clock", events.tick());
            case "query_task" -> query(worker, arguments);
            case "hello" -> hello(worker, arguments);
            case "revoke" -> revoke(arguments, Json.isTrue(arguments.get("terminate")));
            case "terminate" -> revoke(arguments, true);
            case "rate_limit" -> rateLimit(worker, arguments);
            case "enable_events" -> events(false, "task events enabled");
            case "disable_events" -> events(true, "task events disabled");
            case "heartbeat" -> heartbeat(worker);
            case "shutdown" -> {
                tell(worker, "shutdown", Map.of());
                yield null;
            }
            case "pool_grow" -> resize(worker, "grow", arguments, "pool will grow");
            case "pool_shrink" -> resize(worker, "shrink", arguments, "pool will shrink");
            case "add_consumer" -> queue(worker, "add-queue", arguments, "add consumer ");
            case "cancel_consumer" -> queue(worker, "remove-queue", arguments, "no longer consuming from ");
            case REPORT -> report(worker);
            case "sennit" -> {
                Map<String, String> values = new TreeMap<>();
                JsonNode given = Json.member(arguments, "arguments");
                if (given != null) {
                    given.properties().forEach(each -> values.put(each.getKey(), each.getValue().asString()));
                }
                var message = new ControlMessage(Json.text(arguments, "worker"),
                        String.valueOf(Json.text(arguments, "command")), values);
                tell(worker, message);
                yield null;
            }
            default -> error("a worker of Sennit does not know " + method);
        };
    }

    private void tell(String worker, String command, Map<String, String> values) {
        tell(worker, new ControlMessage(worker, command, values));
    }

    private void tell(String worker, ControlMessage message) {
        Hearer hearer = transport.hearer(worker);
        if (hearer != null) {
            hearer.tell(listener -> listener.control(message));
        }
    }

    private @Nullable JsonNode report(String worker) {
        byte[] report = workers.lastAsJson(worker);
        return report == null ? null : Json.array().add(worker).add(Json.read(report));
    }

    private ObjectNode resize(String worker, String command, JsonNode arguments, String answer) {
        JsonNode n = Json.member(arguments, "n");
        tell(worker, command, Map.of("by", n == null ? "1" : n.asString()));
        return ok(answer);
    }

    private ObjectNode queue(String worker, String command, JsonNode arguments, String answer) {
        String queue = Json.text(arguments, "queue");
        if (queue == null || queue.isBlank()) {
            return error("the argument queue is missing");
        }
        tell(worker, command, Map.of("queue", queueOf(worker, queue)));
        return ok(answer + queue);
    }

    /** Returns a queue as the worker calls it, which may name Celery's default queue by either name. */
    private String queueOf(String worker, String queue) {
        WorkerReport report = workers.last(worker);
        boolean isItsOwn = report != null && report.queues().stream()
                .anyMatch(each -> each.equals(queue) || each.startsWith(queue + ":"));
        return isItsOwn ? queue : address.sennitQueue(queue);
    }

    private ObjectNode events(boolean isOff, String answer) {
        events.switchOff(isOff);
        return ok(answer);
    }

    private @Nullable JsonNode heartbeat(String worker) {
        WorkerReport report = workers.last(worker);
        if (report != null) {
            events.alive(report, false, broker.heldBy(worker).size());
        }
        return null;
    }

    private ObjectNode revoke(JsonNode arguments, boolean isStopped) {
        List<String> ids = new ArrayList<>();
        JsonNode given = Json.member(arguments, "task_id");
        if (given instanceof ArrayNode some) {
            some.forEach(each -> ids.add(each.asString()));
        } else if (given != null && given.isString()) {
            ids.add(given.stringValue());
        }
        if (ids.isEmpty() || ids.size() > 10_000) {
            return error("revoke takes the ids of 1 to 10000 tasks");
        }
        transport.revoked(ids);
        if (isStopped) {
            for (String id : ids) {
                Hearer hearer = transport.hearer(transport.stop(id));
                if (hearer != null) {
                    hearer.tell(listener -> listener.cancelRequested(id));
                }
            }
            return ok("terminate: " + String.join(", ", ids));
        }
        return ok("tasks " + String.join(", ", ids) + " flagged as revoked");
    }

    private ObjectNode rateLimit(String worker, JsonNode arguments) {
        String type = Json.text(arguments, "task_name");
        WorkerReport report = workers.last(worker);
        if (type == null || report != null && !report.types().contains(type)) {
            return error("unknown task");
        }
        JsonNode given = Json.member(arguments, "rate_limit");
        String text = given == null ? "0" : given.asString();
        var rate = RATE.matcher(text);
        if (!rate.matches()) {
            return error("Invalid rate limit string: " + text);
        }
        double number = Double.parseDouble(rate.group(1));
        String unit = rate.group(2);
        workers.rate(worker, type, "h".equals(unit) ? number / 3600 : "m".equals(unit) ? number / 60 : number);
        return ok(number == 0 ? "rate limit disabled successfully" : "new rate limit set successfully");
    }

    // ---- inspection ----

    /** The oldest that the worker has run, as many as it runs at a time; the others wait in it. */
    private ArrayNode requests(String worker, boolean isActive) {
        List<Held> held = broker.heldBy(worker);
        WorkerReport report = workers.last(worker);
        int places = report == null ? held.size() : Math.min(report.workers(), held.size());
        ArrayNode all = Json.array();
        (isActive ? held.subList(0, places) : held.subList(places, held.size()))
                .forEach(one -> all.add(request(worker, one.message(), isActive ? one : null)));
        return all;
    }

    private ObjectNode request(String worker, Message message, @Nullable Held one) {
        ObjectNode request = Json.object();
        request.put("id", message.id());
        request.put("name", message.name());
        request.set("args", Json.read(Server.bytes(message.arguments())));
        request.set("kwargs", Json.read(Server.bytes(message.named())));
        request.put("type", message.name());
        request.put("hostname", Events.node(worker));
        if (one == null) {
            request.putNull("time_start");
        } else {
            request.put("time_start", one.since() / 1000.0);
        }
        request.put("acknowledged", false);
        JsonNode delivery = Json.member(message.properties(), "delivery_info");
        ObjectNode info = delivery instanceof ObjectNode object ? object.deepCopy() : Json.object();
        info.put("priority", message.priority());
        info.put("redelivered", one != null && one.attempt() > 1);
        request.set("delivery_info", info);
        request.put("worker_pid", ProcessHandle.current().pid());
        return request;
    }

    private ArrayNode scheduled(String worker) {
        ArrayNode all = Json.array();
        for (Transport.Scheduled each : transport.scheduled()) {
            ObjectNode one = all.addObject();
            one.put("eta", Message.time(each.due()));
            one.put("priority", each.message().priority());
            one.set("request", request(worker, each.message(), null));
        }
        return all;
    }

    private ArrayNode registered(String worker) {
        ArrayNode types = Json.array();
        WorkerReport report = workers.last(worker);
        if (report != null) {
            report.types().stream().sorted().forEach(types::add);
        }
        return types;
    }

    private ArrayNode queues(String worker) {
        ArrayNode queues = Json.array();
        WorkerReport report = workers.last(worker);
        if (report != null) {
            for (String each : report.queues()) {
                int colon = each.lastIndexOf(':');
                String name = address.queue(colon < 0 ? each : each.substring(0, colon));
                ObjectNode queue = queues.addObject();
                queue.put("name", name);
                queue.put("routing_key", name);
                ObjectNode exchange = queue.putObject("exchange");
                exchange.put("name", name);
                exchange.put("type", "direct");
            }
        }
        return queues;
    }

    private ArrayNode revoked() {
        ArrayNode ids = Json.array();
        transport.revoked().forEach(ids::add);
        return ids;
    }

    private ObjectNode stats(String worker) {
        WorkerReport report = workers.last(worker);
        ObjectNode stats = Json.object();
        ObjectNode total = stats.putObject("total");
        workers.counts(worker).forEach(total::put);
        stats.put("pid", ProcessHandle.current().pid());
        stats.put("clock", Long.toString(events.tick()));
        stats.put("uptime", report == null
                ? 0
                : (System.currentTimeMillis() - report.startedAt().toEpochMilli()) / 1000);
        ObjectNode pool = stats.putObject("pool");
        pool.put("implementation", "sennit:" + (report == null ? "" : report.plan()));
        pool.put("max-concurrency", report == null ? 0 : report.workers());
        ObjectNode server = stats.putObject("broker");
        server.put("hostname", address.host());
        server.put("port", address.port());
        server.put("transport", address.transport());
        server.put("virtual_host", address.virtualHost());
        stats.put("prefetch_count", report == null ? 0 : report.workers());
        Runtime runtime = Runtime.getRuntime();
        ObjectNode usage = stats.putObject("rusage");
        usage.put("maxrss", (runtime.totalMemory() - runtime.freeMemory()) / 1024);
        return stats;
    }

    private ObjectNode query(String worker, JsonNode arguments) {
        ObjectNode found = Json.object();
        if (Json.member(arguments, "ids") instanceof ArrayNode ids) {
            for (Held one : broker.heldBy(worker)) {
                for (JsonNode id : ids) {
                    if (id.asString().equals(one.id())) {
                        found.putArray(one.id()).add("active").add(request(worker, one.message(), one));
                    }
                }
            }
        }
        return found;
    }

    private @Nullable ObjectNode hello(String worker, JsonNode arguments) {
        if (Events.node(worker).equals(Json.text(arguments, "from_node"))) {
            return null;
        }
        ObjectNode answer = Json.object();
        answer.putObject("revoked");
        answer.put("clock", events.tick());
        return answer;
    }
}
