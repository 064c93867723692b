package dev.sennit.queue.memory;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells the listeners of a store what happens. What they are to hear is noted under the lock of the store; a virtual
 * thread that ends when it has told all calls them without any lock. A listener that is slow loses the oldest of what
 * it has not heard.
 */
final class Listeners {
    /** How much of a kind waits for a listener. */
    private static final int MOST_WAITING = 10_000;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition told = lock.newCondition();
    // guarded by lock
    private final Map<String, Set<Subscriber>> byQueue = new HashMap<>();
    private final Map<String, Set<Subscriber>> byAddress = new HashMap<>();
    private final Map<String, Set<Subscriber>> byWorker = new HashMap<>();
    /** Those that have something to hear and nobody who tells them. */
    private final ArrayDeque<Subscriber> untold = new ArrayDeque<>();

    /** One listener, and the thread that calls it. */
    final class Subscriber implements Broker.Subscription {
        private final BrokerListener.Interest interest;
        private final BrokerListener listener;
        // guarded by lock
        private boolean mayHaveWork;
        private final ArrayDeque<EndedTask> ends = new ArrayDeque<>();
        private final LinkedHashSet<String> cancels = new LinkedHashSet<>();
        private final ArrayDeque<ControlMessage> messages = new ArrayDeque<>();
        private boolean isUntold;
        private @Nullable Thread caller;

        private Subscriber(BrokerListener.Interest interest, BrokerListener listener) {
            this.interest = interest;
            this.listener = listener;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                interest.queues().forEach(queue -> remove(byQueue, queue));
                remove(byAddress, interest.replyTo());
                remove(byWorker, interest.worker());
                mayHaveWork = false;
                ends.clear();
                cancels.clear();
                messages.clear();
                while (caller != null && caller != Thread.currentThread()) {
                    told.awaitUninterruptibly();
                }
            } finally {
                lock.unlock();
            }
        }

        private void add(Map<String, Set<Subscriber>> map, @Nullable String name) {
            if (name != null) {
                map.computeIfAbsent(name, _ -> new LinkedHashSet<>()).add(this);
            }
        }

        private void remove(Map<String, Set<Subscriber>> map, @Nullable String name) {
            if (name != null) {
                map.computeIfPresent(name, (_, set) -> set.remove(this) && set.isEmpty() ? null : set);
            }
        }

        private void noted() {
            if (!isUntold && caller == null) {
                isUntold = true;
                untold.add(this);
            }
        }

        /** Calls the listener until it has heard all. */
        private void tell() {
            for (Runnable call = next(); call != null; call = next()) {
                try {
                    call.run();
                } catch (Throwable e) { // the thread of one listener, which is to hear the next as well
                    System.getLogger("dev.sennit").log(System.Logger.Level.WARNING, "memory - a listener failed", e);
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
                told.signalAll();
                return null;
            } finally {
                lock.unlock();
            }
        }
    }

    Subscriber add(BrokerListener.Interest interest, BrokerListener listener) {
        var subscriber = new Subscriber(interest, listener);
        lock.lock();
        try {
            interest.queues().forEach(queue -> subscriber.add(byQueue, queue));
            subscriber.add(byAddress, interest.replyTo());
            subscriber.add(byWorker, interest.worker());
        } finally {
            lock.unlock();
        }
        return subscriber;
    }

    void workMayBeReady(String queue) {
        note(byQueue, queue, subscriber -> subscriber.mayHaveWork = true);
    }

    /** A limit or a pause of a type is over, which may be in any queue. */
    void workMayBeReady() {
        note(byQueue, null, subscriber -> subscriber.mayHaveWork = true);
    }

    void ended(String address, EndedTask end) {
        note(byAddress, address, subscriber -> add(subscriber.ends, end));
    }

    void cancelRequested(String worker, String id) {
        note(byWorker, worker, subscriber -> {
            if (subscriber.cancels.size() < MOST_WAITING) {
                subscriber.cancels.add(id);
            }
        });
    }

    void control(ControlMessage message) {
        note(byWorker, message.worker(), subscriber -> add(subscriber.messages, message));
    }

    private static <T> void add(ArrayDeque<T> waiting, T one) {
        if (waiting.size() == MOST_WAITING) {
            waiting.remove();
        }
        waiting.add(one);
    }

    /** Notes something for the subscribers of a name; of all names for null. */
    private void note(Map<String, Set<Subscriber>> map, @Nullable String name, Consumer<Subscriber> what) {
        lock.lock();
        try {
            for (Set<Subscriber> set : name == null ? map.values() : List.of(map.getOrDefault(name, Set.of()))) {
                for (Subscriber subscriber : set) {
                    what.accept(subscriber);
                    subscriber.noted();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Has those called for whom something was noted. Called without the lock of the store. */
    void tell() {
        lock.lock();
        try {
            for (Subscriber subscriber = untold.pollFirst(); subscriber != null; subscriber = untold.pollFirst()) {
                Thread thread = Thread.ofVirtual().name("sennit-memory-listener").unstarted(subscriber::tell);
                try {
                    thread.start();
                } catch (Throwable e) { // no memory: the next step tries again, as this one has happened
                    untold.addFirst(subscriber);
                    return;
                }
                subscriber.isUntold = false;
                subscriber.caller = thread; // it needs the lock before it does anything
            }
        } finally {
            lock.unlock();
        }
    }
}
