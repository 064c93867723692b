package dev.sennit.manager;

import java.time.Duration;

/**
 * A fixed number of permits in a manager, such as seats at something that bears only so many, and a record of which client has how
 * many: a {@link dev.sennit.BoundedSemaphore} for several processes.
 *
 * <p>A permit belongs to the client that took it, whichever of its threads: only that client can give it back, and more than it has
 * it cannot give. The permits of a client that closes its connection, dies or is lost are free. Where one client gives what another
 * takes, use a {@link ManagedSemaphore}.
 */
public interface ManagedBoundedSemaphore {
    /**
     * Takes a permit, waiting for one.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
     */
    void acquire() throws InterruptedException;

    /**
     * Takes a permit if one is free.
     *
     * @return whether the client has it now
     */
    boolean tryAcquire();

    /**
     * Takes a permit, waiting for some time at most.
     *
     * @param timeout the longest to wait
     * @return whether the client has it now
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
     */
    boolean tryAcquire(Duration timeout) throws InterruptedException;

    /**
     * Gives a permit back.
     *
     * @throws IllegalStateException if the client has none
     */
    void release();

    /**
     * How many permits are free, at this moment.
     *
     * @return the count
     */
    int availablePermits();
}
