package dev.sennit.process;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Looks at the resident memory of a pool's workers, and ends one that uses more than it may.
 *
 * <p>One thread a pool, which ends with it. It looks only at workers that run something, and more often once one of them
 * has used half of what it may.
 */
final class MemoryWatch extends Thread {
    static final Duration PERIOD = Duration.ofMillis(50);
    static final Duration PERIOD_NEAR_LIMIT = Duration.ofMillis(10);

    private final List<WorkerSlot> slots;
    private final long limit;
    private final CountDownLatch closing;

    /**
     * Creates the thread.
     *
     * @param limit how many bytes a worker may use
     * @param closing ends it
     */
    MemoryWatch(String pool, List<WorkerSlot> slots, long limit, CountDownLatch closing) {
        super(null, null, pool + "-memory", 0, false);
        this.slots = slots;
        this.limit = limit;
        this.closing = closing;
        setDaemon(true);
    }

    @Override
    public void run() {
        try {
            long most = 0;
            while (!closing.await(
                    (most > limit / 2 ? PERIOD_NEAR_LIMIT : PERIOD).toNanos(), TimeUnit.NANOSECONDS)) {
                most = 0;
                try {
                    for (WorkerSlot slot : slots) {
                        most = Math.max(most, slot.limitMemory(limit));
                    }
                } catch (OutOfMemoryError e) {
                    // of this JVM; the workers are looked at again all the same
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError("threads that watch workers cannot be interrupted", e);
        }
    }

    @Override
    public void interrupt() {}
}
