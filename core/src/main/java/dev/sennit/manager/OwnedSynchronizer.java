package dev.sennit.manager;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * What the synchronizers of a manager's server that belong to clients have in common: the lock, and how callers wait.
 */
abstract class OwnedSynchronizer implements ManagerSession.Owned {
    final ReentrantLock guard = new ReentrantLock();
    /** Signalled when there is something to take. */
    final Condition freed = guard.newCondition();

    /** Takes at once, or not at all. */
    final boolean tryTake(BooleanSupplier takeIfFree) {
        guard.lock();
        try {
            return takeIfFree.getAsBoolean();
        } finally {
            guard.unlock();
        }
    }

    /** Waits until there is something to take; returns false when the time was over first. */
    final boolean take(BooleanSupplier takeIfFree, long nanos) throws InterruptedException {
        guard.lockInterruptibly();
        try {
            long left = nanos;
            while (!takeIfFree.getAsBoolean()) {
                if (left <= 0) {
                    return false;
                }
                left = freed.awaitNanos(left);
            }
            return true;
        } finally {
            guard.unlock();
        }
    }

    /**
     * Has a client's session give back, at its end, what the client takes. A client that has ended gets nothing.
     * Guarded by guard.
     */
    final void ownedBy(ManagerSession session) {
        if (!session.own(this)) {
            freed.signal(); // it may have been this one's turn
            throw new IllegalStateException("the client is gone");
        }
    }
}
