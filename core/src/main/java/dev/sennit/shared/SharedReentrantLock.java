package dev.sennit.shared;

import java.util.concurrent.TimeUnit;

/**
 * A {@link SharedLock} that its owner may lock again, and then unlocks as many times.
 *
 * <p>Everything else is as described there. {@link #lockRecovering} returns false to a thread that already has the
 * lock.
 */
public final class SharedReentrantLock extends AbstractSharedLock {
    private static final long serialVersionUID = 1L;

    SharedReentrantLock(SharedMemory memory) {
        super(memory);
    }

    /**
     * Makes a free lock.
     *
     * @return the lock
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedReentrantLock create() {
        return SharedMemory.createCollected(BYTES).as(SharedReentrantLock.class, SharedReentrantLock::new);
    }

    private boolean again() {
        if (!word.isHeldByCurrentThread()) {
            return false;
        }
        word.setHolds(Math.addExact(word.holds(), 1));
        return true;
    }

    @Override
    public void lock() {
        if (!again()) {
            super.lock();
        }
    }

    @Override
    public void lockInterruptibly() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (!again()) {
            super.lockInterruptibly();
        }
    }

    @Override
    public boolean tryLock() {
        return again() || super.tryLock();
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return again() || super.tryLock(time, unit);
    }

    @Override
    public boolean lockRecovering() {
        return !again() && super.lockRecovering();
    }

    /**
     * Releases the lock, when called as many times as the thread has locked it.
     *
     * @throws IllegalMonitorStateException if the calling thread does not have it
     */
    @Override
    public void unlock() {
        if (word.isHeldByCurrentThread() && word.holds() > 1) {
            word.setHolds(word.holds() - 1);
        } else {
            super.unlock();
        }
    }

    /**
     * Returns how many holds the calling thread has: how many times it has locked and not unlocked the lock.
     *
     * @return 0 if it does not have the lock
     */
    public int getHoldCount() {
        return word.isHeldByCurrentThread() ? word.holds() : 0;
    }
}
