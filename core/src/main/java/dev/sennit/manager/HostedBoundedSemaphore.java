package dev.sennit.manager;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A bounded semaphore in a manager's server. It knows how many permits each client has. */
final class HostedBoundedSemaphore extends OwnedSynchronizer implements ManagedBoundedSemaphore {
    /** Guarded by guard. */
    private int free;
    /** Guarded by guard. How many permits each client has; clients without permits are not in it. */
    private final Map<ManagerSession, Integer> taken = new HashMap<>();

    HostedBoundedSemaphore(int permits) {
        if (permits < 1) {
            throw new IllegalArgumentException("permits must be >= 1, was " + permits);
        }
        free = permits;
    }

    @Override
    public void acquire() throws InterruptedException {
        acquireWithin(Long.MAX_VALUE);
    }

    @Override
    public boolean tryAcquire() {
        ManagerSession session = ServerCall.current().session();
        return tryTake(() -> takeIfFree(session));
    }

    @Override
    public boolean tryAcquire(Duration timeout) throws InterruptedException {
        return acquireWithin(TimeUnit.NANOSECONDS.convert(timeout));
    }

    private boolean acquireWithin(long nanos) throws InterruptedException {
        ManagerSession session = ServerCall.current().session();
        return take(() -> takeIfFree(session), nanos);
    }

    private boolean takeIfFree(ManagerSession session) {
        if (free == 0) {
            return false;
        }
        if (!taken.containsKey(session)) {
            ownedBy(session);
        }
        free--;
        taken.merge(session, 1, Integer::sum);
        return true;
    }

    @Override
    public void release() {
        ManagerSession session = ServerCall.current().session();
        guard.lock();
        try {
            int had = taken.getOrDefault(session, 0);
            if (had == 0) {
                throw new IllegalStateException("released more often than acquired: this client has no permit");
            }
            if (had == 1) {
                taken.remove(session);
                session.disown(this);
            } else {
                taken.put(session, had - 1);
            }
            free++;
            freed.signal();
        } finally {
            guard.unlock();
        }
    }

    @Override
    public int availablePermits() {
        guard.lock();
        try {
            return free;
        } finally {
            guard.unlock();
        }
    }

    @Override
    public void abandonedBy(ManagerSession session) {
        guard.lock();
        try {
            Integer had = taken.remove(session);
            if (had != null) {
                free += had;
                freed.signalAll();
            }
        } finally {
            guard.unlock();
        }
    }
}
