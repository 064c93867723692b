package dev.sennit.manager.wire;

/** What a {@code RemoteLock} calls; times are in nanoseconds. */
public interface LockOperations {
    void lock() throws InterruptedException;

    boolean tryLock();

    boolean tryLock(long nanos) throws InterruptedException;

    void unlock();

    boolean isAbandoned();

    /**
     * Gives the lock up, waits until the condition is signalled, and has the lock again.
     *
     * @return false when the time was over first
     */
    boolean await(String condition, long nanos) throws InterruptedException;

    void signal(String condition);

    void signalAll(String condition);
}
