package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;

/**
 * The broker that speaks Celery's protocol 2 over kombu's transport for Redis: workers in Java serve Celery's
 * producers, and stand beside Celery's workers.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 * import dev.sennit.queue.broker.Broker;
 *
 * record Photo(String path, int width) {}
 *
 * TaskType<Photo, String> make = TaskType.of("thumbs.make", Photo.class, photo -> photo.path() + ".thumb");
 * try (Broker broker = Broker.open("celery+redis://localhost/0");
 *         QueueWorker worker = QueueWorker.builder(broker).types(make).start()) {
 *     worker.awaitEnd(); // thumbs.make.delay("a.jpg", width=128).get() in Python
 * }
 * }
 *
 * <p>{@link Broker#open} takes {@code celery+redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB]} and, after {@code ?}:
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option</th><th>default</th><th>is</th></tr>
 * <tr><td>default_queue</td><td>celery</td><td>Celery's {@code task_default_queue}, which is Sennit's queue
 *   {@code default}</td></tr>
 * <tr><td>priority_steps</td><td>0,3,6,9</td><td>kombu's {@code priority_steps}; with all of 0 to 9, there are
 *   {@link BrokerFeature#PRIORITIES}</td></tr>
 * <tr><td>visibility_timeout</td><td>3600</td><td>kombu's {@code visibility_timeout}, in seconds: after so long, what
 *   a worker of Python has taken is put back</td></tr>
 * <tr><td>result_expires</td><td>86400</td><td>Celery's {@code result_expires}, in seconds</td></tr>
 * </table>
 *
 * <p><b>Keys.</b> Tasks that wait stand in kombu's lists, those that run in its hash {@code unacked}. Leases, attempts
 * and tasks that are due later have no place in kombu's keys: their keys begin with {@code sennit.celery:}. An entry
 * that cannot be read is in the list {@code sennit.celery:dead}, the newest first: a line of JSON that says why, and
 * the bytes.
 *
 * <p><b>What it cannot do</b> is refused by an {@link UnsupportedOperationException}: messages of Celery have no room
 * for it. {@link #features} lists the rest. Time is that of the server of Redis.
 */
public final class CeleryBroker implements Broker {
    private static final Logger LOG = System.getLogger(CeleryBroker.class.getName());
    /** How many bytes of messages come in one answer. */
    private static final int MOST_BYTES = 16 << 20;
    /** How often a claim asks again, as some of what it got was not to run now. */
    private static final int MOST_ROUNDS = 20;
    private static final int UPKEEP_AT_ONCE = 100;
    /** How many entries of a list are looked at to find the tasks of a workflow. */
    private static final String MOST_LOOKED_AT = "9999";
    private static final ErrorInfo LOST = new ErrorInfo("dev.sennit.queue.QueueWorker",
            "the worker was lost while it ran the task, more often than its retry policy allows", "");
    private static final ErrorInfo ONCE = new ErrorInfo("dev.sennit.queue.QueueWorker",
            "the worker was lost while it ran the task, which may run once only", "");
    private static final ErrorInfo UNKNOWN =
            new ErrorInfo("dev.sennit.queue.QueueWorker", "no worker knew the type for too long", "");

    private final Address address;
    private final Server server;
    private final Workers workers;
    private final News news;
    private final Events events;
    private final String origin;
    /** The tasks that workers of this object have, by their tokens. */
    private final Map<Token, Held> held = new ConcurrentHashMap<>();
    /** The queues of which this object has heard. */
    private final Set<String> queues = new ConcurrentSkipListSet<>();
    /** How many ms the clock of the server is ahead of that of this machine. */
    private volatile long ahead;

