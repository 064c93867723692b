package dev.sennit.shared;

import dev.sennit.codec.Address;
import dev.sennit.internal.machine.WaitLimit;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serial;
import java.io.Serializable;
import java.util.Date;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;

/**
 * A condition of a {@link SharedLock} or {@link SharedReentrantLock}: threads of any process wait for it and signal it.
 * {@link SharedLock#newCondition} makes a condition; a task captures it together with its lock.
 *
 * {@snippet :
 * SharedLock lock = SharedLock.create();
 * java.util.concurrent.locks.Condition changed = lock.newCondition();
 * lock.lock();
 * try {
 *     while (!java.nio.file.Files.exists(java.nio.file.Path.of("go"))) {
 *         changed.await();
 *     }
 * } finally {
 *     lock.unlock();
 * }
 * }
 *
 * <p>A wait may end spuriously, as with every {@link Condition}, so call it in a loop. {@link #signal} wakes one
 * thread. If the process of that thread dies before the thread notices, another waiting thread gets the signal. If more
 * than 1,000 threads wait for the conditions of one lock, each signal also ends the waits of those beyond.
 *
 * <p><b>When the owner of the lock dies</b>, every waiting thread gets an {@link OwnerDiedException}, as the signal may
 * never come. The thread then owns the lock, as after every wait, so that a {@code finally} can unlock it. But the lock
 * stays damaged until {@link SharedLock#lockRecovering}. <b>When a process dies that does not own the lock</b>, nobody
 * can tell that it would have signalled: use a time limit for that.
 */
public final class SharedCondition implements Condition, Serializable {
    private static final long serialVersionUID = 1L;

    private final transient AbstractSharedLock lock;
    private final transient int index;
    private final transient LockWord word;
    /** Counts the signals. Virtual threads, and threads without an entry, sleep on it. */
    private final transient SignalWord signal;

    private final transient ConditionWaiters waiters;

    SharedCondition(AbstractSharedLock lock, int index) {
        this.lock = lock;
        this.index = index;
        this.word = lock.word;
        this.signal = lock.signal(index);
        this.waiters = lock.waiters;
    }

    /**
     * Waits for a signal.
     *
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws OwnerDiedException if a process died while it had the lock
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public void await() throws InterruptedException {
        sleep(WaitLimit.none(), true);
    }

    /**
     * Waits for a signal; an interrupt does not end the wait.
     *
     * @throws OwnerDiedException if a process died while it had the lock
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public void awaitUninterruptibly() {
        try {
            sleep(WaitLimit.none(), false);
        } catch (InterruptedException e) {
            throw new AssertionError("heeds no interrupt", e);
        }
    }

    /**
     * Waits for a signal, for some time at most.
     *
     * @return the rest of the time; 0 or less if it is over
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws OwnerDiedException if a process died while it had the lock
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public long awaitNanos(long nanos) throws InterruptedException {
        var limit = new WaitLimit(nanos);
        sleep(limit, true);
        return limit.left();
    }

    /**
     * Waits for a signal, for some time at most.
     *
     * @return false if the time was over first
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws OwnerDiedException if a process died while it had the lock
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public boolean await(long time, TimeUnit unit) throws InterruptedException {
        return sleep(new WaitLimit(unit.toNanos(time)), true);
    }

    /**
     * Waits for a signal, until some time of the system's clock at most.
     *
     * @return false if that time came first
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws OwnerDiedException if a process died while it had the lock
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public boolean awaitUntil(Date deadline) throws InterruptedException {
        return sleep(WaitLimit.until(deadline), true);
    }

    /** Returns false if the limit was over first. */
    private boolean sleep(WaitLimit limit, boolean heedsInterrupts) throws InterruptedException {
        word.ensureHeld();
        if (heedsInterrupts && Thread.interrupted()) {
            throw new InterruptedException();
        }
        int seen = signal.sequence();
        long entry = waiters.claim(index);
        int holds = word.unlockFully();
        InterruptedException interrupted = null;
        boolean tookOver = false;
        try {
            while (!isSignalled(entry, seen) && !limit.isOver()) {
                try {
                    sleepOnce(entry, seen, limit);
                } catch (InterruptedException e) {
                    interrupted = e;
                    if (heedsInterrupts) {
                        break;
                    }
                }
                tookOver = waiters.takeOver(index);
                if (tookOver || !word.isSound()) {
                    break;
                }
            }
        } catch (Throwable e) { // no memory or stack left, say: the caller's finally unlocks, so it must own the lock
            giveUp(entry, holds, tookOver, e);
            throw e;
        }
        OwnerDiedException died = word.lockAgain(holds);
        boolean signalled = entry == 0 ? signal.sequence() != seen : waiters.leave(entry);
        if (signalled && tookOver) {
            waiters.signal(index); // two signals, and this thread needs only one
        }
        signalled |= tookOver;
        endInterrupted(interrupted, heedsInterrupts && !signalled && died == null);
        if (died != null) {
            throw died;
        }
        return signalled || !limit.isOver();
    }

    /** Acquires the lock after a wait that failed, and passes any signal on to another thread. */
    private void giveUp(long entry, int holds, boolean tookOver, Throwable why) {
        OwnerDiedException died = word.lockAgain(holds);
        boolean signalled = entry != 0 && waiters.leave(entry);
        if (signalled) {
            waiters.signal(index);
        }
        if (tookOver) {
            waiters.signal(index);
        }
        if (signalled || tookOver) {
            signal.signalAll();
        }
        if (died != null) {
            why.addSuppressed(died);
        }
    }

    private boolean isSignalled(long entry, int seen) {
        return entry == 0 ? signal.sequence() != seen : waiters.isSignalled(entry);
    }

    /**
     * Virtual threads sleep on the condition's signal word and not on their entries: one platform thread sleeps for all
     * of them.
     */
    private void sleepOnce(long entry, int seen, WaitLimit limit) throws InterruptedException {
        if (entry != 0 && !Thread.currentThread().isVirtual()) {
            waiters.await(entry, index, limit);
            return;
        }
        int sequence = entry == 0 ? seen : signal.sequence();
        if (!isSignalled(entry, seen)) {
            boolean ignored = signal.await(sequence, limit);
        }
    }

    /** Throws the interrupt only if nothing else ended the wait: otherwise a signal would be lost with it. */
    private static void endInterrupted(@Nullable InterruptedException interrupted, boolean thrown)
            throws InterruptedException {
        if (interrupted != null) {
            if (thrown) {
                throw interrupted;
            }
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Wakes the thread that has waited longest, if any, and no other.
     *
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public void signal() {
        word.ensureHeld();
        waiters.signal(index);
        signal.signalAll();
    }

    /**
     * Wakes all waiting threads.
     *
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public void signalAll() {
        word.ensureHeld();
        waiters.signalAll(index);
        signal.signalAll();
    }

    @Override
    public String toString() {
        return "SharedCondition[" + index + " of " + lock + "]";
    }

    @Serial
    Object writeReplace() { // not private: SharedAddresses calls it
        return new Sent(lock, index);
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("is sent as its lock");
    }

    /** The form in which a condition travels. */
    private record Sent(AbstractSharedLock lock, int index) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return new SharedCondition(lock, index);
        }
    }
}
