package dev.sennit.queue.memory;

import dev.sennit.TimeSource;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.WorkerReport;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** What the broker objects of one store share. One lock guards all of it; no user code runs under it. */
final class Store {
    private static final Map<String, Store> NAMED = new HashMap<>();

    final TimeSource time;
    private final long begin;
    private final String name;
    final ReentrantLock lock = new ReentrantLock();
    final Listeners listeners = new Listeners();
    // guarded by lock
    private int open = 1;
    Tasks tasks = new Tasks(this);
    final Rates rates = new Rates();
    final Events events = new Events();
    final Schedules schedules = new Schedules();
    final Set<Scope> paused = new HashSet<>();
    final Map<String, WorkerReport> workers = new TreeMap<>();
    /** When a worker that knows the type was heard of last. */
    final Map<String, Long> typesSeen = new HashMap<>();

    Store(String name, TimeSource time) {
        this.name = name;
        this.time = time;
        begin = time.nanoTime();
    }

    /** Opens the store of a name, which is gone with its last close. */
    static Store named(String name) {
        synchronized (NAMED) {
            Store store = NAMED.get(name);
            if (store == null) {
                store = new Store(name, TimeSource.system());
                NAMED.put(name, store);
            } else {
                store.open();
            }
            return store;
        }
    }

    void open() {
        lock.lock();
        try {
            open++;
        } finally {
            lock.unlock();
        }
    }

    void close() {
        synchronized (NAMED) {
            lock.lock();
            try {
                if (--open == 0) {
                    NAMED.remove(name, this);
                    tasks = new Tasks(this);
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /** Does one step, and then has listeners told what has happened. */
    <T> T step(Supplier<T> step) {
        lock.lock();
        try {
            return step.get();
        } finally {
            lock.unlock();
            listeners.tell();
        }
    }

    Listeners.Subscriber subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        return listeners.add(interest, listener);
    }

    /** Returns the time of day in milliseconds. */
    long now() {
        return time.now().toEpochMilli();
    }

    /** Returns monotonic time, by which leases and limits go: nanoseconds since the store was made. */
    long nanos() {
        return time.nanoTime() - begin;
    }

    /** Returns a time in nanoseconds, 73 years at most, so that it can be added to another. */
    static long nanos(Duration time) {
        return time.compareTo(Duration.ofNanos(Long.MAX_VALUE / 4)) > 0 ? Long.MAX_VALUE / 4 : time.toNanos();
    }

    String name() {
        return "memory:" + name;
    }
}
