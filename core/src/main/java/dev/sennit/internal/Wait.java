package dev.sennit.internal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One wait of one thread: in one {@link WaitQueue}, or in the several of a select.
 *
 * <p>{@code WAITING -> HAPPENED | INTERRUPTED | TIME_OVER}, once, by one compare-and-set. The thread that makes one of the places
 * happen ends the wait, or the waiting thread does when it gives up. So a wait that ended for one place has not ended for any
 * other, and a wait that was given up was handed nothing.
 *
 * <h2>Cancelled first, handed nothing</h2>
 *
 * <p>The thread that hands something over looks at the interrupt status of the waiting thread first. If it is set, the wait ends as
 * interrupted, although the waiting thread has not had a turn to notice. Between the two looks - at the status and at the state -
 * both calls are under way, so either order is a true one. A cancellation that returned before the hand-over began always wins.
 */
public final class Wait {
    /** The limit of a wait without one. */
    public static final long FOREVER = Long.MAX_VALUE;

    private static final Object INTERRUPTED = new Object();
    private static final Object TIME_OVER = new Object();
    private static final VarHandle ENDED = endedHandle();

    private final Thread thread = Thread.currentThread();
    /** Null while it waits; then the place that happened, or one of the two above. */
    private volatile @Nullable Object ended;

    /** A wait of the calling thread, which {@link #await} suspends. */
    public Wait() {}

    private static VarHandle endedHandle() {
        try {
            return MethodHandles.lookup().findVarHandle(Wait.class, "ended", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * Throws if the calling thread is interrupted. Called with the lock of the queue held, so that what comes after an interrupt
     * finds the thread gone, or in the queue with its status set.
     *
     * @throws InterruptedException if it is; the status is cleared
     */
    public static void ensureNotInterrupted() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    /**
     * Ends it by a place that happens; the caller that gets true {@linkplain #thread wakes the thread} next.
     *
     * @param place what happened
     * @return false if it has ended, or if its thread is interrupted, which ends it
     */
    public boolean end(Object place) {
        Object how = thread.isInterrupted() ? INTERRUPTED : place;
        return ENDED.compareAndSet(this, null, how) && how == place;
    }

    /**
     * Whether a place ended it.
     *
     * @param place the place
     * @return false as long as it waits, and if something else ended it
     */
    public boolean hasEndedBy(Object place) {
        return ended == place;
    }

    /**
     * The thread that waits.
     *
     * @return the thread that made this object
     */
    public Thread thread() {
        return thread;
    }

    /**
     * Suspends the thread until the wait is ended. Others have their turn meanwhile.
     *
     * @param blocker what stack dumps say it waits for
     * @param nanos how long at most, more than zero; or {@link #FOREVER}
     * @return false when the time was over first
     * @throws InterruptedException if the thread was interrupted first; an interrupt that comes too late stays for the next wait
     */
    public boolean await(Object blocker, long nanos) throws InterruptedException {
        if (ended == null) {
            try (var _ = Waits.outOfTurn()) {
                suspend(blocker, nanos);
            }
        }
        if (ended == INTERRUPTED) {
            Thread.interrupted();
            throw new InterruptedException();
        }
        return ended != TIME_OVER;
    }

    /** Outside of a turn, where there are such. The interrupt status stays as it is. */
    private void suspend(Object blocker, long nanos) {
        long deadline = nanos == FOREVER ? 0 : Backend.current().nanoTime() + nanos;
        while (ended == null) {
            if (nanos == FOREVER) {
                LockSupport.park(blocker);
            } else {
                long left = deadline - Backend.current().nanoTime();
                if (left > 0) {
                    LockSupport.parkNanos(blocker, left);
                } else {
                    ENDED.compareAndSet(this, null, TIME_OVER);
                }
            }
            if (thread.isInterrupted()) {
                ENDED.compareAndSet(this, null, INTERRUPTED);
            }
        }
    }
}
