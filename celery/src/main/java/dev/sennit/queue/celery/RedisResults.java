package dev.sennit.queue.celery;

import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Server;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/** Results in Redis of tasks that are not there: Celery's {@code result_backend}. */
final class RedisResults implements AutoCloseable {
    private static final Pattern MEMBER =
            Pattern.compile("\\[1, *\"([^\"]*)\", *\"([A-Z]+)\", *(.*)\\]", Pattern.DOTALL);
    private static final Duration ENDED = Duration.ofMinutes(1);

    /**
     * The results of all parts of a chord.
     *
     * @param results a list as JSON, if all have succeeded
     * @param failure the text of the error, if one has not
     */
    record Gathered(String results, @Nullable String failure) {}

    private final Server server;
    private final News news;

    RedisResults(RedisAddress address) {
        server = new Server(address);
        news = new News(server, address.toString(), "", _ -> {}, () -> {});
    }

    News news() {
        return news;
    }

    void ensureThere() {
        server.repeatable(Server.call(Command.PING));
    }

    // ---- results ----

    /** Stores results and states, unless another run has ended the task, and tells who waits for them. */
    void store(String id, List<Step> steps) {
        List<Server.Call> calls = new ArrayList<>();
        for (Step step : steps) {
            switch (step) {
                case Step.Result result -> {
                    calls.add(store(result.id(), result.ttl(), result.meta(), true));
                    tell(calls, result.replyTo(), result.id());
                }
                case Step.State state -> calls.add(store(id, state.ttl(), state.meta(), false));
                case Step.Unkept unkept -> {
                    calls.add(set(Keys.ended(id), ENDED, unkept.meta()));
                    tell(calls, unkept.replyTo(), id);
                }
                default -> throw new AssertionError(step);
            }
        }
        server.repeatable(calls);
    }

    private static Server.Call set(String key, Duration ttl, byte[] value) {
        return new Server.Call(null, Command.PSETEX,
                List.of(Server.bytes(key), Server.bytes(Math.max(1, ttl.toMillis())), value));
    }

    private static Server.Call store(String id, Duration ttl, byte[] meta, boolean isEnd) {
        return Server.call(Script.STORE.text(), List.of(Server.bytes(Results.KEY + id),
                Server.bytes(Math.max(1, ttl.toMillis())), meta, Server.bytes(isEnd ? "1" : "")));
    }

    private static void tell(List<Server.Call> calls, @Nullable String replyTo, String id) {
        if (replyTo != null && !replyTo.isEmpty()) {
            calls.add(Server.call(Command.PUBLISH, RedisEnds.channel(replyTo), id));
        }
    }

    List<byte @Nullable []> results(Collection<String> ids) {
        List<Server.Call> calls = new ArrayList<>();
        for (String id : ids) {
            calls.add(Server.call(Command.GET, Results.KEY + id));
        }
        List<byte @Nullable []> results = new ArrayList<>();
        server.repeatable(calls).forEach(answer -> results.add((byte[]) answer));
        return results;
    }

    // ---- chords ----

    void sizes(List<Canvas.Size> sizes, Duration ttl) {
        List<Server.Call> calls = new ArrayList<>();
        for (Canvas.Size size : sizes) {
            calls.add(set(size.key(), ttl, Server.bytes(size.parts())));
        }
        server.repeatable(calls);
    }

    /** Notes that a part has ended; returns what was gathered if it was the last one. */
    @Nullable Gathered part(Step.Part part) {
        List<?> members = (List<?>) server.repeatable(Server.call(Script.PART.text(), List.of(
                Server.bytes(Canvas.GROUP + part.group()), Server.bytes(part.index() == null ? "+inf" : part.index()),
                Server.bytes(part.member()), Server.bytes(Math.max(1, part.ttl().toMillis())))));
        if (members.isEmpty()) {
            return null;
        }
        List<String> results = new ArrayList<>();
        for (Object each : members) {
            Matcher member = MEMBER.matcher(Server.text(each));
            if (!member.matches()) {
                return new Gathered("[]", "a part cannot be read");
            }
            if (!member.group(2).equals("SUCCESS")) {
                return new Gathered("[]", "Dependency " + member.group(1) + " raised " + shown(member.group(3)));
            }
            results.add(member.group(3));
        }
        return new Gathered("[" + String.join(", ", results) + "]", null);
    }

    /** Returns an error as Python shows it. */
    private static String shown(String error) {
        try {
            JsonNode node = Json.read(Server.bytes(error));
            String type = Json.text(node, "exc_type");
            if (type == null) {
                return "an error";
            }
            JsonNode message = Json.member(node, "exc_message") instanceof ArrayNode some && !some.isEmpty()
                    ? some.get(0)
                    : Json.member(node, "exc_message");
            return message == null || message.isNull() || message instanceof ArrayNode
                    ? type + "()"
                    : type + "('" + message.asString() + "')";
        } catch (JacksonException e) {
            return "an error";
        }
    }

    /** What follows a chord was sent: its parts are forgotten. */
    void forget(Step.Part part) {
        String prefix = Canvas.GROUP + part.group();
        server.repeatable(Server.call(Command.DEL, prefix + ".j", prefix + ".t", prefix + ".s"));
    }

    // ---- revoked tasks, workers ----

    void revoke(Collection<String> ids) {
        List<Server.Call> calls = new ArrayList<>();
        for (String id : ids) {
            calls.add(Server.call(Command.ZADD, Keys.REVOKED, Long.toString(System.currentTimeMillis()), id));
        }
        server.repeatable(calls);
    }

    List<String> revoked() {
        String old = Long.toString(System.currentTimeMillis() - Duration.ofDays(1).toMillis());
        server.repeatable(Server.call(Command.ZREMRANGEBYSCORE, Keys.REVOKED, "-inf", old));
        return ((List<?>) server.repeatable(Server.call(Command.ZRANGE, Keys.REVOKED, "0", "9999"))).stream()
                .map(Server::text).toList();
    }

    void putReport(String worker, byte[] report) {
        server.repeatable(Server.call(Command.HSET, Keys.WORKERS, worker, Server.text(report)));
    }

    void removeReport(String worker) {
        server.repeatable(Server.call(Command.HDEL, Keys.WORKERS, worker));
    }

    Map<String, byte[]> reports() {
        Map<String, byte[]> reports = new TreeMap<>();
        List<?> answer = (List<?>) server.repeatable(Server.call(Command.HGETALL, Keys.WORKERS));
        for (int i = 0; i + 1 < answer.size(); i += 2) {
            reports.put(Server.text(answer.get(i)), (byte[]) answer.get(i + 1));
        }
        return reports;
    }

    @Override
    public void close() {
        try (server) { // whatever fails before
            news.close();
        }
    }
}
