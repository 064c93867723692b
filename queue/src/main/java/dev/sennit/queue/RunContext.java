package dev.sennit.queue;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The context of a run: the facts of its task, and the ways to tell progress and checkpoints.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 *
 * record Import(String file, int rows) {}
 *
 * TaskType<Import, Integer> rows = TaskType.of("import.rows", Import.class, (work, run) -> {
 *     int from = run.checkpoint(Integer.class).orElse(0);
 *     for (int row = from; row < work.rows(); row++) {
 *         // import the row
 *         if (row % 1000 == 0) {
 *             run.checkpoint(row);                        // a later run goes on from here
 *             run.progress(row, work.rows(), work.file());
 *         }
 *         if (run.isStopRequested()) {
 *             run.checkpoint(row + 1);
 *             throw run.giveBack();                       // another worker goes on
 *         }
 *     }
 *     return work.rows();
 * });
 * }
 *
 * <p>It belongs to one run. All methods may be called from any thread of the run; once the run is over they do nothing,
 * or answer as before. In a worker process, what threads tell that the run has started goes to the worker when the
 * run's own thread tells something, or comes to its end.
 */
public interface RunContext {
    /**
     * Returns the id of the task, which is the same in each attempt.
     *
     * @return the id
     */
    String id();

    /**
     * Returns the number of this attempt: it grows each time a worker takes the task.
     *
     * @return 1 for the first
     */
    int attempt();

    /**
     * Returns how often the task has failed before.
     *
     * @return 0 for the first run
     */
    int failures();

    /**
     * Returns when the task was enqueued.
     *
     * @return the time, by the broker's clock
     */
    Instant enqueuedAt();

    /**
     * Returns what travels with the task: a trace context, a tenant.
     *
     * @return the headers
     */
    Map<String, String> headers();

    /**
     * Tells how far the task has come, for those who look at the queue. At most a few reports a second are kept.
     *
     * @param done how much is done, 0 or more, in any unit
     * @param total how much there is to do in all, or less than 0 if that is not known
     * @param message what is being done, or an empty string
     */
    void progress(long done, long total, String message);

    /**
     * Keeps a value from which a later run can go on: if the worker is killed or ends, or if this run fails. The last
     * one counts. It is handed to the worker at once, and is in the broker some milliseconds later; a run that is
     * killed right after the call may go on from the value before.
     *
     * @param value what JSON can hold: a number, a string, a record; at most 1 MB
     * @throws TaskDataException if it cannot be written as JSON, or is too large
     */
    void checkpoint(Object value);

    /**
     * Returns the value that an earlier run has kept last.
     *
     * @param type its class
     * @param <C> its type
     * @return the value, or empty in a first run
     * @throws TaskDataException if what is kept is no such value
     */
    <C> Optional<C> checkpoint(Class<C> type);

    /**
     * Returns whether the run should come to its end. Tasks that run for long look at it now and then.
     *
     * @return whether there is a {@link #stopReason}
     */
    default boolean isStopRequested() {
        return stopReason() != null;
    }

    /**
     * Returns why the run should come to its end.
     *
     * @return the reason, or null
     */
    @Nullable StopReason stopReason();

    /**
     * Returns an exception to throw, by which the run gives the task back: another worker takes it, nothing counts as a
     * failure, and the checkpoint stays. At its soft limit a run has to keep a checkpoint first: without one the next
     * run would come no further, so that the give-back counts as a failure.
     *
     * @return the exception
     */
    RuntimeException giveBack();

    /**
     * Has another task enqueued when this one succeeds, in the same step: so either both have happened or neither.
     *
     * @param type the type of the task
     * @param argument its argument
     * @param options how it is to be run
     * @param <A> the type of its argument
     * @return the id of the task
     * @throws TaskDataException if the argument cannot be written as JSON
     */
    <A extends @Nullable Object> String enqueue(TaskType<A, ?> type, A argument, SubmitOptions options);

    /**
     * Has another task enqueued when this one succeeds, see {@link #enqueue(TaskType, Object, SubmitOptions)}.
     *
     * @param type the type of the task
     * @param argument its argument
     * @param <A> the type of its argument
     * @return the id of the task
     */
    default <A extends @Nullable Object> String enqueue(TaskType<A, ?> type, A argument) {
        return enqueue(type, argument, SubmitOptions.NONE);
    }
}