    CeleryBroker(Address address) {
        this.address = address;
        origin = "java" + ProcessHandle.current().pid() + "@" + Workers.host();
        server = new Server(address);
        try {
            readClock();
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
        workers = new Workers(server);
        events = new Events(server, address);
        news = new News(server, address, new Remote(server, address, workers, this, events));
    }

    /**
     * Opens a broker, as {@link Broker#open} does.
     *
     * @param uri the address
     * @return the broker
     * @throws IllegalArgumentException if the address is wrong; the message shows no password
     * @throws BrokerException if the server cannot be reached or used
     */
    public static CeleryBroker open(String uri) {
        return new CeleryBroker(new Address(BrokerUri.parse(uri)));
    }

    private void readClock() {
        long before = System.currentTimeMillis();
        List<?> time = (List<?>) server.repeatable(Server.call(Command.TIME));
        long after = System.currentTimeMillis();
        long there = Long.parseLong(Server.text(time.get(0))) * 1000 + Long.parseLong(Server.text(time.get(1))) / 1000;
        ahead = there - (before + after) / 2;
    }

    @Override
    public String name() {
        return address.toString();
    }

    @Override
    public Set<BrokerFeature> features() {
        EnumSet<BrokerFeature> features =
                EnumSet.of(BrokerFeature.IDS, BrokerFeature.DELAY, BrokerFeature.DURABLE, BrokerFeature.SHARED);
        if (address.hasAllPriorities()) {
            features.add(BrokerFeature.PRIORITIES);
        }
        return features;
    }

    private UnsupportedOperationException refused(BrokerFeature feature, String why) {
        return new UnsupportedOperationException(name() + " has no " + feature.name() + ": " + why);
    }

    // ---- enqueue ----

    @Override
    public List<Enqueued> enqueue(Batch batch) {
        server.ensureOpen();
        batch.ensureWhole();
        for (QueuedTask task : batch.tasks()) {
            ensureOffered(task);
        }
        Flow flow = Flow.of(batch, address, origin, now());
        List<byte[]> arguments = new ArrayList<>();
        for (Flow.Sent sent : flow.sent()) {
            sent.addTo(arguments);
        }
        remember(batch.tasks().stream().map(QueuedTask::queue).toList());
        if (!arguments.isEmpty()) {
            news.expect(batch.tasks());
            server.repeatable(Server.call(Script.ENQUEUE, arguments));
        }
        return batch.tasks().stream().map(task -> new Enqueued(task.id(), false)).toList();
    }

    private void ensureOffered(QueuedTask task) {
        if (task.unique() != null) {
            throw refused(BrokerFeature.UNIQUE, "Celery's messages have no unique keys");
        }
        if (task.key() != null) {
            throw refused(BrokerFeature.KEYS, "Celery's queues have no limits for keys");
        }
        if (task.priority() > QueuedTask.USUAL_PRIORITY && !address.hasAllPriorities()) {
            throw refused(BrokerFeature.PRIORITIES, "nothing goes before Celery's usual priority on Redis; have"
                    + " priority_steps=0,1,2,3,4,5,6,7,8,9 here and in Celery's broker_transport_options");
        }
        task.onDead().forEach(this::ensureOffered);
    }

    // ---- claim ----

    @Override
    public Claimed claim(ClaimRequest request) {
        server.ensureOpen();
        if (request.queues().isEmpty() || request.types().isEmpty()) {
            return new Claimed(List.of(), null);
        }
        remember(request.queues());
        List<Claim> claims = new ArrayList<>();
        long due = -1;
        Workers.Allowed allowed = workers.allowed(request.worker(), request.types());
        for (int round = 0; round < MOST_ROUNDS && claims.size() < request.most(); round++) {
            int before = claims.size();
            boolean isDiverted = false;
            for (Workers.Share share : allowed.shares(request.most() - before)) {
                List<?> answer = (List<?>) server.once(List.of(call(request, share))).getFirst();
                due = (Long) answer.getFirst();
                List<Server.Call> diversions = new ArrayList<>();
                int taken = 0;
                for (int i = 1; i + 7 < answer.size(); i += 8) {
                    Claim claim = take(request.worker(), answer.subList(i, i + 8), diversions);
                    if (claim != null) {
                        claims.add(claim);
                        taken++;
                    }
                }
                share.taken(taken);
                if (!diversions.isEmpty()) {
                    server.repeatable(diversions);
                    isDiverted = true;
                }
            }
            if (!isDiverted) {
                break;
            }
        }
        Duration again = allowed.again();
        if (due > 0 && (again == null || again.toMillis() > due)) {
            again = Duration.ofMillis(due);
        }
        return new Claimed(claims, again);
    }

    private Server.Call call(ClaimRequest request, Workers.Share share) {
        List<byte[]> arguments = new ArrayList<>();
        arguments.add(Server.bytes(Math.max(1, request.lease().toMillis())));
        arguments.add(Server.bytes(request.worker()));
        arguments.add(Server.bytes(share.most()));
        arguments.add(Server.bytes(MOST_BYTES));
        arguments.add(Server.bytes(share.types().size()));
        share.types().forEach(type -> arguments.add(Server.bytes(type)));
        addLists(arguments, request.queues());
        return Server.call(Script.CLAIM, arguments);
    }

    private void addLists(List<byte[]> arguments, Collection<String> names) {
        for (String name : new LinkedHashSet<>(names)) {
            List<String> lists = address.lists(name);
            arguments.add(Server.bytes(name));
            arguments.add(Server.bytes(lists.size()));
            lists.forEach(list -> arguments.add(Server.bytes(list)));
        }
    }

    @SuppressWarnings("NullAway") // it does not see the annotations of arrays of another module
    private static Claim claim(Token token, QueuedTask task, Held one, Instant at, byte @Nullable [] checkpoint) {
        return new Claim(token, task, one.message().retries(), one.crashes(), at, checkpoint, List.of());
    }

    /** Returns the claim of a message; or null if it is not to run now, and adds what is to become of it. */
    private @Nullable Claim take(String worker, List<?> answer, List<Server.Call> diversions) {
        String id = Server.text(answer.get(0));
        int attempt = Math.toIntExact((Long) answer.get(1));
        int crashes = Integer.parseInt(Server.text(answer.get(2)));
        byte[] checkpoint = (byte[]) answer.get(3);
        boolean isRevoked = !Server.text(answer.get(4)).isEmpty();
        byte[] raw = (byte[]) answer.get(7);
        String list = Server.text(answer.get(6));
        Instant now = now();
        Held one;
        try {
            one = held(id, attempt, crashes, Server.text(answer.get(5)), list, worker, raw);
            Instant eta = one.message().eta();
            Instant expires = one.message().expires();
            if (isRevoked || expires != null && expires.isBefore(now)) {
                events.revoked(worker, one, !isRevoked);
                diversions.add(new Ending(address, one, "cancelled", origin, now).revoked(!isRevoked).call());
                return null;
            }
            if (eta != null && eta.isAfter(now)) {
                diversions.add(new Ending(address, one, "delayed", origin, now)
                        .delay(Duration.between(now, eta)).call());
                return null;
            }
        } catch (RuntimeException e) {
            String why = why(e);
            LOG.log(Level.WARNING, name() + " - task " + id + " cannot be read, and is in sennit.celery:dead: " + why);
            diversions.add(Ending.refused(id, attempt, list, raw, why, now));
            return null;
        }
        QueuedTask task = Objects.requireNonNull(one.task());
        var token = new Token(id, attempt);
        held.put(token, one);
        events.received(worker, one);
        Instant at = one.message().enqueuedAt();
        return claim(token, task, one, at == null ? now : at, checkpoint.length == 0 ? null : checkpoint);
    }

    /** Words what is wrong with a message, without showing anything of it. */
    private static String why(RuntimeException error) {
        return error instanceof UnreadableException && error.getMessage() != null
                ? error.getMessage()
                : "the message is none of a task: " + error.getClass().getSimpleName();
    }

    private Held held(String id, int attempt, int crashes, String queue, String list, String worker, byte[] raw) {
        Message message = Message.read(raw);
        if (!message.id().equals(id)) {
            throw new UnreadableException("the message has two ids");
        }
        QueuedTask task = message.task(address, queue);
        return new Held(id, attempt, crashes, queue, list, worker, message, task, System.currentTimeMillis());
    }

    /** Returns what a token stands for, also if another broker object has claimed it; null if nothing is known. */
    private @Nullable Held held(Token token) {
        Held known = held.get(token);
        if (known != null) {
            return known;
        }
        Held one = flying(token.id());
        return one == null || one.attempt() != token.attempt() ? null : one;
    }

    /** Returns what is in flight of a task, or null. */
    private @Nullable Held flying(String id) {
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
        try {
            return held(id, Integer.parseInt(Server.text(run.get(0))),
                    run.get(3) == null ? 0 : Integer.parseInt(Server.text(run.get(3))),
                    Server.text(run.get(4)), Server.text(run.get(5)), Server.text(run.get(6)),
                    Arrays.copyOfRange(flying, 1, length + 1));
        } catch (RuntimeException e) {
            return null;
        }
    }

    // ---- leases and ends ----

    @Override
    public List<LeaseState> extend(List<Renewal> renewals, Duration lease) {
        server.ensureOpen();
        List<Server.Call> calls = new ArrayList<>(renewals.size());
        for (Renewal renewal : renewals) {
            Token token = renewal.token();
            Held one = renewal.progress() == null ? null : held(token);
            byte[] progress = one == null || renewal.progress() == null || one.message().ignoresResult()
                    ? new byte[0]
                    : Results.progress(new Results.About(token.id(), one.message().name(), one.queue(),
                            one.message().root(), token.attempt(), null, null), renewal.progress());
            calls.add(Server.call(Script.EXTEND, List.of(Server.bytes(token.id()), Server.bytes(token.attempt()),
                    Server.bytes(Math.max(1, lease.toMillis())),
                    Server.bytes(renewal.checkpoint() == null ? "0" : "1"),
                    renewal.checkpoint() == null ? new byte[0] : renewal.checkpoint(), progress,
                    Server.bytes(address.resultExpires().toSeconds()))));
        }
        List<LeaseState> states = new ArrayList<>(renewals.size());
        List<Object> answers = server.repeatable(calls);
        for (int i = 0; i < answers.size(); i++) {
            LeaseState state = switch (((Long) answers.get(i)).intValue()) {
                case 1 -> LeaseState.HELD;
                case 2 -> LeaseState.CANCEL_REQUESTED;
                default -> LeaseState.LOST;
            };
            if (state == LeaseState.LOST) {
                held.remove(renewals.get(i).token());
            }
            states.add(state);
        }
        return states;
    }

    @Override
    public List<Boolean> complete(List<Completion> completions) {
        server.ensureOpen();
        for (Completion each : completions) {
            each.successors().ensureWhole();
            if (!each.successors().joins().isEmpty()) {
                throw refused(BrokerFeature.JOINS, "successors of a task are single tasks here");
            }
            each.successors().tasks().forEach(this::ensureOffered);
            if (Json.kind(each.result()) == null) {
                throw new IllegalArgumentException("results of Celery are JSON, but that of " + each.token().id()
                        + " is none");
            }
        }
        List<@Nullable Held> all = new ArrayList<>();
        List<Server.Call> calls = new ArrayList<>();
        Instant now = now();
        for (Completion each : completions) {
            Held one = held(each.token());
            all.add(one);
            calls.add(one == null
                    ? Ending.repeated(each.token().id(), each.token().attempt())
                    : success(one, each, now));
        }
        List<Object> answers = server.repeatable(calls);
        List<Boolean> accepted = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            boolean isDone = answers.get(i).equals(1L);
            accepted.add(isDone);
            Held one = all.get(i);
            held.remove(completions.get(i).token());
            if (isDone && one != null) {
                workers.succeeded(one);
                events.succeeded(one, completions.get(i).result());
            }
        }
        return accepted;
    }

