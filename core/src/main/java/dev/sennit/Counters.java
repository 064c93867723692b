package dev.sennit;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/**
 * The figures behind {@link PoolStatistics}, kept without a lock.
 *
 * <p>Each task is counted in when it is admitted, when it starts and when it is settled. How many wait and run is not
 * counted but derived, so that the figures add up in every snapshot: a snapshot reads settled before started before
 * submitted, the reverse of the order they are written in, so no difference is negative.
 */
final class Counters {
    private final LongAdder submitted = new LongAdder();
    private final LongAdder rejected = new LongAdder();
    private final LongAdder started = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private final LongAdder succeeded = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder cancelled = new LongAdder();
    private final LongAdder retried = new LongAdder();
    private final LongAdder queueNanos = new LongAdder();
    private final LongAdder runNanos = new LongAdder();

    void submitted() {
        submitted.increment();
    }

    void rejected() {
        rejected.increment();
    }

    void started(long waitedNanos) {
        started.increment();
        queueNanos.add(waitedNanos);
    }

    void handedBack(long waitedNanos) {
        started.decrement();
        queueNanos.add(-waitedNanos);
    }

    void dropped() {
        dropped.increment();
    }

    void succeeded() {
        succeeded.increment();
    }

    void failed() {
        failed.increment();
    }

    void cancelled() {
        cancelled.increment();
    }

    void retried() {
        retried.increment();
    }

    void ranFor(long nanos) {
        runNanos.add(nanos);
    }

    PoolStatistics snapshot(int workers, long workersLost, long workersRecycled, Optional<Duration> cpuTime) {
        long wereCancelled = cancelled.sum();
        long haveFailed = failed.sum();
        long haveSucceeded = succeeded.sum();
        long settled = wereCancelled + haveFailed + haveSucceeded;
        long wereDropped = dropped.sum();
        long haveStarted = started.sum();
        long wereSubmitted = Math.max(submitted.sum(), settled);
        long unsettled = wereSubmitted - settled;
        long running = Math.clamp(haveStarted + wereDropped - settled, 0, unsettled);
        return new PoolStatistics(
                workers,
                wereSubmitted,
                unsettled - running,
                running,
                haveSucceeded,
                haveFailed,
                wereCancelled,
                rejected.sum(),
                retried.sum(),
                workersLost,
                workersRecycled,
                Duration.ofNanos(queueNanos.sum()),
                Duration.ofNanos(runNanos.sum()),
                cpuTime);
    }
}
