package dev.sennit.queue.redis;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Tells listeners what the scripts publish: of work in a queue, of ends for an address, of requests to a worker.
 *
 * <p><b>Hearing.</b> One thread has a connection that subscribes to the channels in which listeners are interested.
 * A message is a hint, and may be lost with the connection: the thread connects again, with growing pauses, and then
 * has all listeners look for work. Another thread has them do so every few seconds, and has the server answer, so that
 * a connection that only seems to be there is noticed.
 *
 * <p><b>Telling.</b> A virtual thread for each listener that has something to hear, which ends when it has told all:
 * one call at a time, and a slow listener holds nobody up. It loses the oldest of what it has not heard.
 */
final class News implements AutoCloseable {
    /** How much of a kind waits for a listener. */
    private static final int MOST_WAITING = 10_000;
    /** How often listeners look although nothing was heard, and the server is asked for an answer. */
    private static final long LOOK_NANOS = SECONDS.toNanos(5);
    /** After how long without an answer a connection is broken. */
    private static final int SILENCE_MILLIS = 20_000;
    private static final long LEAST_BACKOFF = MILLISECONDS.toNanos(50);
    private static final long MOST_BACKOFF = SECONDS.toNanos(2);
    /** How long a subscription waits until it is heard. */
    private static final long HEARD_NANOS = SECONDS.toNanos(10);

    private static final System.Logger LOG = System.getLogger("dev.sennit");

    /** One listener, and the thread that calls it. */
    private final class Listening implements Broker.Subscription {
        final BrokerListener.Interest interest;
        final Set<String> channels = new HashSet<>();
        private final BrokerListener listener;
        // guarded by lock
        private boolean mayHaveWork;
        /** Whether its channels were subscribed, perhaps on a connection that has broken. */
        private boolean wasHeard;
        private final ArrayDeque<EndedTask> ends = new ArrayDeque<>();
        private final LinkedHashSet<String> cancels = new LinkedHashSet<>();
        private final ArrayDeque<ControlMessage> messages = new ArrayDeque<>();
        private @Nullable Thread caller;
        private boolean isClosed;

        Listening(BrokerListener.Interest interest, BrokerListener listener) {
            this.interest = interest;
            this.listener = listener;
            interest.queues().forEach(queue -> channels.add(prefix + "q:" + queue));
            if (interest.replyTo() != null) {
                channels.add(prefix + "e:" + interest.replyTo());
            }
            if (interest.worker() != null) {
                channels.add(prefix + "w:" + interest.worker());
            }
            channels.add(prefix + "all");
        }

        /** Notes something, and has it told. Under the lock. */
        void note(Consumer<Listening> what) {
            if (isClosed) {
                return;
            }
            what.accept(this);
            if (caller == null && hasSomething()) {
                Thread thread = Thread.ofVirtual().name("sennit-redis-listener").unstarted(this::tell);
                try {
                    thread.start();
                    caller = thread; // it needs the lock before it does anything
                } catch (Throwable e) { // no memory: the next news tries again
                    LOG.log(System.Logger.Level.WARNING, name + " - cannot call a listener, tries again", e);
                }
            }
        }

        private boolean hasSomething() {
            return mayHaveWork || !ends.isEmpty() || !cancels.isEmpty() || !messages.isEmpty();
        }

        private void tell() {
            for (Runnable call = next(); call != null; call = next()) {
                try {
                    call.run();
                } catch (Throwable e) { // the thread of one listener, which is to hear the next as well
                    LOG.log(System.Logger.Level.WARNING, name + " - a listener failed", e);
                }
            }
        }

        /** Returns the next call, or null if there is none: then the calling thread is not the caller any more. */
        private @Nullable Runnable next() {
            lock.lock();
            try {
                if (!cancels.isEmpty()) {
                    String id = cancels.removeFirst();
                    return () -> listener.cancelRequested(id);
                }
                if (!messages.isEmpty()) {
                    ControlMessage message = messages.remove();
                    return () -> listener.control(message);
                }
                if (mayHaveWork) {
                    mayHaveWork = false;
                    return listener::workMayBeReady;
                }
                if (!ends.isEmpty()) {
                    EndedTask end = ends.remove();
                    return () -> listener.ended(end);
                }
                caller = null;
                changed.signalAll();
                return null;
            } finally {
                lock.unlock();
            }
        }

        /** Under the lock. */
        private void end() {
            isClosed = true;
            mayHaveWork = false;
            ends.clear();
            cancels.clear();
            messages.clear();
        }

