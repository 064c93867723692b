package dev.sennit.queue.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.BlockedListener;
import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConfirmListener;
import com.rabbitmq.client.Connection;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Sends messages, and waits until the server has them: the confirms of a batch come together, and several threads wait
 * for theirs at once.
 *
 * <p>It has a connection of its own, as the server lets connections that publish wait while it is short of memory or
 * disk. Whoever has to wait for that then waits for {@link #BLOCKED_MILLIS}, and is told why; a write that hangs is
 * ended by ending the connection.
 */
final class Publisher implements AutoCloseable {
    /** How long a message waits for a server that takes none. */
    private static final long BLOCKED_MILLIS = 5_000;
    /** How long a confirm may take. */
    private static final long CONFIRM_MILLIS = 15_000;

    /**
     * A message to send.
     *
     * @param exchange the exchange; empty for the queue with the name of the key
     * @param isMandatory whether it is told if no queue takes it
     */
    record Post(String exchange, String key, AMQP.BasicProperties properties, byte[] body, boolean isMandatory) {
        static Post to(String queue, AMQP.BasicProperties properties, byte[] body) {
            return new Post("", queue, properties, body, true);
        }
    }

    /** A batch that waits for its confirms. */
    private static final class Sent {
        final CountDownLatch open;
        final Set<Integer> returned = new HashSet<>();
        private @Nullable Throwable failure;
        private boolean isRefused;

        Sent(int count) {
            open = new CountDownLatch(count);
        }

        synchronized void returned(int index) {
            returned.add(index);
        }

        synchronized void fail(@Nullable Throwable cause) {
            failure = cause;
            isRefused |= cause == null;
        }

        synchronized @Nullable Throwable failure() {
            return failure;
        }

        synchronized boolean isRefused() {
            return isRefused;
        }

        synchronized Set<Integer> returned() {
            return Set.copyOf(returned);
        }
    }

    private record Slot(Sent sent, int index) {}

    /** A connection and its channel, with what was sent on it. */
    final class Session implements ConfirmListener, BlockedListener {
        final Connection connection;
        final Channel channel;
        final ConcurrentSkipListMap<Long, Slot> open = new ConcurrentSkipListMap<>();
        /** Why the server takes no messages on this connection, or null. */
        private volatile @Nullable String blocked;

        Session() throws IOException {
            connection = connector.open();
            boolean isReady = false;
            try {
                connection.addBlockedListener(this);
                channel = connection.createChannel();
                channel.exchangeDeclare(exchange, BuiltinExchangeType.DIRECT, true);
                channel.confirmSelect();
                channel.addConfirmListener(this);
                channel.addReturnListener(returned -> {
                    String number = returned.getProperties().getCorrelationId();
                    Slot slot = number == null ? null : open.get(Long.valueOf(number));
                    if (slot != null) {
                        slot.sent.returned(slot.index);
                    }
                });
                channel.addShutdownListener(this::failAll);
                isReady = true;
            } finally {
                if (!isReady) {
                    Connector.close(connection);
                }
            }
        }

        void failAll(Throwable cause) {
            for (var slot = open.pollFirstEntry(); slot != null; slot = open.pollFirstEntry()) {
                slot.getValue().sent.fail(cause);
                slot.getValue().sent.open.countDown();
            }
        }

        @Override
        public void handleAck(long tag, boolean multiple) {
            confirmed(tag, multiple, false);
        }

        @Override
        public void handleNack(long tag, boolean multiple) {
            confirmed(tag, multiple, true);
        }

        private void confirmed(long tag, boolean multiple, boolean isRefused) {
            Map<Long, Slot> some = multiple ? open.headMap(tag, true) : open.subMap(tag, true, tag, true);
            for (Long each : List.copyOf(some.keySet())) {
                Slot slot = open.remove(each);
                if (slot != null) {
                    if (isRefused) {
                        slot.sent.fail(null);
                    }
                    slot.sent.open.countDown();
                }
            }
        }

        @Override
        public void handleBlocked(String reason) {
            blocked = reason;
        }

        @Override
        public void handleUnblocked() {
            blocked = null;
            // under the lock, as a thread waits for it there
            lock.lock();
            try {
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private final Connector connector;
    private final RabbitmqErrors errors;
    private final String exchange;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Written under the lock. */
    private volatile @Nullable Session session;
    private volatile boolean isClosed;

    /**
     * Makes one that is not connected.
     *
     * @param exchange the exchange of news, which it declares
     */
    Publisher(Connector connector, RabbitmqErrors errors, String exchange) {
        this.connector = connector;
        this.errors = errors;
        this.exchange = exchange;
    }

    /** Connects, so that errors are told. */
    void connect() {
        lock();
        try {
            session();
        } catch (IOException e) {
            throw errors.of(e, false);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Sends messages.
     *
     * @return which of them no queue has taken, by their index
     * @throws BrokerException if the server has not said that it has all of them
     */
    Set<Integer> send(List<Post> posts) {
        if (posts.isEmpty()) {
            return Set.of();
        }
        for (boolean isFirst = true;; isFirst = false) {
            var sent = new Sent(posts.size());
            Session own;
            lock();
            try {
                awaitUnblocked();
                own = session();
                if (!write(own, posts, sent)) { // the connection had broken before: nothing was sent
                    if (isFirst) {
                        continue;
                    }
                    throw errors.of(new IOException("the connection broke"), false);
                }
            } catch (IOException e) {
                throw errors.of(e, false);
            } finally {
                lock.unlock();
            }
            await(own, sent);
            Throwable failure = sent.failure();
            if (failure != null) {
                throw errors.of(failure, true);
            }
            if (sent.isRefused()) {
                throw errors.of(Kind.UNAVAILABLE, true,
                        " could not keep a message: see the log of the server, and try again", null);
            }
            return sent.returned();
        }
    }

    /** Writes; returns false if nothing was written as the connection had broken. */
    private boolean write(Session own, List<Post> posts, Sent sent) {
        Thread watch = watch(own);
        int index = 0;
        try {
            for (Post post : posts) {
                long number = own.channel.getNextPublishSeqNo();
                own.open.put(number, new Slot(sent, index));
                AMQP.BasicProperties properties =
                        post.properties.builder().correlationId(Long.toString(number)).build();
                own.channel.basicPublish(post.exchange, post.key, post.isMandatory, properties, post.body);
                index++;
            }
            if (!own.channel.isOpen()) { // it broke while all that was written lay in a buffer
                own.failAll(own.channel.getCloseReason());
            }
        } catch (IOException | AlreadyClosedException e) {
            end(own);
            own.failAll(e);
            if (index == 0 && e instanceof AlreadyClosedException) {
                return false;
            }
            sent.fail(e);
            for (int i = index; i < posts.size(); i++) {
                sent.open.countDown();
            }
        } catch (RuntimeException | Error e) { // the client has counted a message that it has not sent
            end(own);
            own.failAll(e);
            throw e;
        } finally {
            watch.interrupt();
        }
        return true;
    }

    /** Ends a connection on which a write hangs. */
    private Thread watch(Session own) {
        return Thread.ofVirtual().name("sennit-rabbitmq-watch").start(() -> {
            try {
                Thread.sleep(2 * BLOCKED_MILLIS);
                connector.cut(own.connection);
            } catch (InterruptedException e) {
                // it is written
            }
        });
    }

    private void await(Session own, Sent sent) {
        boolean isDone = false;
        try {
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CONFIRM_MILLIS);
            long blockedEnd = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(BLOCKED_MILLIS);
            while (!isDone) {
                isDone = sent.open.await(100, TimeUnit.MILLISECONDS);
                String reason = own.blocked;
                if (!isDone && reason != null && System.nanoTime() - blockedEnd > 0) {
                    throw blocked(reason, true);
                }
                if (!isDone && System.nanoTime() - end > 0) {
                    end(own);
                    throw errors.of(Kind.UNAVAILABLE, true,
                            " does not confirm messages: see the log of the server, and try again", null);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw errors.of(Kind.UNAVAILABLE, true, " was not waited for: the thread was interrupted", e);
        }
    }

    /** Under the lock. */
    private void awaitUnblocked() {
        long rest = TimeUnit.MILLISECONDS.toNanos(BLOCKED_MILLIS);
        try {
            for (String reason = blocked(); reason != null; reason = blocked()) {
                if (rest <= 0) {
                    throw blocked(reason, false);
                }
                rest = changed.awaitNanos(Math.min(rest, 100_000_000)) + rest - Math.min(rest, 100_000_000);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw errors.of(Kind.UNAVAILABLE, false, " was not waited for: the thread was interrupted", e);
        }
    }

    /** Why the server takes no messages now, or null: a connection that broke is held up no more. */
    private @Nullable String blocked() {
        Session own = session;
        return own == null || !own.connection.isOpen() ? null : own.blocked;
    }

    private BrokerException blocked(String reason, boolean isDoubtful) {
        return errors.of(Kind.UNAVAILABLE, isDoubtful, " takes no messages (" + reason
                + "): give the server more memory or disk, or complete tasks", null);
    }

    private void lock() {
        try {
            if (!lock.tryLock(4 * BLOCKED_MILLIS, TimeUnit.MILLISECONDS)) {
                throw errors.of(Kind.UNAVAILABLE, false, " lets a message wait: try again", null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw errors.of(Kind.UNAVAILABLE, false, " was not waited for: the thread was interrupted", e);
        }
        if (isClosed) {
            lock.unlock();
            throw new IllegalStateException("the broker is closed");
        }
    }

    /** Tells something that may be lost, and does not wait. */
    void tell(String key, byte[] body) {
        if (blocked() != null || isClosed) {
            return;
        }
        lock.lock();
        try {
            Session own = session();
            Thread watch = watch(own);
            try {
                own.channel.basicPublish(exchange, key, new AMQP.BasicProperties.Builder().deliveryMode(1).build(),
                        body);
            } finally {
                watch.interrupt();
            }
        } catch (IOException | RuntimeException e) {
            System.getLogger("dev.sennit").log(System.Logger.Level.DEBUG, "cannot tell of news", e);
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    Session session() throws IOException {
        Session own = session;
        if (own != null && own.channel.isOpen()) {
            return own;
        }
        if (own != null) {
            end(own);
        }
        Session fresh;
        try {
            fresh = new Session();
        } catch (AlreadyClosedException e) {
            throw new IOException(e);
        }
        session = fresh;
        return fresh;
    }

    private static void end(Session own) {
        Connector.close(own.connection);
    }

    /** Returns whether it has a connection. */
    boolean isConnected() {
        Session own = session;
        return own != null && own.channel.isOpen();
    }

    @Override
    public void close() {
        isClosed = true;
        Session own = session;
        if (own != null) {
            end(own);
        }
    }
}
