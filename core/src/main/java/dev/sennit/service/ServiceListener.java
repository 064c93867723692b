package dev.sennit.service;

import java.util.List;

/**
 * Hears of what a {@link ServiceManager} does. Each listener has a thread and a queue of its own, so that one that
 * throws or hangs harms neither the services nor other listeners: what it throws is logged, and what does not fit into
 * its queue is dropped and counted in the log.
 */
public interface ServiceListener {
    /**
     * Something happened to a worker: a new process was started, is ready, has died.
     *
     * @param event what
     */
    default void event(ServiceEvent event) {}

    /**
     * Services are being reloaded.
     *
     * @param services their names
     */
    default void reloading(List<String> services) {}

    /** The manager begins to stop all services. */
    default void terminating() {}
}
