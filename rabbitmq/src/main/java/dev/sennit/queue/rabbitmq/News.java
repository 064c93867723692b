package dev.sennit.queue.rabbitmq;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ChannelContinuationTimeoutException;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells listeners what brokers tell each other: of work in a queue, of ends for an address, of requests to a worker.
 *
 * <p><b>Hearing.</b> News come by a direct exchange into a queue of this object's own, which is gone with its
 * connection: they are hints. A thread connects again, with growing pauses, and has all listeners look for work then,
 * and every few seconds. Ends come by a queue of the submitter's address instead, which outlives a connection for an
 * hour, and are acknowledged when the listener has heard them.
 *
 * <p><b>Telling.</b> A virtual thread for each listener that has something to hear, which ends when it has told all:
 * one call at a time, and a slow listener holds nobody up.
 *
 * <p><b>Workers</b> tell of themselves by news, too. Who begins to listen asks all of them to do it again.
 */
final class News implements AutoCloseable {
    /** How much of a kind waits for a listener. */
    private static final int MOST_WAITING = 10_000;
    /** How many ends wait for a listener; the others stay in the server. */
    private static final int MOST_ENDS = 1_000;
    /** How often listeners look although nothing was heard. */
    private static final long LOOK_NANOS = SECONDS.toNanos(5);
    private static final long LEAST_BACKOFF = MILLISECONDS.toNanos(50);
    private static final long MOST_BACKOFF = SECONDS.toNanos(2);
    /** How long a subscription waits for a connection. */
    private static final long CONNECT_NANOS = SECONDS.toNanos(10);
    /** How long those who were asked have to tell of themselves, and how long after one of them the others have. */
    private static final long ANSWER_NANOS = SECONDS.toNanos(1);
    private static final long NEXT_ANSWER_NANOS = MILLISECONDS.toNanos(200);
    /** The queue of an address is kept for an hour when nobody listens to it. */
    static final Map<String, Object> ENDS = Map.of("x-queue-type", "quorum", "x-delivery-limit", 1_000_000, "x-expires",
            Duration.ofHours(1).toMillis());
    private static final String ALL = "all";

    private static final System.Logger LOG = System.getLogger("dev.sennit");

    /** An end, and what is to be done when it was heard. */
    private record End(EndedTask end, Runnable heard) {}

    /** What a worker has told of itself last, and how many tasks its broker object holds. */
    record Seen(WorkerReport report, String from, Map<String, Integer> held) {}

    /** One listener, and the thread that calls it. */
    private final class Listening implements Broker.Subscription {
        final BrokerListener.Interest interest;
        final Set<String> keys = new HashSet<>();
        private final BrokerListener listener;
        // guarded by lock
        private boolean mayHaveWork;
        /** Whether it has listened on a connection, so that news may be lost with that. */
        private boolean wasHeard;
        private final ArrayDeque<End> ends = new ArrayDeque<>();
        private final ArrayDeque<ControlMessage> messages = new ArrayDeque<>();
        private @Nullable Thread caller;
        private boolean isClosed;

        Listening(BrokerListener.Interest interest, BrokerListener listener) {
            this.interest = interest;
            this.listener = listener;
            interest.queues().forEach(queue -> keys.add(Address.workKey(queue)));
            if (interest.worker() != null) {
                keys.add(Address.workerKey(interest.worker()));
            }
        }

        /** Notes something, and has it told. Under the lock. */
        void note(Consumer<Listening> what) {
            if (isClosed) {
                return;
            }
            what.accept(this);
            if (caller == null && hasSomething()) {
                Thread thread = Thread.ofVirtual().name("sennit-rabbitmq-listener").unstarted(this::tell);
                try {
                    thread.start();
                    caller = thread; // it needs the lock before it does anything
                } catch (Throwable e) { // no memory: the next news tries again
                    LOG.log(System.Logger.Level.WARNING, name + " - cannot call a listener, tries again", e);
                }
            }
        }

        private boolean hasSomething() {
            return mayHaveWork || !ends.isEmpty() || !messages.isEmpty();
        }

