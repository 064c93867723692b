package dev.sennit.manager;

import java.time.Duration;

/**
 * A fixed number of permits in a manager, such as seats at a resource that bears only so many users, with a record of
 * how many each client has: a {@link dev.sennit.BoundedSemaphore} for several processes.
 *
 * <p>A permit belongs to the client that acquired it, whichever of its threads: only that client can release it, and it
 * cannot release more than it has. The permits of a client are released when it closes its connection, dies or is lost.
 * If one client releases what another acquires, use a {@link ManagedSemaphore}.
 */
public interface ManagedBoundedSemaphore {
    /**
     * Acquires a permit, waiting until there is one.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
     */
    void acquire() throws InterruptedException;

    /**
     * Acquires a permit if one is free.
     *
     * @return whether the client has acquired it
     */
    boolean tryAcquire();

    /**
     * Acquires a permit, waiting for some time at most.
     *
     * @param timeout the longest to wait
     * @return whether the client has acquired it
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
     */
    boolean tryAcquire(Duration timeout) throws InterruptedException;

    /**
     * Releases a permit.
     *
     * @throws IllegalStateException if the client has none
     */
    void release();

    /**
     * Returns how many permits are free at the moment.
     *
     * @return the count
     */
    int availablePermits();
}
