package dev.sennit.process;

import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Throwables;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Looks at a pool's workers now and then: one that uses more memory than it may is ended, one that has served long
 * enough is replaced, one that has had nothing to do for long is let go.
 *
 * <p>One thread a pool, and only where there is something to look at; it ends with the pool, and with nothing else: a
 * look that throws costs neither the others nor the next one.
 */
final class WorkerWatch extends Thread {
    /** How often a worker that may be killed for its memory is looked at. */
    static final Duration PERIOD = Duration.ofMillis(50);

    static final Duration PERIOD_NEAR_LIMIT = Duration.ofMillis(10);
    /** How often one that is merely replaced is. */
    static final Duration PERIOD_OF_REPLACEMENT = Duration.ofMillis(250);

    private static final long SHORTEST_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Looks at one thing, and does about it what is to be done. */
    @FunctionalInterface
    interface Look {
        /**
         * Looks.
         *
         * @return how much memory of those that may be killed for it is used, in bytes, or 0
         */
        long take();
    }

    private final String pool;
    private final WorkerPolicy policy;
    private final CountDownLatch closing;
    private final Supplier<List<Look>> looks;
    /** Only this thread. Whether a look has thrown since one last went well: that is said once. */
    private boolean isFailing;

    /**
     * Creates the thread.
     *
     * @param pool its name
     * @param policy says how often to look
     * @param closing ends it
     * @param looks what to look at each time
     */
    WorkerWatch(String pool, WorkerPolicy policy, CountDownLatch closing, Supplier<List<Look>> looks) {
        super(null, null, pool + "-watch", 0, false);
        this.pool = pool;
        this.policy = policy;
        this.closing = closing;
        this.looks = looks;
        setDaemon(true);
    }

    @Override
    public void run() {
        try {
            long most = 0;
            while (!closing.await(period(most), TimeUnit.NANOSECONDS)) {
                most = lookAtAll();
            }
        } catch (InterruptedException e) {
            throw new AssertionError("threads that watch workers cannot be interrupted", e);
        }
    }

    private long lookAtAll() {
        long most = 0;
        Throwable thrown = null;
        try {
            for (Look look : looks.get()) {
                try {
                    most = Math.max(most, look.take());
                } catch (Throwable e) { // this JVM may have no memory or files left: then the next look may be luckier
                    thrown = e;
                }
            }
        } catch (Throwable e) {
            thrown = e;
        }
        if (thrown != null && !isFailing) {
            say(thrown);
        }
        isFailing = thrown != null;
        return most;
    }

    private void say(Throwable thrown) {
        try {
            System.getLogger("dev.sennit").log(
                    System.Logger.Level.WARNING,
                    pool + " - looking at its workers failed, and is tried again: " + Throwables.text(thrown),
                    TaskCodec.printable(thrown));
        } catch (Throwable e) {
            // nobody can be told
        }
    }

    /** In nanoseconds; the most that a worker used when last looked at. */
    private long period(long most) {
        long period = Math.min(tenth(policy.maxAgeNanos()), tenth(policy.idleNanos()));
        if (policy.maxMemory() != WorkerPolicy.NO_LIMIT) {
            period = Math.min(period, PERIOD_OF_REPLACEMENT.toNanos());
        }
        if (policy.rss() != WorkerPolicy.NO_LIMIT) {
            period = Math.min(period, (most > policy.rss() / 2 ? PERIOD_NEAR_LIMIT : PERIOD).toNanos());
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
