package dev.sennit.queue.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import dev.sennit.queue.rabbitmq.Publisher.Post;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The names of the queues of RabbitMQ in which tasks lie or lay, as the protocol lists none: a stream, which everybody
 * reads from its beginning. Who enqueues tasks of a type for the first time adds its name; so a name that is used is
 * added again and again, and the stream may lose its oldest part; who reads a long one adds all names again.
 *
 * <p>The protocol does not tell either where a stream ends. Who begins to read adds a mark of its own, and reads on to
 * that.
 */
final class Directory {
    private static final Map<String, Object> ARGUMENTS = Map.of("x-queue-type", "stream", "x-max-length-bytes",
            20_000_000, "x-stream-max-segment-size-bytes", 1_000_000);
    private static final AMQP.BasicProperties PERSISTENT = new AMQP.BasicProperties.Builder().deliveryMode(2).build();
    private static final int CREDIT = 500;
    /** How long reading may take. */
    private static final long READ_SECONDS = 30;
    private static final long LOOK_MILLIS = 100;
    /** How many messages are a long stream: it loses its beginning when there are several times as many. */
    private static final int LONG = 50_000;

    /**
     * A queue and a type of which there were tasks.
     *
     * @param type the type; null says that there were dead letters
     */
    record Entry(String queue, @Nullable String type) {}

    private final Connector connector;
    private final Publisher publisher;
    private final String name;
    private final Set<Entry> known = ConcurrentHashMap.newKeySet();
    private final Set<Entry> added = ConcurrentHashMap.newKeySet();
    private final AtomicLong read = new AtomicLong();
    /** Guarded by this. */
    private @Nullable Connection connection;

    Directory(Connector connector, Publisher publisher, String name) {
        this.connector = connector;
        this.publisher = publisher;
        this.name = name;
    }

    /** Returns which of some entries this object has not added. */
    List<Entry> missing(List<Entry> entries) {
        return entries.stream().distinct().filter(each -> !added.contains(each)).toList();
    }

    /** Adds entries. */
    void add(Takes takes, List<Entry> entries) throws IOException {
        takes.declareStream(name, ARGUMENTS);
        publisher.send(entries.stream()
                .map(each -> Post.to(name, PERSISTENT, Wire.source(each.queue, each.type)))
                .toList());
        added.addAll(entries);
        known.addAll(entries);
    }

    /** Returns all entries, but those that others add at this moment. */
    synchronized Set<Entry> entries() throws IOException {
        Connection own = connection;
        if (own == null || !own.isOpen()) {
            Connection fresh = connector.open();
            boolean isRead = false;
            try {
                read(fresh);
                isRead = true;
            } finally {
                if (!isRead) {
                    Connector.close(fresh);
                }
            }
            connection = fresh;
        }
        return known;
    }

    private void read(Connection own) throws IOException {
        String mark = UUID.randomUUID().toString();
        Channel channel = own.createChannel();
        channel.queueDeclare(name, true, false, false, ARGUMENTS);
        publisher.send(List.of(Post.to(name, PERSISTENT, Wire.mark(mark))));
        var isRead = new CountDownLatch(1);
        read.set(0);
        channel.addShutdownListener(_ -> ended(own));
        channel.basicQos(CREDIT);
        channel.basicConsume(name, false, Map.of("x-stream-offset", "first"), new DefaultConsumer(channel) {
            @Override
            public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body)
                    throws IOException {
                read.incrementAndGet();
                try {
                    Entry entry = Wire.source(body);
                    if (entry != null) {
                        known.add(entry);
                    } else if (Wire.isMark(body, mark)) {
                        isRead.countDown();
                    }
                } catch (RuntimeException e) {
                    System.getLogger("dev.sennit").log(System.Logger.Level.DEBUG, "passes over an entry", e);
                }
                channel.basicAck(envelope.getDeliveryTag(), false);
            }

            @Override
            public void handleCancel(String tag) { // somebody has deleted the stream
                Connector.close(own);
            }
        });
        await(own, isRead);
        if (read.get() > LONG) {
            publisher.send(known.stream().map(each -> Post.to(name, PERSISTENT, Wire.source(each.queue, each.type)))
                    .toList());
        }
    }

    /** The channel has ended, so nothing is heard any more: the next one who asks connects again. */
    private static void ended(Connection own) {
        if (own.isOpen()) {
            Thread.ofVirtual().name("sennit-rabbitmq-directory").start(() -> Connector.close(own));
        }
    }

    private void await(Connection own, CountDownLatch isRead) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(READ_SECONDS);
        try {
            while (!isRead.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                if (!own.isOpen()) {
                    throw new IOException("the connection broke");
                }
                if (System.nanoTime() - end > 0) {
                    throw new IOException("the stream " + name + " was not read within " + READ_SECONDS + " s");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the thread was interrupted", e);
        }
    }
}
