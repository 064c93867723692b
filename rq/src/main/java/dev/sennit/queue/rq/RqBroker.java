package dev.sennit.queue.rq;

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
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Server;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import tools.jackson.databind.node.ObjectNode;

/**
 * The broker that speaks RQ's protocol, with RQ's JSON serializer: workers in Java serve RQ's producers, and stand
 * beside RQ's workers.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 * import dev.sennit.queue.broker.Broker;
 *
 * record Photo(String path, int width) {}
 *
 * TaskType<Photo, String> make = TaskType.of("thumbs.make", Photo.class, photo -> photo.path() + ".thumb");
 * try (Broker broker = Broker.open("rq+redis://localhost/0");
 *         QueueWorker worker = QueueWorker.builder(broker).types(make).start()) {
 *     worker.awaitEnd(); // queue.enqueue("thumbs.make", "a.jpg", width=128) in Python
 * }
 * }
 *
 * <p>{@link Broker#open} takes {@code rq+redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB]}, and {@code rq+rediss://...} for
 * TLS with the option {@code sslrootcert=FILE}; or
 * {@code rq+redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST...]/[DB]?master=NAME} for sentinels, which know the
 * server, with the options {@code sentinelUser} and {@code sentinelPassword}. A queue has the same name on both sides.
 *
 * <p><b>Keys.</b> Jobs, lines, registries and results are RQ's. Leases and attempts have no place there: their keys
 * begin with {@code sennit.rq:}. What RQ has no place for of a task that Java has enqueued is in the field
 * {@code sennit} of its job.
 *
 * <p><b>What it cannot do</b> is refused by an {@link UnsupportedOperationException}: RQ has no place for it.
 * {@link #features} lists the rest. Time is that of the server of Redis.
 */
public final class RqBroker implements Broker {
    private static final Logger LOG = System.getLogger(RqBroker.class.getName());
    /** How many bytes of jobs come in one answer, and how many a claim brings once they are unpacked, or one job. */
    private static final int MOST_BYTES = 16 << 20;
    /** How often a claim asks again, as some of what it got was to be read first, or was not to run. */
    private static final int MOST_ROUNDS = 20;
    private static final int UPKEEP_AT_ONCE = 200;
    /** How many jobs of a line are looked at to find those of a workflow. */
    private static final String MOST_LOOKED_AT = "9999";
    private static final long LOOK_MILLIS = 60_000;
    private static final String WORKER = "dev.sennit.queue.QueueWorker";
    private static final ErrorInfo LOST = new ErrorInfo(WORKER,
            "the worker was lost while it ran the task, more often than its retry policy allows", "");
    private static final ErrorInfo ONCE =
            new ErrorInfo(WORKER, "the worker was lost while it ran the task, which may run once only", "");
    private static final ErrorInfo UNKNOWN = new ErrorInfo(WORKER, "no worker knew the type for too long", "");

    private final Address address;
    private final Server server;
    private final Clock clock;
    private final Workers workers;
    private final News news;
    /** The jobs that workers of this object have, by their tokens. */
    private final Map<Token, Held> held = new ConcurrentHashMap<>();
    /** When the lines were looked through for jobs that nobody knows. */
    private volatile long lookedAt;

