package dev.sennit.manager.wire;

/** The calls of a {@code RemoteLock}; times are in nanoseconds. */
public interface LockOperations {
    void lock() throws InterruptedException;

    boolean tryLock();

    boolean tryLock(long nanos) throws InterruptedException;

    void unlock();

    boolean isAbandoned();

    /**
     * Releases the lock, waits until the condition is signalled, and acquires the lock again.
     *
     * @return false if the time was over first
     */
    boolean await(String condition, long nanos) throws InterruptedException;

    void signal(String condition);

    void signalAll(String condition);
}
