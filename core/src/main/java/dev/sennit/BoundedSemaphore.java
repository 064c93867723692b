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
    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. A permit that is given back goes to the first. */
    private final WaitQueue<Boolean> waiting = new WaitQueue<>();
    /** Written under the lock. None is free while a thread waits that was not interrupted. */
    private volatile int free;

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
        free = permits;
    }

    /**
     * Takes a permit, waiting for one if there is none.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
     */
    public void acquire() throws InterruptedException {
        acquire(Wait.FOREVER);
    }

    /**
     * Takes a permit if there is one and nobody waits for it.
     *
     * @return whether the caller has one now
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
     * Takes a permit, waiting for some time at most.
     *
     * @param timeout the longest to wait
     * @return whether the caller has one now
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
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
     * Gives a permit back.
     *
     * @throws IllegalStateException if all are free; then nothing has changed
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // with the lock; volatile for readers without it
    public void release() {
        Place<Boolean> next;
        lock.lock();
        try {
            if (free == bound) {
                throw new IllegalStateException("released more often than acquired: all " + bound + " permits are free");
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
     * How many permits are free, at this moment.
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
