package dev.sennit.process;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Looks at a pool's workers now and then: one that uses more memory than it may is ended, one that has served long enough is
 * replaced, one that has had nothing to do for long is let go.
 *
 * <p>One thread a pool, and only where there is something to look at; it ends with the pool.
 */
final class WorkerWatch extends Thread {
    /** How often a worker that may be killed for its memory is looked at. */
    static final Duration PERIOD = Duration.ofMillis(50);

    static final Duration PERIOD_NEAR_LIMIT = Duration.ofMillis(10);
    /** How often one that is merely replaced is. */
    static final Duration PERIOD_OF_REPLACEMENT = Duration.ofMillis(250);

    private static final long SHORTEST_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final ProcessPool pool;
    private final ProcessPool.Builder settings;
    private final CountDownLatch closing;

    /**
     * Creates the thread.
     *
     * @param closing ends it
     */
    WorkerWatch(ProcessPool pool, CountDownLatch closing) {
        super(null, null, pool.name() + "-watch", 0, false);
        this.pool = pool;
        this.settings = pool.settings();
        this.closing = closing;
        setDaemon(true);
    }

    @Override
    public void run() {
        try {
            long most = 0;
            while (!closing.await(period(most), TimeUnit.NANOSECONDS)) {
                most = 0;
                try {
                    for (WorkerSlot slot : pool.slots()) {
                        most = Math.max(most, slot.limitMemory(settings.rss()));
                        slot.watchMemory(settings.maxMemory());
                    }
                    pool.replaceSpent();
                    pool.letIdleGo();
                } catch (OutOfMemoryError e) {
                    // of this JVM; the workers are looked at again all the same
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError("threads that watch workers cannot be interrupted", e);
        }
    }

    /** In nanoseconds; the most that a worker used when last looked at. */
    private long period(long most) {
        long period = Math.min(tenth(settings.maxAgeNanos()), tenth(settings.idleNanos()));
        if (settings.maxMemory() != ProcessPool.Builder.NO_LIMIT) {
            period = Math.min(period, PERIOD_OF_REPLACEMENT.toNanos());
        }
        if (settings.rss() != ProcessPool.Builder.NO_LIMIT) {
            period = Math.min(period, (most > settings.rss() / 2 ? PERIOD_NEAR_LIMIT : PERIOD).toNanos());
        }
        return period;
    }

    /** So often that a time is kept by a tenth. */
    private static long tenth(long nanos) {
        return Math.clamp(nanos / 10, SHORTEST_NANOS, LONGEST_NANOS);
    }

    @Override
    public void interrupt() {}
}
