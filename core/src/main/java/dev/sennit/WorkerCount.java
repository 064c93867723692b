package dev.sennit;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * How many threads a pool has, and when one is to come or to go.
 *
 * <p>The load is how many tasks wait or run. Another thread is wanted while there are fewer than the least number, or when
 * the load is above {@code growAt} times the threads there are; one that is idle may go when there are more than the least
 * number, and the load is below {@code shrinkAt} times the threads.
 *
 * <h2>No task is left without a thread</h2>
 *
 * <p>Whoever brings a task counts it, puts it into the queue, and <em>then</em> looks at how many threads there are. A thread
 * that is about to end counts itself out, and <em>then</em> looks at the queue. One of them sees the other: either the one
 * with the task finds a thread too few, or the thread finds a task, and counts itself in again - unless others have come
 * meanwhile, as many as there may be.
 */
final class WorkerCount {
    private final int min;
    private final int max;
    private final double growAt;
    private final double shrinkAt;
    /** Threads started, or about to be, that have not counted themselves out. */
    private final AtomicInteger threads = new AtomicInteger();
    /** Tasks that wait or run; only where that changes the number of threads. */
    private final AtomicInteger load = new AtomicInteger();

    WorkerCount(int min, int max, double growAt, double shrinkAt) {
        this.min = min;
        this.max = max;
        this.growAt = growAt;
        this.shrinkAt = shrinkAt;
    }

    /** Whether the number depends on the load; if not, nobody need count that. */
    boolean changes() {
        return min < max;
    }

    void taskCame() {
        load.incrementAndGet();
    }

    void taskEnded() {
        load.decrementAndGet();
    }

    /** Called after a task was queued: counts a thread in if another is wanted, which the caller then starts. */
    boolean startsOne() {
        for (int seen = threads.get(); wantsMoreThan(seen); seen = threads.get()) {
            if (threads.compareAndSet(seen, seen + 1)) {
                return true;
            }
        }
        return false;
    }

    private boolean wantsMoreThan(int seen) {
        return seen < min || seen < max && (seen == 0 || load.get() > growAt * seen);
    }

    /**
     * Called by a thread that had nothing to do for a while: counts it out if it may end.
     *
     * @param noTaskWaits looks at the queue
     * @return false when it has to go on
     */
    boolean endsOne(BooleanSupplier noTaskWaits) {
        for (int seen = threads.get(); seen > min && load.get() < shrinkAt * seen; seen = threads.get()) {
            if (threads.compareAndSet(seen, seen - 1)) {
                return noTaskWaits.getAsBoolean() || !countsInAgain();
            }
        }
        return false;
    }

    private boolean countsInAgain() {
        for (int seen = threads.get(); seen < max; seen = threads.get()) {
            if (threads.compareAndSet(seen, seen + 1)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Counts out a thread that could not be started, or has failed.
     *
     * @return how many are left
     */
    int oneIsGone() {
        return threads.decrementAndGet();
    }

    int threads() {
        return threads.get();
    }
}
