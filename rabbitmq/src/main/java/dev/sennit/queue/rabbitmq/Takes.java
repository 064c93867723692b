package dev.sennit.queue.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ChannelContinuationTimeoutException;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.ShutdownSignalException;
import dev.sennit.queue.broker.BrokerException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Takes messages out of queues, as many as somebody wants now, and acknowledges them. One thread at a time.
 *
 * <p>A subscription of AMQP brings messages before they are wanted: they would lie with a busy worker while others are
 * idle, and count as taken when that dies. So nothing stays subscribed. A single message is asked for; for several, a
 * consumer is there until they have come, which costs the server a tenth of asking for each.
 *
 * <p>Messages belong to the channel that has brought them: when it ends, the server gives them to others. Queues are
 * looked at on a channel of their own, as the server closes that on which something is refused.
 */
final class Takes {
    private static final System.Logger LOG = System.getLogger("dev.sennit");
    /** How long a message may take that the server says is there. */
    private static final long FIRST_MILLIS = 1_000;
    /** After how long without another one no more will come, as others have taken them. */
    private static final long SILENCE_MILLIS = 100;
    /** How many come by one consumer at most. */
    static final int MOST = 1_000;
    /** How many times as many as before are asked for, while it is not known how large they are. */
    private static final int GROWTH = 8;

    /** The arguments of all queues with tasks. A limit of deliveries would throw away, or end, what only we judge. */
    static final Map<String, Object> QUORUM =
            Map.of("x-queue-type", "quorum", "x-delivery-limit", 1_000_000);

    /**
     * A message that was taken.
     *
     * @param queue the queue of which it was taken; empty if that is not known any more
     * @param count how often the server has taken it back from others before
     */
    record Delivery(String queue, Channel channel, long tag, AMQP.BasicProperties properties, byte[] body, int count) {
        static Delivery of(String queue, Channel channel, Envelope envelope, AMQP.BasicProperties properties,
                byte[] body) {
            Map<String, Object> headers = properties.getHeaders();
            Object count = headers == null ? null : headers.get("x-delivery-count");
            int number = count instanceof Number one ? Math.clamp(one.longValue(), 0, 1_000_000) : 0;
            return new Delivery(queue, channel, envelope.getDeliveryTag(), properties, body, number);
        }

        /** Whether nobody else has it by now. */
        boolean isOurs() {
            return channel.isOpen();
        }
    }

    /** How large the messages of a queue were that came last. */
    private static final class Sizes {
        private int largest = 1;
        private int most = 1;

        /** Returns how many may be asked for: the server sends all of them at once, however large they are. */
        int fitting(long room) {
            return Math.clamp(room / largest, 1, most);
        }

        void note(List<Delivery> taken) {
            int now = taken.stream().mapToInt(each -> each.body.length).max().orElse(0);
            largest = Math.max(now, Math.max(1, largest / 2));
            most = Math.clamp((long) GROWTH * taken.size(), most, MOST);
        }
    }

    /** Collects what comes. */
    private static final class Collector extends DefaultConsumer {
        final BlockingQueue<Delivery> come = new LinkedBlockingQueue<>();

        private final String queue;
        /** Takes what comes when nobody waits any more; null for the last one. */
        private final @Nullable Collector next;
        /** Guarded by this. */
        private boolean isClosed;

        Collector(Channel channel, String queue, @Nullable Collector next) {
            super(channel);
            this.queue = queue;
            this.next = next;
        }

        /** Returns what has come. What the client hands over later, though the server sent it before, goes on. */
        synchronized List<Delivery> close() {
            isClosed = true;
            List<Delivery> rest = new ArrayList<>();
            come.drainTo(rest);
            return rest;
        }

