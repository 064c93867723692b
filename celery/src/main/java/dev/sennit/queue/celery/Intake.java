package dev.sennit.queue.celery;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import dev.sennit.queue.broker.BrokerException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What RabbitMQ delivers for one worker.
 *
 * <p>A worker asks for tasks when it has room; then its queues have consumers, with as many deliveries at a time as it
 * has asked for. So as long as it is busy nothing is delivered that it cannot begin, and the acknowledgement of a task
 * brings the next one. When it asks for more the consumers begin again. When it has not asked for a while, what has
 * come and was not taken is given back.
 *
 * <p>Ends of channels and consumers - the connection broke, somebody has deleted the queue, RabbitMQ took a delivery
 * back - are seen here; the next question begins again, and the worker is told to ask.
 */
final class Intake {
    private static final Logger LOG = System.getLogger(CeleryBroker.class.getName());
    private static final int MOST_PREFETCHED = 250;

    private final Link link;
    private final AmqpAddress address;
    /** Takes a delivery that belongs to a task that runs, or leaves it. */
    private final Predicate<Delivery> adopted;
    private final Runnable onWork;
    /** How many tasks the worker has. */
    private final IntSupplier running;
    /** Who begins or ends consumers has it, while the server answers; it is taken before lock. */
    private final ReentrantLock turn = new ReentrantLock();
    private final Object lock = new Object();
    /** Guarded by lock. */
    private @Nullable Channel channel;
    /** Guarded by lock. Queues of kombu by the tags of consumers. */
    private final Map<String, String> consuming = new HashMap<>();
    /** Guarded by lock. The queues that the worker has asked for last. */
    private Set<String> wanted = Set.of();
    /** Guarded by lock. */
    private int prefetch;
    /** Guarded by lock. What has come and was not taken. */
    private final Deque<Delivery> waiting = new LinkedList<>();
    /** Guarded by lock. The ids of what was lost before it was taken: it was not begun. */
    private final Set<String> unbegun = new HashSet<>();
    /** Guarded by lock. When the worker has asked last. */
    private long asked = System.nanoTime();
    /** Guarded by lock. */
    private boolean isClosed;

    Intake(Link link, AmqpAddress address, Predicate<Delivery> adopted, Runnable onWork,
            IntSupplier running) {
        this.link = link;
        this.address = address;
        this.adopted = adopted;
        this.onWork = onWork;
        this.running = running;
    }

    // ---- consumers ----

    /** Has so many delivered; returns whether consumers have begun now. */
    boolean want(Collection<String> queues, int most) {
        Set<String> names = new HashSet<>();
        queues.forEach(queue -> names.add(address.queue(queue)));
        synchronized (lock) {
            asked = System.nanoTime();
            wanted = names;
        }
        return want(names, most);
    }

    /** After a break, several threads come here at once: one begins, the others find that it has. */
    private boolean want(Set<String> names, int least) {
        turn.lock();
        try {
            if (!isToBegin(names, least)) {
                return false;
            }
            names.forEach(link::declareTasks);
            begin(names);
            return true;
        } finally {
            turn.unlock();
        }
    }

    private boolean isToBegin(Set<String> names, int least) {
        synchronized (lock) {
            int most = Math.min(least + waiting.size(), MOST_PREFETCHED); // what waits may be what is not wanted now
            Channel last = channel;
            boolean isOpen = last != null && last.isOpen();
            if (isClosed || isOpen && most <= prefetch && consuming.values().containsAll(names)
                    && names.containsAll(consuming.values())) {
                return false;
            }
            if (!isOpen) {
                prefetch = Math.clamp(most + running.getAsInt(), 1, MOST_PREFETCHED); // what runs may come back
            } else if (most > prefetch) { // doubled, so that it grows in few steps
                prefetch = Math.clamp(Math.max(most, Math.min(most * 2, prefetch * 2)), 1, MOST_PREFETCHED);
            }
            return true;
        }
    }

    /** Begins again if the channel has ended and tasks run whose messages may come back. */
    void reopen() {
        Set<String> names;
        synchronized (lock) {
            Channel last = channel;
            if (last == null || last.isOpen() || running.getAsInt() == 0) {
                return;
            }
            names = wanted;
        }
        want(names, 0);
    }

    /** With the turn. */
    private void begin(Set<String> names) {
        Channel open;
        int each;
        Set<String> old;
        synchronized (lock) {
            each = prefetch;
            old = Set.copyOf(consuming.keySet());
            open = channel != null && channel.isOpen() ? channel : null;
        }
        try {
            if (open == null) {
                open = link.channel();
                boolean isLate;
                synchronized (lock) {
                    isLate = isClosed;
                    channel = isLate ? null : open;
                    consuming.clear();
                }
                if (isLate) {
                    Link.close(open);
                    return;
                }
            } else {
                for (String tag : old) {
                    open.basicCancel(tag);
                }
                synchronized (lock) {
                    old.forEach(consuming::remove);
                }
            }
            for (String name : names) {
                open.basicQos(each);
                String tag = "sennit-" + UUID.randomUUID();
                synchronized (lock) {
                    consuming.put(tag, name);
                }
                open.basicConsume(name, false, tag, new Consumer(open, name));
            }
        } catch (IOException | ShutdownSignalException e) {
            Link.close(open);
            names.forEach(link::forgetDeclared); // perhaps somebody has deleted one while nobody consumed
            throw link.failure(e, false);
        }
    }

