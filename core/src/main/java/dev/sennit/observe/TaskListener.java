package dev.sennit.observe;

/** Is told what tasks, workers and pools do, by a thread of its own: see {@link TaskEvents#listen}. */
@FunctionalInterface
public interface TaskListener {
    /**
     * A task, a worker or a pool has made a step. What this throws is logged the first time, and the next event comes
     * all the same.
     *
     * @param event the step
     * @throws Exception any
     */
    void event(TaskEvent event) throws Exception;

    /**
     * Events were overwritten before this listener got to them, as it is slower than the tasks. The default does
     * nothing.
     *
     * @param count how many since the last call
     * @throws Exception any
     */
    default void missed(long count) throws Exception {}
}
