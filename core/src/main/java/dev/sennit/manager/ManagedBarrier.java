package dev.sennit.manager;

import java.time.Duration;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeoutException;

/**
 * A {@link CyclicBarrier} in a manager: threads of several processes wait until all of them have come.
 *
 * {@snippet :
 * try (ManagerServer manager = ManagerServer.local();
 *         Pool pool = Pools.open("processes:1")) {
 *     ManagedBarrier barrier = manager.client().newBarrier(2, () -> System.out.println("both are there"));
 *     pool.submit(() -> barrier.await());
 *     int missing = barrier.await(); // 0 for whoever came last
 * }
 * }
 *
 * <p>The barrier breaks when a waiting client ends, a waiting thread is interrupted or its time is over, so that the
 * others do not wait for ever. It also breaks when a thread comes that is interrupted already.
 *
 * <p><b>An action</b> belongs to the proxy, and travels with it. The thread that comes last runs the action of its own
 * proxy where it is; then all threads go on. If the action throws, that thread gets the exception, and the others get a
 * {@link BrokenBarrierException}; they also get it when the process of that thread ends. A thread that waits with a
 * time limit does not wait longer for an action, but breaks the barrier.
 */
public interface ManagedBarrier {
    /**
     * Waits until all parties have come.
     *
     * @return 0 for the last to come, parties - 1 for the first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile, which breaks the barrier
     * @throws BrokenBarrierException if the barrier is or gets broken, or is reset meanwhile
     */
    int await() throws InterruptedException, BrokenBarrierException;

    /**
     * Waits until all parties have come, for some time at most.
     *
     * @param timeout the longest to wait
     * @return 0 for the last to come, parties - 1 for the first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile, which breaks the barrier
     * @throws BrokenBarrierException if the barrier is or gets broken, or is reset meanwhile
     * @throws TimeoutException if the time was over first, which breaks the barrier
     */
    int await(Duration timeout) throws InterruptedException, BrokenBarrierException, TimeoutException;

    /** Breaks the barrier: waiting threads, and callers before {@link #reset}, get a {@link BrokenBarrierException}. */
    void abort();

    /** Makes the barrier whole again; waiting threads get a {@link BrokenBarrierException}. */
    void reset();

    /**
     * Returns whether the barrier is broken: since the last {@link #reset} it was {@linkplain #abort aborted}, its
     * action failed, or a waiting thread was interrupted, ended, or ran out of time.
     *
     * @return true if nobody can wait
     */
    boolean isBroken();

    /**
     * Returns how many threads open the barrier.
     *
     * @return 1 or more
     */
    int parties();

    /**
     * Returns how many threads wait at the moment.
     *
     * @return the count
     */
    int waiting();
}
