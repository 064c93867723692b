package dev.sennit.process;

import java.time.Duration;

/**
 * A semaphore in a manager. A permit belongs to the client that took it, whichever of its threads: only that can give it back,
 * and it is given back when the client closes its connection, dies or is lost.
 */
public interface ManagedSemaphore {
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
