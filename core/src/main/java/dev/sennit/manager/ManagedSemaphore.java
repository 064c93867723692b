package dev.sennit.manager;

import java.time.Duration;

/**
 * Permits in a manager that threads of all clients acquire and release: a {@link java.util.concurrent.Semaphore} for
 * several processes.
 *
 * {@snippet :
 * try (ManagerServer manager = ManagerServer.local();
 *         Pool pool = Pools.open("processes:1")) {
 *     ManagedSemaphore ready = manager.client().newSemaphore(0);
 *     pool.submit(() -> ready.release(2));
 *     ready.acquire();
 *     ready.acquire();
 * }
 * }
 *
 * <p>A permit has no owner: a client may release what another acquires, and more permits than there were at first. So
 * if a client dies, the permits that it acquired stay acquired. If each client releases the permits that it acquired
 * itself, use a {@link ManagedBoundedSemaphore}, which releases those of a dead client. Waiting threads are served
 * first come, first served.
 */
public interface ManagedSemaphore {
    /**
     * Acquires a permit, waiting until there is one.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has acquired none
     */
    void acquire() throws InterruptedException;

    /**
     * Acquires a permit if one is free.
     *
     * @return whether the caller has acquired one
     */
    boolean tryAcquire();

    /**
     * Acquires a permit, waiting for some time at most.
     *
     * @param timeout the longest to wait
     * @return whether the caller has acquired one
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has acquired none
     */
    boolean tryAcquire(Duration timeout) throws InterruptedException;

    /**
     * Releases a permit, whether or not the client acquired one.
     *
     * @throws IllegalStateException if there would be more than {@link Integer#MAX_VALUE}
     */
    void release();

    /**
     * Releases permits, all at once.
     *
     * @param permits how many, 1 or more
     * @throws IllegalArgumentException if they are fewer
     * @throws IllegalStateException if there would be more than {@link Integer#MAX_VALUE}
     */
    void release(int permits);

    /**
     * Returns how many permits are free at the moment.
     *
     * @return the count
     */
    int availablePermits();
}
