package dev.sennit.queue.celery;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A message that RabbitMQ has delivered, and that is not acknowledged yet. If its channel breaks and RabbitMQ delivers
 * it to this process again while its task runs, the new delivery takes the place of the old one.
 */
final class Delivery implements Place {
    /** The header that counts how often a worker was lost that had the message. */
    static final String LOST = "sennit-lost";
    /** How the name of a queue begins that keeps messages of long runs. */
    static final String HELD = "sennit.celery.held.";

    private final String queue;
    private final String exchange;
    private final String key;
    private final BasicProperties properties;
    private final byte[] body;
    private final boolean isRedelivered;
    /** Guarded by this. */
    private Channel channel;
    /** Guarded by this. */
    private long tag;
    /** Guarded by this. When it was delivered, by the clock of this machine's timers. */
    private long since;
    /** Guarded by this. Whether it is acknowledged or given up, so that no other delivery takes its place. */
    private boolean isOver;
    /** Guarded by this. */
    private @Nullable Message message;

    Delivery(String queue, Channel channel, long tag, boolean isRedelivered, String exchange, String key,
            BasicProperties properties, byte[] body) {
        this.queue = queue;
        this.channel = channel;
        this.tag = tag;
        this.isRedelivered = isRedelivered;
        this.exchange = exchange;
        this.key = key;
        this.properties = properties;
        this.body = body;
        since = System.nanoTime();
    }

    @Override
    public String queue() {
        return queue;
    }

    @Override
    public String shown() {
        return queue;
    }

    @Override
    public byte[] raw() {
        return body;
    }

    BasicProperties properties() {
        return properties;
    }

    boolean isRedelivered() {
        return isRedelivered;
    }

    @Override
    public synchronized Message message() {
        Message read = message;
        if (read == null) {
            read = Message.of(Post.envelope(properties, exchange, key), body);
            message = read;
        }
        return read;
    }

    /** Returns the text of a header, or null. */
    @Nullable String header(String name) {
        Map<String, Object> headers = properties.getHeaders();
        Object value = headers == null ? null : headers.get(name);
        return value == null || value instanceof Map || value instanceof List ? null : value.toString();
    }

    /** Returns what a header counts. */
    long number(String name) {
        Map<String, Object> headers = properties.getHeaders();
        return headers != null && headers.get(name) instanceof Number number ? number.longValue() : 0;
    }

    /** Returns how often a worker was lost that had it, as far as the message says. */
    int losses() {
        long losses = Math.max(number("x-delivery-count"), 0) + Math.max(number(LOST), 0);
        Map<String, Object> headers = properties.getHeaders();
        if (headers != null && headers.get("x-death") instanceof List<?> deaths) {
            for (Object death : deaths) {
                if (death instanceof Map<?, ?> one && String.valueOf(one.get("queue")).startsWith(HELD)) {
                    losses += one.get("count") instanceof Number count ? Math.max(count.longValue(), 0) : 1;
                }
            }
        }
        return (int) Math.min(losses, 1_000_000);
    }

    /** Whether it was delivered again, and RabbitMQ has not counted that. */
    boolean isUncounted() {
        Map<String, Object> headers = properties.getHeaders();
        return isRedelivered && (headers == null || !headers.containsKey("x-delivery-count"));
    }

    synchronized boolean isLost() {
        return !channel.isOpen();
    }

    synchronized long ageNanos() {
        return System.nanoTime() - since;
    }

    /** Returns a copy for its queue. */
    Post again(Map<String, Object> changes) {
        return Post.again(properties, changes, body, queue);
    }

    /** Returns the envelope. */
    ObjectNode envelope() {
        return Post.envelope(properties, exchange, key);
    }

    /**
     * Has another delivery take the place of this one, and acknowledges the old one if its channel is open. Returns
     * false if it is too late: then somebody else has to see to the other one.
     */
    boolean adopt(Delivery fresh) {
        Channel old;
        long oldTag;
        synchronized (this) {
            if (isOver) {
                return false;
            }
            old = channel;
            oldTag = tag;
            channel = fresh.channel;
            tag = fresh.tag;
            since = fresh.since;
        }
        acknowledge(old, oldTag);
        return true;
    }

    /** Has no other delivery take its place any more, if it is lost; returns whether it is. */
    synchronized boolean giveUp() {
        if (channel.isOpen()) {
            return false;
        }
        isOver = true;
        return true;
    }

    /** Acknowledges it; returns whether the channel was open, so that RabbitMQ may know of it. */
    boolean acknowledge() {
        Channel now;
        long nowTag;
        synchronized (this) {
            isOver = true;
            now = channel;
            nowTag = tag;
        }
        return acknowledge(now, nowTag);
    }

    private static boolean acknowledge(Channel channel, long tag) {
        try {
            channel.basicAck(tag, false);
            return true;
        } catch (IOException | ShutdownSignalException e) {
            return false;
        }
    }
}
