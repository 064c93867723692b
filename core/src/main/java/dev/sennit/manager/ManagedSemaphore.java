package dev.sennit.manager;

import java.time.Duration;

/**
 * Permits in a manager, which threads of all clients take and give: a {@link java.util.concurrent.Semaphore} for several processes.
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
 * <p>A permit belongs to nobody: one client may give what another takes, and more than there were at first. So what a client took
 * that dies stays taken. Where each client gives back what it took itself, a {@link ManagedBoundedSemaphore} does that for
 * one that dies. First come, first served.
 */
public interface ManagedSemaphore {
    /**
     * Takes a permit, waiting for one.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then took none
     */
    void acquire() throws InterruptedException;

    /**
     * Takes a permit if one is free.
     *
     * @return whether the caller has one now
     */
    boolean tryAcquire();

    /**
     * Takes a permit, waiting for some time at most.
     *
     * @param timeout the longest to wait
     * @return whether the caller has one now
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then took none
     */
    boolean tryAcquire(Duration timeout) throws InterruptedException;

    /**
     * Gives a permit, whether or not the client took one.
     *
     * @throws IllegalStateException if there would be more than {@link Integer#MAX_VALUE}
     */
    void release();

    /**
     * Gives permits, all at once.
     *
     * @param permits how many, 1 or more
     * @throws IllegalArgumentException if they are fewer
     * @throws IllegalStateException if there would be more than {@link Integer#MAX_VALUE}
     */
    void release(int permits);

    /**
     * How many permits are free, at this moment.
     *
     * @return the count
     */
    int availablePermits();
}
