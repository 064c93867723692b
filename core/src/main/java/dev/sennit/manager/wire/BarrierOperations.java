package dev.sennit.manager.wire;

import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeoutException;

/** The calls of a {@code RemoteBarrier}; times are in nanoseconds. */
public interface BarrierOperations {
    /** The caller came last, and is to run its action while the others go on waiting. */
    int RUN_ACTION = -1;

    /**
     * Waits until all are there.
     *
     * @param withAction whether the caller has an action to run if it is the last
     * @return how many were missing when it came, or {@link #RUN_ACTION}, upon which it calls {@link #actionDone}
     */
    int await(boolean withAction, long nanos) throws InterruptedException, BrokenBarrierException, TimeoutException;

    /** Lets those go that wait for the caller's action, or breaks the barrier if that has failed. */
    void actionDone(boolean succeeded) throws BrokenBarrierException;

    void abort();

    void reset();

    boolean isBroken();

    int parties();

    int waiting();
}
