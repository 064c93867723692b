package dev.sennit.internal;

import dev.sennit.internal.WaitQueue.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A lock with conditions, as {@link ReentrantLock} and its {@link java.util.concurrent.locks.Condition}, whose waits are {@link
 * Wait}s: others have their turn meanwhile, a wait without a limit has none, and a signal goes to no thread that was interrupted
 * before.
 *
 * <p>A thread regains its turn before it takes the lock again, so no thread waits for a turn with the lock held. The threads that
 * were signalled are woken after {@link #unlock}.
 */
public final class WaitLock {
    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. Threads whose wait was ended by the holder of the lock. */
    private List<Thread> toWake = new ArrayList<>();

    /** A free lock. */
    public WaitLock() {}

    /** Takes the lock. */
    public void lock() {
        lock.lock();
    }

    /**
     * Takes the lock for a call that may wait.
     *
     * @throws InterruptedException if the thread is interrupted when it has the lock, which it then lets go
     */
    public void lockInterruptibly() throws InterruptedException {
        lock.lockInterruptibly();
        if (Thread.interrupted()) {
            unlock();
            throw new InterruptedException();
        }
    }

    /** Lets the lock go, and wakes the threads that were signalled. */
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
     * How often the calling thread has taken the lock and not let it go.
     *
     * @return 0 if it does not have it
     */
    public int getHoldCount() {
        return lock.getHoldCount();
    }

    /**
     * Makes a condition of this lock.
     *
     * @return a condition that no thread waits for
     */
    public Condition newCondition() {
        return new Condition();
    }

    /** Threads that wait for something which the lock guards. Each method is called with the lock held, once. */
    public final class Condition {
        private final WaitQueue<Boolean> waiting = new WaitQueue<>();

        private Condition() {}

        /**
         * Waits for a signal, without the lock.
         *
         * @param nanos how long at most, or {@link Wait#FOREVER}
         * @return how much of it is left, not positive when the time is over; {@link Wait#FOREVER} where that was asked for
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
         * Waits for a signal as long as it takes, without the lock.
         *
         * @throws InterruptedException if the thread was interrupted before a signal
         */
        public void await() throws InterruptedException {
            awaitNanos(Wait.FOREVER);
        }

        /** Ends the wait of the thread that waits longest, if one does. */
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
