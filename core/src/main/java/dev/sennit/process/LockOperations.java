package dev.sennit.process;

/** What a {@link RemoteLock} calls; times are in nanoseconds. */
interface LockOperations {
    void lock() throws InterruptedException;

    boolean tryLock();

    boolean tryLock(long nanos) throws InterruptedException;

    void unlock();

    boolean isAbandoned();
}
