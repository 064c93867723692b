package dev.sennit.manager;

import java.time.Duration;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeoutException;

/**
 * A {@link CyclicBarrier} in a manager: threads of several processes wait until all are there.
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
 * <p>A client that ends while it waits, a thread that is interrupted and one whose time is over break the barrier, so that the others
 * do not wait for ever; also one that was interrupted before it came.
 *
 * <p><b>An action</b> belongs to the proxy, and travels with it. The thread that comes last runs its own proxy's action where it
 * is, then all go on. If the action throws, that thread gets what was thrown and the others a {@link BrokenBarrierException}; the
 * same happens to them when its process ends. Who waits with a limit does not wait longer for an action, but breaks the
 * barrier.
 */
public interface ManagedBarrier {
    /**
     * Waits until all parties are there.
     *
     * @return 0 for the last to come, parties - 1 for the first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile, which breaks the barrier
     * @throws BrokenBarrierException if it is or gets broken, or is reset meanwhile
     */
    int await() throws InterruptedException, BrokenBarrierException;

    /**
     * Waits until all parties are there, for some time at most.
     *
     * @param timeout the longest to wait
     * @return 0 for the last to come, parties - 1 for the first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile, which breaks the barrier
     * @throws BrokenBarrierException if it is or gets broken, or is reset meanwhile
     * @throws TimeoutException if the time was over first, which breaks the barrier
     */
    int await(Duration timeout) throws InterruptedException, BrokenBarrierException, TimeoutException;

    /** Breaks it: whoever waits gets a {@link BrokenBarrierException}, and so does whoever comes, until {@link #reset}. */
    void abort();

    /** Makes it whole again; whoever waits gets a {@link BrokenBarrierException}. */
    void reset();

    /**
     * Whether it was {@linkplain #abort aborted}, its action failed, or a thread that waited was interrupted, ended, or ran out of time
     * since the last {@link #reset}.
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
