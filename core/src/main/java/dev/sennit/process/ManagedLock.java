package dev.sennit.process;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * A lock in a manager: one thread of all clients has it.
 *
 * <p>It is reentrant, and belongs to a thread of one client. <b>Whoever ends lets go</b>: when a client closes its connection, dies
 * or is lost, its locks are free, and what they guard is as it was left; who locks next can ask {@link #isAbandoned}. A
 * client that is lost may not know it yet: between machines a lock keeps others out only as long as the lease is kept.
 */
public interface ManagedLock extends Lock {
    /**
     * Whether the one that had the lock before the calling thread ended without letting go, and may have left undone what the
     * lock guards. True until the calling thread lets go.
     *
     * @return false if the one before unlocked it, or nobody had it before
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    boolean isAbandoned();

    /**
     * Not supported: wait for a {@link ManagedEvent} instead, or in a {@link ManagedQueue}.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    default Condition newCondition() {
        throw new UnsupportedOperationException("a manager's lock has no conditions; use an event or a queue");
    }
}
