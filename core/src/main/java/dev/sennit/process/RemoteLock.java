package dev.sennit.process;

import java.io.Serializable;
import java.util.concurrent.TimeUnit;

/** A lock in a manager; each method is one call. */
@SuppressWarnings("serial") // the field is a proxy, which travels
final class RemoteLock implements ManagedLock, Serializable {
    private static final long serialVersionUID = 1L;

    private final LockOperations lock;

    RemoteLock(LockOperations lock) {
        this.lock = lock;
    }

    @Override
    public void lock() {
        boolean interrupted = false;
        while (true) {
            try {
                lock.lock();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void lockInterruptibly() throws InterruptedException {
        lock.lock();
    }

    @Override
    public boolean tryLock() {
        return lock.tryLock();
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
        return lock.tryLock(unit.toNanos(time));
    }

    @Override
    public void unlock() {
        lock.unlock();
    }

    @Override
    public boolean isAbandoned() {
        return lock.isAbandoned();
    }

    @Override
    public String toString() {
        return lock.toString();
    }
}
