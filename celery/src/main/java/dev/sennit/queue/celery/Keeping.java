package dev.sennit.queue.celery;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the messages of runs that take longer than RabbitMQ waits for an acknowledgement ({@code consumer_timeout}).
 *
 * <p>A copy of the message goes to a queue of this process, which delivers it at once; the new delivery takes the place
 * of the old one, which is acknowledged then. So the time begins anew, and the message is never without an owner. If
 * this process dies, the copy goes back to that queue, lives a second there, and is moved to the queue of tasks.
 */
final class Keeping {
    private static final long ORPHAN_MILLIS = 1_000;
    private static final long UNUSED_MILLIS = 3_600_000;

    private final Link link;
    private final String name = Delivery.HELD + UUID.randomUUID();
    /** Takes a delivery that belongs to a task that runs, or leaves it. */
    private final Predicate<Delivery> adopted;
    private final Object lock = new Object();
    /** Guarded by lock. */
    private @Nullable Channel channel;
    /** Guarded by lock. Queues of tasks whose messages are heard on the channel. */
    private final Set<String> heard = new HashSet<>();

    Keeping(Link link, Predicate<Delivery> adopted) {
        this.link = link;
        this.adopted = adopted;
    }

    /** Has the time of a delivery begin anew, soon. */
    void renew(Delivery delivery, int losses) {
        String queue = name + "." + delivery.queue();
        link.declareOther(queue, Link.arguments("x-message-ttl", ORPHAN_MILLIS, "x-expires", UNUSED_MILLIS,
                "x-dead-letter-exchange", "", "x-dead-letter-routing-key", delivery.queue()));
        try {
            hear(queue, delivery.queue());
        } catch (IOException | ShutdownSignalException e) {
            forget(Link.leave(e));
            throw link.failure(e, false);
        }
        Map<String, Object> changes = losses > 0 ? Map.of(Delivery.LOST, losses) : Map.of();
        Post copy = delivery.again(changes);
        link.publish(List.of(new Post("", queue, copy.properties(), copy.body(), queue)));
    }

    private void forget(@Nullable Channel left) {
        synchronized (lock) {
            channel = channel == left ? null : channel;
        }
    }

    private void hear(String queue, String tasks) throws IOException {
        synchronized (lock) {
            Channel open = channel;
            if (open == null || !open.isOpen()) {
                open = link.channel();
                channel = open;
                heard.clear();
            }
            if (heard.contains(queue)) {
                return;
            }
            Channel own = open;
            own.basicConsume(queue, false, new DefaultConsumer(own) {
                @Override
                public void handleDelivery(String tag, Envelope envelope, BasicProperties properties, byte[] body)
                        throws IOException {
                    var delivery = new Delivery(tasks, own, envelope.getDeliveryTag(), envelope.isRedeliver(),
                            envelope.getExchange(), envelope.getRoutingKey(), properties, body);
                    if (!adopted.test(delivery)) {
                        own.basicAck(envelope.getDeliveryTag(), false); // the task has ended meanwhile
                    }
                }
            });
            heard.add(queue);
        }
    }

    void close() {
        Channel open;
        synchronized (lock) {
            open = channel;
            channel = null;
        }
        Link.close(open);
    }
}
