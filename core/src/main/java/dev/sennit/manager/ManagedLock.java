package dev.sennit.manager;

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
     * A condition of this lock, for those that get it from here: it travels, as the lock does, with a task that captures it.
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
     * <p>Who waits first is signalled first. A signal for a client that ends before it could go on goes to the next one that waits. The
     * server has nothing of a condition while nobody waits for it.
     *
     * @return a new one
     */
    @Override
    Condition newCondition();

    /**
     * The condition of that name of this lock, which is the same for all who ask for it.
     *
     * @param name its name
     * @return the condition, see {@link #newCondition}
     */
    Condition condition(String name);
}
