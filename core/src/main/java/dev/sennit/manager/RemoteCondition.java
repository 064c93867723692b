package dev.sennit.manager;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.manager.wire.LockOperations;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/** A condition of a lock in a manager: just a name there, which takes nothing while no thread waits. */
@SuppressWarnings("serial") // the field is a proxy, which travels
record RemoteCondition(LockOperations lock, String name) implements Condition, Serializable {
    @Override
    public void await() throws InterruptedException {
        lock.await(name, Long.MAX_VALUE);
    }

    /** Waits again after an interrupt. The thread has the lock in between, so it misses no signal. */
    @Override
    public void awaitUninterruptibly() {
        Uninterruptibles.await(this::await);
    }

    @Override
    public long awaitNanos(long nanos) throws InterruptedException {
        long limit = Math.max(0, nanos);
        long start = Backend.current().nanoTime();
        boolean signalled = lock.await(name, limit);
        long left = limit - (Backend.current().nanoTime() - start);
        return signalled ? left : Math.min(0, left);
    }

    @Override
    public boolean await(long time, TimeUnit unit) throws InterruptedException {
        return lock.await(name, Math.max(0, unit.toNanos(time)));
    }

    @Override
    public boolean awaitUntil(Date deadline) throws InterruptedException {
        Duration left = Duration.between(Instant.now(), Instant.ofEpochMilli(deadline.getTime()));
        return lock.await(name, Math.max(0, TimeUnit.NANOSECONDS.convert(left)));
    }

    @Override
    public void signal() {
        lock.signal(name);
    }

    @Override
    public void signalAll() {
        lock.signalAll(name);
    }

    @Override
    public String toString() {
        return "Condition[\"" + name + "\" of " + lock + "]";
    }
}
