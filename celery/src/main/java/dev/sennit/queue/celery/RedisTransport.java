package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.foreign.Hearer;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.queue.redis.foreign.Watches;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import tools.jackson.databind.node.ObjectNode;

/** Tasks in kombu's lists in Redis, and results beside them: each verb is one script. */
final class RedisTransport implements Transport {
    private static final Logger LOG = System.getLogger(CeleryBroker.class.getName());
    /** How many bytes of messages come in one answer. */
    private static final int MOST_BYTES = 16 << 20;
    private static final int UPKEEP_AT_ONCE = 100;
    /** How many entries of a list are looked at to find the tasks of a workflow. */
    private static final String MOST_LOOKED_AT = "9999";
    /** For how long at least it is known that an id was enqueued. */
    private static final Duration KNOWN = Duration.ofDays(1);
    private static final String SEPARATOR = "\u0006\u0016";
    private static final String MAILBOXES = "_kombu.binding.celery.pidbox";
    private static final byte[] NOTHING = {};
    private static final ErrorInfo UNKNOWN =
            new ErrorInfo("dev.sennit.queue.QueueWorker", "no worker knew the type for too long", "");

    /** An entry of a list. */
    record Entry(String list, byte[] raw) implements Place {
        @Override
        public String queue() {
            return RedisAddress.queueOf(list);
        }

        @Override
        public String shown() {
            return list;
        }

        @Override
        public Message message() {
            return Message.read(raw);
        }
    }

    private final RedisAddress address;
    private final Server server;
    private final RedisEnds ends;
    private final News news;
    /** The queues of which this object has heard. */
    private final Set<String> queues = new ConcurrentSkipListSet<>();
    /** The ages of entries that say nothing of theirs. */
    private final Ages ages = new Ages();
    /** What hears, by the ids of workers. */
    private final Map<String, Hearer> workers = new ConcurrentHashMap<>();
    /** How many ms the clock of the server is ahead of that of this machine. */
    private volatile long ahead;
    /** Written once, by start. */
    private volatile @Nullable Owner owner;

    RedisTransport(RedisAddress address) {
        this.address = address;
        server = new Server(address);
        ends = new RedisEnds(address);
        news = new News(server, address.toString(), channel(), this::requested, this::announce);
    }

    private String channel() {
        return "/" + address.database() + ".celery.pidbox";
    }

    private Owner owner() {
        return Objects.requireNonNull(owner, "it has not started");
    }

    @Override
    public void start(Owner theirs) {
        owner = theirs;
        readClock();
    }

    private void readClock() {
        long before = System.currentTimeMillis();
        List<?> time = (List<?>) server.repeatable(Server.call(Command.TIME));
        long after = System.currentTimeMillis();
        long there = Long.parseLong(Server.text(time.get(0))) * 1000 + Long.parseLong(Server.text(time.get(1))) / 1000;
        ahead = there - (before + after) / 2;
    }

    @Override
    public Instant now() {
        server.ensureOpen();
        return Instant.ofEpochMilli(System.currentTimeMillis() + ahead);
    }

    @Override
    public void ensureOpen() {
        server.ensureOpen();
    }

    @Override
    public boolean isClosed() {
        return server.isClosed();
    }

    // ---- enqueue, claim ----

    @Override
    public void enqueue(List<Flow.Sent> sent) {
        List<byte[]> arguments = new ArrayList<>();
        for (Flow.Sent each : sent) {
            arguments.add(Server.bytes(each.out().id()));
            arguments.add(Server.bytes(KNOWN.toSeconds()));
            Instant expires = each.expires();
            arguments.add(expires == null ? NOTHING : Server.bytes(expires.toEpochMilli()));
            arguments.add(list(each.out()));
            arguments.add(each.out().before());
            arguments.add(Server.bytes(each.sizes().size()));
            for (Canvas.Size size : each.sizes()) {
                arguments.add(Server.bytes(size.key()));
                arguments.add(Server.bytes(size.parts()));
            }
        }
        server.repeatable(Server.call(Script.ENQUEUE.text(), arguments));
    }

    private byte[] list(Canvas.Out out) {
        return Server.bytes(address.list(out.queue(), out.priority()));
    }

