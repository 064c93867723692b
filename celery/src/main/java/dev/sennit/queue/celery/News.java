package dev.sennit.queue.celery;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.QueuedTask;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Hears what Redis publishes: results, ends of tasks, remote control. One connection for all listeners of a broker
 * object; if it breaks there is another one soon, which subscribes to the same channels, and looks for the results that
 * came between.
 *
 * <p>A submitter hears of a result on Celery's channel of the task. {@link #expect} returns when the subscription
 * holds, so the result cannot come before.
 */
final class News implements AutoCloseable {
    private static final Logger LOG = System.getLogger(News.class.getName());
    private static final int QUIET_MILLIS = 30_000;
    private static final long PING_MILLIS = 10_000;
    private static final long CONFIRM_MILLIS = 1_000;

    private final Server server;
    private final String name;
    /** The channel of remote control. */
    private final String control;
    private final Consumer<byte[]> onRequest;
    private final Runnable onConnected;
    private final List<Hearer> hearers = new CopyOnWriteArrayList<>();
    /** To whom the ends of tasks are told, by their ids. */
    private final Map<String, String> expected = new ConcurrentHashMap<>();
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

    News(Server server, String name, String control, Consumer<byte[]> onRequest, Runnable onConnected) {
        this.server = server;
        this.name = name;
        this.control = control;
        this.onRequest = onRequest;
        this.onConnected = onConnected;
    }

    /** Has a hearer told. */
    void add(Hearer hearer, boolean isControlled) {
        hearers.add(hearer);
        List<String> channels = new ArrayList<>();
        if (hearer.interest.replyTo() != null) {
            channels.add(RedisEnds.channel(hearer.interest.replyTo()));
        }
        if (isControlled) {
            channels.add(control);
        }
        if (!channels.isEmpty()) {
            want(channels);
        }
    }

    void remove(Hearer hearer) {
        hearers.remove(hearer);
        String replyTo = hearer.interest.replyTo();
        if (replyTo != null) {
            List<String> channels = new ArrayList<>(List.of(RedisEnds.channel(replyTo)));
            expected.forEach((id, to) -> {
                if (to.equals(replyTo)) {
                    expected.remove(id);
                    channels.add(Results.KEY + id);
                }
            });
            unwant(channels);
        }
    }

    /** Has the results of tasks told whose submitter listens here. */
    void expect(Collection<QueuedTask> tasks) {
        List<String> channels = new ArrayList<>();
        for (QueuedTask task : tasks) {
            String replyTo = task.replyTo();
            if (replyTo != null && hearers.stream().anyMatch(each -> replyTo.equals(each.interest.replyTo()))) {
                expected.put(task.id(), replyTo);
                channels.add(Results.KEY + task.id());
            }
        }
        if (!channels.isEmpty()) {
            want(channels);
        }
    }

    // ---- channels ----

    private void want(List<String> channels) {
        lock.lock();
        try {
            List<String> fresh = channels.stream().filter(wanted::add).toList();
            if (!isStarted && !isClosed) {
                isStarted = true;
                Thread.ofPlatform().daemon().name("sennit-celery-news").start(this::run);
                Thread.ofVirtual().name("sennit-celery-ping").start(this::ping);
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

    private void unwant(List<String> channels) {
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
        while (!isClosed) {
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
                lookForMissed();
                while (!isClosed) {
                    heard(fresh.next());
                    failures = 0;
                }
            } catch (JedisException | BrokerException e) {
                LOG.log(Level.DEBUG, "the connection for news broke", e);
                pause(Math.min(20L << Math.min(failures++, 6), 1000));
            } catch (IllegalStateException e) {
                return; // the broker is closed
            } catch (RuntimeException | Error e) {
                LOG.log(Level.ERROR, "news of " + name + " were not understood: " + e, e);
                pause(1000);
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

    private void lookForMissed() {
        List<String> ids = List.copyOf(expected.keySet());
        for (int i = 0; i < ids.size(); i += 500) {
            List<String> some = ids.subList(i, Math.min(i + 500, ids.size()));
            List<Object> answers = server.repeatable(
                    some.stream().map(id -> Server.call(Command.GET, Results.KEY + id)).toList());
            for (int k = 0; k < some.size(); k++) {
                ended(some.get(k), (byte[]) answers.get(k));
            }
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
            String channel = Server.text(parts.get(1));
            byte[] body = (byte[]) parts.get(2);
            String replyTo = RedisEnds.replyTo(channel);
            if (channel.startsWith(Results.KEY)) {
                ended(channel.substring(Results.KEY.length()), body);
            } else if (replyTo != null) {
                reply(replyTo, Server.text(body));
            } else if (channel.equals(control)) {
                onRequest.accept(body);
            }
        }
    }

    private void ended(String id, byte @Nullable [] meta) {
        EndedTask end = Results.end(id, meta);
        String replyTo = end == null ? null : expected.remove(id);
        if (end == null || replyTo == null) {
            return;
        }
        unwant(List.of(Results.KEY + id));
        tell(replyTo, end);
    }

    private void reply(String replyTo, String id) {
        if (expected.containsKey(id)) {
            List<?> answer = (List<?>) server.repeatable(Server.call(Command.MGET, Results.KEY + id, Keys.ended(id)));
            ended(id, (byte[]) (answer.get(0) != null ? answer.get(0) : answer.get(1)));
            return;
        }
        List<?> answer = (List<?>) server.repeatable(Server.call(Command.MGET, Results.KEY + id, Keys.ended(id)));
        EndedTask end = Results.end(id, (byte[]) (answer.get(0) != null ? answer.get(0) : answer.get(1)));
        if (end != null) {
            tell(replyTo, end);
        }
    }

    private void tell(String replyTo, EndedTask end) {
        for (Hearer hearer : hearers) {
            if (replyTo.equals(hearer.interest.replyTo())) {
                hearer.tell(listener -> listener.ended(end));
            }
        }
    }

    @Override
    public void close() {
        isClosed = true;
        hearers.forEach(Hearer::close);
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
