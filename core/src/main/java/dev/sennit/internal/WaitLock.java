package dev.sennit.internal;

import dev.sennit.internal.WaitQueue.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A lock with conditions, like {@link ReentrantLock} and its {@link java.util.concurrent.locks.Condition}, whose waits
 * are {@link Wait}s: a waiting thread gives up its turn, and a signal never goes to a thread that was interrupted
 * before.
 *
 * <p>A thread regains its turn before it acquires the lock again, so no thread waits for a turn with the lock held.
 * Signalled threads are woken after {@link #unlock}.
 */
public final class WaitLock {
    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. The threads that were signalled and not woken yet. */
    private List<Thread> toWake = new ArrayList<>();

    /** Creates a free lock. */
    public WaitLock() {}

    /** Acquires the lock. */
    public void lock() {
        lock.lock();
    }

    /**
     * Acquires the lock for a call that may wait.
     *
     * @throws InterruptedException if the thread is interrupted when it has acquired the lock, which it then releases
     */
    public void lockInterruptibly() throws InterruptedException {
        lock.lockInterruptibly();
        if (Thread.interrupted()) {
            unlock();
            throw new InterruptedException();
        }
    }

    /** Releases the lock, and wakes the threads that were signalled. */
    public void unlock() {
        List<Thread> woken = toWake;
        if (woken.isEmpty()) {
            lock.unlock();
            return;
        }
        toWake = new ArrayList<>();
        lock.unlock();
        woken.forEach(LockSupport::unpark);
    }

    /**
     * Returns how many holds the calling thread has on the lock.
     *
     * @return 0 if it does not hold the lock
     */
    public int getHoldCount() {
        return lock.getHoldCount();
    }

    /**
     * Creates a condition of this lock.
     *
     * @return a condition that no thread waits for
     */
    public Condition newCondition() {
        return new Condition();
    }

    /** A condition of this lock. Its methods are called with the lock held, by a single hold. */
    public final class Condition {
        private final WaitQueue<Boolean> waiting = new WaitQueue<>();

        private Condition() {}

        /**
         * Releases the lock, waits for a signal, and acquires the lock again.
         *
         * @param nanos how long to wait at most, or {@link Wait#FOREVER}
         * @return the time left, zero or less when it is over; {@link Wait#FOREVER} if that was the argument
         * @throws InterruptedException if the thread was interrupted before a signal
         */
        public long awaitNanos(long nanos) throws InterruptedException {
            if (nanos <= 0) {
                return nanos;
            }
            long deadline = nanos == Wait.FOREVER ? 0 : Backend.current().nanoTime() + nanos;
            var place = new Place<Boolean>(new Wait(), null);
            waiting.add(place);
            unlock();
            try {
                place.wait.await(WaitLock.this, nanos);
            } finally {
                lock();
                waiting.remove(place);
            }
            return nanos == Wait.FOREVER ? nanos : deadline - Backend.current().nanoTime();
        }

        /**
         * Waits for a signal without a time limit, as {@link #awaitNanos}.
         *
         * @throws InterruptedException if the thread was interrupted before a signal
         */
        public void await() throws InterruptedException {
            awaitNanos(Wait.FOREVER);
        }

        /** Ends the wait of the thread that has waited longest, if any waits. */
        public void signal() {
            Place<Boolean> first = waiting.endFirst(null);
            if (first != null) {
                toWake.add(first.wait.thread());
            }
        }

        /** Ends the waits of all threads. */
        public void signalAll() {
            toWake.addAll(waiting.endAll());
        }
    }

    @Override
    public String toString() {
        return "WaitLock[" + (lock.isLocked() ? "held" : "free") + "]";
    }
}