    RqBroker(Address address) {
        this.address = address;
        server = new Server(address);
        clock = new Clock(server);
        try {
            clock.read();
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
        workers = new Workers(server, clock);
        news = new News(server, name(), this::stop, this::ended);
    }

    /**
     * Opens a broker, as {@link Broker#open} does.
     *
     * @param uri the address
     * @return the broker
     * @throws IllegalArgumentException if the address is wrong; the message shows no password
     * @throws BrokerException if the server cannot be reached or used
     */
    public static RqBroker open(String uri) {
        BrokerUri parsed = BrokerUri.parse(uri);
        if (!Set.of(Address.SCHEME, Address.TLS, Address.SENTINEL).contains(parsed.scheme())) {
            throw new IllegalArgumentException("the address of a broker for RQ is " + Address.SYNTAX);
        }
        return new RqBroker(new Address(parsed));
    }

    @Override
    public String name() {
        return address.toString();
    }

    @Override
    public Set<BrokerFeature> features() {
        return EnumSet.of(BrokerFeature.IDS, BrokerFeature.DELAY, BrokerFeature.DURABLE, BrokerFeature.SHARED);
    }

    private UnsupportedOperationException refused(BrokerFeature feature, String why) {
        return new UnsupportedOperationException(name() + " has no " + feature.name() + ": " + why);
    }

    // ---- enqueue ----

    @Override
    public List<Enqueued> enqueue(Batch batch) {
        server.ensureOpen();
        batch.ensureWhole();
        ensureOffered(batch);
        Instant now = clock.now();
        List<byte[]> arguments = new ArrayList<>();
        arguments.add(Server.bytes(Clock.stamp(now)));
        new Enqueuing(now).add(batch, arguments);
        if (!batch.isEmpty()) {
            news.expect(batch.tasks());
            server.repeatable(Server.call(Script.ENQUEUE.text(), arguments));
        }
        return batch.tasks().stream().map(task -> new Enqueued(task.id(), false)).toList();
    }

    private void ensureOffered(Batch batch) {
        batch.tasks().forEach(this::ensureOffered);
        for (Join join : batch.joins()) {
            if (!join.onDead().isEmpty()) {
                throw refused(BrokerFeature.JOINS, "a job has error callbacks here, and not a group of them");
            }
        }
    }

    private void ensureOffered(QueuedTask task) {
        if (task.unique() != null) {
            throw refused(BrokerFeature.UNIQUE, "RQ knows jobs by their ids only");
        }
        if (task.key() != null) {
            throw refused(BrokerFeature.KEYS, "RQ's queues have no limits for keys");
        }
        if (task.priority() != QueuedTask.USUAL_PRIORITY) {
            throw refused(BrokerFeature.PRIORITIES, "RQ has queues instead: a worker takes from its first queue first");
        }
        if (task.after() != null && (task.due() != null || task.expires() != null)) {
            throw refused(BrokerFeature.JOINS, "a job that depends on others has no time of its own in RQ");
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
        List<Claim> claims = new ArrayList<>();
        Duration again = null;
        List<byte[]> read = List.of();
        long bytes = 0;
        try {
            for (int round = 0; round < MOST_ROUNDS && claims.size() < request.most(); round++) {
                List<?> answer = (List<?>) server.once(List.of(call(request, request.most() - claims.size(), read)))
                        .getFirst();
                long due = (Long) answer.getFirst();
                again = due > 0 ? Duration.ofMillis(due) : null;
                List<Server.Call> diversions = new ArrayList<>();
                int next = 2;
                for (; next < answer.size() && bytes < MOST_BYTES; next++) {
                    Claim claim = take(request.worker(), (List<?>) answer.get(next), diversions);
                    if (claim != null) {
                        claims.add(claim);
                        bytes += claim.task().payload().length;
                    }
                }
                if (bytes >= MOST_BYTES) { // there may be others, which have no room beside these
                    again = claims.size() < request.most() ? Duration.ofMillis(1) : again;
                    giveBack(request.worker(), answer.subList(next, answer.size()), claims, diversions);
                    server.repeatable(diversions);
                    break;
                }
                read = read((List<?>) answer.get(1));
                server.repeatable(diversions);
                if (read.isEmpty() && diversions.isEmpty()) {
                    break;
                }
            }
        } catch (BrokerException e) {
            if (claims.isEmpty()) {
                throw e;
            }
            LOG.log(Level.DEBUG, "a claim brings what it has, and has failed", e); // those have their leases
        }
        return new Claimed(claims, again);
    }

    private Server.Call call(ClaimRequest request, int most, List<byte[]> read) {
        List<byte[]> arguments = new ArrayList<>();
        arguments.add(Server.bytes(clock.stamp()));
        arguments.add(Server.bytes(Math.max(1, request.lease().toMillis())));
        arguments.add(Server.bytes(request.worker()));
        arguments.add(Server.bytes(most));
        arguments.add(Server.bytes(MOST_BYTES));
        arguments.add(Server.bytes(request.types().size()));
        request.types().forEach(type -> arguments.add(Server.bytes(type)));
        arguments.add(Server.bytes(read.size() / 5));
        arguments.addAll(read);
        new LinkedHashSet<>(request.queues()).forEach(queue -> arguments.add(Server.bytes(queue)));
        return Server.call(Script.CLAIM.text(), arguments);
    }

    /** Reads the functions of jobs, as the script cannot; returns what it is to be told of each. */
    private List<byte[]> read(List<?> unread) {
        List<byte[]> read = new ArrayList<>();
        for (int i = 0; i + 2 < unread.size(); i += 3) {
            byte[] id = (byte[]) unread.get(i);
            read.add(id);
            read.add((byte[]) unread.get(i + 1));
            try {
                String function = Job.Data.read((byte[]) unread.get(i + 2)).function();
                read.addAll(List.of(Server.bytes("type"), Server.bytes(function), new byte[0]));
            } catch (RuntimeException e) {
                String why = why(e);
                LOG.log(Level.WARNING, name() + " - job " + Server.text(id) + " is refused: " + why);
                read.add(Server.bytes("refuse"));
                read.addAll(Ending.refusal(Server.text(id), 0, why));
            }
        }
        return read;
    }

    /** Gives back what was not unpacked, the last one first, as each goes before all others. */
    private void giveBack(String worker, List<?> taken, List<Claim> claims, List<Server.Call> diversions) {
        List<?> all = taken.reversed();
        Instant now = clock.now();
        List<Object> answers = server.repeatable(all.stream().map(each -> (List<?>) each)
                .map(each -> Ending.back(Server.text(each.get(0)), Math.toIntExact((Long) each.get(2)), false, false,
                        now))
                .toList());
        for (int i = 0; i < all.size(); i++) {
            Claim claim = answers.get(i).equals(2L) ? take(worker, (List<?>) all.get(i), diversions) : null;
            if (claim != null) {
                claims.add(claim); // it is to stop, as its worker hears
            }
        }
    }

    /** Returns the claim of a job; or null if it cannot be served, and adds what is to become of it. */
    private @Nullable Claim take(String worker, List<?> answer, List<Server.Call> diversions) {
        String id = Server.text(answer.get(0));
        int attempt = Math.toIntExact((Long) answer.get(2));
        int failures = Integer.parseInt(Server.text(answer.get(3)));
        int crashes = Integer.parseInt(Server.text(answer.get(4)));
        byte[] checkpoint = (byte[]) answer.get(5);
        try {
            Job job = Job.read(id, Server.text(answer.get(1)), failures, (List<?>) answer.get(6));
            List<byte[]> inputs = inputs((List<?>) answer.get(7));
            var token = new Token(id, attempt);
            held.put(token, new Held(attempt, failures, crashes, worker, job));
            Instant at = Clock.read(job.created());
            return claim(token, job.task(), failures, crashes, at == null ? clock.now() : at,
                    checkpoint.length == 0 ? null : checkpoint, inputs);
        } catch (RuntimeException e) {
            String why = why(e);
            LOG.log(Level.WARNING, name() + " - job " + id + " is refused: " + why);
            diversions.add(Ending.refused(id, attempt, why, clock.now()));
            return null;
        }
    }

    @SuppressWarnings("NullAway") // it does not see the annotations of arrays of another module
    private static Claim claim(Token token, QueuedTask task, int failures, int crashes, Instant at,
            byte @Nullable [] checkpoint, List<byte[]> inputs) {
        return new Claim(token, task, failures, crashes, at, checkpoint, inputs);
    }

    private static List<byte[]> inputs(List<?> values) {
        List<byte[]> inputs = new ArrayList<>();
        for (Object value : values) {
            byte[] base64 = (byte[]) value;
            if (base64.length == 0) {
                throw new UnreadableException("the result of a job before it is not kept any more");
            }
            inputs.add(Base64.getDecoder().decode(base64));
        }
        return inputs;
    }

    /** Words what is wrong with a job, without showing anything of it. */
    private static String why(RuntimeException error) {
        return error instanceof UnreadableException && error.getMessage() != null
                ? error.getMessage().replaceAll("\\s+", " ")
                : "the job is none of a task: " + error.getClass().getSimpleName();
    }

    /** Returns what a token stands for, also if another broker object has claimed it; null if nothing is known. */
    private @Nullable Held held(Token token) {
        Held known = held.get(token);
        return known != null ? known : running(token);
    }

    /** Returns what is known of a job that runs, if the token is that of its run. */
    private @Nullable Held running(Token token) {
        String id = token.id();
        List<Object> answers = server.repeatable(List.of(
                Server.call(Command.HMGET, "sennit.rq:run:" + id, "attempt", "failures", "crashes", "worker", "queue"),
                Server.call(Command.HMGET, "rq:job:" + id, "created_at", "data", "sennit", "timeout", "retries_left",
                        "retry_intervals", "meta", "result_ttl", "failure_ttl", "none", "none", "none", "none")));
        List<?> run = (List<?>) answers.getFirst();
        if (!Server.text(run.get(0)).equals(Integer.toString(token.attempt()))) {
            return null;
        }
        List<Object> fields = new ArrayList<>();
        ((List<?>) answers.getLast()).forEach(field -> fields.add(field == null ? new byte[0] : field));
        try {
            int failures = run.get(1) == null ? 0 : Integer.parseInt(Server.text(run.get(1)));
            return new Held(token.attempt(), failures,
                    run.get(2) == null ? 0 : Integer.parseInt(Server.text(run.get(2))), Server.text(run.get(3)),
                    Job.read(id, Server.text(run.get(4)), failures, fields));
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
            calls.add(Server.call(Script.EXTEND.text(), List.of(Server.bytes(clock.stamp()), Server.bytes(token.id()),
                    Server.bytes(token.attempt()), Server.bytes(Math.max(1, lease.toMillis())),
                    Server.bytes(renewal.checkpoint() == null ? "0" : "1"),
                    renewal.checkpoint() == null ? new byte[0] : renewal.checkpoint(), meta(renewal))));
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

    /** Returns RQ's meta of a job that tells its progress, or nothing. */
    private byte[] meta(Renewal renewal) {
        Progress progress = renewal.progress();
        Held one = progress == null ? null : held(renewal.token());
        if (progress == null || one == null) {
            return new byte[0];
        }
        ObjectNode node = Json.object();
        node.put("done", progress.done());
        node.put("total", progress.total());
        node.put("message", progress.message());
        return one.job().meta(node);
    }

    @Override
    public List<Boolean> complete(List<Completion> completions) {
        server.ensureOpen();
        for (Completion each : completions) {
            each.successors().ensureWhole();
            ensureOffered(each.successors());
            if (Json.kind(each.result()) == null) {
                throw new IllegalArgumentException(
                        "results of RQ are JSON, but that of " + each.token().id() + " is none");
            }
        }
        List<Server.Call> calls = new ArrayList<>();
        Instant now = clock.now();
        for (Completion each : completions) {
            Held one = held(each.token());
            calls.add(one == null
                    ? Ending.repeated(each.token().id(), each.token().attempt(), now)
                    : Ending.success(one, each.result(), each.successors(), now));
        }
        List<Object> answers = server.repeatable(calls);
        completions.forEach(each -> held.remove(each.token()));
        return answers.stream().map(answer -> answer.equals(1L)).toList();
    }

    @Override
    public List<Boolean> fail(List<Failure> failures) {
        server.ensureOpen();
        List<@Nullable Held> all = new ArrayList<>();
        List<Server.Call> calls = new ArrayList<>();
        Instant now = clock.now();
        for (Failure each : failures) {
            Held one = held(each.token());
            all.add(one);
            if (one != null) {
                calls.add(ending(one, each, now));
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
                isDone = answer.equals(1L)
                        || answer.equals(2L) // it was cancelled, whatever the verdict says
                                && server.repeatable(Ending.stopped(one, false, now)).equals(1L);
            }
            held.remove(failures.get(i).token());
            accepted.add(isDone);
        }
        return accepted;
    }

    private static Server.Call ending(Held one, Failure failure, Instant now) {
        return switch (failure.verdict()) {
            case Failure.RetryIn retry -> Ending.retry(one, retry.delay(), now);
            case Failure.Die die -> Ending.dead(one, die.reason(), failure.error(), false, now);
            case Failure.GiveBack _ -> Ending.back(one.job().id(), one.attempt(), false, false, now);
            case Failure.Crashed _ -> crashed(one, failure.error(), now);
            case Failure.Cancelled _ -> Ending.stopped(one, false, now);
        };
    }

    private static Server.Call crashed(Held one, ErrorInfo told, Instant now) {
        QueuedTask task = one.job().task();
        if (task.atMostOnce()) {
            return Ending.dead(one, DeadReason.LOST, told, false, now);
        }
        return one.crashes() + 1 >= task.retry().crashes()
                ? Ending.dead(one, DeadReason.CRASHED, told, false, now)
                : Ending.back(one.job().id(), one.attempt(), true, false, now);
    }

    // ---- cancel ----

    @Override
    public @Nullable TaskState cancel(String id) {
        server.ensureOpen();
        for (int round = 0; round < MOST_ROUNDS; round++) {
            List<EndedTask> ended = ended(List.of(id));
            if (!ended.isEmpty()) {
                return ended.getFirst().state();
            }
            List<?> known = (List<?>) server.repeatable(Server.call(Command.HMGET, "rq:job:" + id, "status", "origin",
                    "created_at", "sennit", "worker_name"));
            String status = Server.text(known.get(0));
            switch (status) {
                case "" -> {
                    return null;
                }
                case "started" -> {
                    String worker = Server.text(server.repeatable(stopping(id)));
                    news.sendStop(worker.isEmpty() ? Server.text(known.get(4)) : worker, id);
                    return TaskState.RUNNING;
                }
                default -> {
                    String created = Server.text(known.get(2));
                    String field = Server.text(known.get(3));
                    QueuedTask task = field.startsWith(created + "\n")
                            ? Job.withoutArgument(field.substring(created.length() + 1))
                            : null;
                    if (server.repeatable(Ending.cancelled(id, created, Server.text(known.get(1)), task, clock.now()))
                            .equals(1L)) {
                        return TaskState.CANCELLED;
                    }
                }
            }
        }
        throw new BrokerException(BrokerException.Kind.UNAVAILABLE, true,
                name() + " has another state of the task each time: try again", null);
    }

    private Server.Call stopping(String id) {
        return Server.call(Script.STOP.text(), List.of(Server.bytes(clock.stamp()), Server.bytes(id)));
    }

    private void stop(String id) {
        server.repeatable(stopping(id));
    }

    @Override
    public int cancelAll(String root) {
        server.ensureOpen();
        Set<String> ids = new LinkedHashSet<>();
        for (String queue : queues()) {
            for (Object list : server.repeatable(List.of(
                    Server.call(Command.LRANGE, "rq:queue:" + queue, "0", MOST_LOOKED_AT),
                    Server.call(Command.ZRANGE, "rq:scheduled:" + queue, "0", MOST_LOOKED_AT),
                    Server.call(Command.ZRANGE, "rq:deferred:" + queue, "0", MOST_LOOKED_AT),
                    Server.call(Command.ZRANGE, "rq:wip:" + queue, "0", MOST_LOOKED_AT)))) {
                ((List<?>) list).forEach(id -> ids.add(Server.text(id)));
            }
        }
        List<String> all = List.copyOf(ids);
        List<Server.Call> calls = new ArrayList<>();
        all.forEach(id -> calls.add(Server.call(Command.HGET, "rq:job:" + id, "sennit")));
        List<Object> fields = server.repeatable(calls);
        int cancelled = 0;
        for (int i = 0; i < all.size(); i++) {
            String field = Server.text(fields.get(i));
            QueuedTask task = Job.withoutArgument(field.substring(field.indexOf('\n') + 1));
            if (all.get(i).equals(root) || task != null && task.root().equals(root)) {
                TaskState state = cancel(all.get(i));
                cancelled += state == TaskState.CANCELLED || state == TaskState.RUNNING ? 1 : 0;
            }
        }
        return cancelled;
    }

    // ---- looking on ----

    /** Returns the queues that RQ knows. */
    private List<String> queues() {
        List<String> queues = new ArrayList<>();
        for (Object key : (List<?>) server.look(Server.call(Command.SMEMBERS, "rq:queues"))) {
            String text = Server.text(key);
            if (text.startsWith("rq:queue:")) {
                queues.add(text.substring("rq:queue:".length()));
            }
        }
        queues.sort(Comparator.naturalOrder());
        return queues;
    }

    @Override
    public List<EndedTask> ended(Collection<String> ids) {
        server.ensureOpen();
        if (ids.isEmpty()) {
            return List.of();
        }
        List<String> all = List.copyOf(ids);
        List<byte[]> arguments = new ArrayList<>();
        arguments.add(Server.bytes(clock.stamp()));
        all.forEach(id -> arguments.add(Server.bytes(id)));
        List<?> answers = (List<?>) server.look(Server.call(Script.ENDED.text(), arguments));
        List<EndedTask> ended = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            EndedTask end = Ends.of(all.get(i), (List<?>) answers.get(i));
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
        double seconds = clock.now().toEpochMilli() / 1000.0;
        for (String queue : queues()) {
            List<Object> answers = server.look(List.of(Server.call(Command.LLEN, "rq:queue:" + queue),
                    Server.call(Command.ZCARD, "rq:wip:" + queue), Server.call(Command.ZCARD, "rq:scheduled:" + queue),
                    Server.call(Command.ZCARD, "rq:deferred:" + queue),
                    Server.call(Command.ZCOUNT, "rq:failed:" + queue, Double.toString(seconds), "+inf"),
                    Server.call(Command.ZCOUNT, "rq:failed:" + queue, "-1", "-1")));
            Map<TaskState, Long> states = new EnumMap<>(TaskState.class);
            states.put(TaskState.READY, (Long) answers.get(0));
            states.put(TaskState.RUNNING, (Long) answers.get(1));
            states.put(TaskState.SCHEDULED, (Long) answers.get(2));
            states.put(TaskState.BLOCKED, (Long) answers.get(3));
            states.put(TaskState.DEAD, (Long) answers.get(4) + (Long) answers.get(5));
            if (states.values().stream().anyMatch(count -> count > 0)) {
                counts.add(new QueueCounts(queue, states, oldestReady(List.of(queue)).orElse(null), false));
            }
        }
        return counts;
    }

    @Override
    public Optional<Duration> oldestReady(Collection<String> names) {
        server.ensureOpen();
        List<Server.Call> calls = new ArrayList<>();
        for (String name : names) {
            calls.add(Server.call(Command.LINDEX, "rq:queue:" + name, "0"));
            calls.add(Server.call(Command.ZRANGE, "rq:scheduled:" + name, "0", "0", "WITHSCORES"));
        }
        Instant now = clock.now();
        List<Instant> ready = new ArrayList<>();
        List<Server.Call> looks = new ArrayList<>();
        for (Object answer : server.look(calls)) {
            if (answer instanceof byte[] id) {
                looks.add(Server.call(Command.HGET, "rq:job:" + Server.text(id), "enqueued_at"));
            } else if (answer instanceof List<?> first && first.size() == 2) { // perhaps due, and not moved yet
                Instant due = Instant.ofEpochMilli((long) (Double.parseDouble(Server.text(first.get(1))) * 1000));
                if (!due.isAfter(now)) {
                    ready.add(due);
                }
            }
        }
        for (Object field : server.look(looks)) {
            Instant at = Clock.read(Server.text(field));
            ready.add(at == null || at.isAfter(now) ? now : at);
        }
        return ready.stream().min(Comparator.naturalOrder()).map(since -> Duration.between(since, now));
    }

    // ---- upkeep ----

    @Override
    public Upkeep upkeep(Upkeep.Limits limits) {
        server.ensureOpen();
        clock.read();
        workers.forgetSilent(limits.workerTtl());
        Instant now = clock.now();
        boolean isToLook = isToLook(limits.unknownAfter());
        List<byte[]> arguments = new ArrayList<>();
        arguments.add(Server.bytes(Clock.stamp(now)));
        arguments.add(Server.bytes(Clock.millis(now.minus(limits.deadTtl()))));
        arguments.add(Server.bytes(isToLook ? "1" : "0"));
        queues().forEach(queue -> arguments.add(Server.bytes(queue)));
        List<?> answer = (List<?>) server.repeatable(Server.call(Script.UPKEEP.text(), arguments));
        int removed = Math.toIntExact((Long) answer.getFirst());
        int takenBack = 0;
        int crashed = 0;
        int expired = 0;
        int unknown = 0;
        int found = removed;
        Strangers strangers = isToLook ? new Strangers(limits.unknownAfter(), now) : null;
        for (int i = 1; i < answer.size(); i++) {
            List<?> one = (List<?>) answer.get(i);
            try {
                switch (Server.text(one.getFirst())) {
                    case "lost" -> {
                        found++;
                        LostJob lost = LostJob.of(one);
                        int isDone = done(lost.ending(now));
                        takenBack += lost.isDead() ? 0 : isDone;
                        crashed += lost.isDead() ? isDone : 0;
                    }
                    case "expired" -> {
                        found++;
                        QueuedTask task = Job.withoutArgument(Server.text(one.get(2)));
                        expired += task == null ? 0 : done(Ending.expired(task, now));
                    }
                    default -> {
                        Server.Call call = strangers == null ? null : strangers.ending(one);
                        unknown += call == null ? 0 : done(call);
                    }
                }
            } catch (BrokerException e) {
                throw e;
            } catch (RuntimeException e) { // the others do not wait for it
                LOG.log(Level.WARNING, name() + " - job " + Server.text(one.get(1)) + " cannot be looked after: "
                        + why(e));
            }
        }
        return new Upkeep(takenBack, crashed, expired, unknown, removed, found >= UPKEEP_AT_ONCE);
    }

    private boolean isToLook(Duration unknownAfter) {
        long now = System.currentTimeMillis();
        if (now - lookedAt < Math.min(LOOK_MILLIS, unknownAfter.toMillis() / 4)) {
            return false;
        }
        lookedAt = now;
        return true;
    }

    private int done(Server.Call call) {
        return server.repeatable(call).equals(1L) ? 1 : 0;
    }

    /**
     * A job whose lease has expired.
     *
     * @param isToStop whether it was to stop
     * @param task the task without its argument; of one that Python has enqueued, what it has in common with all
     */
    private record LostJob(String id, int attempt, int crashes, boolean isToStop, QueuedTask task, Held held) {
        static LostJob of(List<?> answer) {
            String id = Server.text(answer.get(1));
            int attempt = Integer.parseInt(Server.text(answer.get(2)));
            int crashes = Integer.parseInt(Server.text(answer.get(3)));
            Job job = Job.lost(id, Server.text(answer.get(5)), Server.text(answer.get(6)), Server.text(answer.get(7)));
            return new LostJob(id, attempt, crashes, !Server.text(answer.get(4)).isEmpty(), job.task(),
                    new Held(attempt, 0, crashes, "", job));
        }

        boolean isDead() {
            return isToStop || task.atMostOnce() || crashes + 1 >= task.retry().crashes();
        }

        Server.Call ending(Instant now) {
            if (isToStop) {
                return Ending.stopped(held, true, now);
            }
            if (task.atMostOnce()) {
                return Ending.dead(held, DeadReason.LOST, ONCE, true, now);
            }
            return isDead()
                    ? Ending.dead(held, DeadReason.CRASHED, LOST, true, now)
                    : Ending.back(id, attempt, true, true, now);
        }
    }

    /** Finds the jobs that have waited for too long for a worker who knows them. */
    private final class Strangers {
        private final Instant before;
        private final Instant now;
        private final Set<String> types = new HashSet<>();
        /** The queues of workers of Python, who may know any function. */
        private final Set<String> pythons = new HashSet<>();

        Strangers(Duration unknownAfter, Instant now) {
            this.now = now;
            before = now.minus(unknownAfter);
            for (WorkerReport report : workers.all()) {
                types.addAll(report.types());
                if (report.plan().isEmpty()) {
                    report.queues().stream().map(Workers::name).forEach(pythons::add);
                }
            }
        }

        /** Returns what ends the job, or null if it waits on. */
        Server.@Nullable Call ending(List<?> waits) {
            String id = Server.text(waits.get(1));
            String queue = Server.text(waits.get(2));
            String created = Server.text(waits.get(3));
            String type = Server.text(waits.get(4));
            Instant since = Clock.read(Server.text(waits.get(5)));
            if (since == null || since.isAfter(before) || pythons.contains(queue)) {
                return null;
            }
            if (type.isEmpty()) {
                try {
                    type = Job.Data.read((byte[]) waits.get(6)).function();
                } catch (RuntimeException e) {
                    return Ending.unreadable(id, created, queue, why(e), now);
                }
            }
            if (types.contains(type)) {
                return null;
            }
            QueuedTask own = Job.withoutArgument(Server.text(waits.get(7)));
            return Ending.unknown(own != null ? own : QueuedTask.of(type, new byte[0]).id(id).queue(queue).build(),
                    created, own != null, UNKNOWN, now);
        }
    }

    @Override
    public Instant now() {
        server.ensureOpen();
        clock.read();
        return clock.now();
    }

    // ---- workers ----

    @Override
    public void report(WorkerReport report) {
        server.ensureOpen();
        workers.report(report);
    }

    @Override
    public void forget(String worker) {
        server.ensureOpen();
        held.values().removeIf(one -> one.worker().equals(worker)); // it has been told of, or its lease ends
        workers.forget(worker);
    }

    @Override
    public List<WorkerReport> workers() {
        server.ensureOpen();
        return workers.all();
    }

    @Override
    public void control(ControlMessage message) {
        server.ensureOpen();
        news.send(message);
    }

    @Override
    public Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        server.ensureOpen();
        return news.subscribe(interest, listener);
    }

    // ---- what RQ has no place for ----

    @Override
    public int replay(TaskFilter filter, byte @Nullable [] payload) {
        throw refused(BrokerFeature.SEARCH, "rq requeue puts failed jobs back");
    }

    @Override
    public int purge(TaskFilter filter) {
        throw refused(BrokerFeature.SEARCH, "rq empty removes the jobs of a queue");
    }

    @Override
    public List<TaskView> search(TaskFilter filter, int most) {
        throw refused(BrokerFeature.SEARCH, "rq info and RQ's registries show jobs");
    }

    @Override
    public Optional<TaskView> find(String id) {
        throw refused(BrokerFeature.SEARCH, "ended(...) tells how a task has ended");
    }

    @Override
    public void pause(Scope scope) {
        throw refused(BrokerFeature.PAUSES, "workers of Python would go on; rq suspend pauses all queues");
    }

    @Override
    public void resume(Scope scope) {
        throw refused(BrokerFeature.PAUSES, "rq resume ends what rq suspend has begun");
    }

    @Override
    public Set<Scope> paused() {
        server.ensureOpen();
        return Set.of();
    }

    @Override
    public void limit(String type, @Nullable Rate rate) {
        throw refused(BrokerFeature.RATES, "workers of Python would not know of it");
    }

    @Override
    public Map<String, Rate> limits() {
        server.ensureOpen();
        return Map.of();
    }

    @Override
    public boolean putSchedule(ScheduleEntry entry, @Nullable ScheduleEntry before) {
        throw refused(BrokerFeature.SCHEDULES, "RQ has none of its own; programs that have some enqueue jobs");
    }

    @Override
    public boolean removeSchedule(String name) {
        throw refused(BrokerFeature.SCHEDULES, "RQ has none of its own; programs that have some enqueue jobs");
    }

    @Override
    public List<ScheduleEntry> schedules() {
        throw refused(BrokerFeature.SCHEDULES, "RQ has none of its own; programs that have some enqueue jobs");
    }

    @Override
    public Firing.Outcome fire(Firing firing) {
        throw refused(BrokerFeature.SCHEDULES, "RQ has none of its own; programs that have some enqueue jobs");
    }

    @Override
    public void keepEvents(Duration time) {
        throw refused(BrokerFeature.EVENTS, "RQ tells of none");
    }

    @Override
    public List<BrokerEvent> events(long after, int most) {
        throw refused(BrokerFeature.EVENTS, "RQ tells of none");
    }

    @Override
    public void close() {
        try (server) { // whatever fails before
            news.close();
        }
    }

    @Override
    public String toString() {
        return "broker " + name();
    }
}
