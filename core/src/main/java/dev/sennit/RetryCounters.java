package dev.sennit;

import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;

/**
 * The figures behind {@link RetryStatistics}, kept without a lock.
 *
 * <p>A call that succeeds at once increments only one counter, for speed. An attempt is counted before its call, and a
 * snapshot reads attempts after calls, so that there are never more calls than attempts.
 */
final class RetryCounters {
    private final LongAdder succeededAtOnce = new LongAdder();
    private final LongAdder attempts = new LongAdder();
    private final LongAdder succeeded = new LongAdder();
    private final LongAdder exhausted = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder waitedNanos = new LongAdder();

    /** Counts a call of one attempt, with this attempt. */
    void succeededAtOnce() {
        succeededAtOnce.increment();
    }

    void attempted() {
        attempts.increment();
    }

    void succeeded() {
        succeeded.increment();
    }

    void exhausted() {
        exhausted.increment();
    }

    void failed() {
        failed.increment();
    }

    void waited(Duration time) {
        waitedNanos.add(time.toNanos());
    }

    RetryStatistics snapshot() {
        long atOnce = succeededAtOnce.sum();
        long haveSucceeded = atOnce + succeeded.sum();
        long wereExhausted = exhausted.sum();
        long haveFailed = failed.sum();
        return new RetryStatistics(
                haveSucceeded + wereExhausted + haveFailed,
                atOnce + attempts.sum(),
                haveSucceeded,
                wereExhausted,
                haveFailed,
                Duration.ofNanos(waitedNanos.sum()));
    }
}
