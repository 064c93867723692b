package dev.sennit.queue.celery;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import dev.sennit.queue.broker.BrokerException;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Has messages wait in RabbitMQ until they are due.
 *
 * <p><b>If tasks are in classic queues</b>: a queue for each delay of a ladder and each queue of tasks: its messages
 * live as long as the delay, and are then moved to the queue of tasks. A message waits in the longest one that is not
 * too long; whoever takes it then and finds that it is not due has it wait again. All messages of such a queue live
 * equally long, so none waits behind one that lives longer. A queue that nobody has used for long removes itself. From
 * RabbitMQ 3.10 on it is a quorum queue, which keeps a message until the queue of tasks has confirmed it; a classic one
 * does not.
 *
 * <p><b>If tasks are in quorum queues</b>: as Celery does from 5.5 on (kombu's native delayed delivery): exchanges and
 * queues {@code celery_delayed_27} to {@code celery_delayed_0}, one for each bit of the delay in seconds. The routing
 * key has the bits, the highest first, and then the routing key of the queue: where the bit is 1 the message waits,
 * where it is 0 it goes on to the next exchange.
 */
final class Delays {
    private static final long[] LADDER = {10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000,
        300_000, 1_800_000, 7_200_000, 43_200_000, 86_400_000};
    /** How long a queue of the ladder is there after its last use, beside its delay. */
    private static final long UNUSED_MILLIS = 3_600_000;
    /** After how long it is declared again, so that it knows of its use. */
    private static final long RENEW_NANOS = Duration.ofMinutes(10).toNanos();
    private static final int LEVELS = 28;
    private static final String DELIVERY = "celery_delayed_delivery";
    private static final String NAME = "sennit.celery.delay.";

    private final Link link;
    private final boolean isNative;
    /** When the queues of the ladder were declared last, by their names. */
    private final Map<String, Long> renewed = new ConcurrentHashMap<>();

    Delays(Link link, boolean isNative) {
        this.link = link;
        this.isNative = isNative;
    }

    /** Returns the message that waits, for a while that is not longer than the delay, but for a remainder. */
    Post later(BasicProperties properties, Map<String, Object> changes, byte[] body, String queue, Duration delay) {
        Post now = Post.again(properties, changes, body, queue);
        link.declareTasks(queue);
        if (isNative) {
            ensureNative(queue);
            return new Post(level(LEVELS - 1), key(seconds(delay), queue), now.properties(), body, queue);
        }
        String waiting = waiting(queue, rung(delay.toMillis()));
        return new Post("", waiting, now.properties(), body, waiting);
    }

    // ---- the ladder ----

    /** Returns the longest delay that is not longer, or the shortest. */
    static long rung(long millis) {
        long rung = LADDER[0];
        for (long each : LADDER) {
            if (each <= millis) {
                rung = each;
            }
        }
        return rung;
    }

    private String waiting(String queue, long millis) {
        String name = NAME + millis + "." + queue;
        Long last = renewed.get(name);
        if (last == null || System.nanoTime() - last > RENEW_NANOS) {
            link.forgetDeclared(name);
            renewed.put(name, System.nanoTime());
        }
        Map<String, Object> arguments = Link.arguments("x-message-ttl", millis, "x-expires",
                2 * millis + UNUSED_MILLIS, "x-dead-letter-exchange", "", "x-dead-letter-routing-key", queue);
        if (link.isAtLeast(3, 10)) { // a classic one moves messages without a confirm: a kill of the server takes them
            arguments.putAll(Link.arguments("x-queue-type", "quorum", "x-overflow", "reject-publish",
                    "x-dead-letter-strategy", "at-least-once"));
        }
        link.declareOther(name, arguments);
        return name;
    }

    // ---- Celery's ----

    static String level(int level) {
        return "celery_delayed_" + level;
    }

    private static long seconds(Duration delay) {
        return Math.clamp((delay.toMillis() + 999) / 1000, 1, (1L << LEVELS) - 1);
    }

    /** Returns the routing key: the bits of the seconds, and that of the queue. */
    static String key(long seconds, String key) {
        var text = new StringBuilder();
        for (int bit = LEVELS - 1; bit >= 0; bit--) {
            text.append(seconds >> bit & 1).append('.');
        }
        return text + key;
    }

    private void ensureNative(String queue) {
        link.once("native", () -> {
            link.declareExchange(DELIVERY, "topic", true);
            String prefix = "";
            for (int level = LEVELS - 1; level >= 0; level--) {
                String name = level(level);
                link.declareExchange(name, "topic", true);
                link.declareOther(name, Link.arguments("x-queue-type", "quorum", "x-overflow", "reject-publish",
                        "x-message-ttl", (1L << level) * 1000, "x-dead-letter-exchange",
                        level > 0 ? level(level - 1) : DELIVERY, "x-dead-letter-strategy", "at-least-once"));
                String one = prefix + "1.#";
                link.ask(channel -> channel.queueBind(name, name, one));
                prefix += "*.";
            }
            prefix = "";
            for (int level = LEVELS - 1; level >= 0; level--) {
                String next = level > 0 ? level(level - 1) : DELIVERY;
                String name = level(level);
                String zero = prefix + "0.#";
                link.ask(channel -> channel.exchangeBind(next, name, zero));
                prefix += "*.";
            }
        });
        link.once("native " + queue, () -> bind(queue));
    }

    private void bind(String queue) throws BrokerException {
        link.ask((Channel channel) -> bind(channel, queue));
    }

    private static Object bind(Channel channel, String queue) throws IOException {
        return channel.queueBind(queue, DELIVERY, "#." + queue);
    }
}
