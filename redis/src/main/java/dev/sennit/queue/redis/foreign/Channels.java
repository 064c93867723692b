package dev.sennit.queue.redis.foreign;

import dev.sennit.queue.broker.BrokerException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Hears what Redis publishes on channels, over one connection, which comes with the first channel. If it breaks there
 * is another one soon, which subscribes to the same channels.
 */
public final class Channels implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Channels.class.getName());
    private static final int QUIET_MILLIS = 30_000;
    private static final long PING_MILLIS = 10_000;
    private static final long CONFIRM_MILLIS = 1_000;

    private final Server server;
    private final String thread;
    private final String name;
    private final BiConsumer<String, byte[]> onMessage;
    private final Runnable onConnected;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Guarded by lock. What is to be subscribed to. */
    private final Set<String> wanted = new HashSet<>();
    /** Guarded by lock. What the server has confirmed. */
    private final Set<String> confirmed = new HashSet<>();
    /** Guarded by lock. */
    private Server.@Nullable Line line;
    /** Guarded by lock. */
    private boolean isStarted;

    private volatile boolean isClosed;

    /**
     * Makes it, without a connection.
     *
     * @param server the server
     * @param thread how the names of its threads begin
     * @param name the broker's, for messages
     * @param onMessage is told the channel and the message, by one thread
     * @param onConnected runs whenever there is a new connection, as messages may have been missed before
     */
    public Channels(Server server, String thread, String name, BiConsumer<String, byte[]> onMessage,
            Runnable onConnected) {
        this.server = server;
        this.thread = thread;
        this.name = name;
        this.onMessage = onMessage;
        this.onConnected = onConnected;
    }

    /** Subscribes to channels, and returns when the subscription holds, or after a second: then it is not known. */
    public void want(List<String> channels) {
        lock.lock();
        try {
            List<String> fresh = channels.stream().filter(wanted::add).toList();
            if (!isStarted && !isClosed) {
                isStarted = true;
                Thread.ofPlatform().daemon().name(thread + "-news").start(this::run);
                Thread.ofPlatform().daemon().name(thread + "-ping").start(this::ping);
            }
            if (line != null && !fresh.isEmpty()) {
                send(line, Command.SUBSCRIBE, fresh);
            }
            long left = TimeUnit.MILLISECONDS.toNanos(CONFIRM_MILLIS);
            while (!isClosed && left > 0 && !confirmed.containsAll(channels)) {
                left = changed.awaitNanos(left); // without it, whoever waits asks for results now and then
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    /** Ends subscriptions. */
    public void unwant(List<String> channels) {
        lock.lock();
        try {
            channels.forEach(wanted::remove);
            List<String> old = channels.stream().filter(confirmed::remove).toList();
            if (line != null && !old.isEmpty()) {
                send(line, Command.UNSUBSCRIBE, old);
            }
        } finally {
            lock.unlock();
        }
    }

    private static void send(Server.Line to, Command command, List<String> channels) {
        try {
            to.send(command, channels.stream().map(Server::bytes).toList());
        } catch (JedisException e) {
            LOG.log(Level.DEBUG, "the connection for news is broken", e); // its reader sees it, too
        }
    }

    private void ping() {
        while (!isClosed) {
            try {
                Thread.sleep(PING_MILLIS);
            } catch (InterruptedException e) {
                continue;
            }
            lock.lock();
            try {
                if (line != null) {
                    send(line, Command.PING, List.of());
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private void run() {
        int failures = 0;
        while (!isClosed && !server.isClosed()) {
            Server.Line fresh = null;
            try {
                fresh = server.connect(QUIET_MILLIS);
                List<String> channels;
                lock.lock();
                try {
                    confirmed.clear();
                    line = fresh;
                    channels = List.copyOf(wanted);
                } finally {
                    lock.unlock();
                }
                if (!channels.isEmpty()) {
                    send(fresh, Command.SUBSCRIBE, channels);
                }
                onConnected.run();
                while (!isClosed) {
                    heard(fresh.next());
                    failures = 0;
                }
            } catch (JedisException | BrokerException e) {
                LOG.log(Level.DEBUG, "the connection for news broke", e);
                pause(Math.min(20L << Math.min(failures++, 6), 1000));
            } catch (RuntimeException | Error e) {
                if (!isClosed && !server.isClosed()) {
                    LOG.log(Level.ERROR, "news of " + name + " were not understood: " + e, e);
                    pause(1000);
                }
            } finally {
                lock.lock();
                try {
                    line = null;
                    confirmed.clear();
                } finally {
                    lock.unlock();
                }
                if (fresh != null) {
                    Server.close(fresh);
                }
            }
        }
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            // nobody interrupts this thread
        }
    }

    private void heard(Object message) {
        if (!(message instanceof List<?> parts) || parts.isEmpty() || !(parts.getFirst() instanceof byte[])) {
            return;
        }
        String kind = Server.text(parts.getFirst());
        if (kind.equals("subscribe")) {
            lock.lock();
            try {
                confirmed.add(Server.text(parts.get(1)));
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        } else if (kind.equals("message") && parts.size() == 3) {
            onMessage.accept(Server.text(parts.get(1)), (byte[]) parts.get(2));
        }
    }

    @Override
    public void close() {
        isClosed = true;
        lock.lock();
        try {
            changed.signalAll();
            if (line != null) {
                Server.close(line);
            }
        } finally {
            lock.unlock();
        }
    }
}
