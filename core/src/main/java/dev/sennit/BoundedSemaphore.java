package dev.sennit;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A semaphore that notices when more permits are given back than were taken: a mistake that makes a plain {@link Semaphore}
 * let in one too many, for ever.
 *
 * {@snippet :
 * var seats = new BoundedSemaphore(2);
 * seats.acquire();
 * seats.release();
 * try {
 *     seats.release();
 * } catch (IllegalStateException e) {
 *     System.out.println(e.getMessage()); // released more often than acquired: all 2 permits are free
 * }
 * }
 *
 * <p>First come, first served. A permit belongs to no thread: any may give it back. <b>Memory effects</b>: as for {@link
 * Semaphore}.
 */
public final class BoundedSemaphore {
    private final int bound;
    private final Semaphore free;
    /** Permits that somebody has, and knows it: counted after they were taken, and out before they are given back. */
    private final AtomicInteger taken = new AtomicInteger();

    /**
     * A semaphore whose permits are all free.
     *
     * @param permits how many, 1 or more
     */
    public BoundedSemaphore(int permits) {
        if (permits < 1) {
            throw new IllegalArgumentException("permits must be >= 1, was " + permits);
        }
        bound = permits;
        free = new Semaphore(permits, true);
    }

    /**
     * Takes a permit, waiting for one if there is none.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
     */
    public void acquire() throws InterruptedException {
        free.acquire();
        taken.incrementAndGet();
    }

    /**
     * Takes a permit if there is one and nobody waits for it.
     *
     * @return whether the caller has one now
     */
    public boolean tryAcquire() {
        return !free.hasQueuedThreads() && counted(free.tryAcquire());
    }

    /**
     * Takes a permit, waiting for some time at most.
     *
     * @param timeout the longest to wait
     * @return whether the caller has one now
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
     */
    public boolean tryAcquire(Duration timeout) throws InterruptedException {
        return counted(free.tryAcquire(TimeUnit.NANOSECONDS.convert(timeout), TimeUnit.NANOSECONDS));
    }

    private boolean counted(boolean acquired) {
        if (acquired) {
            taken.incrementAndGet();
        }
        return acquired;
    }

    /**
     * Gives a permit back.
     *
     * @throws IllegalStateException if all are free; then nothing has changed
     */
    public void release() {
        for (int seen = taken.get(); seen > 0; seen = taken.get()) {
            if (taken.compareAndSet(seen, seen - 1)) {
                free.release();
                return;
            }
        }
        throw new IllegalStateException("released more often than acquired: all " + bound + " permits are free");
    }

    /**
     * How many permits are free, at this moment.
     *
     * @return the count
     */
    public int availablePermits() {
        return free.availablePermits();
    }

    @Override
    public String toString() {
        return "BoundedSemaphore[" + availablePermits() + " of " + bound + " free]";
    }
}
