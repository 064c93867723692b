package dev.sennit.process;

import java.time.Duration;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeoutException;

/**
 * A {@link CyclicBarrier} in a manager: threads of several processes wait until all are there. A client that ends while it waits
 * breaks it, so the others do not wait for ever.
 */
public interface ManagedBarrier {
    /**
     * Waits until all parties are there.
     *
     * @return 0 for the last to come, parties - 1 for the first
     * @throws InterruptedException if the calling thread is interrupted meanwhile, which breaks the barrier
     * @throws BrokenBarrierException if it is or gets broken, or is reset meanwhile
     */
    int await() throws InterruptedException, BrokenBarrierException;

    /**
     * Waits until all parties are there, for some time at most.
     *
     * @param timeout the longest to wait
     * @return 0 for the last to come, parties - 1 for the first
     * @throws InterruptedException if the calling thread is interrupted meanwhile, which breaks the barrier
     * @throws BrokenBarrierException if it is or gets broken, or is reset meanwhile
     * @throws TimeoutException if the time was over first, which breaks the barrier
     */
    int await(Duration timeout) throws InterruptedException, BrokenBarrierException, TimeoutException;

    /** Makes it whole again; whoever waits gets a {@link BrokenBarrierException}. */
    void reset();

    /**
     * Whether somebody who waited was interrupted, ended, or ran out of time since the last {@link #reset}.
     *
     * @return true when nobody can wait
     */
    boolean isBroken();

    /**
     * How many have to come.
     *
     * @return 1 or more
     */
    int parties();

    /**
     * How many wait, at this moment.
     *
     * @return the count
     */
    int waiting();
}
