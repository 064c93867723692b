package dev.sennit.loop;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Wait;
import dev.sennit.internal.WaitQueue;
import java.io.IOException;
import java.util.concurrent.locks.AbstractOwnableSynchronizer;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A lock that is handed on in the order in which it was asked for, also where coroutines take turns by agreement: a thread stands in
 * the queue before it gives up its turn. With a lock of the JDK it would get into the queue after that, when others may have run.
 *
 * <p>It cannot be taken twice by one thread. For any thread. Who looks at threads that wait sees who holds it.
 */
@SuppressWarnings("serial") // nobody writes one
final class FairLock extends AbstractOwnableSynchronizer {
    /** Guarded by this. */
    private final WaitQueue<Boolean> queue = new WaitQueue<>();
    /** Guarded by this. Stays true when the lock is handed on. */
    private boolean held;

    /** Takes it if nobody has it. */
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
     * Takes it, when all who asked before have had it.
     *
     * @param nanos how long to wait at most; or {@link Wait#FOREVER}
     * @return false when the time was over first
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

    /** Hands it on; only who has it. */
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
        return "FairLock[" + (holder == null ? "free" : "held by " + holder.getName() + ", " + queue.size() + " wait") + "]";
    }
}