        @Override
        public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
            Delivery delivery = Delivery.of(queue, getChannel(), envelope, properties, body);
            synchronized (this) {
                (isClosed && next != null ? next.come : come).add(delivery);
            }
        }
    }

    private final Connector connector;
    private final String name;
    private @Nullable Connection connection;
    private @Nullable Channel looking;
    private @Nullable Channel taking;
    /** What came after its consumer was gone. */
    private @Nullable Collector late;
    /** By the names of queues. */
    private final Map<String, Sizes> sizes = new HashMap<>();

    Takes(Connector connector, String name) {
        this.connector = connector;
        this.name = name;
    }

    /** Connects, so that errors are told. */
    void connect() throws IOException {
        looking();
    }

    private Connection connection() {
        Connection own = connection;
        if (own == null || !own.isOpen()) {
            Connector.close(own);
            own = connector.open();
            connection = own;
        }
        return own;
    }

    private Channel looking() throws IOException {
        Channel own = looking;
        if (own == null || !own.isOpen()) {
            own = channel();
            looking = own;
        }
        return own;
    }

    private Channel taking() throws IOException {
        Channel own = taking;
        if (own == null || !own.isOpen()) {
            own = channel();
            var collector = new Collector(own, "", null);
            own.setDefaultConsumer(collector);
            own.addShutdownListener(this::explain);
            late = collector;
            taking = own;
        }
        return own;
    }

    /** Says why tasks that run here come again elsewhere, if that is somebody's mistake. */
    private void explain(ShutdownSignalException cause) {
        if (cause.getReason() instanceof AMQP.Channel.Close close && close.getReplyCode() == AMQP.PRECONDITION_FAILED
                && close.getReplyText().contains("timeout")) {
            System.getLogger("dev.sennit").log(System.Logger.Level.WARNING, name + " - the server has taken back tasks"
                    + " that run: its consumer_timeout is shorter than the one in the address; name it there, as in"
                    + " ?consumerTimeout=PT10M, or add ?store=URI");
        }
    }

    /** Something that the server answers. */
    private interface Request<T> {
        T answer() throws IOException;
    }

    /** Asks the server. If it does not answer in time, its answer would be taken for that to the next request. */
    private <T> T asked(Request<T> request) throws IOException {
        try {
            return request.answer();
        } catch (ChannelContinuationTimeoutException e) {
            leave(e.getChannel());
            throw e;
        }
    }

    /** Ends a channel whose server is silent, in a thread of its own, as the server has to answer that, too. */
    private void leave(Object silent) {
        looking = looking == silent ? null : looking;
        taking = taking == silent ? null : taking;
        if (silent instanceof Channel left) {
            Thread.ofVirtual().name("sennit-rabbitmq-leave").start(() -> {
                try {
                    left.abort();
                } catch (IOException | ShutdownSignalException e) {
                    System.getLogger("dev.sennit").log(System.Logger.Level.DEBUG, "a silent channel has ended", e);
                }
            });
        }
    }

    private Channel channel() throws IOException {
        Connection own = connection();
        Channel fresh = asked(own::createChannel);
        if (fresh == null) {
            throw new IOException("the connection has no channel left");
        }
        return fresh;
    }

    /** Declares a queue, if it is not there, and returns how many messages wait in it. */
    int declared(String queue) throws IOException {
        Channel own = looking();
        return asked(() -> own.queueDeclare(queue, true, false, false, QUORUM)).getMessageCount();
    }

    /** Declares a stream, if it is not there. */
    void declareStream(String name, Map<String, Object> arguments) throws IOException {
        Channel own = looking();
        asked(() -> own.queueDeclare(name, true, false, false, arguments));
    }

    /**
     * Takes messages of a queue, those first that came too late for who had asked for them. There may be others.
     *
     * @param room how many bytes are wanted; more come of a queue whose messages are larger than those before
     */
    List<Delivery> take(String queue, int most, long room) throws IOException {
        List<Delivery> before = late(queue, most);
        if (!before.isEmpty()) {
            return before;
        }
        Sizes known = sizes.computeIfAbsent(queue, _ -> new Sizes());
        int ready = Math.min(declared(queue), Math.min(most, known.fitting(room)));
        List<Delivery> taken = new ArrayList<>();
        if (ready > 0) {
            Channel own = taking();
            if (ready == 1) {
                GetResponse one = asked(() -> own.basicGet(queue, false));
                if (one != null) {
                    taken.add(Delivery.of(queue, own, one.getEnvelope(), one.getProps(), one.getBody()));
                }
            } else {
                taken.addAll(asked(() -> collect(own, queue, ready)));
            }
        }
        if (!taken.isEmpty()) {
            known.note(taken);
        }
        return taken;
    }

    private List<Delivery> collect(Channel own, String queue, int most) throws IOException {
        List<Delivery> taken = new ArrayList<>();
        var collector = new Collector(own, queue, late);
        own.basicQos(most);
        String tag = own.basicConsume(queue, false, collector);
        boolean wasInterrupted = false;
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(FIRST_MILLIS);
        while (taken.size() < most && own.isOpen() && System.nanoTime() - end < 0) {
            try {
                Delivery next = collector.come.poll(SILENCE_MILLIS, TimeUnit.MILLISECONDS);
                if (next != null) {
                    taken.add(next);
                    collector.come.drainTo(taken);
                } else if (!taken.isEmpty()) {
                    break;
                }
            } catch (InterruptedException e) {
                wasInterrupted = true;
                break;
            }
        }
        own.basicCancel(tag);
        taken.addAll(collector.close());
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
        return taken;
    }

    private List<Delivery> late(String queue, int most) {
        List<Delivery> come = new ArrayList<>();
        Collector collector = late;
        if (collector != null) {
            for (var each = collector.come.iterator(); each.hasNext() && come.size() < most;) {
                Delivery delivery = each.next();
                if (!delivery.isOurs()) {
                    each.remove();
                } else if (delivery.queue.equals(queue)) {
                    each.remove();
                    come.add(delivery);
                }
            }
        }
        return come;
    }

    /** Returns what has come after its consumer was gone, and nobody has waited for. */
    List<Delivery> late() {
        Collector collector = late;
        List<Delivery> come = new ArrayList<>();
        if (collector != null) {
            collector.come.drainTo(come);
        }
        return come;
    }

    /** Keeps what nobody has begun, and what cannot be given back now: {@link #late} returns it. */
    void keep(List<Delivery> deliveries) {
        Collector collector = late;
        if (collector != null) {
            collector.come.addAll(deliveries); // those of an older channel have ended with it
        }
    }

    /** Acknowledges messages, and returns when the server has heard of it. Those that are not ours are passed over. */
    void acknowledge(List<Delivery> deliveries) throws IOException {
        Channel last = null;
        for (Delivery each : deliveries) {
            if (each.isOurs()) {
                last = each.channel;
                last.basicAck(each.tag, false);
            }
        }
        hear(last);
    }

    /**
     * Has the server give messages to whoever wants them next, before those that came later. It does so a moment after
     * it has heard of it; this waits for that, so that whoever looks then finds them, unless others are quicker.
     */
    void giveBack(List<Delivery> deliveries) throws IOException {
        Channel last = null;
        Map<String, Integer> given = new HashMap<>();
        for (Delivery each : deliveries) {
            if (each.isOurs()) {
                last = each.channel;
                last.basicNack(each.tag, false, true);
                given.merge(each.queue, each.queue.isEmpty() ? 0 : 1, Integer::sum);
            }
        }
        hear(last);
        given.remove("");
        for (var each : given.entrySet()) {
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(SILENCE_MILLIS);
            try {
                while (declared(each.getKey()) < each.getValue() && System.nanoTime() - end < 0) {
                    LockSupport.parkNanos(1_000_000);
                }
            } catch (IOException | ShutdownSignalException | BrokerException e) { // they are given back nevertheless
                LOG.log(System.Logger.Level.DEBUG, name + " - nobody looks whether messages are there again", e);
            }
        }
    }

    /** An answer to anything says that the server has all that was sent before. */
    private void hear(@Nullable Channel channel) throws IOException {
        if (channel != null) {
            asked(() -> {
                channel.basicQos(1);
                return channel;
            });
        }
    }
}
