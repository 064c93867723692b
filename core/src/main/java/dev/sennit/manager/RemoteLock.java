package dev.sennit.manager;

import dev.sennit.internal.Uninterruptibles;
import dev.sennit.manager.wire.LockOperations;
import java.io.Serializable;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;

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
        Uninterruptibles.await(lock::lock);
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
    public Condition newCondition() {
        return new RemoteCondition(lock, "condition " + UUID.randomUUID());
    }

    @Override
    public Condition condition(String name) {
        return new RemoteCondition(lock, "named " + Objects.requireNonNull(name, "name"));
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RemoteLock same && lock.equals(same.lock);
    }

    @Override
    public int hashCode() {
        return lock.hashCode();
    }

    @Override
    public String toString() {
        return lock.toString();
    }
}
