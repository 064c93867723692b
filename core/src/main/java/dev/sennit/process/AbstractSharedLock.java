package dev.sennit.process;

import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serial;
import java.io.Serializable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;

/** What {@link SharedLock} and {@link SharedReentrantLock} have in common: all but what locking again does. */
abstract sealed class AbstractSharedLock implements Lock, Serializable permits SharedLock, SharedReentrantLock {
    private static final long serialVersionUID = 1L;

    /** Of its block: the lock, and behind it a number of conditions. */
    static final long BYTES = LockWord.BYTES;

    private final transient SharedMemory memory;
    final transient LockWord word;

    AbstractSharedLock(SharedMemory memory) {
        this.memory = memory;
        this.word = new LockWord(memory.segment());
    }

    /**
     * Waits until the calling thread has the lock, whatever interrupts come.
     *
     * @throws OwnerDiedException if a process died while it had the lock, and nobody has repaired what it guards; the thread
     *     then does not have it
     */
    @Override
    public void lock() {
        word.lock();
    }

    /**
     * Waits until the calling thread has the lock.
     *
     * @throws InterruptedException if the thread is interrupted before or meanwhile; it then does not have the lock
     * @throws OwnerDiedException as {@link #lock} does
     */
    @Override
    public void lockInterruptibly() throws InterruptedException {
        word.lockInterruptibly();
    }

    /**
     * Takes the lock if nobody has it.
     *
     * @return whether the calling thread has it now
     * @throws OwnerDiedException as {@link #lock} does
     */
    @Override
    public boolean tryLock() {
        return word.tryLock();
    }

    /**
     * Waits for the lock, some time at most.
     *
     * @return whether the calling thread has it now
     * @throws InterruptedException if the thread is interrupted before or meanwhile; it then does not have the lock
     * @throws OwnerDiedException as {@link #lock} does
     */
    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
        return word.tryLock(unit.toNanos(time));
    }

    /**
     * Waits until the calling thread has the lock, whatever interrupts come, and also takes it from a process that died. Who
     * gets true has to repair what the lock guards before it unlocks: from then on the lock is as good as new.
     *
     * @return true if a process died while it had the lock, and nobody has repaired what it guards
     */
    public boolean lockRecovering() {
        return word.lockRecovering();
    }

    /**
     * Gives the lock back.
     *
     * @throws IllegalMonitorStateException if the calling thread does not have it
     */
    @Override
    public void unlock() {
        word.unlock();
    }

    /**
     * Whether the calling thread has this lock.
     *
     * @return true if it does
     */
    public boolean isHeldByCurrentThread() {
        return word.isHeldByCurrentThread();
    }

    /**
     * Whether any thread of any process has this lock, at this moment.
     *
     * @return true if one does; or did, and died, and nobody has noticed
     */
    public boolean isLocked() {
        return word.isLocked();
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + "[" + word + "]";
    }

    @Serial
    Object writeReplace() { // not private: subclasses are to have it
        return new Sent(memory, this instanceof SharedReentrantLock);
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("is sent as its memory");
    }

    /** What is sent in its place. */
    private record Sent(SharedMemory memory, boolean reentrant) implements Serializable {
        private static final long serialVersionUID = 1L;

        @Serial
        private Object readResolve() {
            return reentrant
                    ? memory.as(SharedReentrantLock.class, SharedReentrantLock::new)
                    : memory.as(SharedLock.class, SharedLock::new);
        }
    }
}
