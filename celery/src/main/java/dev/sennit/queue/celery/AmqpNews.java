package dev.sennit.queue.celery;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ShutdownSignalException;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.foreign.Hearer;
import dev.sennit.queue.foreign.Json;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What RabbitMQ tells: requests of remote control, results that are sent to who waits (Celery's backend
 * {@code rpc://}), and what is sent that nobody waits for. After a break of the connection all consumers begin again.
 */
final class AmqpNews {
    private static final Logger LOG = System.getLogger(CeleryBroker.class.getName());
    private static final String CONTROL = "celery.pidbox";
    private static final String REPLIES = "reply.celery.pidbox";
    private static final String EVENTS = "celeryev";
    private static final int MOST_KEPT = 10_000;
    /** How many results come of an address before the first of them is acknowledged. */
    private static final int MOST_UNHEARD = 1_000;
    /** How long workers have to answer. */
    private static final long ANSWER_NANOS = 500_000_000;
    private static final long REPLIES_EXPIRE_MILLIS = 3_600_000;
    private static final long LEAST_PAUSE_MILLIS = 20;
    private static final long MOST_PAUSE_MILLIS = 1_000;

    private final Link link;
    private final Consumer<ObjectNode> onRequest;
    private final boolean takesResults;
    private final List<Hearer> hearers = new CopyOnWriteArrayList<>();
    /** By the ids of workers. */
    private final Map<String, Hearer> workers = new ConcurrentHashMap<>();
    /** Guarded by itself. Results that have come lately, by the ids of tasks. */
    private final Map<String, byte[]> results = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, byte[]> eldest) {
            return size() > MOST_KEPT;
        }
    };
    private final Object lock = new Object();
    /** Guarded by lock. The channel that consumes, if somebody hears. */
    private @Nullable Channel channel;
    /** Guarded by lock. Whether remote control is heard on the channel. */
    private boolean isControlled;
    /** Guarded by lock. The addresses whose results are heard on the channel. */
    private final Set<String> taken = new HashSet<>();
    /** Whether a thread is about to begin again. */
    private final AtomicBoolean isHearingAgain = new AtomicBoolean();
    /** Whether the last event has found nobody. */
    private final AtomicBoolean isUnheard = new AtomicBoolean();

    AmqpNews(Link link, Consumer<ObjectNode> onRequest, boolean takesResults) {
        this.link = link;
        this.onRequest = onRequest;
        this.takesResults = takesResults;
        link.onNobody(() -> isUnheard.set(true));
    }

    // ---- hearers ----

    void add(Hearer hearer) {
        hearers.add(hearer);
        String worker = hearer.interest().worker();
        if (worker != null) {
            workers.put(worker, hearer);
        }
        boolean isHeard = false;
        try {
            synchronized (lock) {
                hear(open(), hearer);
            }
            isHeard = true;
        } finally {
            if (!isHeard) {
                forget(hearer);
            }
        }
    }

    private void forget(Hearer hearer) {
        hearers.remove(hearer);
        String worker = hearer.interest().worker();
        if (worker != null) {
            workers.remove(worker, hearer);
        }
    }

    void remove(Hearer hearer) {
        forget(hearer);
        String replyTo = hearer.interest().replyTo();
        if (replyTo != null && takesResults && !link.isClosed()) {
            try {
                link.ask(open -> open.queueDelete(replyTo));
            } catch (RuntimeException e) {
                LOG.log(Level.DEBUG, "a queue of results removes itself later", e);
            }
        }
    }

    @Nullable Hearer hearer(String worker) {
        return workers.get(worker);
    }

    Set<String> listening() {
        return Set.copyOf(workers.keySet());
    }

    /** Guarded by lock. */
    private Channel open() {
        Channel last = channel;
        if (last != null && last.isOpen()) {
            return last;
        }
        Channel fresh = link.channel();
        channel = fresh;
        isControlled = false;
        taken.clear();
        fresh.addShutdownListener(signal -> {
            if (!signal.isHardError()) { // the channel alone has ended
                hearAgain();
            }
        });
        return fresh;
    }

    /** Guarded by lock. */
    private void hear(Channel open, Hearer hearer) {
        if (hearer.interest().worker() != null) {
            control(open);
        }
        String replyTo = hearer.interest().replyTo();
        if (replyTo != null && takesResults) {
            take(open, replyTo);
        }
    }

    /** Begins again after a break, and has workers ask for tasks. */
    void restore() {
        BrokerException failure = null;
        synchronized (lock) {
            if (!hearers.isEmpty()) {
                Channel open = open();
                for (Hearer hearer : hearers) {
                    try {
                        hear(open, hearer);
                    } catch (BrokerException e) { // the others are not concerned
                        failure = e;
                    }
                }
            }
        }
        work();
        if (failure != null) {
            throw failure;
        }
    }

    /** Begins again soon, while the connection holds: if it does not, its end has the same done. */
    void hearAgain() {
        if (!link.isClosed() && isHearingAgain.compareAndSet(false, true)) {
            Thread.ofVirtual().name("sennit-celery-news").start(() -> {
                for (long pause = LEAST_PAUSE_MILLIS; !link.isClosed();
                        pause = Math.min(2 * pause, MOST_PAUSE_MILLIS)) {
                    try {
                        Thread.sleep(pause); // what has ended it may end it again
                        isHearingAgain.set(false);
                        restore();
                        return;
                    } catch (BrokerException e) {
                        LOG.log(Level.DEBUG, "not all news are heard again", e);
                    } catch (IllegalStateException | InterruptedException e) {
                        return; // closed
                    }
                    if (!isHearingAgain.compareAndSet(false, true)) {
                        return; // another thread does it
                    }
                }
            });
        }
    }

    /** Has workers ask for tasks. */
    void work() {
        workers.values().forEach(Hearer::tellWork);
    }

    private interface Setup {
        void run() throws IOException;
    }

    /** Guarded by lock. */
    private void doing(Setup setup) {
        try {
            setup.run();
        } catch (IOException | ShutdownSignalException e) {
            channel = Link.leave(e) == null ? channel : null;
            throw link.failure(e, false);
        }
    }

    private void control(Channel open) {
        if (isControlled) {
            return;
        }
        doing(() -> {
            link.declareExchange(CONTROL, "fanout", false);
            String mailbox = open.queueDeclare().getQueue();
            open.queueBind(mailbox, CONTROL, "");
            open.basicConsume(mailbox, true, (_, message) -> requested(message.getProperties(), message.getBody()),
                    _ -> {});
        });
        isControlled = true;
    }

    private void take(Channel open, String replyTo) {
        if (taken.contains(replyTo)) {
            return;
        }
        // on a channel of its own, which a refusal ends
        link.ask(own -> own.queueDeclare(replyTo, true, false, false,
                Link.arguments("x-expires", REPLIES_EXPIRE_MILLIS)));
        doing(() -> {
            open.basicQos(MOST_UNHEARD);
            open.basicConsume(replyTo, false, (_, message) -> {
                ended(replyTo, message.getProperties(), message.getBody());
                open.basicAck(message.getEnvelope().getDeliveryTag(), false); // else it would be lost with a connection
            }, _ -> lost(replyTo));
        });
        taken.add(replyTo);
    }

    /** A queue of results was deleted: by its hearer, or by somebody while results are still to come. */
    private void lost(String replyTo) {
        synchronized (lock) {
            taken.remove(replyTo);
        }
        if (hearers.stream().anyMatch(hearer -> replyTo.equals(hearer.interest().replyTo()))) {
            hearAgain();
        }
    }

    // ---- what comes ----

    private static ObjectNode envelope(BasicProperties properties, byte[] body) {
        ObjectNode envelope = Post.envelope(properties, "", "");
        envelope.put("body", Base64.getEncoder().encodeToString(body));
        ((ObjectNode) envelope.get("properties")).put("body_encoding", "base64");
        return envelope;
    }

    private void requested(BasicProperties properties, byte[] body) {
        try {
            onRequest.accept(envelope(properties, body));
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "a request of remote control was not understood: " + e);
        }
    }

    private void ended(String replyTo, BasicProperties properties, byte[] body) {
        if (!"application/json".equals(properties.getContentType())) {
            return;
        }
        try {
            String id = Json.text(Json.read(body), "task_id");
            EndedTask end = id == null ? null : Results.end(id, body);
            if (id == null || end == null) {
                return;
            }
            synchronized (results) {
                results.put(id, body);
            }
            for (Hearer hearer : hearers) {
                if (replyTo.equals(hearer.interest().replyTo())) {
                    hearer.tell(listener -> listener.ended(end));
                }
            }
        } catch (RuntimeException e) { // which would end the channel
            LOG.log(Level.WARNING, "a result cannot be read: " + e.getClass().getSimpleName());
        }
    }

    /** Returns a result that has come lately, or null. */
    byte @Nullable [] result(String id) {
        synchronized (results) {
            return results.get(id);
        }
    }

    // ---- what is sent ----

    /** Sends an event; returns whether the last one was heard, as far as is known. */
    boolean event(String key, ObjectNode envelope) {
        link.declareExchange(EVENTS, "topic", true);
        boolean wasHeard = !isUnheard.getAndSet(false);
        link.tell(Post.of(EVENTS, key, envelope), true);
        return wasHeard;
    }

    void request(ObjectNode envelope) {
        link.declareExchange(CONTROL, "fanout", false);
        link.tell(Post.of(CONTROL, "", envelope), false);
    }

    void reply(String exchange, String key, ObjectNode envelope) {
        if (exchange.startsWith("reply.")) {
            link.declareExchange(exchange, "direct", false);
        }
        link.tell(Post.of(exchange, key, envelope), false);
    }

    /** Asks all workers of Sennit what they report. */
    Map<String, byte[]> reports() {
        Map<String, byte[]> reports = new ConcurrentHashMap<>();
        String key = UUID.randomUUID().toString();
        ObjectNode body = Json.object();
        body.put("method", Remote.REPORT);
        body.putObject("arguments");
        body.putArray("destination").add(Remote.ALL);
        body.putNull("pattern");
        body.putNull("matcher");
        body.put("ticket", key);
        ObjectNode to = body.putObject("reply_to");
        to.put("exchange", REPLIES);
        to.put("routing_key", key);
        link.declareExchange(REPLIES, "direct", false);
        link.declareExchange(CONTROL, "fanout", false);
        link.ask(open -> {
            String mailbox = open.queueDeclare().getQueue();
            open.queueBind(mailbox, REPLIES, key);
            open.basicConsume(mailbox, true, (_, message) -> reported(reports, message.getBody()), _ -> {});
            Post post = Post.of(CONTROL, "", Events.envelope(body, Json.object(), CONTROL, "", 1));
            open.basicPublish(post.exchange(), post.key(), post.properties(), post.body());
            long end = System.nanoTime() + ANSWER_NANOS;
            for (long left = ANSWER_NANOS; left > 0; left = end - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            return true;
        });
        return new TreeMap<>(reports);
    }

    private static void reported(Map<String, byte[]> reports, byte[] body) {
        try {
            Json.read(body).properties().forEach(node -> {
                if (node.getValue() instanceof ArrayNode pair && pair.size() == 2) {
                    JsonNode id = pair.get(0);
                    reports.put(id.asString(), Json.write(pair.get(1)));
                }
            });
        } catch (JacksonException e) {
            LOG.log(Level.DEBUG, "a report cannot be read", e);
        }
    }

    void close() {
        hearers.forEach(Hearer::close);
    }
}
