package dev.sennit.manager;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * A lock in a manager: at most one thread of all clients has it.
 *
 * <p>It is reentrant, and belongs to a thread of one client. <b>Death releases it:</b> when a client closes its
 * connection, dies or is lost, its locks are released, and the guarded data is as the client left it; the next owner
 * can ask {@link #isAbandoned}. A lost client may not know yet that it is lost: between machines a lock excludes others
 * only as long as the lease is kept.
 */
public interface ManagedLock extends Lock {
    /**
     * Returns whether the last owner before the calling thread ended without unlocking, and may have left the guarded
     * data half changed. The answer stays the same until the calling thread releases the lock.
     *
     * @return false if the last owner unlocked it, or there was none
     * @throws IllegalMonitorStateException if the calling thread does not have the lock
     */
    boolean isAbandoned();

    /**
     * Makes a condition of this lock. It travels, as the lock does, with a task that captures it.
     *
     * {@snippet :
     * try (ManagerServer manager = ManagerServer.local();
     *         Pool pool = Pools.open("processes:1")) {
     *     ManagedLock lock = manager.client().newLock();
     *     var changed = lock.newCondition();
     *     ManagedValue<Boolean> ready = manager.client().newValue(false);
     *     pool.submit(() -> {
     *         lock.lock();
     *         try {
     *             ready.set(true);
     *             changed.signalAll();
     *         } finally {
     *             lock.unlock();
     *         }
     *     });
     *     lock.lock();
     *     try {
     *         while (Boolean.FALSE.equals(ready.get())) {
     *             changed.await();
     *         }
     *     } finally {
     *         lock.unlock();
     *     }
     * }
     * }
     *
     * <p>The thread that has waited longest is signalled first. If the client of that thread ends before the thread can
     * go on, the next waiting thread gets the signal. While no thread waits for a condition, it takes nothing in the
     * server.
     *
     * @return a new condition
     */
    @Override
    Condition newCondition();

    /**
     * Returns the condition of that name of this lock: the same condition for all callers.
     *
     * @param name its name
     * @return the condition, see {@link #newCondition}
     */
    Condition condition(String name);
}
