package dev.sennit.queue.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.ShutdownSignalException;
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
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.When;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.rabbitmq.Publisher.Post;
import dev.sennit.queue.rabbitmq.Takes.Delivery;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The broker in RabbitMQ, for workers on many machines. Tasks lie in quorum queues, one for each type in each queue.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 * import dev.sennit.queue.rabbitmq.RabbitmqBroker;
 *
 * try (Broker broker = RabbitmqBroker.open("rabbitmq://me:secret@localhost/jobs?prefix=shop")) { // or Broker.open
 *     broker.enqueue(Batch.of(QueuedTask.of("greet", "\"Ada\"".getBytes()).build()));
 * }
 * }
 *
 * <p>The address is {@code rabbitmq://[USER:PASSWORD@]HOST[:PORT]/[VHOST]}, or {@code rabbitmqs://} for TLS, and,
 * after {@code ?}:
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option</th><th>default</th><th>is</th></tr>
 * <tr><td>prefix</td><td>sennit</td><td>the beginning of the names of all queues: several brokers share a virtual host
 *   by that</td></tr>
 * <tr><td>store</td><td>none</td><td>the address of another broker, with {@code %26} for {@code &} and so on, which
 *   keeps the tasks: see below</td></tr>
 * <tr><td>consumerTimeout</td><td>PT30M</td><td>the setting {@code consumer_timeout} of the server: no task may run as
 *   long, unless there is a store</td></tr>
 * <tr><td>sslrootcert</td><td>those that Java trusts</td><td>a file with certificates in PEM: one of them has signed
 *   that of the server, or is it</td></tr>
 * </table>
 *
 * <p><b>Without a store</b> a task is a message, and its lease is a message that is not acknowledged. RabbitMQ hands
 * out messages and takes them back; it knows none by its id. So this broker has the features DURABLE and SHARED, and
 * refuses all others in one line: no delays and no waits of retries, no priorities but the usual one, no unique tasks,
 * keys, rates, pauses, workflows, search and schedules, no {@link #cancel} and no {@link #ended}; a submitter that
 * waits hears of the ends of its tasks. Nothing is lost, but a task may come, run and be completed twice: after an
 * answer that was lost, and after a connection that broke at the end of a run. A checkpoint is kept for the next run,
 * unless the worker is lost. The clock is that of this machine.
 *
 * <p><b>A run ends before the server takes its message away</b>, after {@code consumerTimeout}: a limit that is longer
 * is refused, and a task without one gets nine tenths of it as its hard limit.
 *
 * <p><b>With a store</b> the store has the tasks, their leases and results, and this broker can do what the store can.
 * RabbitMQ carries the news that there is work, and the requests to workers; a message of it is acknowledged as it
 * comes, so {@code consumer_timeout} does not matter. While RabbitMQ is away, workers find tasks by looking for them.
 *
 * <p><b>Dead letters</b> lie in the queue {@code PREFIX/dead/QUEUE}, as they were, with the reason in their headers.
 */
public final class RabbitmqBroker implements Broker {
    /** How many tasks one call of {@link #upkeep} takes back. */
    private static final int MOST_UPKEEP = 500;
    /** How many bytes a claim brings, but for a task that has more, and those that are larger than others lately. */
    private static final long MOST_BYTES = 16 << 20;
    /** How many ends are remembered, so that what comes twice within a short time is noticed. */
    private static final int MOST_ENDS = 20_000;
    /** How long a text in the properties of a message may be. */
    private static final int MOST_ID_BYTES = 255;
    /** How long the end waits for a call that is under way. */
    private static final long CLOSE_MILLIS = 5_000;
    private static final Duration DEAD_TTL = Duration.ofDays(30);
    private static final Set<BrokerFeature> FEATURES = EnumSet.of(BrokerFeature.DURABLE, BrokerFeature.SHARED);
    private static final System.Logger LOG = System.getLogger("dev.sennit");

    /**
     * Since when a task waits.
     *
     * @param number counts the tasks of one moment
     */
    private record Since(Instant at, long number) implements Comparable<Since> {
        /** Goes before all others: nothing is known of it. */
        static final Since EVER = new Since(Instant.EPOCH, 0);

        @Override
        public int compareTo(Since other) {
            return Comparator.comparing(Since::at).thenComparingLong(Since::number).compare(this, other);
        }
    }

    /** A task that a worker of this object has. */
    private static final class Held {
        final Delivery delivery;
        final Message message;
        final int attempt;
        /** How often its worker was lost before. */
        final int crashes;
        /** When it was taken, by the clock of the machine that never goes back. */
        final long takenAt = System.nanoTime();
        Instant deadline;
        byte @Nullable [] checkpoint;

        Held(Delivery delivery, Message message, Instant deadline) {
            this.delivery = delivery;
            this.message = message;
            this.deadline = deadline;
            attempt = message.attempts() + delivery.count() + 1;
            crashes = message.crashes() + delivery.count();
            checkpoint = message.checkpoint();
        }

        QueuedTask task() {
            return message.task();
        }

        /** The message for the next run. */
        Message next(int failures, int newCrashes) {
            return message.with(attempt, failures, newCrashes, checkpoint);
        }
    }

    private final String name;
    private final Address address;
    private final RabbitmqErrors errors;
    private final InstantSource clock;
    private final Duration longest;
    private final Connector connector;
    private final Publisher publisher;
    private final Directory directory;
    private final News news;
    private final AtomicLong numbers = new AtomicLong();

    private final ReentrantLock lock = new ReentrantLock();
    // guarded by lock
    private final Takes takes;
    private final Map<String, Held> held = new LinkedHashMap<>();
    /** Which attempt of a task was completed here, of the last ones. */
    private final Map<String, Integer> completed = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Integer> eldest) {
            return size() > MOST_ENDS;
        }
    };

    private final Set<String> declared = ConcurrentHashMap.newKeySet();
    /** Since when tasks wait in a queue of RabbitMQ, as far as this object has seen. */
    private final Map<String, Since> waitingSince = new ConcurrentHashMap<>();
    private volatile boolean isClosed;

    private RabbitmqBroker(Address address, RabbitmqErrors errors, InstantSource clock, Connector connector) {
        name = address.toString();
        this.address = address;
        this.errors = errors;
        this.clock = clock;
        longest = longest(address);
        this.connector = connector;
        publisher = new Publisher(connector, errors, address.news());
        directory = new Directory(connector, publisher, address.directory());
        news = new News(connector, errors, publisher, address, clock, true);
        takes = new Takes(connector, name);
    }

    /** How long a message may be ours: the server looks once a minute, and has a clock of its own. */
    static Duration longest(Address address) {
        return address.consumerTimeout().multipliedBy(9).dividedBy(10);
    }

    /**
     * Opens a broker, and connects.
     *
     * @param uri {@code rabbitmq://[USER:PASSWORD@]HOST[:PORT]/[VHOST][?OPTIONS]}
     * @return the broker
     * @throws IllegalArgumentException if the address is none
     * @throws BrokerException if the server cannot be reached, or refuses
     */
    public static Broker open(String uri) {
        BrokerUri parsed = BrokerUri.parse(uri);
        if (!parsed.scheme().equals("rabbitmq") && !parsed.scheme().equals(Address.TLS)) {
            throw new IllegalArgumentException("the address of a broker in RabbitMQ is " + Address.SYNTAX);
        }
        return open(new Address(parsed), null);
    }

    /** Opens a broker whose clock is another one, for tests. */
    static Broker open(Address address, @Nullable InstantSource clock) {
        return open(address, clock, Thread.ofVirtual().factory());
    }

    /** Opens a broker that is called back by other threads, for tests. */
    static Broker open(Address address, @Nullable InstantSource clock, ThreadFactory threads) {
        var errors = new RabbitmqErrors(address.toString(), address.password());
        var connector = new Connector(address, errors, threads); // before a store is open that is to be closed again
        String store = address.store();
        if (store != null) {
            return new StoreBroker(address, errors, connector, Broker.open(store));
        }
        var broker = new RabbitmqBroker(address, errors, clock == null ? InstantSource.system() : clock, connector);
        boolean isOpen = false;
        try {
            broker.publisher.connect();
            broker.locked(() -> {
                broker.takes.connect();
                return true;
            });
            isOpen = true;
            return broker;
        } finally {
            if (!isOpen) {
                broker.close();
            }
        }
    }

    // ---- calls ----

    /** Something that talks to the server. */
    private interface Call<T> {
        T run() throws IOException;
    }

    /** Runs something under the lock. What was in doubt is told so. */
    private <T> T locked(Call<T> call) {
        return locked(call, false);
    }

    private <T> T locked(Call<T> call, boolean isDoubtful) {
        lock.lock();
        try {
            ensureOpen();
            return call.run();
        } catch (IOException | ShutdownSignalException e) {
            throw errors.of(e, isDoubtful);
        } finally {
            lock.unlock();
        }
    }

    private void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("the broker " + name + " is closed");
        }
    }

    private UnsupportedOperationException refused(BrokerFeature feature, String what) {
        ensureOpen();
        return new UnsupportedOperationException("RabbitMQ has no " + what + " (" + feature
                + "): add ?store= and the address of another broker, as in store=redis://HOST");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Set<BrokerFeature> features() {
        return EnumSet.copyOf(FEATURES);
    }

    @Override
    public Instant now() {
        ensureOpen();
        if (!publisher.isConnected()) {
            publisher.connect();
        }
        return clock.instant();
    }

    // ---- enqueue ----

    @Override
    public List<Enqueued> enqueue(Batch batch) {
        ensureOpen();
        batch.ensureWhole();
        if (!batch.joins().isEmpty()) {
            throw refused(BrokerFeature.JOINS, "workflows");
        }
        batch.tasks().forEach(this::ensurePlain);
        Instant now = clock.instant();
        List<Message> messages = new ArrayList<>();
        for (QueuedTask task : batch.tasks()) {
            messages.add(Message.of(task, now, numbers.incrementAndGet()));
        }
        send(messages, List.of());
        return batch.tasks().stream().map(task -> new Enqueued(task.id(), false)).toList();
    }

    /** Refuses a task that RabbitMQ cannot have as it is to be. */
    private void ensurePlain(QueuedTask task) {
        int bytes = task.id().getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MOST_ID_BYTES) {
            throw new IllegalArgumentException(
                    "the id of a task in RabbitMQ must have <= " + MOST_ID_BYTES + " bytes in UTF-8, was " + bytes);
        }
        When due = task.due();
        if (due != null && due.from(clock.instant()).isAfter(clock.instant())) {
            throw refused(BrokerFeature.DELAY, "tasks that are due later");
        }
        if (task.retry().attempts() > 1 && task.retry().most().isPositive()) {
            throw refused(BrokerFeature.DELAY, "waits between retries");
        }
        if (task.priority() != QueuedTask.USUAL_PRIORITY) {
            throw refused(BrokerFeature.PRIORITIES, "priorities but " + QueuedTask.USUAL_PRIORITY);
        }
        if (task.unique() != null) {
            throw refused(BrokerFeature.UNIQUE, "unique tasks");
        }
        if (task.key() != null) {
            throw refused(BrokerFeature.KEYS, "keys");
        }
        for (Duration limit : new Duration[] {task.softLimit(), task.hardLimit()}) {
            if (limit != null && limit.compareTo(longest) > 0) {
                throw new IllegalArgumentException(name + " has no limits of more than " + longest + ", was " + limit
                        + ": RabbitMQ takes back what runs longer than its consumer_timeout; raise that and"
                        + " ?consumerTimeout=, or add ?store=URI");
            }
        }
        task.onDead().forEach(this::ensurePlain);
    }

    /** Sends tasks and what else is to be sent with them, and tells of work. */
    private void send(List<Message> messages, List<Post> others) {
        List<Post> posts = new ArrayList<>();
        List<Directory.Entry> entries = new ArrayList<>();
        Set<String> queues = new LinkedHashSet<>();
        Set<String> sources = new LinkedHashSet<>();
        for (Message message : messages) {
            QueuedTask task = message.task();
            String source = address.source(task.queue(), task.type());
            entries.add(new Directory.Entry(task.queue(), task.type()));
            sources.add(source);
            queues.add(task.queue());
            var properties = new AMQP.BasicProperties.Builder().deliveryMode(2).contentType("application/json")
                    .messageId(task.id()).build();
            posts.add(Post.to(source, properties, message.bytes()));
            waitingSince.putIfAbsent(source, new Since(Instant.ofEpochMilli(message.at()), message.number()));
        }
        posts.addAll(others);
        declare(entries, sources);
        Set<Integer> returned = publisher.send(posts);
        for (int tries = 0; !returned.isEmpty(); tries++) { // somebody has deleted a queue
            if (tries == 3) {
                throw errors.of(BrokerException.Kind.UNUSABLE, true,
                        " has lost a queue again and again: see who deletes queues", null);
            }
            List<Post> again = returned.stream().sorted().map(posts::get).toList();
            again.forEach(post -> declared.remove(post.key()));
            try {
                declare(entries, again.stream().map(Post::key).toList());
                returned = publisher.send(again);
            } catch (BrokerException e) { // the server has the others
                throw new BrokerException(e.kind(), true, String.valueOf(e.getMessage()), e.getCause());
            }
            posts = new ArrayList<>(again);
        }
        queues.forEach(news::tellOfWork);
    }

    /** Declares queues of RabbitMQ that this object has not declared, and enters their names. */
    private void declare(List<Directory.Entry> entries, Collection<String> sources) {
        List<Directory.Entry> missing = directory.missing(entries);
        List<String> fresh = sources.stream().filter(each -> !declared.contains(each)).toList();
        if (missing.isEmpty() && fresh.isEmpty()) {
            return;
        }
        locked(() -> {
            for (String source : fresh) {
                takes.declared(source);
                declared.add(source);
            }
            if (!missing.isEmpty()) {
                directory.add(takes, missing);
            }
            return true;
        });
    }

    // ---- claim ----

    @Override
    public Claimed claim(ClaimRequest request) {
        ensureOpen();
        List<Claim> claims = new ArrayList<>();
        boolean[] isCut = {false};
        locked(() -> {
            List<Delivery> open = new ArrayList<>(); // taken, and neither claimed nor ended
            try {
                isCut[0] = claim(request, claims, open);
            } catch (IOException | RuntimeException e) {
                takes.keep(open); // the next claim takes them again
                claims.removeIf(claim -> of(claim.token()) == null);
                if (claims.isEmpty()) {
                    throw e;
                }
                LOG.log(System.Logger.Level.DEBUG, name + " - a claim brings what it has, and has failed", e);
            }
            return true;
        }, true);
        return new Claimed(claims, isCut[0] ? Duration.ofMillis(1) : null);
    }

    /** Claims; returns whether there are others, which are too large to come with these. Under the lock. */
    private boolean claim(ClaimRequest request, List<Claim> claims, List<Delivery> open) throws IOException {
        long bytes = 0;
        for (String queue : new LinkedHashSet<>(request.queues())) {
            List<Held> ofQueue = new ArrayList<>();
            try {
                // the type whose tasks have waited longest goes first, as far as that is known
                for (String source : request.types().stream().map(type -> address.source(queue, type))
                        .sorted(Comparator.comparing(one -> waitingSince.getOrDefault(one, Since.EVER))).toList()) {
                    Since last = null;
                    boolean isEmpty = false;
                    while (claims.size() + ofQueue.size() < request.most() && bytes < MOST_BYTES) {
                        int more = request.most() - claims.size() - ofQueue.size();
                        open.addAll(takes.take(source, more, MOST_BYTES - bytes));
                        declared.add(source);
                        if (open.isEmpty()) {
                            isEmpty = true;
                            break;
                        }
                        List<Bad> bad = new ArrayList<>();
                        for (Delivery each : List.copyOf(open)) {
                            bytes += each.body().length;
                            Held taken = take(each, queue, request.lease(), bad);
                            if (taken != null) {
                                ofQueue.add(taken);
                                last = new Since(Instant.ofEpochMilli(taken.message.at()), taken.message.number());
                            }
                            if (bad.isEmpty() || bad.getLast().delivery != each) {
                                open.removeFirst();
                            } else {
                                open.add(open.removeFirst()); // it is buried with the others
                            }
                        }
                        bury(bad);
                        open.clear();
                    }
                    if (isEmpty) {
                        waitingSince.remove(source);
                    } else if (last != null) { // the next one came after this
                        waitingSince.put(source, last);
                    }
                }
            } finally {
                ofQueue.sort(Comparator.<Held>comparingLong(one -> one.message.at())
                        .thenComparingLong(one -> one.message.number()));
                ofQueue.forEach(one -> claims.add(claim(one)));
            }
        }
        return bytes >= MOST_BYTES && claims.size() < request.most();
    }

    /**
     * Gives back what nobody has begun. What may run once only is sent again: the server counts what it takes back, and
     * such a count says that a worker was lost. Under the lock.
     */
    private void giveBackUnbegun(List<Delivery> deliveries) throws IOException {
        List<Delivery> back = new ArrayList<>();
        List<Delivery> sent = new ArrayList<>();
        List<Message> again = new ArrayList<>();
        for (Delivery each : deliveries) {
            Message message = each.isOurs() && each.count() == 0 ? once(each) : null;
            if (message == null) {
                back.add(each);
            } else {
                sent.add(each);
                again.add(message);
            }
        }
        boolean isSent = false;
        try {
            takes.giveBack(back.reversed());
            if (!again.isEmpty()) {
                send(again, List.of());
            }
            isSent = true;
        } finally {
            if (!isSent) {
                takes.keep(sent); // the next claim takes them, or upkeep gives them back
            }
        }
        takes.acknowledge(sent);
    }

    /** Returns the message of a task that may run once only; null if it is another one, or none. */
    private static @Nullable Message once(Delivery delivery) {
        try {
            Message message = Message.read(delivery.body());
            return message.task().atMostOnce() ? message : null;
        } catch (RuntimeException e) { // whatever it is, it is none of a task
            return null;
        }
    }

    /** Returns what is to be run of a message; null if it has come to its end. Under the lock. */
    private @Nullable Held take(Delivery delivery, String queue, Duration lease, List<Bad> bad) throws IOException {
        Message message;
        try {
            message = Message.read(delivery.body());
        } catch (RuntimeException e) { // whatever it is, it is none of a task
            bad.add(new Bad(delivery, queue, e));
            return null;
        }
        Instant now = clock.instant();
        QueuedTask task = message.task();
        var one = new Held(delivery, message, now.plus(lease));
        if (held.containsKey(task.id()) && held.get(task.id()).delivery.isOurs()) {
            takes.acknowledge(List.of(delivery)); // it came twice, and runs
            return null;
        }
        if (delivery.count() > 0 && task.atMostOnce()) {
            end(one, TaskState.DEAD, DeadReason.LOST);
            return null;
        }
        if (delivery.count() > 0 && one.crashes >= task.retry().crashes()) {
            end(one, TaskState.DEAD, DeadReason.CRASHED);
            return null;
        }
        if (message.expires() > 0 && message.expires() <= now.toEpochMilli()) {
            end(one, TaskState.EXPIRED, null);
            return null;
        }
        held.put(task.id(), one);
        return one;
    }

    @SuppressWarnings("NullAway") // it does not see the annotations of arrays of another module
    private Claim claim(Held one) {
        QueuedTask task = one.task();
        Duration limit = task.hardLimit();
        QueuedTask limited =
                limit != null ? task : task.toBuilder().hardLimit(longest).softLimit(shorter(task)).build();
        return new Claim(new Token(task.id(), one.attempt), limited, one.message.failures(), one.crashes,
                Instant.ofEpochMilli(one.message.at()), one.checkpoint, List.of());
    }

    private @Nullable Duration shorter(QueuedTask task) {
        Duration soft = task.softLimit();
        return soft == null || soft.compareTo(longest) < 0 ? soft : longest.minusMillis(1);
    }

    // ---- ends ----

    /** The post that tells a submitter of an end. */
    private @Nullable Post post(QueuedTask task, EndedTask end) {
        String replyTo = task.replyTo();
        return replyTo == null
                ? null
                : new Post("", address.ends(replyTo), new AMQP.BasicProperties.Builder().deliveryMode(2)
                        .messageId(task.id()).build(), Wire.end(end), false);
    }

    /** Ends a task that is not begun any more, its message too. Under the lock. */
    private void end(Held one, TaskState state, @Nullable DeadReason reason) throws IOException {
        Ending ending = ending(one, state, reason, null, one.attempt - 1);
        send(ending.tasks, ending.posts);
        takes.acknowledge(List.of(one.delivery));
    }

    /** What is to be sent for an end. */
    private record Ending(List<Message> tasks, List<Post> posts) {}

    private Ending ending(Held one, TaskState state, @Nullable DeadReason reason, @Nullable ErrorInfo error) {
        return ending(one, state, reason, error, one.attempt);
    }

    private Ending ending(Held one, TaskState state, @Nullable DeadReason reason, @Nullable ErrorInfo error,
            int attempts) {
        QueuedTask task = one.task();
        List<Message> tasks = new ArrayList<>();
        List<Post> posts = new ArrayList<>();
        Instant now = clock.instant();
        Post told = post(task, new EndedTask(task.id(), task.type(), task.queue(), task.root(), state, null, reason,
                error, attempts, now));
        if (told != null) {
            posts.add(told);
        }
        if (state == TaskState.DEAD) {
            declare(List.of(new Directory.Entry(task.queue(), null)), List.of(address.dead(task.queue())));
            posts.add(letter(task.queue(), task.id(), task.type(), reason, error, one.next(one.message.failures(),
                    one.crashes).bytes(), attempts));
        }
        for (QueuedTask callback : task.onDead()) {
            Map<String, String> headers = new HashMap<>(callback.headers());
            headers.put(QueuedTask.DEAD_ID, task.id());
            headers.put(QueuedTask.DEAD_REASON, reason == null ? state.name() : reason.name());
            headers.put(QueuedTask.DEAD_ERROR,
                    error == null ? "" : error.text().replaceAll("\\s+", " ").strip());
            QueuedTask fresh = callback.toBuilder().id(QueuedTask.newId()).headers(headers)
                    .root(callback.root().equals(callback.id()) ? task.root() : callback.root()).build();
            tasks.add(Message.of(fresh, now, numbers.incrementAndGet()));
        }
        return new Ending(tasks, posts);
    }

    private Post letter(String queue, @Nullable String id, String type, @Nullable DeadReason reason,
            @Nullable ErrorInfo error, byte[] body, int attempts) {
        Map<String, Object> headers = new HashMap<>();
        headers.put("sennit-reason", String.valueOf(reason));
        headers.put("sennit-queue", queue);
        headers.put("sennit-type", type);
        headers.put("sennit-attempts", attempts);
        headers.put("sennit-at", clock.instant().toEpochMilli());
        if (error != null) {
            headers.put("sennit-error", error.text());
            headers.put("sennit-stack", error.stack());
        }
        var properties = new AMQP.BasicProperties.Builder().deliveryMode(2).messageId(id).headers(headers)
                .expiration(Long.toString(DEAD_TTL.toMillis())).build();
        return Post.to(address.dead(queue), properties, body);
    }

    /** A message that is none of a task, and why. */
    private record Bad(Delivery delivery, String queue, RuntimeException why) {
        String text() {
            return String.valueOf(why.getMessage()).replaceAll("\\s+", " ").strip();
        }
    }

    /** Puts what cannot be read among the dead letters, with its bytes. Under the lock. */
    private void bury(List<Bad> bad) throws IOException {
        if (bad.isEmpty()) {
            return;
        }
        LOG.log(System.Logger.Level.WARNING, name + " - " + bad.size() + " messages in queue " + bad.getFirst().queue
                + " cannot be read, and are among the dead letters: " + bad.getFirst().text());
        List<Post> posts = new ArrayList<>();
        for (Bad each : bad) {
            declare(List.of(new Directory.Entry(each.queue, null)), List.of(address.dead(each.queue)));
            Delivery delivery = each.delivery;
            posts.add(letter(each.queue, delivery.properties().getMessageId(), "", DeadReason.UNREADABLE,
                    new ErrorInfo(each.why.getClass().getName(), each.text(), ""), delivery.body(),
                    delivery.count()));
        }
        send(List.of(), posts);
        takes.acknowledge(bad.stream().map(Bad::delivery).toList());
    }

    /** Returns what a token gives a right to; null if it is old. Under the lock. */
    private @Nullable Held of(Token token) {
        Held one = held.get(token.id());
        if (one == null || one.attempt != token.attempt()) {
            return null;
        }
        if (!one.delivery.isOurs()) {
            held.remove(token.id());
            return null;
        }
        return one;
    }

    @Override
    public List<Boolean> complete(List<Completion> completions) {
        ensureOpen();
        for (Completion each : completions) {
            each.successors().ensureWhole();
            if (!each.successors().isEmpty()) {
                throw refused(BrokerFeature.JOINS, "tasks that a run enqueues with its end");
            }
        }
        return locked(() -> {
            List<Boolean> accepted = new ArrayList<>();
            List<Post> posts = new ArrayList<>();
            List<Delivery> done = new ArrayList<>();
            Map<String, Integer> ended = new HashMap<>();
            Instant now = clock.instant();
            for (Completion each : completions) {
                Token token = each.token();
                Held one = ended.containsKey(token.id()) ? null : of(token);
                if (one == null) {
                    Integer before = ended.getOrDefault(token.id(), completed.get(token.id()));
                    accepted.add(before != null && before == token.attempt());
                    continue;
                }
                accepted.add(true);
                ended.put(token.id(), token.attempt());
                done.add(one.delivery);
                QueuedTask task = one.task();
                Post told = post(task, new EndedTask(task.id(), task.type(), task.queue(), task.root(),
                        TaskState.SUCCEEDED, each.result(), null, null, one.attempt, now));
                if (told != null) {
                    posts.add(told);
                }
            }
            publisher.send(posts);
            completed.putAll(ended); // also if the next answer is lost: the end is told, and the server may have heard
            try {
                takes.acknowledge(done);
            } finally { // acknowledged twice, a message would end the channel
                ended.keySet().forEach(held::remove);
            }
            return accepted;
        }, true);
    }

    @Override
    public List<Boolean> fail(List<Failure> failures) {
        ensureOpen();
        for (Failure each : failures) {
            if (each.verdict() instanceof Failure.RetryIn retry && retry.delay().isPositive()) {
                throw refused(BrokerFeature.DELAY, "waits between retries");
            }
        }
        return locked(() -> {
            List<Boolean> accepted = new ArrayList<>();
            List<Message> again = new ArrayList<>();
            List<Post> posts = new ArrayList<>();
            List<Held> done = new ArrayList<>();
            List<Held> back = new ArrayList<>();
            Set<String> seen = new HashSet<>();
            for (Failure each : failures) {
                Held one = seen.contains(each.token().id()) ? null : of(each.token());
                accepted.add(one != null);
                if (one == null) {
                    continue;
                }
                seen.add(each.token().id());
                switch (each.verdict()) {
                    case Failure.RetryIn _ -> {
                        again.add(one.next(one.message.failures() + 1, one.crashes));
                        done.add(one);
                    }
                    case Failure.GiveBack _ -> {
                        again.add(one.next(one.message.failures(), one.crashes));
                        done.add(one);
                    }
                    case Failure.Die die -> {
                        collect(ending(one, TaskState.DEAD, die.reason(), each.error()), again, posts);
                        done.add(one);
                    }
                    case Failure.Cancelled _ -> {
                        collect(ending(one, TaskState.CANCELLED, null, null), again, posts);
                        done.add(one);
                    }
                    case Failure.Crashed _ -> crashed(one, each.error(), again, posts, done, back);
                }
            }
            send(again, posts);
            release(done, back);
            back.forEach(one -> news.tellOfWork(one.task().queue()));
            return accepted;
        }, true);
    }

    /**
     * Acknowledges some messages and gives others back. From then on the tasks are not held, even if that fails: their
     * tags are used up, or their channel has ended. Under the lock.
     */
    private void release(List<Held> done, List<Held> back) throws IOException {
        try {
            takes.acknowledge(done.stream().map(one -> one.delivery).toList());
        } finally {
            done.forEach(one -> held.remove(one.task().id()));
        }
        try {
            takes.giveBack(back.stream().map(one -> one.delivery).toList());
        } finally {
            back.forEach(one -> held.remove(one.task().id()));
        }
    }

    private static void collect(Ending ending, List<Message> tasks, List<Post> posts) {
        tasks.addAll(ending.tasks);
        posts.addAll(ending.posts);
    }

    /** Decides what becomes of a task whose worker was lost; returns whether it is ready again. Under the lock. */
    private boolean crashed(Held one, @Nullable ErrorInfo error, List<Message> again, List<Post> posts,
            List<Held> done, List<Held> back) {
        boolean isOnce = one.task().atMostOnce();
        if (isOnce || one.crashes + 1 >= one.task().retry().crashes()) {
            var last = new Held(one.delivery, one.message.with(one.message.attempts(), one.message.failures(),
                    one.message.crashes() + 1, one.checkpoint), one.deadline);
            collect(ending(last, TaskState.DEAD, isOnce ? DeadReason.LOST : DeadReason.CRASHED, error), again, posts);
            done.add(one);
            return false;
        }
        if (one.checkpoint == one.message.checkpoint()) { // the server gives it its old place, and counts
            back.add(one);
        } else { // what it has kept has to go along
            again.add(one.next(one.message.failures(), one.crashes + 1));
            done.add(one);
        }
        return true;
    }

    @Override
    public List<LeaseState> extend(List<Renewal> renewals, Duration lease) {
        ensureOpen();
        lock.lock();
        try {
            List<LeaseState> states = new ArrayList<>();
            Instant now = clock.instant();
            for (Renewal each : renewals) {
                Held one = of(each.token());
                if (one == null || isOverdue(one)) {
                    states.add(LeaseState.LOST);
                    continue;
                }
                one.deadline = now.plus(lease);
                byte[] kept = each.checkpoint();
                one.checkpoint = kept == null ? one.checkpoint : kept;
                states.add(LeaseState.HELD);
            }
            return states;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the server is about to take it away. */
    private boolean isOverdue(Held one) {
        return System.nanoTime() - one.takenAt > longest.plus(address.consumerTimeout()).dividedBy(2).toNanos();
    }

    @Override
    public Upkeep upkeep(Upkeep.Limits limits) {
        ensureOpen();
        news.forgetSilent(limits.workerTtl());
        return locked(() -> {
            Instant now = clock.instant();
            int takenBack = 0;
            int ended = 0;
            List<Message> again = new ArrayList<>();
            List<Post> posts = new ArrayList<>();
            List<Held> done = new ArrayList<>();
            List<Held> back = new ArrayList<>();
            giveBackUnbegun(takes.late());
            held.values().removeIf(one -> !one.delivery.isOurs());
            for (Held one : held.values()) {
                if (takenBack + ended == MOST_UPKEEP) {
                    break;
                }
                if (isOverdue(one) || !one.deadline.isAfter(now)) {
                    if (crashed(one, null, again, posts, done, back)) {
                        takenBack++;
                    } else {
                        ended++;
                    }
                }
            }
            send(again, posts);
            release(done, back.reversed()); // the last one first, as each goes before all others
            back.stream().map(one -> one.task().queue()).distinct().forEach(news::tellOfWork);
            return new Upkeep(takenBack, ended, 0, 0, 0, takenBack + ended == MOST_UPKEEP);
        }, true);
    }

    // ---- what is known by its id: nothing ----

    @Override
    public @Nullable TaskState cancel(String id) {
        throw refused(BrokerFeature.IDS, "task that it knows by its id");
    }

    @Override
    public int cancelAll(String root) {
        throw refused(BrokerFeature.IDS, "task that it knows by its id");
    }

    @Override
    public List<EndedTask> ended(Collection<String> ids) {
        throw refused(BrokerFeature.IDS, "ends that are kept");
    }

    @Override
    public int replay(TaskFilter filter, byte @Nullable [] payload) {
        throw refused(BrokerFeature.SEARCH, "search");
    }

    @Override
    public int purge(TaskFilter filter) {
        throw refused(BrokerFeature.SEARCH, "search");
    }

    @Override
    public List<TaskView> search(TaskFilter filter, int most) {
        throw refused(BrokerFeature.SEARCH, "search");
    }

    @Override
    public Optional<TaskView> find(String id) {
        throw refused(BrokerFeature.SEARCH, "search");
    }

    @Override
    public void pause(Scope scope) {
        throw refused(BrokerFeature.PAUSES, "pauses");
    }

    @Override
    public void resume(Scope scope) {
        throw refused(BrokerFeature.PAUSES, "pauses");
    }

    @Override
    public Set<Scope> paused() {
        ensureOpen();
        return Set.of();
    }

    @Override
    public void limit(String type, @Nullable Rate rate) {
        throw refused(BrokerFeature.RATES, "rates of all workers");
    }

    @Override
    public Map<String, Rate> limits() {
        ensureOpen();
        return Map.of();
    }

    @Override
    public boolean putSchedule(ScheduleEntry entry, @Nullable ScheduleEntry before) {
        throw refused(BrokerFeature.SCHEDULES, "schedules");
    }

    @Override
    public boolean removeSchedule(String schedule) {
        throw refused(BrokerFeature.SCHEDULES, "schedules");
    }

    @Override
    public List<ScheduleEntry> schedules() {
        throw refused(BrokerFeature.SCHEDULES, "schedules");
    }

    @Override
    public Firing.Outcome fire(Firing firing) {
        throw refused(BrokerFeature.SCHEDULES, "schedules");
    }

    @Override
    public void keepEvents(Duration time) {
        throw refused(BrokerFeature.EVENTS, "events");
    }

    @Override
    public List<BrokerEvent> events(long after, int most) {
        throw refused(BrokerFeature.EVENTS, "events");
    }

    // ---- counts ----

    @Override
    public List<QueueCounts> counts() {
        ensureOpen();
        Map<String, Map<TaskState, Long>> counts = new TreeMap<>();
        Map<String, Instant> oldest = new HashMap<>();
        Set<Directory.Entry> entries = entries();
        Instant begun = clock.instant();
        locked(() -> {
            for (Directory.Entry each : entries) {
                String source = each.type() == null
                        ? address.dead(each.queue())
                        : address.source(each.queue(), each.type());
                int ready = takes.declared(source);
                add(counts, each.queue(), each.type() == null ? TaskState.DEAD : TaskState.READY, ready);
                if (each.type() != null) {
                    Instant since = waiting(source, ready);
                    if (since != null && since.isBefore(begun)) { // else it is seen for the first time: who knows
                        oldest.merge(each.queue(), since, (one, two) -> one.isBefore(two) ? one : two);
                    }
                }
            }
            return true;
        });
        running().forEach((queue, count) -> add(counts, queue, TaskState.RUNNING, count));
        Set<String> others = new HashSet<>();
        for (News.Seen seen : news.workers()) { // several workers of one broker object tell of the same tasks
            if (!isOwn(seen) && others.add(seen.from())) {
                seen.held().forEach((queue, count) -> add(counts, queue, TaskState.RUNNING, count));
            }
        }
        List<QueueCounts> all = new ArrayList<>();
        Instant now = clock.instant();
        counts.forEach((queue, states) -> {
            if (states.values().stream().anyMatch(count -> count > 0)) {
                Instant since = oldest.get(queue);
                all.add(new QueueCounts(queue, states, since == null ? null : age(since, now), false));
            }
        });
        return all;
    }

    /** Returns the queues and types that are known; not under the lock, as reading them may take long. */
    private Set<Directory.Entry> entries() {
        try {
            return directory.entries();
        } catch (IOException | ShutdownSignalException e) {
            throw errors.of(e, false);
        }
    }

    private boolean isOwn(News.Seen seen) {
        return seen.from().equals(news.self());
    }

    private static void add(Map<String, Map<TaskState, Long>> counts, String queue, TaskState state, long count) {
        counts.computeIfAbsent(queue, _ -> new EnumMap<>(TaskState.class)).merge(state, count, Long::sum);
    }

    /** How many tasks this object has, by queue. */
    private Map<String, Integer> running() {
        lock.lock();
        try {
            Map<String, Integer> counts = new HashMap<>();
            for (Held one : held.values()) {
                if (one.delivery.isOurs()) {
                    counts.merge(one.task().queue(), 1, Integer::sum);
                }
            }
            return counts;
        } finally {
            lock.unlock();
        }
    }

    /** Since when tasks wait in a queue of RabbitMQ, as far as this object has seen; null if none does. */
    private @Nullable Instant waiting(String source, int ready) {
        if (ready == 0) {
            waitingSince.remove(source);
            return null;
        }
        return waitingSince.computeIfAbsent(source, _ -> new Since(clock.instant(), 0)).at;
    }

    private static Duration age(Instant since, Instant now) {
        Duration age = Duration.between(since, now);
        return age.isNegative() ? Duration.ZERO : age;
    }

    @Override
    public Optional<Duration> oldestReady(Collection<String> queues) {
        ensureOpen();
        if (queues.isEmpty()) {
            return Optional.empty();
        }
        Set<Directory.Entry> entries = entries();
        Supplier<Optional<Instant>> oldest = () -> locked(() -> {
            Instant least = null;
            for (Directory.Entry each : entries) {
                if (each.type() != null && queues.contains(each.queue())) {
                    String source = address.source(each.queue(), each.type());
                    Instant since = waiting(source, takes.declared(source));
                    least = since != null && (least == null || since.isBefore(least)) ? since : least;
                }
            }
            return Optional.ofNullable(least);
        });
        return oldest.get().map(since -> age(since, clock.instant()));
    }

    // ---- workers and listeners ----

    @Override
    public void report(WorkerReport report) {
        ensureOpen();
        news.tell(report, running());
    }

    @Override
    public void forget(String worker) {
        ensureOpen();
        news.forget(worker);
    }

    @Override
    public List<WorkerReport> workers() {
        ensureOpen();
        return news.workers().stream().map(News.Seen::report).toList();
    }

    @Override
    public void control(ControlMessage message) {
        ensureOpen();
        news.tell(message);
    }

    @Override
    public Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        ensureOpen();
        return news.subscribe(interest, listener);
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        try (connector; publisher) { // the last one first, whatever fails before
            try {
                news.close();
            } finally {
                giveBackLate();
                isClosed = true;
            }
        }
    }

    /** Gives back what nobody has begun, before its channel ends and the server counts that as a loss. */
    private void giveBackLate() {
        boolean isLocked = false;
        try {
            isLocked = lock.tryLock(CLOSE_MILLIS, TimeUnit.MILLISECONDS);
            if (isLocked) {
                giveBackUnbegun(takes.late());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException | RuntimeException e) { // the server does it
            LOG.log(System.Logger.Level.DEBUG, name + " - cannot give back what nobody has begun", e);
        } finally {
            if (isLocked) {
                lock.unlock();
            }
        }
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return "broker " + name + ", " + held.size() + " tasks claimed here";
        } finally {
            lock.unlock();
        }
    }
}