    @Override
    public Taking claim(ClaimRequest request, Workers.Share share) {
        List<byte[]> arguments = new ArrayList<>();
        arguments.add(Server.bytes(Math.max(1, request.lease().toMillis())));
        arguments.add(Server.bytes(request.worker()));
        arguments.add(Server.bytes(share.most()));
        arguments.add(Server.bytes(MOST_BYTES));
        arguments.add(Server.bytes(share.types().size()));
        share.types().forEach(type -> arguments.add(Server.bytes(type)));
        addLists(arguments, request.queues());
        List<?> answer = (List<?>) server.once(List.of(Server.call(Script.CLAIM.text(), arguments))).getFirst();
        List<Taken> taken = new ArrayList<>();
        for (int i = 1; i + 7 < answer.size(); i += 8) {
            taken.add(new Taken(Server.text(answer.get(i)), Math.toIntExact((Long) answer.get(i + 1)),
                    Integer.parseInt(Server.text(answer.get(i + 2))), (byte[]) answer.get(i + 3),
                    !Server.text(answer.get(i + 4)).isEmpty(), Server.text(answer.get(i + 5)),
                    new Entry(Server.text(answer.get(i + 6)), (byte[]) answer.get(i + 7))));
        }
        return new Taking(taken, (Long) answer.getFirst());
    }

    private void addLists(List<byte[]> arguments, Collection<String> names) {
        for (String name : new LinkedHashSet<>(names)) {
            List<String> lists = address.lists(name);
            arguments.add(Server.bytes(name));
            arguments.add(Server.bytes(lists.size()));
            lists.forEach(list -> arguments.add(Server.bytes(list)));
        }
    }

    @Override
    public @Nullable Flying flying(String id) {
        List<?> run = (List<?>) server.repeatable(Server.call(Command.HMGET, Keys.run(id), "attempt", "tag",
                "length", "crashes", "queue", "list", "worker"));
        if (run.get(0) == null || run.get(1) == null) {
            return null;
        }
        byte[] flying = (byte[]) server.repeatable(Server.call(Command.HGET, Keys.UNACKED, Server.text(run.get(1))));
        int length = Integer.parseInt(Server.text(run.get(2)));
        if (flying == null || flying.length < length + 1) {
            return null;
        }
        var taken = new Taken(id, Integer.parseInt(Server.text(run.get(0))),
                run.get(3) == null ? 0 : Integer.parseInt(Server.text(run.get(3))), NOTHING, false,
                Server.text(run.get(4)),
                new Entry(Server.text(run.get(5)), Arrays.copyOfRange(flying, 1, length + 1)));
        return new Flying(taken, Server.text(run.get(6)));
    }

    // ---- leases and ends ----

    @Override
    public List<LeaseState> extend(List<Extension> extensions, Duration lease) {
        List<Server.Call> calls = new ArrayList<>(extensions.size());
        for (Extension each : extensions) {
            byte[] checkpoint = each.checkpoint();
            byte[] state = each.state();
            calls.add(Server.call(Script.EXTEND.text(), List.of(Server.bytes(each.token().id()),
                    Server.bytes(each.token().attempt()), Server.bytes(Math.max(1, lease.toMillis())),
                    Server.bytes(checkpoint == null ? "0" : "1"), checkpoint == null ? NOTHING : checkpoint,
                    state == null ? NOTHING : state, Server.bytes(address.resultExpires().toSeconds()))));
        }
        return server.repeatable(calls).stream().map(answer -> switch (((Long) answer).intValue()) {
            case 1 -> LeaseState.HELD;
            case 2 -> LeaseState.CANCEL_REQUESTED;
            default -> LeaseState.LOST;
        }).toList();
    }

    @Override
    public List<Integer> end(List<Ending> endings, boolean isRepeatable) {
        List<Server.Call> calls = endings.stream().map(ends::call).toList();
        List<Object> answers = isRepeatable ? server.repeatable(calls) : server.once(calls);
        return answers.stream().map(answer -> Math.toIntExact((Long) answer)).toList();
    }

    @Override
    public boolean isRepeated(Token token) {
        return server.repeatable(ends.repeated(token.id(), token.attempt())).equals(1L);
    }

    @Override
    public void refuse(Taken taken, String why) {
        server.repeatable(ends.refused(taken, Ending.refused(taken.id(), taken.attempt(), taken.place(), why, now())));
    }

    // ---- cancel ----

    @Override
    public Found cancel(String id, Collection<String> known) {
        List<byte[]> arguments = new ArrayList<>(List.of(Server.bytes(id)));
        for (String queue : known) {
            address.lists(queue).forEach(list -> arguments.add(Server.bytes(list)));
        }
        List<?> answer = (List<?>) server.repeatable(Server.call(Script.CANCEL.text(), arguments));
        return switch (Server.text(answer.getFirst())) {
            case "running" -> new Found(true, null);
            case "taken" -> {
                var entry = new Entry(Server.text(answer.get(3)), (byte[]) answer.get(4));
                yield new Found(false, new Taken(id, Integer.parseInt(Server.text(answer.get(1))), 0, NOTHING, false,
                        entry.queue(), entry));
            }
            default -> Found.NOTHING;
        };
    }

