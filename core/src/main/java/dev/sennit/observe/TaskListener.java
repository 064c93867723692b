package dev.sennit.observe;

/** Receives events of tasks, workers, pools and services, in a thread of its own: see {@link TaskEvents#listen}. */
@FunctionalInterface
public interface TaskListener {
    /**
     * Receives an event. The first exception that this method throws is logged, and later events are still delivered.
     *
     * @param event the event
     * @throws Exception any
     */
    void event(TaskEvent event) throws Exception;

    /**
     * Receives the number of events that were overwritten before this listener could read them. The default does
     * nothing.
     *
     * @param count the number since the last call
     * @throws Exception any
     */
    default void missed(long count) throws Exception {}
}
