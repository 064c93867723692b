package dev.sennit.manager.wire;

import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeoutException;

/** The calls of a {@code RemoteBarrier}; times are in nanoseconds. */
public interface BarrierOperations {
    /** Returned to the thread that comes last: it runs its action while the others go on waiting. */
    int RUN_ACTION = -1;

    /**
     * Waits until all parties have come.
     *
     * @param withAction whether the caller has an action to run if it is the last
     * @return how many were missing when the caller came, or {@link #RUN_ACTION}; then it calls {@link #actionDone}
     *     next
     */
    int await(boolean withAction, long nanos) throws InterruptedException, BrokenBarrierException, TimeoutException;

    /** Releases the threads that wait for the caller's action, or breaks the barrier if the action has failed. */
    void actionDone(boolean succeeded) throws BrokenBarrierException;

    void abort();

    void reset();

    boolean isBroken();

    int parties();

    int waiting();
}
