package dev.sennit.service;

import java.util.List;

/**
 * Receives events of a {@link ServiceManager}. Each listener has a thread and a queue of its own, so a listener that
 * throws or hangs affects neither services nor other listeners: its exceptions are logged, and events that do not fit
 * into its queue are dropped and counted in the log.
 */
public interface ServiceListener {
    /**
     * Receives an event of a worker: a process was started, is ready, or has died, for example.
     *
     * @param event the event
     */
    default void event(ServiceEvent event) {}

    /**
     * Receives the start of a reload.
     *
     * @param services the names of the services
     */
    default void reloading(List<String> services) {}

    /** Receives the start of a shutdown: the manager begins to stop all services. */
    default void terminating() {}
}
