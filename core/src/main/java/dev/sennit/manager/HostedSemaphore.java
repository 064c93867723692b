package dev.sennit.manager;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * A semaphore in a manager's server. A permit that was acquired for a client is released if the answer cannot reach the
 * client.
 */
final class HostedSemaphore implements ManagedSemaphore {
    private final Semaphore semaphore;

    HostedSemaphore(int permits) {
        if (permits < 0) {
            throw new IllegalArgumentException("permits must be >= 0, was " + permits);
        }
        semaphore = new Semaphore(permits, true);
    }

    @Override
    public void acquire() throws InterruptedException {
        semaphore.acquire();
        boolean ignored = taken(true);
    }

    @Override
    public boolean tryAcquire() {
        return !semaphore.hasQueuedThreads() && taken(semaphore.tryAcquire());
    }

    @Override
    public boolean tryAcquire(Duration timeout) throws InterruptedException {
        return taken(semaphore.tryAcquire(TimeUnit.NANOSECONDS.convert(timeout), TimeUnit.NANOSECONDS));
    }

    private boolean taken(boolean acquired) {
        if (acquired) {
            ServerCall.current().ifUnanswered(semaphore::release);
        }
        return acquired;
    }

    @Override
    public void release() {
        release(1);
    }

    @Override
    public void release(int permits) {
        if (permits < 1) {
            throw new IllegalArgumentException("permits must be >= 1, was " + permits);
        }
        try {
            semaphore.release(permits);
        } catch (Error e) { // thrown if there would be too many
            throw new IllegalStateException("a semaphore has no more than " + Integer.MAX_VALUE + " permits", e);
        }
    }

    @Override
    public int availablePermits() {
        return semaphore.availablePermits();
    }
}