    @Override
    public Set<String> idsOf(String root, Collection<String> known) {
        List<byte[]> entries = new ArrayList<>();
        for (String queue : known) {
            for (String list : address.lists(queue)) {
                ((List<?>) server.repeatable(Server.call(Command.LRANGE, list, "0", MOST_LOOKED_AT)))
                        .forEach(entry -> entries.add((byte[]) entry));
            }
        }
        ((List<?>) server.repeatable(Server.call(Command.HVALS, Keys.WAITING)))
                .forEach(waiting -> entries.add(Keys.message((byte[]) waiting)));
        for (Object id : (List<?>) server.repeatable(Server.call(Command.ZRANGE, Keys.LEASES, "0", "-1"))) {
            Flying one = flying(Server.text(id));
            if (one != null) {
                entries.add(one.taken().place().raw());
            }
        }
        Set<String> ids = new LinkedHashSet<>();
        for (byte[] entry : entries) {
            try {
                Message message = Message.read(entry);
                if (message.root().equals(root)) {
                    ids.add(message.id());
                }
            } catch (RuntimeException e) {
                // it is refused when somebody takes it
            }
        }
        return ids;
    }

    @Override
    public void revoked(Collection<String> ids) {
        List<Server.Call> calls = new ArrayList<>();
        for (String id : ids) {
            calls.add(Server.call(Command.ZADD, Keys.REVOKED, Long.toString(now().toEpochMilli()), id));
        }
        server.repeatable(calls);
    }

    @Override
    public List<String> revoked() {
        return ((List<?>) server.repeatable(Server.call(Command.ZRANGE, Keys.REVOKED, "0", "9999"))).stream()
                .map(Server::text).toList();
    }

    @Override
    public String stop(String id) {
        return Server.text(server.repeatable(Server.call(Script.STOP.text(), List.of(Server.bytes(id)))));
    }

    // ---- looking on ----

    @Override
    public void remember(Collection<String> names) {
        for (String name : names) {
            if (!queues.contains(name)) {
                server.repeatable(Server.call(Command.SADD, Keys.QUEUES, name));
                queues.add(name);
            }
        }
    }

    @Override
    public Set<String> knownQueues() {
        Set<String> known = new HashSet<>(queues);
        ((List<?>) server.repeatable(Server.call(Command.SMEMBERS, Keys.QUEUES)))
                .forEach(name -> known.add(Server.text(name)));
        known.add(QueuedTask.USUAL_QUEUE);
        for (Object member : (List<?>) server.repeatable(Server.call(Command.SMEMBERS, "_kombu.binding.celery"))) {
            String[] parts = Server.text(member).split(SEPARATOR, -1);
            if (parts.length == 3 && !parts[2].isEmpty() && !parts[2].equals(address.defaultQueue())) {
                known.add(parts[2]);
            }
        }
        return known;
    }

    @Override
    public List<byte @Nullable []> results(Collection<String> ids) {
        List<Server.Call> calls = new ArrayList<>();
        for (String id : ids) {
            calls.add(Server.call(Command.GET, Results.KEY + id));
        }
        List<byte @Nullable []> results = new ArrayList<>();
        server.repeatable(calls).forEach(answer -> results.add((byte[]) answer));
        return results;
    }

    @Override
    public List<QueueCounts> counts(Collection<String> known) {
        List<QueueCounts> counts = new ArrayList<>();
        Map<String, Long> running = running();
        Map<String, Long> scheduled = new LinkedHashMap<>();
        for (Object waiting : (List<?>) server.repeatable(Server.call(Command.HVALS, Keys.WAITING))) {
            scheduled.merge(RedisAddress.queueOf(Keys.list((byte[]) waiting)), 1L, Long::sum);
        }
        Set<String> names = new TreeSet<>(known);
        ((List<?>) server.repeatable(Server.call(Command.SMEMBERS, Keys.FAILING)))
                .forEach(name -> names.add(Server.text(name)));
        String now = Long.toString(now().toEpochMilli());
        for (String queue : names) {
            List<Server.Call> calls = new ArrayList<>();
            calls.add(Server.call(Command.ZCOUNT, Keys.failed(queue), "(" + now, "+inf"));
            address.lists(queue).forEach(list -> calls.add(Server.call(Command.LLEN, list)));
            List<Object> answers = server.repeatable(calls);
            Map<TaskState, Long> states = new EnumMap<>(TaskState.class);
            states.put(TaskState.DEAD, (Long) answers.getFirst());
            states.put(TaskState.READY, answers.stream().skip(1).mapToLong(length -> (Long) length).sum());
            states.put(TaskState.RUNNING, running.getOrDefault(address.queue(queue), 0L));
            states.put(TaskState.SCHEDULED, scheduled.getOrDefault(address.queue(queue), 0L));
            if (states.values().stream().anyMatch(count -> count > 0)) {
                counts.add(new QueueCounts(queue, states, Ages.told(oldestReady(List.of(queue))), false));
            }
        }
        return counts;
    }

