package dev.sennit.process;

import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serial;
import java.io.Serializable;
import java.util.Date;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;

/**
 * A condition of a {@link SharedLock} or {@link SharedReentrantLock}: a thread of any process waits for it, and a thread of any
 * process signals it. {@link SharedLock#newCondition} makes one; a task captures it together with its lock.
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
 * <p>As with every {@link Condition}, a wait may end for no reason, so that it belongs into a loop: {@link #signal} wakes one
 * thread at once, and others may look again as well. No order is promised.
 *
 * <p><b>When a process dies that has the lock</b>, whoever waits gets an {@link OwnerDiedException}, as nobody may come to signal.
 * It then has the lock, as after every wait, so that a {@code finally} can unlock it; but to unlock it does not make it sound:
 * {@link SharedLock#lockRecovering} comes next. <b>When a process dies that does not have the lock</b>, nobody can tell that it
 * would have signalled: for that, wait with a time limit.
 */
public final class SharedCondition implements Condition, Serializable {
    private static final long serialVersionUID = 1L;

    private final transient AbstractSharedLock lock;
    private final transient int index;
    private final transient LockWord word;
    private final transient SignalWord signal;

    SharedCondition(AbstractSharedLock lock, int index) {
        this.lock = lock;
        this.index = index;
        this.word = lock.word;
        this.signal = lock.signal(index);
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
        sleep(Long.MAX_VALUE, true);
    }

    /**
     * Waits for a signal, whatever interrupts come.
     *
     * @throws OwnerDiedException if a process died while it had the lock
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public void awaitUninterruptibly() {
        try {
            sleep(Long.MAX_VALUE, false);
        } catch (InterruptedException e) {
            throw new AssertionError("heeds no interrupt", e);
        }
    }

    /**
     * Waits for a signal, some time at most.
     *
     * @return what is left of the time; 0 or less when it is over
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws OwnerDiedException if a process died while it had the lock
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public long awaitNanos(long nanos) throws InterruptedException {
        long start = System.nanoTime();
        sleep(nanos, true);
        return nanos - (System.nanoTime() - start);
    }

    /**
     * Waits for a signal, some time at most.
     *
     * @return false when the time was over first
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws OwnerDiedException if a process died while it had the lock
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public boolean await(long time, TimeUnit unit) throws InterruptedException {
        return sleep(unit.toNanos(time), true);
    }

    /**
     * Waits for a signal, until some time of the system's clock at most.
     *
     * @return false when it was that time first
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws OwnerDiedException if a process died while it had the lock
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public boolean awaitUntil(Date deadline) throws InterruptedException {
        return sleep(TimeUnit.MILLISECONDS.toNanos(deadline.getTime() - System.currentTimeMillis()), true);
    }

    /** False when the time was over first. */
    private boolean sleep(long nanos, boolean heedsInterrupts) throws InterruptedException {
        long start = System.nanoTime();
        word.ensureHeld();
        if (heedsInterrupts && Thread.interrupted()) {
            throw new InterruptedException();
        }
        int seen = signal.sequence();
        int holds = word.unlockFully();
        InterruptedException interrupted = null;
        for (long left = nanos; left > 0; left = nanos - (System.nanoTime() - start)) {
            try {
                if (signal.await(seen, left)) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = e;
                if (heedsInterrupts) {
                    break;
                }
            }
            if (!word.isSound()) {
                break;
            }
        }
        OwnerDiedException died = word.lockAgain(holds);
        boolean signalled = signal.sequence() != seen;
        endInterrupted(interrupted, heedsInterrupts && !signalled && died == null);
        if (died != null) {
            throw died;
        }
        return signalled || System.nanoTime() - start < nanos;
    }

    /** An interrupt is thrown only if nothing else ended the wait: else a signal would be lost with it. */
    private static void endInterrupted(@Nullable InterruptedException interrupted, boolean thrown) throws InterruptedException {
        if (interrupted != null) {
            if (thrown) {
                throw interrupted;
            }
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Wakes a thread that waits, if one does.
     *
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public void signal() {
        word.ensureHeld();
        signal.signal(1);
    }

    /**
     * Wakes all threads that wait.
     *
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    @Override
    public void signalAll() {
        word.ensureHeld();
        signal.signalAll();
    }

    @Override
    public String toString() {
        return "SharedCondition[" + index + " of " + lock + "]";
    }

    @Serial
    Object writeReplace() { // not private: see Address
        return new Sent(lock, index);
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("is sent as its lock");
    }

    /** What is sent in its place. */
    private record Sent(AbstractSharedLock lock, int index) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return new SharedCondition(lock, index);
        }
    }
}
