package dev.sennit;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a periodic task has done so far: an immutable snapshot.
 *
 * @param runs runs that have ended; {@code successes + failures}
 * @param successes runs that returned, or asked to be the last
 * @param failures runs that threw, or that the pool refused
 * @param missed runs left out because another went on
 * @param runTime total time of the runs
 * @param lateness total time between the moment a run was due, jitter included, and the moment it began
 * @param lastFailure what the last run that failed threw, or null
 * @param running whether one goes on now
 * @param enabled whether it is run when it is due
 * @param askedToStop whether it threw a {@link StopPeriodicException}
 * @param nextIn how long until the next run is due, or null when none is: it runs, is disabled or removed, or the worker does
 *     not run
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
     * Mean time of a run.
     *
     * @return the mean, or zero when there was none
     */
    public Duration averageRunTime() {
        return runs == 0 ? Duration.ZERO : runTime.dividedBy(runs);
    }

    /**
     * Mean time between due and begun.
     *
     * @return the mean, or zero when there was no run
     */
    public Duration averageLateness() {
        return runs == 0 ? Duration.ZERO : lateness.dividedBy(runs);
    }
}