    private final class Consumer extends DefaultConsumer {
        private final String queue;

        Consumer(Channel channel, String queue) {
            super(channel);
            this.queue = queue;
        }

        @Override
        public void handleDelivery(String tag, Envelope envelope, BasicProperties properties, byte[] body) {
            var delivery = new Delivery(queue, getChannel(), envelope.getDeliveryTag(), envelope.isRedeliver(),
                    envelope.getExchange(), envelope.getRoutingKey(), properties, body);
            if (!adopted.test(delivery)) {
                synchronized (lock) {
                    waiting.add(delivery);
                }
                onWork.run();
            }
        }

        @Override
        public void handleCancel(String tag) { // somebody has deleted the queue
            synchronized (lock) {
                consuming.remove(tag);
            }
            link.forgetDeclared(queue);
            onWork.run();
        }

        @Override
        public void handleShutdownSignal(String tag, ShutdownSignalException signal) {
            if (!link.isClosed()) {
                onWork.run();
                Thread.ofVirtual().name("sennit-celery-reopen").start(() -> {
                    try {
                        reopen();
                    } catch (BrokerException | IllegalStateException e) {
                        LOG.log(Level.DEBUG, "the connection is gone, too", e); // it is done when that is there again
                    }
                });
            }
        }
    }

    // ---- what has come ----

    /** Takes some of what has come, in the order of the queues. */
    List<Delivery> take(Collection<String> queues, Predicate<Delivery> isWanted, int most) {
        List<Delivery> taken = new ArrayList<>();
        synchronized (lock) {
            dropLost();
            for (String queue : queues) {
                String name = address.queue(queue);
                for (var each = waiting.iterator(); each.hasNext() && taken.size() < most;) {
                    Delivery delivery = each.next();
                    if (delivery.queue().equals(name) && isWanted.test(delivery)) {
                        each.remove();
                        taken.add(delivery);
                    }
                }
            }
        }
        return taken;
    }

    /** Takes one by its id, to end it. */
    @Nullable Delivery take(String id) {
        synchronized (lock) {
            dropLost();
            for (var each = waiting.iterator(); each.hasNext();) {
                Delivery delivery = each.next();
                if (id.equals(delivery.header("id"))) {
                    each.remove();
                    return delivery;
                }
            }
        }
        return null;
    }

    private void dropLost() {
        waiting.removeIf(delivery -> {
            if (!delivery.isLost()) {
                return false;
            }
            String id = delivery.header("id");
            if (id != null && unbegun.size() < 10_000) {
                unbegun.add(id);
            }
            return true;
        });
    }

    /** Whether a message was lost before a worker of this process had it. */
    boolean wasUnbegun(String id) {
        synchronized (lock) {
            return unbegun.remove(id);
        }
    }

    List<Delivery> waiting() {
        synchronized (lock) {
            return List.copyOf(waiting);
        }
    }

    /** Takes back what was taken and came to nothing; it waits behind the others. */
    void putBack(List<Delivery> deliveries) {
        synchronized (lock) {
            waiting.addAll(deliveries);
        }
    }

    /** If the worker has not asked for so long, ends the consumers; returns what is to be given back. */
    List<Delivery> rest(long nanos, boolean isQuiet) {
        turn.lock();
        try {
            return restInTurn(nanos, isQuiet);
        } finally {
            turn.unlock();
        }
    }

    private List<Delivery> restInTurn(long nanos, boolean isQuiet) {
        Channel open;
        Set<String> old;
        synchronized (lock) {
            if (waiting.isEmpty() && !isQuiet || System.nanoTime() - asked < nanos) {
                return List.of();
            }
            open = channel;
            old = Set.copyOf(consuming.keySet());
        }
        try {
            if (open != null && open.isOpen()) {
                for (String tag : old) {
                    open.basicCancel(tag);
                }
            }
        } catch (IOException | ShutdownSignalException e) {
            if (Link.leave(e) == null) { // a channel that answers too late would be misunderstood
                Link.close(open);
            }
            return List.of(); // they have gone back
        }
        synchronized (lock) {
            old.forEach(consuming::remove);
            prefetch = 0;
            dropLost();
            List<Delivery> rest = List.copyOf(waiting);
            waiting.clear();
            return rest;
        }
    }

    /** Ends it: what is not acknowledged goes back. */
    void close() {
        Channel open;
        synchronized (lock) {
            isClosed = true;
            open = channel;
            channel = null;
            waiting.clear();
        }
        Link.close(open);
    }
}
