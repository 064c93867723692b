package dev.sennit;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * Counts a pool's threads, and decides when to start another thread and when a thread may end.
 *
 * <p>The load is the number of tasks that wait or run. Another thread is wanted while there are fewer than the least
 * number, or when the load is above {@code growAt} times the number of threads. An idle thread may end when there are
 * more than the least number, and the load is below {@code shrinkAt} times the number of threads.
 *
 * <h2>No task is left without a thread</h2>
 *
 * <p>A submitter counts its task, puts it into the queue, and <em>then</em> reads the number of threads. A thread that
 * is about to end counts itself out, and <em>then</em> looks at the queue. At least one sees the other: the submitter
 * finds a thread too few, or the thread finds a task, and counts itself in again - unless other threads were started
 * meanwhile, as many as there may be.
 */
final class WorkerCount {
    private final int min;
    private final int max;
    private final double growAt;
    private final double shrinkAt;
    /** How many threads were started, or are about to be, and have not counted themselves out. */
    private final AtomicInteger threads = new AtomicInteger();
    /** How many tasks wait or run; only if the number of threads depends on it. */
    private final AtomicInteger load = new AtomicInteger();

    WorkerCount(int min, int max, double growAt, double shrinkAt) {
        this.min = min;
        this.max = max;
        this.growAt = growAt;
        this.shrinkAt = shrinkAt;
    }

    /** Returns whether the number of threads depends on the load; if not, the load is not counted. */
    boolean changes() {
        return min < max;
    }

    void taskCame() {
        load.incrementAndGet();
    }

    void taskEnded() {
        load.decrementAndGet();
    }

    /** Counts a thread in if another is wanted, which the caller then starts. Called after a task was queued. */
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
     * Counts the calling thread out if it may end. Called by a thread that was idle for a while.
     *
     * @param noTaskWaits returns whether the queue is empty
     * @return false when the thread has to go on
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
