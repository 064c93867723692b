package dev.sennit;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * An immutable snapshot of the figures of a pool.
 *
 * <p>The counts always add up: {@code submitted == queued + running + succeeded + failed + cancelled}. A task that was
 * cancelled or ran out of time counts as {@code cancelled} or {@code failed} from that moment, even while its worker
 * is still busy ending it. Refused tasks count only in {@code rejected}. While tasks run, only the sum of
 * {@code queued} and {@code running} is that of a single moment.
 *
 * @param workers execution units that serve now (1 for {@code inline}, tasks running now for {@code virtual}; for
 *     {@code processes} without spares, and without retired workers that only finish what they have begun)
 * @param submitted tasks admitted
 * @param queued tasks that wait for a worker
 * @param running tasks that run
 * @param succeeded tasks that ended with a value
 * @param failed tasks that ended with an exception, {@link java.util.concurrent.TimeoutException} included
 * @param cancelled tasks that were cancelled, before or while they ran
 * @param rejected submissions refused because the pool was full or shut down
 * @param retried attempts beyond each task's first, see {@link TaskOptions#retry}
 * @param workersLost workers that died unexpectedly; 0 for kinds whose workers cannot die
 * @param workersRecycled worker processes that the pool replaced because they had served long enough, or retired
 *     because they were idle; 0 for other kinds
 * @param queueTime total time that started tasks had waited for a worker
 * @param runTime total time of the runs that have ended; for a task with a retry, of all its attempts without the waits
 *     between them
 * @param cpuTime processor time used by the pool's workers, or empty where the JDK cannot tell it (virtual threads, a
 *     runtime image without the module {@code java.management})
 * @param workerPids ids of the worker processes, including those that start, wait as spares, or finish what they have
 *     begun; empty for kinds whose workers are not processes
 */
public record PoolStatistics(
        int workers,
        long submitted,
        long queued,
        long running,
        long succeeded,
        long failed,
        long cancelled,
        long rejected,
        long retried,
        long workersLost,
        long workersRecycled,
        Duration queueTime,
        Duration runTime,
        Optional<Duration> cpuTime,
        List<Long> workerPids) {

    /** Copies the list. */
    public PoolStatistics {
        workerPids = List.copyOf(workerPids);
    }

    /**
     * Returns how many tasks have ended: with a value, with an exception, or cancelled.
     *
     * @return the count
     */
    public long ended() {
        return succeeded + failed + cancelled;
    }

    /**
     * Returns the mean time between submission and start.
     *
     * @return the mean, or zero when no task has started
     */
    public Duration averageQueueTime() {
        return mean(queueTime, submitted - queued);
    }

    /**
     * Returns the mean time of a run.
     *
     * @return the mean, or zero when no run has ended
     */
    public Duration averageRunTime() {
        return mean(runTime, ended());
    }

    private static Duration mean(Duration total, long count) {
        return count <= 0 ? Duration.ZERO : total.dividedBy(count);
    }
}
