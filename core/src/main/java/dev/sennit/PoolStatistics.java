package dev.sennit;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What a pool has done so far: an immutable snapshot.
 *
 * <p>The counts always add up: {@code submitted == queued + running + succeeded + failed + cancelled}. A task that was
 * cancelled or ran out of time counts as {@code cancelled} or {@code failed} from that moment, even while its worker
 * is still busy ending it. Tasks that were refused count in {@code rejected} alone. While tasks run, {@code queued} and
 * {@code running} are those of one moment only in their sum.
 *
 * @param workers execution units that serve now (1 for {@code inline}, tasks running now for {@code virtual}; for {@code
 *     processes} without spares and without those that only end what they had begun)
 * @param submitted tasks taken in
 * @param queued tasks that wait for a worker
 * @param running tasks that run
 * @param succeeded tasks that ended with a value
 * @param failed tasks that ended with an exception, {@link java.util.concurrent.TimeoutException} included
 * @param cancelled tasks that were cancelled, before or while they ran
 * @param rejected submissions refused because the pool was full or shut down
 * @param retried attempts beyond each task's first, see {@link TaskOptions#retry}
 * @param workersLost workers that died under the pool; 0 for kinds whose workers cannot
 * @param workersRecycled worker processes that the pool replaced because they had served long enough, or let go because they
 *     had nothing to do; 0 for kinds without
 * @param queueTime total time that started tasks had waited for a worker
 * @param runTime total time of the runs that have ended; of a task that is tried again, of all its attempts without the
 *     waits between them
 * @param cpuTime processor time used by the pool's workers, or empty where the JDK cannot tell (virtual threads, a runtime image without the
 *     module {@code java.management})
 * @param workerPids process ids of the worker processes that are there now, those that start, wait as spares or end what they had
 *     begun included; empty for kinds whose workers are no processes
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

    /** Makes the list its own. */
    public PoolStatistics {
        workerPids = List.copyOf(workerPids);
    }

    /**
     * Tasks that have ended, in whatever way.
     *
     * @return the count
     */
    public long ended() {
        return succeeded + failed + cancelled;
    }

    /**
     * Mean time between submission and start.
     *
     * @return the mean, or zero when nothing has started
     */
    public Duration averageQueueTime() {
        return mean(queueTime, submitted - queued);
    }

    /**
     * Mean time of a run.
     *
     * @return the mean, or zero when nothing has ended
     */
    public Duration averageRunTime() {
        return mean(runTime, ended());
    }

    private static Duration mean(Duration total, long count) {
        return count <= 0 ? Duration.ZERO : total.dividedBy(count);
    }
}
