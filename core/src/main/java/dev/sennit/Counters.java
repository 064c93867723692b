package dev.sennit;

import dev.sennit.internal.Stripes;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The figures behind {@link PoolStatistics}, kept without a lock, and {@linkplain Stripes striped}.
 *
 * <p>Each task is counted when it is admitted, when it starts and when it is settled. The numbers of queued and running
 * tasks are derived, so that the figures add up in every snapshot. A snapshot reads settled before started before
 * submitted, the reverse of the order in which they are written, so no difference is negative.
 */
class Counters {
    /** Counts nothing; for the parts of a submission that is counted itself. */
    static final Counters NONE = new Counters() {
        @Override
        void add(int figure, long amount) {}

        @Override
        void started(long waitedNanos) {}
    };

    private static final int SUBMITTED = 0;
    private static final int REJECTED = 1;
    private static final int STARTED = 2;
    private static final int DROPPED = 3;
    private static final int SUCCEEDED = 4;
    private static final int FAILED = 5;
    private static final int CANCELLED = 6;
    private static final int RETRIED = 7;
    private static final int QUEUE_NANOS = 8;
    private static final int RUN_NANOS = 9;

    private final AtomicLongArray figures = new AtomicLongArray(Stripes.COUNT * Stripes.WIDTH);

    void add(int figure, long amount) {
        figures.getAndAdd(Stripes.ofThread() + figure, amount);
    }

    private long sum(int figure) {
        long sum = 0;
        for (int i = 0; i < Stripes.COUNT; i++) {
            sum += figures.get(i * Stripes.WIDTH + figure);
        }
        return sum;
    }

    void submitted() {
        add(SUBMITTED, 1);
    }

    void rejected() {
        add(REJECTED, 1);
    }

    void started(long waitedNanos) {
        int stripe = Stripes.ofThread();
        figures.getAndAdd(stripe + STARTED, 1);
        figures.getAndAdd(stripe + QUEUE_NANOS, waitedNanos);
    }

    void handedBack() {
        add(STARTED, -1);
    }

    void dropped() {
        add(DROPPED, 1);
    }

    void succeeded() {
        add(SUCCEEDED, 1);
    }

    void failed() {
        add(FAILED, 1);
    }

    void cancelled() {
        add(CANCELLED, 1);
    }

    void retried() {
        add(RETRIED, 1);
    }

    void ranFor(long nanos) {
        add(RUN_NANOS, nanos);
    }

    PoolStatistics snapshot(
            int workers, long workersLost, long workersRecycled, Optional<Duration> cpuTime, List<Long> workerPids) {
        long wereCancelled = sum(CANCELLED);
        long haveFailed = sum(FAILED);
        long haveSucceeded = sum(SUCCEEDED);
        long settled = wereCancelled + haveFailed + haveSucceeded;
        long wereDropped = sum(DROPPED);
        long haveStarted = sum(STARTED);
        long wereSubmitted = Math.max(sum(SUBMITTED), settled);
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
                sum(REJECTED),
                sum(RETRIED),
                workersLost,
                workersRecycled,
                Duration.ofNanos(sum(QUEUE_NANOS)),
                Duration.ofNanos(sum(RUN_NANOS)),
                cpuTime,
                workerPids);
    }
}
