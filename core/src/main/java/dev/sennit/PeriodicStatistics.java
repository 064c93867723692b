package dev.sennit;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An immutable snapshot of the figures of a periodic task.
 *
 * @param runs runs that have ended; {@code successes + failures}
 * @param successes runs that returned, or threw a {@link StopPeriodicException}
 * @param failures runs that threw another exception, or that the pool refused
 * @param missed runs that were skipped because another run was under way
 * @param runTime total time of the runs
 * @param lateness total time between the moment a run was due, jitter included, and the moment it began
 * @param lastFailure the exception of the last failed run, or null
 * @param running whether a run is under way
 * @param enabled whether it is run when it is due
 * @param askedToStop whether it threw a {@link StopPeriodicException}
 * @param nextIn how long until the next run is due, or null if none is scheduled: the task runs, is disabled or
 *     removed, or the worker does not run
 */
public record PeriodicStatistics(
        long runs,
        long successes,
        long failures,
        long missed,
        Duration runTime,
        Duration lateness,
        @Nullable Throwable lastFailure,
        boolean running,
        boolean enabled,
        boolean askedToStop,
        @Nullable Duration nextIn) {

    /**
     * Returns the mean time of a run.
     *
     * @return the mean, or zero when there was no run
     */
    public Duration averageRunTime() {
        return runs == 0 ? Duration.ZERO : runTime.dividedBy(runs);
    }

    /**
     * Returns the mean time between the moment a run was due and the moment it began.
     *
     * @return the mean, or zero when there was no run
     */
    public Duration averageLateness() {
        return runs == 0 ? Duration.ZERO : lateness.dividedBy(runs);
    }
}
