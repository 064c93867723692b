package dev.sennit.queue.celery;

import dev.sennit.queue.broker.QueuedTask;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The address of a broker as Celery's messages depend on it. Its text shows no password. */
abstract class Address {
    private final String defaultQueue;
    private final Duration resultExpires;

    Address(String defaultQueue, Duration resultExpires) {
        this.defaultQueue = defaultQueue;
        this.resultExpires = resultExpires;
    }

    public abstract String host();

    public abstract int port();

    /** Returns what Celery calls the transport. */
    abstract String transport();

    /** Returns what Celery calls the virtual host: the part of the server that is used. */
    abstract String virtualHost();

    String defaultQueue() {
        return defaultQueue;
    }

    Duration resultExpires() {
        return resultExpires;
    }

    /** Returns kombu's name of a queue: Sennit's usual queue is Celery's. */
    String queue(String name) {
        return name.equals(QueuedTask.USUAL_QUEUE) ? defaultQueue : name;
    }

    /** Returns Sennit's name of a queue of kombu. */
    String sennitQueue(String queue) {
        return queue.equals(defaultQueue) ? QueuedTask.USUAL_QUEUE : queue;
    }

    /** Whether each of Sennit's priorities has an order of its own. */
    abstract boolean hasAllPriorities();

    /** Returns why a priority of Sennit cannot be had, or null. */
    abstract @Nullable String obstacle(int sennitPriority);

    /** Returns Celery's priority for one of Sennit's, the greatest of which goes first. */
    abstract int priority(int sennit);

    /** Returns Sennit's priority for one of Celery's. */
    abstract int sennitPriority(int celery);
}
