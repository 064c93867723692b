package dev.sennit.loop;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Wait;
import dev.sennit.internal.WaitQueue;
import java.io.IOException;
import java.util.concurrent.locks.AbstractOwnableSynchronizer;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A lock that threads get in the order in which they asked, also in the fallback of the loop: a thread enters the queue
 * before it gives up its turn. With a lock of the JDK it would enter after that, when others may have run.
 *
 * <p>The lock is not reentrant. For any thread. Its holder can be seen from a waiting thread's blocker.
 */
@SuppressWarnings("serial") // never serialized
final class FairLock extends AbstractOwnableSynchronizer {
    /** Guarded by this. */
    private final WaitQueue<Boolean> queue = new WaitQueue<>();
    /** Guarded by this. Stays true when the lock is handed on. */
    private boolean held;

    /** Takes the lock if it is free. */
    synchronized boolean tryLock() {
        if (held) {
            return false;
        }
        take();
        return true;
    }

    /** Guarded by this. */
    private void take() {
        held = true;
        setExclusiveOwnerThread(Thread.currentThread());
    }

    /**
     * Takes the lock after all threads that asked before.
     *
     * @param nanos how long to wait at most, or {@link Wait#FOREVER}
     * @return false if the time was over first
     * @throws InterruptedException if the thread is interrupted while it waits; it does not have the lock then
     */
    boolean lock(long nanos) throws InterruptedException {
        WaitQueue.Place<Boolean> mine;
        synchronized (this) {
            if (!held) {
                take();
                return true;
            }
            if (nanos <= 0) {
                return false;
            }
            mine = new WaitQueue.Place<>(new Wait(), null);
            queue.add(mine);
        }
        boolean handed = false;
        try {
            handed = mine.wait.await(this, nanos);
            return handed;
        } finally {
            if (!handed) {
                leave(mine);
            }
        }
    }

    /**
     * Takes the lock of those who write to something.
     *
     * @param name of what they write to, for the message
     * @throws java.net.SocketTimeoutException at the deadline
     * @throws InterruptedException if the thread is interrupted while it waits; it does not have the lock then
     */
    void lockForWriting(Deadline deadline, String name) throws IOException, InterruptedException {
        if (!lock(deadline.left())) {
            throw deadline.missed("waiting for others that write to " + name);
        }
    }

    private synchronized void leave(WaitQueue.Place<Boolean> place) {
        queue.remove(place);
    }

    /** Hands the lock to the next thread. Only the holder. */
    void unlock() {
        WaitQueue.@Nullable Place<Boolean> next;
        synchronized (this) {
            next = queue.endFirst(null);
            held = next != null;
            setExclusiveOwnerThread(next == null ? null : next.wait.thread());
        }
        if (next != null) {
            LockSupport.unpark(next.wait.thread());
        }
    }

    @Override
    public synchronized String toString() {
        Thread holder = getExclusiveOwnerThread();
        return "FairLock[" + (holder == null ? "free" : "held by " + holder.getName() + ", " + queue.size() + " wait")
                + "]";
    }
}