        @Override
        public void close() {
            lock.lock();
            try {
                end();
                if (listenings.remove(this)) {
                    channels.forEach(channel -> wanted.computeIfPresent(channel,
                            (_, all) -> all.remove(this) && all.isEmpty() ? null : all));
                }
                while (caller != null && caller != Thread.currentThread()) {
                    changed.awaitUninterruptibly();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private final Supplier<Link> connector;
    private final RedisErrors errors;
    private final String name;
    private final String prefix;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // guarded by lock
    private final List<Listening> listenings = new ArrayList<>();
    private final Map<String, List<Listening>> wanted = new HashMap<>();
    /** The channels that the server has said are subscribed, on the present connection. */
    private final Set<String> heard = new HashSet<>();
    private final Set<String> asked = new HashSet<>();
    private @Nullable Thread hearer;
    private @Nullable Thread looker;
    private @Nullable Link link;
    private boolean isClosed;

    /**
     * Makes one without listeners.
     *
     * @param connector opens connections that break after {@link #SILENCE_MILLIS}
     */
    News(Supplier<Link> connector, RedisErrors errors, String name, String prefix) {
        this.connector = connector;
        this.errors = errors;
        this.name = name;
        this.prefix = prefix;
    }

    static int silenceMillis() {
        return SILENCE_MILLIS;
    }

    // ---- subscriptions ----

    /** Adds a listener, and waits until it is heard for, if that is so soon. */
    Broker.Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        var listening = new Listening(interest, listener);
        boolean wasInterrupted = false;
        lock.lock();
        try {
            ensureOpen();
            start();
            listenings.add(listening);
            listening.channels.forEach(channel -> wanted.computeIfAbsent(channel, _ -> new ArrayList<>())
                    .add(listening));
            ask();
            long rest = HEARD_NANOS;
            while (!heard.containsAll(listening.channels) && !isClosed && rest > 0 && !wasInterrupted) {
                try {
                    rest = changed.awaitNanos(rest);
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
            listening.wasHeard |= heard.containsAll(listening.channels);
            ensureOpen();
        } finally {
            lock.unlock();
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
        return listening;
    }

    private void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("the broker " + name + " is closed");
        }
    }

    /** Starts the threads. Under the lock. */
    private void start() {
        if (hearer == null) {
            Thread hearing = Thread.ofPlatform().daemon().name("sennit-redis-news").unstarted(this::hear);
            hearing.start();
            hearer = hearing;
        }
        if (looker == null) {
            Thread looking = Thread.ofPlatform().daemon().name("sennit-redis-look").unstarted(this::look);
            looking.start();
            looker = looking;
        }
    }

    /** Subscribes to what is wanted and was not asked for. Under the lock, which keeps two from writing at once. */
    private void ask() {
        Link own = link;
        if (own == null) {
            return;
        }
        List<String> more = wanted.keySet().stream().filter(asked::add).toList();
        List<String> less = asked.stream().filter(channel -> !wanted.containsKey(channel)).toList();
        try {
            if (!more.isEmpty()) {
                own.subscribe(more);
            }
            if (!less.isEmpty() && less.size() < asked.size()) { // a connection without channels would be another thing
                less.forEach(asked::remove);
                less.forEach(heard::remove);
                own.unsubscribe(less);
            }
        } catch (JedisException e) {
            own.close(); // the thread that hears connects again
        }
    }

    // ---- the thread that looks ----

    private void look() {
        lock.lock();
        try {
            while (!isClosed) {
                long rest = LOOK_NANOS;
                while (rest > 0 && !isClosed) {
                    try {
                        rest = changed.awaitNanos(rest);
                    } catch (InterruptedException e) {
                        // Nobody has a reason to interrupt it; it goes on.
                    }
                }
                noteWork();
                ask();
                Link own = link;
                if (own != null && !isClosed) {
                    try {
                        own.ping();
                    } catch (JedisException e) {
                        own.close();
                    }
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void noteWork() {
        for (Listening each : List.copyOf(listenings)) {
            if (!each.interest.queues().isEmpty()) {
                each.note(one -> one.mayHaveWork = true);
            }
        }
    }

    // ---- the thread that hears ----

    private void hear() {
        long backoff = LEAST_BACKOFF;
        while (!isClosed()) {
            Link own = null;
            try {
                own = connector.get();
                if (!begin(own)) {
                    return;
                }
                while (true) {
                    Link.News news = own.heard();
                    backoff = LEAST_BACKOFF;
                    take(news);
                }
            } catch (JedisException e) {
                LOG.log(System.Logger.Level.DEBUG,
                        () -> name + " - cannot hear of news, tries again: " + errors.any(e, false).getMessage());
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.WARNING, name + " - cannot hear of news, tries again", e);
            } finally {
                end(own);
            }
            pause(backoff);
            backoff = Math.min(MOST_BACKOFF, 2 * backoff);
        }
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return isClosed;
        } finally {
            lock.unlock();
        }
    }

    private boolean begin(Link own) {
        lock.lock();
        try {
            if (isClosed) {
                return false;
            }
            link = own;
            asked.clear();
            heard.clear();
            own.subscribe(List.of(prefix + "all")); // so that there is always one
            asked.add(prefix + "all");
            ask();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void end(@Nullable Link own) {
        lock.lock();
        try {
            link = null;
            asked.clear();
            heard.clear();
        } finally {
            lock.unlock();
        }
        if (own != null) {
            own.close();
        }
    }

    private void pause(long nanos) {
        lock.lock();
        try {
            for (long rest = nanos; rest > 0 && !isClosed;) {
                rest = changed.awaitNanos(rest);
            }
        } catch (InterruptedException e) {
            // Nobody has a reason to interrupt it; it goes on.
        } finally {
            lock.unlock();
        }
    }

    private void take(Link.News news) {
        lock.lock();
        try {
            String channel = news.channel();
            if (news.kind().equals("subscribe")) {
                heard.add(channel);
                changed.signalAll();
                for (Listening each : wanted.getOrDefault(channel, List.of())) {
                    if (each.wasHeard && channel.startsWith(prefix + "q:")) { // after a reconnect: news may be lost
                        each.note(one -> one.mayHaveWork = true);
                    }
                    each.wasHeard |= heard.containsAll(each.channels);
                }
            } else if (news.kind().equals("message")) {
                tell(channel, news.data());
            }
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private void tell(String channel, byte[] data) {
        try {
            List<Listening> all = List.copyOf(wanted.getOrDefault(channel, List.of()));
            if (channel.startsWith(prefix + "q:")) {
                all.forEach(each -> each.note(one -> one.mayHaveWork = true));
            } else if (channel.startsWith(prefix + "e:")) {
                List<EndedTask> ends = Reply.ends(data);
                all.forEach(each -> each.note(one -> ends.forEach(end -> add(one.ends, end))));
            } else if (channel.equals(prefix + "all")
                    && new String(data, StandardCharsets.UTF_8).equals("work")) {
                noteWork();
            } else {
                order(all, Packed.read(data));
            }
        } catch (RuntimeException e) { // a message of somebody else
            LOG.log(System.Logger.Level.DEBUG, () -> name + " - passes over a message that is none: " + e);
        }
    }

    private static void order(List<Listening> all, List<byte[]> order) {
        String kind = new String(order.get(0), StandardCharsets.UTF_8);
        for (Listening each : all) {
            if (each.interest.worker() == null) {
                continue;
            }
            if (kind.equals("stop")) {
                String id = new String(order.get(1), StandardCharsets.UTF_8);
                each.note(one -> {
                    if (one.cancels.size() < MOST_WAITING) {
                        one.cancels.add(id);
                    }
                });
            } else if (kind.equals("control")) {
                ControlMessage message = Reply.control(order.get(1));
                each.note(one -> add(one.messages, message));
            }
        }
    }

    private static <T> void add(ArrayDeque<T> waiting, T one) {
        if (waiting.size() == MOST_WAITING) {
            waiting.remove();
        }
        waiting.add(one);
    }

    /** Ends the threads; no listener is called any more. */
    @Override
    public void close() {
        List<Listening> all;
        Link own;
        Thread hearing;
        Thread looking;
        lock.lock();
        try {
            isClosed = true;
            changed.signalAll();
            all = List.copyOf(listenings);
            own = link;
            hearing = hearer;
            looking = looker;
        } finally {
            lock.unlock();
        }
        if (own != null) {
            own.close();
        }
        all.forEach(Listening::close);
        boolean wasInterrupted = join(hearing);
        wasInterrupted |= join(looking);
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean join(@Nullable Thread thread) {
        boolean wasInterrupted = false;
        long deadline = System.nanoTime() + HEARD_NANOS;
        while (thread != null && thread != Thread.currentThread() && thread.isAlive()
                && System.nanoTime() - deadline < 0) {
            try {
                NANOSECONDS.timedJoin(thread, Math.max(1_000_000, deadline - System.nanoTime()));
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
        return wasInterrupted;
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return name + ", " + listenings.size() + " listeners";
        } finally {
            lock.unlock();
        }
    }
}