    /** A successor of a task may be no signature: then the task has failed, as it would in Celery. */
    private Server.Call success(Held one, Completion completion, Instant now) {
        try {
            return new Ending(address, one, "done", origin, now)
                    .success(completion.result(), completion.successors().tasks()).call();
        } catch (UnreadableException e) {
            LOG.log(Level.WARNING, name() + " - what follows task " + one.id() + " cannot be read: " + e.getMessage());
            return new Ending(address, one, "done", origin, now).dead(DeadReason.UNREADABLE,
                    new ErrorInfo(UnreadableException.class.getName(),
                            "what follows the task cannot be read: " + e.getMessage(), ""))
                    .call();
        }
    }

    @Override
    public List<Boolean> fail(List<Failure> failures) {
        server.ensureOpen();
        List<@Nullable Held> all = new ArrayList<>();
        List<Server.Call> calls = new ArrayList<>();
        Instant now = now();
        for (Failure each : failures) {
            Held one = held(each.token());
            all.add(one);
            if (one != null) {
                calls.add(ending(one, each, now).call());
            }
        }
        List<Object> answers = server.once(calls);
        List<Boolean> accepted = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < failures.size(); i++) {
            Held one = all.get(i);
            boolean isDone = false;
            if (one != null) {
                Object answer = answers.get(next++);
                isDone = answer.equals(1L);
                boolean isToStop = answer.equals(2L);
                if (isToStop) { // it was cancelled, whatever the verdict says
                    isDone = server.repeatable(new Ending(address, one, "cancelled", origin, now).revoked(false).call())
                            .equals(1L);
                }
                if (isDone) {
                    told(one, failures.get(i), isToStop);
                }
            }
            held.remove(failures.get(i).token());
            accepted.add(isDone);
        }
        return accepted;
    }

    private Ending ending(Held one, Failure failure, Instant now) {
        return switch (failure.verdict()) {
            case Failure.RetryIn retry ->
                new Ending(address, one, "retry", origin, now).retry(retry.delay(), failure.error());
            case Failure.Die die -> new Ending(address, one, "died", origin, now).dead(die.reason(), failure.error());
            case Failure.GiveBack _ -> new Ending(address, one, "back", origin, now).back(false);
            case Failure.Crashed _ -> crashed(one, "crashed", failure.error(), now);
            case Failure.Cancelled _ -> new Ending(address, one, "cancelled", origin, now).revoked(false);
        };
    }

    private Ending crashed(Held one, String kind, @Nullable ErrorInfo told, Instant now) {
        QueuedTask task = one.task();
        RetryPolicy retry = task == null ? RetryPolicy.NONE : task.retry();
        var ending = new Ending(address, one, kind, origin, now);
        if (task != null && task.atMostOnce()) {
            return ending.dead(DeadReason.LOST, told == null ? ONCE : told);
        }
        return one.crashes() + 1 >= retry.crashes()
                ? ending.dead(DeadReason.CRASHED, told == null ? LOST : told)
                : ending.back(true);
    }

    private void told(Held one, Failure failure, boolean isToStop) {
        if (isToStop || failure.verdict() instanceof Failure.Cancelled) {
            events.revoked(one.worker(), one, false);
        } else if (failure.verdict() instanceof Failure.RetryIn) {
            events.retried(one, failure.error());
        } else if (failure.verdict() instanceof Failure.Die) {
            events.failed(one, failure.error());
        }
    }

    // ---- cancel ----

    @Override
    public @Nullable TaskState cancel(String id) {
        server.ensureOpen();
        EndedTask end = Results.end(id, (byte[]) server.repeatable(Server.call(Command.GET, Results.KEY + id)));
        if (end != null) {
            return end.state();
        }
        List<byte[]> arguments = new ArrayList<>(List.of(Server.bytes(id)));
        for (String queue : knownQueues()) {
            address.lists(queue).forEach(list -> arguments.add(Server.bytes(list)));
        }
        List<?> answer = (List<?>) server.repeatable(Server.call(Script.CANCEL, arguments));
        switch (Server.text(answer.getFirst())) {
            case "running" -> {
                news.remote().revoke(id);
                return TaskState.RUNNING;
            }
            case "taken" -> {
                int attempt = Integer.parseInt(Server.text(answer.get(1)));
                String list = Server.text(answer.get(3));
                byte[] raw = (byte[]) answer.get(4);
                Server.Call call;
                try {
                    Held one = held(id, attempt, 0, Address.queueOf(list), list, "", raw);
                    call = new Ending(address, one, "cancelled", origin, now()).revoked(false).call();
                } catch (RuntimeException e) {
                    call = Ending.refused(id, attempt, list, raw, why(e), now());
                }
                server.repeatable(call);
                return TaskState.CANCELLED;
            }
            default -> {
                news.remote().revoke(id); // a worker of Python may have it
                return null;
            }
        }
    }

    @Override
    public int cancelAll(String root) {
        server.ensureOpen();
        List<byte[]> entries = new ArrayList<>();
        for (String queue : knownQueues()) {
            for (String list : address.lists(queue)) {
                ((List<?>) server.repeatable(Server.call(Command.LRANGE, list, "0", MOST_LOOKED_AT)))
                        .forEach(entry -> entries.add((byte[]) entry));
            }
        }
        ((List<?>) server.repeatable(Server.call(Command.HVALS, Keys.WAITING)))
                .forEach(waiting -> entries.add(Keys.message((byte[]) waiting)));
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
        List<?> running = (List<?>) server.repeatable(Server.call(Command.ZRANGE, Keys.LEASES, "0", "-1"));
        for (Object id : running) {
            Held one = flying(Server.text(id));
            if (one != null && one.message().root().equals(root)) {
                ids.add(one.id());
            }
        }
        int cancelled = 0;
        for (String id : ids) {
            TaskState state = cancel(id);
            cancelled += state == TaskState.CANCELLED || state == TaskState.RUNNING ? 1 : 0;
        }
        return cancelled;
    }

    /** Notes that a task is not to begin, nor to go on. */
    void revoked(Collection<String> ids) {
        List<Server.Call> calls = new ArrayList<>();
        for (String id : ids) {
            calls.add(Server.call(Command.ZADD, Keys.REVOKED, Long.toString(now().toEpochMilli()), id));
        }
        server.repeatable(calls);
    }

    /** Notes that a task is to stop, wherever it runs; returns the id of its worker, or an empty text. */
    String stop(String id) {
        List<?> run = (List<?>) server.repeatable(Server.call(Command.HMGET, Keys.run(id), "tag", "worker"));
        if (run.get(0) == null || run.get(1) == null) {
            return "";
        }
        server.repeatable(Server.call(Command.HSET, Keys.run(id), "cancel", "1"));
        return Server.text(run.get(1));
    }

    /** Returns what a worker has, the oldest first. */
    List<Held> heldBy(String worker) {
        return held.values().stream().filter(one -> one.worker().equals(worker))
                .sorted(Comparator.comparingLong(Held::since)).toList();
    }

    /** Has other broker objects know of queues, too. */
    private void remember(Collection<String> names) {
        for (String name : names) {
            if (!queues.contains(name)) {
                server.repeatable(Server.call(Command.SADD, Keys.QUEUES, name));
                queues.add(name);
            }
        }
    }

    private Set<String> knownQueues() {
        Set<String> known = new HashSet<>(queues);
        ((List<?>) server.repeatable(Server.call(Command.SMEMBERS, Keys.QUEUES)))
                .forEach(name -> known.add(Server.text(name)));
        known.add(QueuedTask.USUAL_QUEUE);
        for (Object member : (List<?>) server.repeatable(Server.call(Command.SMEMBERS, "_kombu.binding.celery"))) {
            String[] parts = Server.text(member).split("\u0006\u0016", -1);
            if (parts.length == 3 && !parts[2].isEmpty() && !parts[2].equals(address.defaultQueue())) {
                known.add(parts[2]);
            }
        }
        return known;
    }

    // ---- looking on ----

    @Override
    public List<EndedTask> ended(Collection<String> ids) {
        server.ensureOpen();
        List<Server.Call> calls = new ArrayList<>();
        for (String id : ids) {
            calls.add(Server.call(Command.GET, Results.KEY + id));
        }
        List<Object> answers = server.repeatable(calls);
        List<EndedTask> ended = new ArrayList<>();
        int next = 0;
        for (String id : ids) {
            EndedTask end = Results.end(id, (byte[]) answers.get(next++));
            if (end != null) {
                ended.add(end);
            }
        }
        return ended;
    }

    @Override
    public List<QueueCounts> counts() {
        server.ensureOpen();
        List<QueueCounts> counts = new ArrayList<>();
        Map<String, Long> running = running();
        Map<String, Long> scheduled = new LinkedHashMap<>();
        for (Object waiting : (List<?>) server.repeatable(Server.call(Command.HVALS, Keys.WAITING))) {
            scheduled.merge(Address.queueOf(Keys.list((byte[]) waiting)), 1L, Long::sum);
        }
        Set<String> names = new TreeSet<>(knownQueues());
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
                counts.add(new QueueCounts(queue, states, oldestReady(List.of(queue)).orElse(null), false));
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
        server.ensureOpen();
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
            Duration age = workers.ageOf((byte[]) entry, now);
            oldest = oldest == null || age.compareTo(oldest) > 0 ? age : oldest;
        }
        return Optional.ofNullable(oldest);
    }

    @Override
    public Upkeep upkeep(Upkeep.Limits limits) {
        server.ensureOpen();
        readClock();
        workers.forgetSilent(limits.workerTtl(), now());
        List<byte[]> arguments = new ArrayList<>();
        arguments.add(Server.bytes(address.visibilitySeconds()));
        arguments.add(Server.bytes(limits.unknownAfter().toMillis()));
        Set<String> types = new HashSet<>();
        workers.all(now()).forEach(report -> types.addAll(report.types()));
        arguments.add(Server.bytes(types.size()));
        types.forEach(type -> arguments.add(Server.bytes(type)));
        addLists(arguments, knownQueues());
        List<?> answer = (List<?>) server.repeatable(Server.call(Script.UPKEEP, arguments));
        int takenBack = Math.toIntExact((Long) answer.getFirst());
        int crashed = 0;
        int unknown = 0;
        int expired = 0;
        int found = 0;
        Instant now = now();
        for (int i = 1; i + 7 < answer.size(); i += 8) {
            found++;
            String why = Server.text(answer.get(i));
            boolean isLost = why.equals("lost");
            String id = Server.text(answer.get(i + 1));
            int attempt = isLost ? Integer.parseInt(Server.text(answer.get(i + 2))) : asInt(answer.get(i + 2));
            boolean isToStop = !Server.text(answer.get(i + 4)).isEmpty();
            String list = Server.text(answer.get(i + 6));
            byte[] raw = (byte[]) answer.get(i + 7);
            try {
                Held one = held(id, attempt, Integer.parseInt(Server.text(answer.get(i + 3))),
                        isLost ? Server.text(answer.get(i + 5)) : Address.queueOf(list), list, isLost ? "lost" : "",
                        raw);
                if (why.equals("expired")) {
                    expired += done(new Ending(address, one, "cancelled", origin, now).revoked(true));
                } else if (!isLost) {
                    unknown += done(new Ending(address, one, "died", origin, now)
                            .dead(DeadReason.UNKNOWN_TYPE, UNKNOWN));
                } else if (isToStop) {
                    crashed += done(new Ending(address, one, "cancelled", origin, now).revoked(false));
                } else {
                    QueuedTask task = Objects.requireNonNull(one.task());
                    boolean isDead = task.atMostOnce() || one.crashes() + 1 >= task.retry().crashes();
                    int isDone = done(crashed(one, "lost", null, now));
                    crashed += isDead ? isDone : 0;
                    takenBack += isDead ? 0 : isDone;
                }
            } catch (BrokerException e) {
                throw e;
            } catch (RuntimeException e) {
                server.repeatable(Ending.refused(id, attempt, list, raw, why(e), now));
            }
        }
        return new Upkeep(takenBack, crashed, expired, unknown, 0, found >= UPKEEP_AT_ONCE);
    }

    private static int asInt(Object answer) {
        return answer instanceof Long number ? Math.toIntExact(number) : Integer.parseInt(Server.text(answer));
    }

    private int done(Ending ending) {
        return server.repeatable(ending.call()).equals(1L) ? 1 : 0;
    }

    @Override
    public Instant now() {
        server.ensureOpen();
        return Instant.ofEpochMilli(System.currentTimeMillis() + ahead);
    }

    @Override
    public void report(WorkerReport report) {
        server.ensureOpen();
        boolean isNew = workers.report(report, now());
        events.alive(report, isNew, heldBy(report.id()).size());
    }

    @Override
    public void forget(String worker) {
        server.ensureOpen();
        held.values().removeIf(one -> one.worker().equals(worker)); // it has been told of, or its lease ends
        WorkerReport last = workers.forget(worker);
        if (last != null) {
            events.offline(last);
        }
    }

    @Override
    public List<WorkerReport> workers() {
        server.ensureOpen();
        return workers.all(now());
    }

    @Override
    public void control(ControlMessage message) {
        server.ensureOpen();
        news.remote().send(message);
    }

    @Override
    public Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        server.ensureOpen();
        remember(interest.queues());
        return news.subscribe(interest, listener);
    }

    // ---- what Celery's wire cannot carry ----

    @Override
    public int replay(TaskFilter filter, byte @Nullable [] payload) {
        throw refused(BrokerFeature.SEARCH, "Celery keeps no messages of tasks that have failed");
    }

    @Override
    public int purge(TaskFilter filter) {
        throw refused(BrokerFeature.SEARCH, "Celery's queues are lists; celery purge empties one");
    }

    @Override
    public List<TaskView> search(TaskFilter filter, int most) {
        throw refused(BrokerFeature.SEARCH, "Celery's queues are lists; celery events shows what happens");
    }

    @Override
    public Optional<TaskView> find(String id) {
        throw refused(BrokerFeature.SEARCH, "Celery's queues are lists; ended(...) tells how a task has ended");
    }

    @Override
    public void pause(Scope scope) {
        throw refused(BrokerFeature.PAUSES, "workers of Python would go on; celery control cancel_consumer stops them");
    }

    @Override
    public void resume(Scope scope) {
        throw refused(BrokerFeature.PAUSES, "workers of Python would not know");
    }

    @Override
    public Set<Scope> paused() {
        server.ensureOpen();
        return Set.of();
    }

    @Override
    public void limit(String type, @Nullable Rate rate) {
        throw refused(BrokerFeature.RATES, "Celery limits each worker by itself; celery control rate_limit does that");
    }

    @Override
    public Map<String, Rate> limits() {
        server.ensureOpen();
        return Map.of();
    }

    @Override
    public boolean putSchedule(ScheduleEntry entry, @Nullable ScheduleEntry before) {
        throw refused(BrokerFeature.SCHEDULES, "celery beat keeps schedules in a file of its own");
    }

    @Override
    public boolean removeSchedule(String name) {
        throw refused(BrokerFeature.SCHEDULES, "celery beat keeps schedules in a file of its own");
    }

    @Override
    public List<ScheduleEntry> schedules() {
        throw refused(BrokerFeature.SCHEDULES, "celery beat keeps schedules in a file of its own");
    }

    @Override
    public Firing.Outcome fire(Firing firing) {
        throw refused(BrokerFeature.SCHEDULES, "celery beat keeps schedules in a file of its own");
    }

    @Override
    public void keepEvents(Duration time) {
        throw refused(BrokerFeature.EVENTS, "Celery's events are sent and not kept; celery events shows them");
    }

    @Override
    public List<BrokerEvent> events(long after, int most) {
        throw refused(BrokerFeature.EVENTS, "Celery's events are sent and not kept; celery events shows them");
    }

    @Override
    public void close() {
        news.close();
        events.close();
        server.close();
    }

    @Override
    public String toString() {
        return "broker " + name();
    }
}