    private Map<String, Long> running() {
        Map<String, Long> running = new LinkedHashMap<>();
        List<?> ids = (List<?>) server.repeatable(Server.call(Command.ZRANGE, Keys.LEASES, "0", "-1"));
        List<Server.Call> calls = new ArrayList<>();
        ids.forEach(id -> calls.add(Server.call(Command.HGET, Keys.run(Server.text(id)), "queue")));
        for (Object queue : server.repeatable(calls)) {
            if (queue != null) {
                running.merge(address.queue(Server.text(queue)), 1L, Long::sum);
            }
        }
        return running;
    }

    @Override
    public Optional<Duration> oldestReady(Collection<String> names) {
        Duration oldest = null;
        List<Server.Call> calls = new ArrayList<>();
        for (String name : names) {
            address.lists(name).forEach(list -> calls.add(Server.call(Command.LINDEX, list, "-1")));
        }
        Instant now = now();
        for (Object entry : server.repeatable(calls)) {
            if (entry == null) {
                continue;
            }
            Duration age;
            try {
                age = ages.of(Message.read((byte[]) entry), now);
            } catch (UnreadableException e) {
                age = Duration.ZERO;
            }
            oldest = oldest == null || age.compareTo(oldest) > 0 ? age : oldest;
        }
        return Optional.ofNullable(oldest);
    }

    @Override
    public Upkeep upkeep(Upkeep.Limits limits, Set<String> types, Collection<String> known) {
        readClock();
        List<byte[]> arguments = new ArrayList<>();
        arguments.add(Server.bytes(address.visibilitySeconds()));
        arguments.add(Server.bytes(limits.unknownAfter().toMillis()));
        arguments.add(Server.bytes(types.size()));
        types.forEach(type -> arguments.add(Server.bytes(type)));
        addLists(arguments, known);
        List<?> answer = (List<?>) server.repeatable(Server.call(Script.UPKEEP.text(), arguments));
        int takenBack = Math.toIntExact((Long) answer.getFirst());
        int crashed = 0;
        int unknown = 0;
        int expired = 0;
        int found = 0;
        for (int i = 1; i + 7 < answer.size(); i += 8) {
            found++;
            String why = Server.text(answer.get(i));
            boolean isLost = why.equals("lost");
            int attempt = isLost ? Integer.parseInt(Server.text(answer.get(i + 2))) : asInt(answer.get(i + 2));
            boolean isToStop = !Server.text(answer.get(i + 4)).isEmpty();
            var entry = new Entry(Server.text(answer.get(i + 6)), (byte[]) answer.get(i + 7));
            var taken = new Taken(Server.text(answer.get(i + 1)), attempt,
                    Integer.parseInt(Server.text(answer.get(i + 3))), NOTHING, false,
                    isLost ? Server.text(answer.get(i + 5)) : entry.queue(), entry);
            try {
                Held one = owner().held(taken, isLost ? "lost" : "");
                if (why.equals("expired")) {
                    expired += done(owner().ending(one, Ending.Kind.CANCELLED).revoked(true));
                } else if (!isLost) {
                    unknown += done(owner().ending(one, Ending.Kind.OTHER).dead(DeadReason.UNKNOWN_TYPE, UNKNOWN));
                } else if (isToStop) {
                    crashed += done(owner().ending(one, Ending.Kind.CANCELLED).revoked(false));
                } else {
                    Ending lost = owner().crashed(one, Ending.Kind.LOST);
                    int isDone = done(lost);
                    crashed += lost.isLast() ? isDone : 0;
                    takenBack += lost.isLast() ? 0 : isDone;
                }
            } catch (BrokerException e) {
                throw e;
            } catch (RuntimeException e) {
                refuse(taken, owner().why(e));
            }
        }
        return new Upkeep(takenBack, crashed, expired, unknown, 0, found >= UPKEEP_AT_ONCE);
    }

    private static int asInt(Object answer) {
        return answer instanceof Long number ? Math.toIntExact(number) : Integer.parseInt(Server.text(answer));
    }

    private int done(Ending ending) {
        return end(List.of(ending), true).getFirst() == 1 ? 1 : 0;
    }

