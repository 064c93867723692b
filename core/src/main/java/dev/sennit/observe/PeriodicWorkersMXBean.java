package dev.sennit.observe;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The open {@linkplain dev.sennit.PeriodicWorker periodic workers} of a JVM and their tasks, for tools outside of it,
 * such as {@code sennit ps}.
 *
 * <p>A tool creates the bean, of the class {@link PeriodicWorkersBean} under the name {@value #NAME}, as it does with
 * {@link PoolsMXBean}. A call only reads the figures of the workers.
 */
public interface PeriodicWorkersMXBean {
    /** The object name. */
    String NAME = "dev.sennit:type=PeriodicWorkers";

    /**
     * A periodic worker.
     *
     * @param name its name; several may have the same
     * @param isRunning whether it begins runs when they are due
     * @param tasks its tasks, in the order in which they were added
     */
    record WorkerNow(String name, boolean isRunning, List<TaskNow> tasks) {}

    /**
     * A task of a periodic worker; see {@link dev.sennit.PeriodicStatistics}.
     *
     * @param name its name, without secrets: see {@link NameFilter}
     * @param schedule when it is run, such as {@code every 10 s}; the name of the class for a schedule that has no text
     * @param runs runs that have ended
     * @param successes runs that succeeded
     * @param failures runs that failed
     * @param missed runs that were skipped because another run was under way
     * @param meanRunSeconds how long a run took; null if there was none
     * @param meanLateSeconds how long after it was due a run began; null if there was none
     * @param lastFailure the class and message of the last exception, without secrets; null if no run has failed
     * @param isRunning whether a run is under way
     * @param isEnabled whether it is run when it is due
     * @param nextInSeconds how long until the next run is due; null if none is scheduled
     */
    record TaskNow(
            String name,
            String schedule,
            long runs,
            long successes,
            long failures,
            long missed,
            @Nullable Double meanRunSeconds,
            @Nullable Double meanLateSeconds,
            @Nullable String lastFailure,
            boolean isRunning,
            boolean isEnabled,
            @Nullable Double nextInSeconds) {}

    /**
     * Returns the workers that are not closed. A worker that the program no longer refers to is not kept in the list.
     *
     * @return a snapshot of each, by name
     */
    List<WorkerNow> workers();
}
