package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sennit.internal.machine.WaitLimit;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;

/** The common part of {@link SharedLock} and {@link SharedReentrantLock}: everything but repeated locking. */
abstract sealed class AbstractSharedLock extends SharedSynchronizer implements Lock
        permits SharedLock, SharedReentrantLock {
    private static final long serialVersionUID = 1L;

    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final int CONDITIONS = 60; // what fits a page
    /** After the lock word: the number of conditions in use. Then come their signal words. */
    private static final long IN_USE = LockWord.BYTES;

    private static final long FIRST = IN_USE + SignalWord.BYTES;

    private static final long WAITERS = FIRST + CONDITIONS * SignalWord.BYTES;

    /** The size of a lock's block. */
    static final long BYTES = WAITERS + ConditionWaiters.BYTES;

    final transient LockWord word;
    final transient ConditionWaiters waiters;

    AbstractSharedLock(SharedMemory memory) {
        super(memory);
        this.word = new LockWord(memory.segment());
        this.waiters = new ConditionWaiters(waitersMemory());
    }

    /**
     * Waits until the calling thread has the lock; an interrupt does not end the wait.
     *
     * @throws OwnerDiedException if a process died while it had the lock, and nobody has repaired the guarded data; the
     *     thread then does not have the lock
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
     * Acquires the lock if it is free.
     *
     * @return whether the calling thread has it now
     * @throws OwnerDiedException as {@link #lock} does
     */
    @Override
    public boolean tryLock() {
        return word.tryLock();
    }

    /**
     * Waits for the lock, for some time at most.
     *
     * @return whether the calling thread has it now
     * @throws InterruptedException if the thread is interrupted before or meanwhile; it then does not have the lock
     * @throws OwnerDiedException as {@link #lock} does
     */
    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
        return word.tryLock(new WaitLimit(unit.toNanos(time)));
    }

    /**
     * Waits until the calling thread has the lock, and acquires it even after a process died with it; an interrupt does
     * not end the wait. If this method returns true, the caller has to repair the guarded data before it unlocks: from
     * then on the lock is as good as new.
     *
     * @return true if a process died while it had the lock, and nobody has repaired the guarded data
     */
    public boolean lockRecovering() {
        return word.lockRecovering();
    }

    /**
     * Releases the lock.
     *
     * @throws IllegalMonitorStateException if the calling thread does not have it
     */
    @Override
    public void unlock() {
        word.unlock();
    }

    /**
     * Makes another condition of this lock. A lock has room for 60, in all processes together, and none is ever freed:
     * make conditions where the lock is made, and let tasks capture them.
     *
     * @return the condition
     * @throws IllegalStateException if there are 60 already
     */
    @Override
    public SharedCondition newCondition() {
        MemorySegment block = memory.segment();
        for (int used = 0; used < CONDITIONS; used = (int) INTS.getVolatile(block, IN_USE)) {
            if (INTS.compareAndSet(block, IN_USE, used, used + 1)) {
                return new SharedCondition(this, used);
            }
        }
        throw new IllegalStateException("a shared lock has room for " + CONDITIONS + " conditions, and all are in use");
    }

    SignalWord signal(int index) {
        return new SignalWord(memory.segment().asSlice(FIRST + index * SignalWord.BYTES, SignalWord.BYTES));
    }

    /** Returns the memory of the {@link ConditionWaiters}. */
    MemorySegment waitersMemory() {
        return memory.segment().asSlice(WAITERS, ConditionWaiters.BYTES);
    }

    /**
     * Returns whether the calling thread has this lock.
     *
     * @return true if it does
     */
    public boolean isHeldByCurrentThread() {
        return word.isHeldByCurrentThread();
    }

    /**
     * Returns whether any thread of any process has this lock at the moment.
     *
     * @return true if a thread has it; also if its process died, and no process has noticed yet
     */
    public boolean isLocked() {
        return word.isLocked();
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + "[" + word + "]";
    }
}