        private void tell() {
            for (Runnable call = next(); call != null; call = next()) {
                try {
                    call.run();
                } catch (Throwable e) { // the thread of one listener, which is to hear the next as well
                    LOG.log(System.Logger.Level.WARNING, name + " - a listener failed", e);
                }
            }
        }

        /** Returns the next call, or null if there is none: then the calling thread is not the caller any more. */
        private @Nullable Runnable next() {
            lock.lock();
            try {
                if (!messages.isEmpty()) {
                    ControlMessage message = messages.remove();
                    return () -> listener.control(message);
                }
                if (mayHaveWork) {
                    mayHaveWork = false;
                    return listener::workMayBeReady;
                }
                if (!ends.isEmpty()) {
                    End end = ends.remove();
                    return () -> {
                        try {
                            listener.ended(end.end);
                        } finally {
                            end.heard.run();
                        }
                    };
                }
                caller = null;
                changed.signalAll();
                return null;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                isClosed = true;
                mayHaveWork = false;
                ends.clear();
                messages.clear();
                boolean wasOpen = listenings.remove(this);
                while (caller != null && caller != Thread.currentThread()) {
                    changed.awaitUninterruptibly();
                }
                if (wasOpen) { // others may listen to the same, and have begun to meanwhile
                    String replyTo = interest.replyTo();
                    if (replyTo != null && listenings.stream()
                            .noneMatch(one -> replyTo.equals(one.interest.replyTo()))) {
                        forgetEnds(replyTo);
                    }
                    keys.stream().filter(key -> listenings.stream().noneMatch(one -> one.keys.contains(key)))
                            .forEach(News.this::unbind);
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private final Connector connector;
    private final RabbitmqErrors errors;
    private final Publisher publisher;
    private final Address address;
    private final InstantSource clock;
    private final String name;
    private final boolean hasEnds;
    private final String self = UUID.randomUUID().toString();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // guarded by lock
    private final List<Listening> listenings = new ArrayList<>();
    private final Set<String> bound = new HashSet<>();
    private final Set<String> consumed = new HashSet<>();
    private final Map<String, Seen> workers = new HashMap<>();
    /** Those of this object, as they were told. */
    private final Map<String, byte[]> own = new HashMap<>();
    private Duration silentAfter = Upkeep.Limits.USUAL.workerTtl();
    private @Nullable Thread keeper;
    private @Nullable Connection connection;
    private @Nullable Channel channel;
    private String queue = "";
    private long askedAt;
    /** When somebody told of a worker last, or 0. */
    private long answeredAt;
    private @Nullable RuntimeException failure;
    private boolean isClosing;
    private boolean isClosed;

    /**
     * Makes one without listeners.
     *
     * @param hasEnds whether ends come by RabbitMQ
     */
    News(Connector connector, RabbitmqErrors errors, Publisher publisher, Address address, InstantSource clock,
            boolean hasEnds) {
        this.connector = connector;
        this.errors = errors;
        this.publisher = publisher;
        this.address = address;
        this.clock = clock;
        this.hasEnds = hasEnds;
        name = address.toString();
    }

    /** Returns what this object is called among those that tell each other news. */
    String self() {
        return self;
    }

    // ---- telling others ----

    void tellOfWork(String ofQueue) {
        publisher.tell(Address.workKey(ofQueue), Wire.work(self, ofQueue));
    }

    void tellOfAnyWork() {
        publisher.tell(ALL, Wire.news("any", self));
    }

    void tell(ControlMessage message) {
        publisher.tell(message.worker() == null ? ALL : Address.workerKey(message.worker()),
                Wire.control(self, message));
    }

    void tell(WorkerReport report, Map<String, Integer> held) {
        byte[] told = Wire.report(self, report, held);
        lock.lock();
        try {
            own.put(report.id(), told);
            workers.put(report.id(), new Seen(Wire.report(Wire.news(told), clock.instant()), self, held));
        } finally {
            lock.unlock();
        }
        publisher.tell(ALL, told);
    }

    void forget(String worker) {
        lock.lock();
        try {
            own.remove(worker);
            workers.remove(worker);
        } finally {
            lock.unlock();
        }
        publisher.tell(ALL, Wire.forget(self, worker));
    }

    /** Removes the workers that were not heard of for some time; does so from now on. */
    void forgetSilent(Duration ttl) {
        lock.lock();
        try {
            silentAfter = ttl;
            forgetSilent();
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void forgetSilent() {
        Instant least = clock.instant().minus(silentAfter);
        workers.values().removeIf(seen -> seen.report.seenAt().isBefore(least));
        own.keySet().retainAll(workers.keySet());
    }

    /** Returns the workers that were heard of; waits until those have answered that were asked. */
    List<Seen> workers() {
        lock.lock();
        try {
            awaitConnection();
            for (long rest = answersRest(); rest > 0 && !isClosed; rest = answersRest()) {
                changed.awaitNanos(rest);
            }
            forgetSilent(); // where no worker runs nobody calls upkeep
            return workers.values().stream().sorted(Comparator.comparing(seen -> seen.report.id())).toList();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private long answersRest() {
        long now = System.nanoTime();
        long rest = askedAt + ANSWER_NANOS - now;
        return answeredAt == 0 ? rest : Math.min(rest, answeredAt + NEXT_ANSWER_NANOS - now);
    }

    // ---- subscriptions ----

    /** Adds a listener, and waits until it is heard for. */
    Broker.Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        var listening = new Listening(interest, listener);
        lock.lock();
        try {
            listenings.add(listening);
            try {
                awaitConnection();
                bind();
            } catch (IOException | InterruptedException | RuntimeException e) {
                listenings.remove(listening);
                if (e instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                }
                if (e instanceof IllegalStateException closed && !(e instanceof AlreadyClosedException)) {
                    throw closed;
                }
                throw errors.of(e, false);
            }
        } finally {
            lock.unlock();
        }
        return listening;
    }

    /** Adds a listener that hears of what there is to hear, whether there is a connection or not. */
    Broker.Subscription listen(BrokerListener.Interest interest, BrokerListener listener) {
        var listening = new Listening(interest, listener);
        lock.lock();
        try {
            listenings.add(listening);
            awaitConnection();
            bind();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException | BrokerException | ShutdownSignalException e) {
            LOG.log(System.Logger.Level.DEBUG, () -> name + " - will listen later: " + e);
        } finally {
            lock.unlock();
        }
        return listening;
    }

    /** Under the lock. */
    private void awaitConnection() throws InterruptedException {
        if (keeper == null) {
            Thread keeping = Thread.ofPlatform().daemon().name("sennit-rabbitmq-news").unstarted(this::keep);
            keeping.start();
            keeper = keeping;
        }
        failure = null;
        for (long rest = CONNECT_NANOS; !isConnected() && rest > 0 && !isClosed && failure == null;) {
            rest = changed.awaitNanos(rest);
        }
        ensureOpen();
        RuntimeException cause = failure;
        if (!isConnected() && cause != null) {
            throw cause;
        }
    }

    private void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("the broker " + name + " is closed");
        }
    }

    /** Under the lock. */
    private boolean isConnected() {
        Channel open = channel;
        return open != null && open.isOpen();
    }

    /** Binds what listeners are interested in. Under the lock. */
    private void bind() throws IOException {
        Channel open = channel;
        if (open == null) {
            return; // the keeper does it
        }
        try {
            bind(open);
        } catch (ChannelContinuationTimeoutException e) { // its answer would be taken for that to the next request
            Connector.close(connection);
            throw e;
        }
    }

    private void bind(Channel open) throws IOException {
        for (Listening each : List.copyOf(listenings)) {
            each.wasHeard = true;
            for (String key : each.keys) {
                if (bound.add(key)) {
                    open.queueBind(queue, address.news(), key);
                }
            }
            String replyTo = each.interest.replyTo();
            if (hasEnds && replyTo != null && consumed.add(replyTo)) {
                String ends = address.ends(replyTo);
                open.queueDeclare(ends, true, false, false, ENDS);
                open.basicQos(MOST_ENDS);
                open.basicConsume(ends, false, ends, new DefaultConsumer(open) {
                    @Override
                    public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties,
                            byte[] body) {
                        end(replyTo, body, open, envelope.getDeliveryTag());
                    }

                    @Override
                    public void handleCancel(String tag) throws IOException { // somebody has deleted the queue
                        Connector.close(open.getConnection()); // it is declared again with the next one
                    }
                });
            }
        }
    }

    /** Under the lock. */
    private void unbind(String key) {
        Channel open = channel;
        if (open != null && !isClosing && bound.remove(key)) { // else the server deletes it with the queue
            try {
                open.queueUnbind(queue, address.news(), key);
            } catch (IOException | RuntimeException e) {
                if (e instanceof ChannelContinuationTimeoutException) { // as above
                    Connector.close(connection);
                }
                LOG.log(System.Logger.Level.DEBUG, () -> name + " - cannot end a binding: " + e);
            }
        }
    }

    /** Under the lock. */
    private void forgetEnds(String replyTo) {
        Channel open = channel;
        if (open != null && consumed.remove(replyTo)) {
            try {
                open.basicCancel(address.ends(replyTo));
                open.queueDelete(address.ends(replyTo));
            } catch (IOException | RuntimeException e) { // the server deletes it in an hour
                if (e instanceof ChannelContinuationTimeoutException) { // as above
                    Connector.close(connection);
                }
                LOG.log(System.Logger.Level.DEBUG, () -> name + " - cannot delete a queue of ends: " + e);
            }
        }
    }

    // ---- the thread that keeps the connection ----

    private void keep() {
        long backoff = LEAST_BACKOFF;
        lock.lock();
        try {
            while (!isClosed) {
                if (!isConnected()) {
                    try {
                        connect();
                        backoff = LEAST_BACKOFF;
                    } catch (IOException | RuntimeException | Error e) { // whatever it is, listeners wait for it
                        BrokerException told = errors.of(e, false);
                        failure = told;
                        changed.signalAll();
                        LOG.log(System.Logger.Level.DEBUG,
                                () -> name + " - cannot hear of news, tries again: " + told.getMessage());
                        pause(backoff);
                        backoff = Math.min(MOST_BACKOFF, 2 * backoff);
                        continue;
                    }
                }
                pauseWhileConnected();
                noteWork();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock, which it gives up while it waits for the server. */
    private void connect() throws IOException {
        Connection old = connection;
        Connection fresh;
        lock.unlock();
        try {
            Connector.close(old);
            fresh = connector.open();
        } finally {
            lock.lock();
        }
        boolean isReady = false;
        try {
            if (isClosed) {
                return;
            }
            Channel open = fresh.createChannel();
            fresh.addShutdownListener(_ -> signal());
            open.addShutdownListener(_ -> signal());
            open.exchangeDeclare(address.news(), BuiltinExchangeType.DIRECT, true);
            queue = open.queueDeclare().getQueue();
            open.queueBind(queue, address.news(), ALL);
            open.basicConsume(queue, true, new DefaultConsumer(open) {
                @Override
                public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties,
                        byte[] body) {
                    heard(body);
                }

                @Override
                public void handleCancel(String tag) throws IOException { // somebody has deleted the queue
                    Connector.close(fresh);
                }
            });
            bound.clear();
            consumed.clear();
            listenings.forEach(each -> each.ends.clear()); // they come again, as they are not acknowledged
            connection = fresh;
            channel = open;
            noteWork(); // what was told meanwhile is lost
            bind();
            askedAt = System.nanoTime();
            changed.signalAll();
            isReady = true;
        } finally {
            if (!isReady) {
                channel = null;
                Connector.close(fresh);
            }
        }
        publisher.tell(ALL, Wire.news("who", self));
    }

    private void signal() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void pauseWhileConnected() {
        long end = System.nanoTime() + LOOK_NANOS;
        try {
            for (long rest = LOOK_NANOS; rest > 0 && isConnected() && !isClosed; rest = end - System.nanoTime()) {
                changed.awaitNanos(rest);
            }
        } catch (InterruptedException e) {
            // Nobody has a reason to interrupt it; it goes on.
        }
    }

    /** Under the lock. */
    private void pause(long nanos) {
        long end = System.nanoTime() + nanos;
        try {
            for (long rest = nanos; rest > 0 && !isClosed; rest = end - System.nanoTime()) {
                changed.awaitNanos(rest);
            }
        } catch (InterruptedException e) {
            // Nobody has a reason to interrupt it; it goes on.
        }
    }

    /** Under the lock. */
    private void noteWork() {
        for (Listening each : List.copyOf(listenings)) {
            if (!each.interest.queues().isEmpty() && each.wasHeard) {
                each.note(one -> one.mayHaveWork = true);
            }
        }
    }

    // ---- what is heard ----

    private void heard(byte[] body) {
        try {
            Wire.News news = Wire.news(body);
            List<byte[]> answers = List.of();
            lock.lock();
            try {
                switch (news.kind()) {
                    case "work" -> {
                        String of = news.node().path("queue").stringValue();
                        List.copyOf(listenings).stream().filter(each -> each.interest.queues().contains(of))
                                .forEach(each -> each.note(one -> one.mayHaveWork = true));
                    }
                    case "any" -> noteWork();
                    case "control" -> {
                        ControlMessage message = Wire.control(news);
                        List.copyOf(listenings).stream().filter(each -> each.interest.worker() != null
                                && (message.worker() == null || message.worker().equals(each.interest.worker())))
                                .forEach(each -> each.note(one -> add(one.messages, message)));
                    }
                    case "report" -> {
                        if (!news.from().equals(self)) {
                            WorkerReport report = Wire.report(news, clock.instant());
                            forgetSilent();
                            workers.put(report.id(), new Seen(report, news.from(), Wire.held(news)));
                            answeredAt = System.nanoTime();
                            changed.signalAll();
                        }
                    }
                    case "forget" -> {
                        if (!news.from().equals(self)) {
                            workers.remove(news.node().path("worker").stringValue());
                        }
                    }
                    case "who" -> {
                        if (!news.from().equals(self)) {
                            answers = List.copyOf(own.values());
                        }
                    }
                    default -> LOG.log(System.Logger.Level.DEBUG, () -> name + " - passes over news: " + news.kind());
                }
            } finally {
                lock.unlock();
            }
            answers.forEach(each -> publisher.tell(ALL, each));
        } catch (RuntimeException e) { // a message of somebody else
            LOG.log(System.Logger.Level.DEBUG, () -> name + " - passes over a message that is none: " + e);
        }
    }

    /** Has an end told to who waits for it, and acknowledged when it was heard. */
    void end(String replyTo, byte[] body, Channel from, long tag) {
        var isHeard = new AtomicBoolean(); // several listeners may hear of it, and the server of that once
        Runnable heard = () -> {
            if (isHeard.compareAndSet(false, true)) {
                acknowledge(from, tag);
            }
        };
        EndedTask end;
        try {
            end = Wire.end(body);
        } catch (RuntimeException e) { // a message of somebody else
            LOG.log(System.Logger.Level.WARNING, name + " - passes over an end that cannot be read: " + e);
            heard.run();
            return;
        }
        lock.lock();
        try {
            for (Listening each : List.copyOf(listenings)) {
                if (replyTo.equals(each.interest.replyTo())) {
                    each.note(one -> one.ends.add(new End(end, heard)));
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void acknowledge(Channel from, long tag) {
        try {
            from.basicAck(tag, false);
        } catch (IOException | ShutdownSignalException e) { // it comes again
            LOG.log(System.Logger.Level.DEBUG, () -> name + " - an end will be told again: " + e);
        }
    }

    private static <T> void add(ArrayDeque<T> waiting, T one) {
        if (waiting.size() == MOST_WAITING) {
            waiting.remove();
        }
        waiting.add(one);
    }

    /** Ends the thread; no listener is called any more. */
    @Override
    public void close() {
        List<Listening> all;
        lock.lock();
        try {
            isClosing = true;
            all = List.copyOf(listenings);
        } finally {
            lock.unlock();
        }
        all.forEach(Listening::close);
        Thread keeping;
        Connection last;
        lock.lock();
        try {
            isClosed = true;
            changed.signalAll();
            keeping = keeper;
            last = connection;
            channel = null;
        } finally {
            lock.unlock();
        }
        Connector.close(last);
        if (keeping != null && keeping != Thread.currentThread()) {
            try {
                NANOSECONDS.timedJoin(keeping, CONNECT_NANOS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return name + ", " + listenings.size() + " listeners";
        } finally {
            lock.unlock();
        }
    }
}
