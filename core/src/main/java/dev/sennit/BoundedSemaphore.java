package dev.sennit;

import dev.sennit.internal.Wait;
import dev.sennit.internal.WaitQueue;
import dev.sennit.internal.WaitQueue.Place;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A semaphore that detects when more permits are released than were acquired: a mistake that lets a plain
 * {@link Semaphore} admit too many threads from then on.
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
 * <p>First come, first served. A permit belongs to no thread: any thread may release it. <b>Memory effects</b>: as for
 * {@link Semaphore}.
 */
public final class BoundedSemaphore {
    private final int bound;
    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. A released permit goes to the first. */
    private final WaitQueue<Boolean> waiting = new WaitQueue<>();
    /** Written under the lock. Zero while a thread waits that was not interrupted. */
    private volatile int free;

    /**
     * Creates a semaphore whose permits are all free.
     *
     * @param permits how many, 1 or more
     */
    public BoundedSemaphore(int permits) {
        if (permits < 1) {
            throw new IllegalArgumentException("permits must be >= 1, was " + permits);
        }
        bound = permits;
        free = permits;
    }

    /**
     * Acquires a permit, waiting until one is free.
     *
     * @throws InterruptedException if the calling thread is interrupted before or during the wait; it then has no
     *     permit
     */
    public void acquire() throws InterruptedException {
        acquire(Wait.FOREVER);
    }

    /**
     * Acquires a permit if one is free and no thread waits.
     *
     * @return whether the caller has acquired a permit
     */
    public boolean tryAcquire() {
        lock.lock();
        try {
            return take();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Acquires a permit, waiting up to a time limit.
     *
     * @param timeout how long to wait at most
     * @return whether the caller has acquired a permit
     * @throws InterruptedException if the calling thread is interrupted before or during the wait; it then has no
     *     permit
     */
    public boolean tryAcquire(Duration timeout) throws InterruptedException {
        return acquire(TimeUnit.NANOSECONDS.convert(timeout));
    }

    private boolean acquire(long nanos) throws InterruptedException {
        Place<Boolean> place;
        lock.lock();
        try {
            Wait.ensureNotInterrupted();
            if (take()) {
                return true;
            }
            if (nanos <= 0) {
                return false;
            }
            place = new Place<>(new Wait(), null);
            waiting.add(place);
        } finally {
            lock.unlock();
        }
        try {
            return place.wait.await(this, nanos);
        } finally {
            if (!place.wait.hasEndedBy(place)) {
                leave(place);
            }
        }
    }

    /** Guarded by lock. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // volatile for readers without the lock
    private boolean take() {
        if (free == 0) {
            return false;
        }
        free--;
        return true;
    }

    private void leave(Place<Boolean> place) {
        lock.lock();
        try {
            waiting.remove(place);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Releases a permit.
     *
     * @throws IllegalStateException if all permits are free; then the semaphore is unchanged
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // with the lock; volatile for readers without it
    public void release() {
        Place<Boolean> next;
        lock.lock();
        try {
            if (free == bound) {
                throw new IllegalStateException(
                        "released more often than acquired: all " + bound + " permits are free");
            }
            next = waiting.endFirst(null);
            if (next == null) {
                free++;
            }
        } finally {
            lock.unlock();
        }
        if (next != null) {
            LockSupport.unpark(next.wait.thread());
        }
    }

    /**
     * Returns how many permits are free at this moment.
     *
     * @return the count
     */
    public int availablePermits() {
        return free;
    }

    @Override
    public String toString() {
        return "BoundedSemaphore[" + availablePermits() + " of " + bound + " free]";
    }
}
