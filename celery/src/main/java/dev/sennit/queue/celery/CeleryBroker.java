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
import dev.sennit.queue.foreign.Json;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * The broker that speaks Celery's protocol 2 over kombu's transports for Redis and RabbitMQ: workers in Java serve
 * Celery's producers, and stand beside Celery's workers.
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
 * <p>{@code celery+redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST...]/[DB]?master=NAME} names sentinels, which
 * know the server, and takes {@code &sentinelUser} and {@code &sentinelPassword} too; so does {@code result} below.
 *
 * <p>{@code celery+rediss://...} speaks TLS; {@code sslrootcert} is a file with certificates in PEM, one of which has
 * signed that of the server, by default those that Java trusts.
 *
 * <p>Or {@code celery+amqp://[USER:PASSWORD@]HOST[:PORT]/[VHOST]} for RabbitMQ, {@code celery+amqps} with TLS, and:
 *
 * <table>
 * <caption>Options on RabbitMQ</caption>
 * <tr><th>option</th><th>default</th><th>is</th></tr>
 * <tr><td>default_queue, result_expires</td><td>celery, 86400</td><td>as on Redis</td></tr>
 * <tr><td>result</td><td>rpc</td><td>Celery's {@code result_backend}: {@code rpc} sends results to who waits;
 *   {@code redis://:PASSWORD%40HOST/DB} keeps them, as chords need</td></tr>
 * <tr><td>max_priority</td><td>0</td><td>Celery's {@code task_queue_max_priority}; with 9 or more there are
 *   {@link BrokerFeature#PRIORITIES}</td></tr>
 * <tr><td>queue_type</td><td>classic</td><td>Celery's {@code task_default_queue_type}; with {@code quorum}, delays are
 *   those of Celery 5.5</td></tr>
 * <tr><td>consumer_timeout</td><td>1800</td><td>RabbitMQ's {@code consumer_timeout}, in seconds: tasks may run for
 *   longer</td></tr>
 * </table>
 *
 * <p><b>Keys.</b> Tasks that wait stand in kombu's lists, those that run in its hash {@code unacked}. Leases, attempts
 * and tasks that are due later have no place in kombu's keys: their keys begin with {@code sennit.celery:}. An entry
 * that cannot be read is in the list {@code sennit.celery:dead}, the newest first: a line of JSON that says why, and
 * the bytes.
 *
 * <p><b>What it cannot do</b> is refused by an {@link UnsupportedOperationException}: messages of Celery have no room
 * for it. {@link #features} lists the rest. Time is that of the server of Redis, or with RabbitMQ of this machine.
 */
public final class CeleryBroker implements Broker {
    private static final Logger LOG = System.getLogger(CeleryBroker.class.getName());
    /** How often a claim asks again, as some of what it got was not to run now. */
    private static final int MOST_ROUNDS = 20;
    private static final ErrorInfo LOST = new ErrorInfo("dev.sennit.queue.QueueWorker",
            "the worker was lost while it ran the task, more often than its retry policy allows", "");
    private static final ErrorInfo ONCE = new ErrorInfo("dev.sennit.queue.QueueWorker",
            "the worker was lost while it ran the task, which may run once only", "");

    private final Address address;
    private final Transport transport;
    private final Workers workers;
    private final Remote remote;
    private final Events events;
    private final String origin;
    /** The tasks that workers of this object have, by their tokens. */
    private final Map<Token, Held> held = new ConcurrentHashMap<>();

    @SuppressWarnings("this-escape") // to a transport that does not use it before start
    CeleryBroker(Address address, Transport transport) {
        this.address = address;
        this.transport = transport;
        origin = "java" + ProcessHandle.current().pid() + "@" + Workers.host();
        workers = new Workers(transport);
        events = new Events(transport);
        remote = new Remote(transport, address, workers, this, events);
        try {
            transport.start(new Duties());
        } catch (RuntimeException e) {
            transport.close();
            throw e;
        }
    }

    /** What the transport asks. */
    private final class Duties implements Transport.Owner {
        @Override
        public void requested(ObjectNode envelope) {
            remote.heard(envelope);
        }

        @Override
        public Held held(Transport.Taken taken, String worker) {
            return CeleryBroker.this.held(taken, worker);
        }

        @Override
        public Ending crashed(Held one, Ending.Kind kind) {
            return CeleryBroker.this.crashed(one, kind, null, now());
        }

        @Override
        public Ending ending(Held one, Ending.Kind kind) {
            return CeleryBroker.this.ending(one, kind, now());
        }

        @Override
        public String why(RuntimeException error) {
            return CeleryBroker.why(error);
        }
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
        return of(BrokerUri.parse(uri));
    }

    static CeleryBroker of(BrokerUri uri) {
        if (uri.scheme().equals(AmqpAddress.SCHEME) || uri.scheme().equals(AmqpAddress.SECURE_SCHEME)) {
            var address = new AmqpAddress(uri);
            return new CeleryBroker(address, new AmqpTransport(address));
        }
        var address = new RedisAddress(uri);
        return new CeleryBroker(address, new RedisTransport(address));
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
        transport.ensureOpen();
        batch.ensureWhole();
        for (QueuedTask task : batch.tasks()) {
            ensureOffered(task);
        }
        Flow flow = Flow.of(batch, address, origin, now());
        transport.ensureSendable(flow.sent());
        transport.remember(batch.tasks().stream().map(QueuedTask::queue).toList());
        if (!flow.sent().isEmpty()) {
            transport.expect(batch.tasks());
            transport.enqueue(flow.sent());
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
        String obstacle = address.obstacle(task.priority());
        if (obstacle != null) {
            throw refused(BrokerFeature.PRIORITIES, obstacle);
        }
        task.onDead().forEach(this::ensureOffered);
    }

    // ---- claim ----

    @Override
    public Claimed claim(ClaimRequest request) {
        transport.ensureOpen();
        if (request.queues().isEmpty() || request.types().isEmpty()) {
            return new Claimed(List.of(), null);
        }
        transport.remember(request.queues());
        List<Claim> claims = new ArrayList<>();
        long due = -1;
        Workers.Allowed allowed = workers.allowed(request.worker(), request.types());
        try {
            for (int round = 0; round < MOST_ROUNDS && claims.size() < request.most(); round++) {
                int before = claims.size();
                boolean isDiverted = false;
                for (Workers.Share share : allowed.shares(request.most() - before)) {
                    Transport.Taking taking = transport.claim(request, share);
                    due = taking.due();
                    isDiverted |= take(request.worker(), taking, share, claims);
                }
                if (!isDiverted) {
                    break;
                }
            }
        } catch (BrokerException e) {
            if (claims.isEmpty()) {
                throw e;
            }
            LOG.log(Level.DEBUG, name() + " - what has come begins, and the next claim tells why no more has", e);
        }
        Duration again = allowed.again();
        if (due > 0 && (again == null || again.toMillis() > due)) {
            again = Duration.ofMillis(due);
        }
        return new Claimed(claims, again);
    }

    /** Adds claims of what a share of a claim has brought; returns whether some of it is not to run now. */
    private boolean take(String worker, Transport.Taking taking, Workers.Share share, List<Claim> claims) {
        boolean isDiverted = false;
        List<Ending> diversions = new ArrayList<>();
        int count = 0;
        for (Transport.Taken taken : taking.taken()) {
            try {
                Claim claim = take(worker, taken, diversions);
                if (claim != null) {
                    claims.add(claim);
                    count++;
                }
            } catch (BrokerException e) {
                throw e;
            } catch (RuntimeException e) {
                String why = why(e);
                LOG.log(Level.WARNING, name() + " - task " + taken.id().replaceAll("\\p{Cntrl}", "?")
                        + " cannot be read, and is among the dead letters: " + why);
                transport.refuse(taken, why);
                isDiverted = true;
            }
        }
        share.taken(count);
        if (!diversions.isEmpty()) {
            transport.end(diversions, true);
            isDiverted = true;
        }
        return isDiverted;
    }

    @SuppressWarnings("NullAway") // it does not see the annotations of arrays of another module
    private static Claim claim(Token token, QueuedTask task, Held one, Instant at, byte @Nullable [] checkpoint) {
        return new Claim(token, task, one.message().retries(), one.crashes(), at, checkpoint, List.of());
    }

    /** Returns the claim of a message; or null if it is not to run now, and adds what is to become of it. */
    private @Nullable Claim take(String worker, Transport.Taken taken, List<Ending> diversions) {
        Instant now = now();
        Held one = held(taken, worker);
        Instant eta = one.message().eta();
        Instant expires = one.message().expires();
        if (taken.isRevoked() || expires != null && expires.isBefore(now)) {
            events.revoked(worker, one, !taken.isRevoked());
            diversions.add(ending(one, Ending.Kind.CANCELLED, now).revoked(!taken.isRevoked()));
            return null;
        }
        if (eta != null && eta.isAfter(now)) {
            diversions.add(ending(one, Ending.Kind.OTHER, now).delay(eta));
            return null;
        }
        QueuedTask task = Objects.requireNonNull(one.task());
        var token = new Token(taken.id(), taken.attempt());
        held.put(token, one);
        events.received(worker, one);
        Instant at = one.message().enqueuedAt();
        return claim(token, task, one, at == null ? now : at,
                taken.checkpoint().length == 0 ? null : taken.checkpoint());
    }

    private Ending ending(Held one, Ending.Kind kind, Instant now) {
        return new Ending(address, one, kind, origin, now);
    }

    /** Words what is wrong with a message, without showing anything of it. */
    private static String why(RuntimeException error) {
        return error instanceof UnreadableException && error.getMessage() != null
                ? error.getMessage()
                : "the message is none of a task: " + error.getClass().getSimpleName();
    }

    private Held held(Transport.Taken taken, String worker) {
        Message message = taken.place().message();
        if (!message.id().equals(taken.id())) {
            throw new UnreadableException("the message has two ids");
        }
        QueuedTask task = message.task(address, taken.queue());
        return new Held(taken.id(), taken.attempt(), taken.crashes(), taken.queue(), taken.place(), worker, message,
                task, System.currentTimeMillis());
    }

    /** Returns what a token stands for, also if another broker object has claimed it; null if nothing is known. */
    private @Nullable Held held(Token token) {
        Held known = held.get(token);
        if (known != null) {
            return known;
        }
        Transport.Flying flying = transport.flying(token.id());
        if (flying == null || flying.taken().attempt() != token.attempt()) {
            return null;
        }
        try {
            return held(flying.taken(), flying.worker());
        } catch (RuntimeException e) {
            return null;
        }
    }

    // ---- leases and ends ----

    @Override
    public List<LeaseState> extend(List<Renewal> renewals, Duration lease) {
        transport.ensureOpen();
        List<Transport.Extension> extensions = new ArrayList<>(renewals.size());
        for (Renewal renewal : renewals) {
            Token token = renewal.token();
            Held one = renewal.progress() == null ? null : held(token);
            byte[] state = one == null || renewal.progress() == null || one.message().ignoresResult()
                    ? null
                    : Results.progress(new Results.About(token.id(), one.message().name(), one.queue(),
                            one.message().root(), token.attempt(), null, null), renewal.progress());
            extensions.add(new Transport.Extension(token, renewal.checkpoint(), state));
        }
        List<LeaseState> states = transport.extend(extensions, lease);
        for (int i = 0; i < states.size(); i++) {
            if (states.get(i) == LeaseState.LOST) {
                held.remove(renewals.get(i).token());
            }
        }
        return states;
    }

    @Override
    public List<Boolean> complete(List<Completion> completions) {
        transport.ensureOpen();
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
        List<Ending> endings = new ArrayList<>();
        Instant now = now();
        for (Completion each : completions) {
            Held one = held(each.token());
            all.add(one);
            if (one != null) {
                endings.add(success(one, each, now));
            }
        }
        List<Integer> answers = transport.end(endings, true);
        List<Boolean> accepted = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < completions.size(); i++) {
            Token token = completions.get(i).token();
            Held one = all.get(i);
            boolean isDone = one == null ? transport.isRepeated(token) : answers.get(next++) == 1;
            accepted.add(isDone);
            held.remove(token);
            if (isDone && one != null) {
                workers.succeeded(one);
                events.succeeded(one, completions.get(i).result());
            }
        }
        return accepted;
    }

    /** A successor of a task may be no signature: then the task has failed, as it would in Celery. */
    private Ending success(Held one, Completion completion, Instant now) {
        try {
            return ending(one, Ending.Kind.DONE, now)
                    .success(completion.result(), completion.successors().tasks());
        } catch (UnreadableException e) {
            LOG.log(Level.WARNING, name() + " - what follows task " + one.id() + " cannot be read: " + e.getMessage());
            return ending(one, Ending.Kind.DONE, now).dead(DeadReason.UNREADABLE,
                    new ErrorInfo(UnreadableException.class.getName(),
                            "what follows the task cannot be read: " + e.getMessage(), ""));
        }
    }

    @Override
    public List<Boolean> fail(List<Failure> failures) {
        transport.ensureOpen();
        List<@Nullable Held> all = new ArrayList<>();
        List<Ending> endings = new ArrayList<>();
        Instant now = now();
        for (Failure each : failures) {
            Held one = held(each.token());
            all.add(one);
            if (one != null) {
                endings.add(ending(one, each, now));
            }
        }
        List<Integer> answers = transport.end(endings, false);
        List<Boolean> accepted = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < failures.size(); i++) {
            Held one = all.get(i);
            boolean isDone = false;
            if (one != null) {
                int answer = answers.get(next++);
                isDone = answer == 1;
                boolean isToStop = answer == 2;
                if (isToStop) { // it was cancelled, whatever the verdict says
                    Ending cancelled = ending(one, Ending.Kind.CANCELLED, now).revoked(false);
                    isDone = transport.end(List.of(cancelled), true).getFirst() == 1;
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
                ending(one, Ending.Kind.OTHER, now).retry(retry.delay(), failure.error());
            case Failure.Die die -> ending(one, Ending.Kind.OTHER, now).dead(die.reason(), failure.error());
            case Failure.GiveBack _ -> ending(one, Ending.Kind.OTHER, now).back(false);
            case Failure.Crashed _ -> crashed(one, Ending.Kind.OTHER, failure.error(), now);
            case Failure.Cancelled _ -> ending(one, Ending.Kind.CANCELLED, now).revoked(false);
        };
    }

    private Ending crashed(Held one, Ending.Kind kind, @Nullable ErrorInfo told, Instant now) {
        QueuedTask task = one.task();
        RetryPolicy retry = task == null ? RetryPolicy.NONE : task.retry();
        Ending ending = ending(one, kind, now);
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
        transport.ensureOpen();
        EndedTask end = Results.end(id, transport.results(List.of(id)).getFirst());
        if (end != null) {
            return end.state();
        }
        Transport.Found found = transport.cancel(id, transport.knownQueues());
        Transport.Taken taken = found.taken();
        if (taken == null) {
            remote.revoke(id); // a worker of Python may have it
            return found.isRunning() ? TaskState.RUNNING : null;
        }
        Ending cancelled;
        try {
            cancelled = ending(held(taken, ""), Ending.Kind.CANCELLED, now()).revoked(false);
        } catch (RuntimeException e) {
            transport.refuse(taken, why(e));
            return TaskState.CANCELLED;
        }
        transport.end(List.of(cancelled), true);
        return TaskState.CANCELLED;
    }

    @Override
    public int cancelAll(String root) {
        transport.ensureOpen();
        int cancelled = 0;
        for (String id : transport.idsOf(root, transport.knownQueues())) {
            TaskState state = cancel(id);
            cancelled += state == TaskState.CANCELLED || state == TaskState.RUNNING ? 1 : 0;
        }
        return cancelled;
    }

    /** Returns what a worker has, the oldest first. */
    List<Held> heldBy(String worker) {
        return held.values().stream().filter(one -> one.worker().equals(worker))
                .sorted(Comparator.comparingLong(Held::since)).toList();
    }

    // ---- looking on ----

    @Override
    public List<EndedTask> ended(Collection<String> ids) {
        transport.ensureOpen();
        List<byte @Nullable []> results = transport.results(ids);
        List<EndedTask> ended = new ArrayList<>();
        int next = 0;
        for (String id : ids) {
            EndedTask end = Results.end(id, results.get(next++));
            if (end != null) {
                ended.add(end);
            }
        }
        return ended;
    }

    @Override
    public List<QueueCounts> counts() {
        transport.ensureOpen();
        return transport.counts(transport.knownQueues());
    }

    @Override
    public Optional<Duration> oldestReady(Collection<String> names) {
        transport.ensureOpen();
        return transport.oldestReady(names);
    }

    @Override
    public Upkeep upkeep(Upkeep.Limits limits) {
        transport.ensureOpen();
        Set<String> types = new HashSet<>();
        if (transport.keepsReports()) {
            workers.forgetSilent(limits.workerTtl(), now());
            workers.all(now()).forEach(report -> types.addAll(report.types()));
        }
        return transport.upkeep(limits, types, transport.knownQueues());
    }

    @Override
    public Instant now() {
        transport.ensureOpen();
        return transport.now();
    }

    @Override
    public void report(WorkerReport report) {
        transport.ensureOpen();
        boolean isNew = workers.report(report, now());
        events.alive(report, isNew, heldBy(report.id()).size());
    }

    @Override
    public void forget(String worker) {
        transport.ensureOpen();
        held.values().removeIf(one -> one.worker().equals(worker)); // it has been told of, or its lease ends
        transport.forget(worker);
        WorkerReport last = workers.forget(worker);
        if (last != null) {
            events.offline(last);
        }
    }

    @Override
    public List<WorkerReport> workers() {
        transport.ensureOpen();
        return workers.all(now());
    }

    @Override
    public void control(ControlMessage message) {
        transport.ensureOpen();
        remote.send(message);
    }

    @Override
    public Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        transport.ensureOpen();
        transport.remember(interest.queues());
        return transport.subscribe(interest, listener);
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
        transport.ensureOpen();
        return Set.of();
    }

    @Override
    public void limit(String type, @Nullable Rate rate) {
        throw refused(BrokerFeature.RATES, "Celery limits each worker by itself; celery control rate_limit does that");
    }

    @Override
    public Map<String, Rate> limits() {
        transport.ensureOpen();
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
        try {
            events.close();
        } finally {
            transport.close();
        }
    }

    @Override
    public String toString() {
        return "broker " + name();
    }
}
