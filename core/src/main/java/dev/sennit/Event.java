package dev.sennit;

import dev.sennit.internal.Wait;
import dev.sennit.internal.WaitQueue;
import dev.sennit.internal.WaitQueue.Place;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A flag that threads wait for: a gate that can be opened for all, and closed again.
 *
 * {@snippet :
 * var ready = new Event();
 * Thread.startVirtualThread(ready::set);
 * ready.await();
 * System.out.println("ready: " + ready.isSet());
 * }
 *
 * <p>A {@link java.util.concurrent.CountDownLatch} opens only once; an event can be {@linkplain #clear cleared}. A
 * thread that waits when {@link #set} is called returns, even if the event is cleared before that thread runs.
 *
 * <p><b>Memory effects</b>: actions before {@code set} happen-before actions of a thread that waited for it, found it
 * set, or cleared it afterwards.
 */
public final class Event {
    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. */
    private final WaitQueue<Boolean> waiting = new WaitQueue<>();
    /** Written under the lock. */
    private volatile boolean set;

    /** Creates an event that is clear. */
    public Event() {}

    /** Sets this event, and wakes all threads that wait for it. */
    public void set() {
        List<Thread> released;
        lock.lock(); // even if it is set: a clear() that follows must see the actions before this call
        try {
            set = true;
            released = waiting.endAll();
        } finally {
            lock.unlock();
        }
        released.forEach(LockSupport::unpark);
    }

    /** Clears this event: a thread that waits from now on waits for the next {@link #set}. */
    public void clear() {
        lock.lock();
        try {
            set = false;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns whether this event is set.
     *
     * @return true from {@link #set} to {@link #clear}
     */
    public boolean isSet() {
        return set;
    }

    /**
     * Waits until this event is set.
     *
     * @throws InterruptedException if the calling thread is interrupted before or during the wait
     */
    public void await() throws InterruptedException {
        awaitNanos(Wait.FOREVER);
    }

    /**
     * Waits until this event is set, up to a time limit.
     *
     * @param timeout how long to wait at most; with zero or less it does not wait
     * @return false when the time elapsed first
     * @throws InterruptedException if the calling thread is interrupted before or during the wait
     */
    public boolean await(Duration timeout) throws InterruptedException {
        return awaitNanos(Math.max(0, TimeUnit.NANOSECONDS.convert(timeout)));
    }

    private boolean awaitNanos(long nanos) throws InterruptedException {
        Place<Boolean> place;
        lock.lock();
        try {
            Wait.ensureNotInterrupted();
            if (set || nanos <= 0) {
                return set;
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

    private void leave(Place<Boolean> place) {
        lock.lock();
        try {
            waiting.remove(place);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        return "Event[" + (set ? "set" : "clear") + "]";
    }
}