    @Override
    public List<Scheduled> scheduled() {
        List<Scheduled> all = new ArrayList<>();
        List<?> due = (List<?>) server.repeatable(Server.call(Command.ZRANGE, Keys.DUE, "0", "999", "WITHSCORES"));
        for (int i = 0; i + 1 < due.size(); i += 2) {
            byte[] waiting = (byte[]) server.repeatable(
                    Server.call(Command.HGET, Keys.WAITING, Server.text(due.get(i))));
            if (waiting == null) {
                continue; // it is due meanwhile
            }
            try {
                all.add(new Scheduled(Message.read(Keys.message(waiting)),
                        Instant.ofEpochMilli((long) Double.parseDouble(Server.text(due.get(i + 1))))));
            } catch (IllegalArgumentException e) {
                // it is refused when it is due
            }
        }
        return all;
    }

    // ---- workers ----

    @Override
    public void putReport(WorkerReport report, byte[] json) {
        server.repeatable(Server.call(Command.HSET, Keys.WORKERS, report.id(), Server.text(json)));
    }

    @Override
    public void removeReport(String worker) {
        server.repeatable(Server.call(Command.HDEL, Keys.WORKERS, worker));
    }

    @Override
    public Map<String, byte[]> reports() {
        Map<String, byte[]> reports = new TreeMap<>();
        List<?> answer = (List<?>) server.repeatable(Server.call(Command.HGETALL, Keys.WORKERS));
        for (int i = 0; i + 1 < answer.size(); i += 2) {
            reports.put(Server.text(answer.get(i)), (byte[]) answer.get(i + 1));
        }
        return reports;
    }

    // ---- news ----

    @Override
    public long event(String key, ObjectNode envelope) {
        return (Long) server.once(List.of(new Server.Call(null, Command.PUBLISH,
                List.of(Server.bytes("/" + address.database() + ".celeryev/" + key), Json.write(envelope)))))
                .getFirst();
    }

    @Override
    public void request(ObjectNode envelope) {
        server.repeatable(new Server.Call(null, Command.PUBLISH, List.of(Server.bytes(channel()),
                Json.write(envelope))));
    }

    @Override
    public void reply(String exchange, String key, ObjectNode envelope) {
        List<Server.Call> calls = new ArrayList<>();
        for (Object member : (List<?>) server.repeatable(Server.call(Command.SMEMBERS, "_kombu.binding." + exchange))) {
            String[] parts = Server.text(member).split(SEPARATOR, -1);
            if (parts.length == 3 && parts[0].equals(key)) {
                calls.add(new Server.Call(null, Command.LPUSH, List.of(Server.bytes(parts[2]), Json.write(envelope))));
            }
        }
        server.once(calls);
    }

    private void requested(byte[] entry) {
        if (Json.read(entry) instanceof ObjectNode envelope) {
            owner().requested(envelope);
        }
    }

    @Override
    public Broker.Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        var hearer = new Hearer("sennit-celery", interest, listener, this::closed);
        List<String> lists = interest.queues().stream().flatMap(queue -> address.lists(queue).stream()).distinct()
                .toList();
        String worker = interest.worker();
        if (worker != null) {
            workers.put(worker, hearer);
            server.repeatable(Server.call(Command.SADD, MAILBOXES, binding(worker)));
        }
        news.add(hearer, worker != null);
        hearer.start(new Watches(server, "sennit-celery", hearer, lists, Watches.End.RIGHT));
        return hearer;
    }

    private void closed(Hearer hearer) {
        String worker = hearer.interest().worker();
        news.remove(hearer);
        if (worker != null && workers.remove(worker, hearer)) {
            try {
                server.repeatable(Server.call(Command.SREM, MAILBOXES, binding(worker)));
            } catch (RuntimeException e) {
                LOG.log(Level.DEBUG, "the mailbox of " + worker + " stays bound", e);
            }
        }
    }

    /** Binds the mailboxes, which a restart of the server may have lost. */
    private void announce() {
        workers.keySet().forEach(worker -> server.repeatable(Server.call(Command.SADD, MAILBOXES, binding(worker))));
    }

    private static String binding(String worker) {
        return SEPARATOR + SEPARATOR + Events.node(worker) + ".celery.pidbox";
    }

    @Override
    public void expect(Collection<QueuedTask> tasks) {
        news.expect(tasks);
    }

    @Override
    public @Nullable Hearer hearer(String worker) {
        return workers.get(worker);
    }

    @Override
    public Set<String> listening() {
        return Set.copyOf(workers.keySet());
    }

    @Override
    public void close() {
        try (server) { // whatever fails before
            news.close();
        }
    }
}
