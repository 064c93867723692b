package dev.sennit.internal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A wait of a thread: in a single {@link WaitQueue}, or in the several queues of a select.
 *
 * <p>{@code WAITING -> HAPPENED | INTERRUPTED | TIME_OVER}, once, by a compare-and-set: of the thread that serves one
 * of the wait's places, or of the waiting thread when it gives up. So a wait ends for at most one place, and a wait
 * that was given up received no element.
 *
 * <h2>An interrupted wait receives nothing</h2>
 *
 * <p>The thread that serves a place first checks the interrupt status of the waiting thread. If it is set, the wait
 * ends as interrupted, even if the waiting thread has not noticed yet. If the interrupt comes between this check and
 * the compare-and-set, both calls overlap, and either order is linearizable. A cancellation that returned before the
 * hand-over began always wins.
 */
public final class Wait {
    /** The limit of a wait without one. */
    public static final long FOREVER = Long.MAX_VALUE;

    private static final Object INTERRUPTED = new Object();
    private static final Object TIME_OVER = new Object();
    private static final VarHandle ENDED = endedHandle();

    private final Thread thread = Thread.currentThread();
    /** Null while it waits; then the place that was served, or one of the two constants above. */
    private volatile @Nullable Object ended;

    /** Creates a wait of the calling thread, which {@link #await} suspends. */
    public Wait() {}

    private static VarHandle endedHandle() {
        try {
            return MethodHandles.lookup().findVarHandle(Wait.class, "ended", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * Throws if the calling thread is interrupted. Called with the lock of the queue held, so that a thread that serves
     * the queue after an interrupt finds the thread gone, or in the queue with its interrupt status set.
     *
     * @throws InterruptedException if the calling thread is interrupted; the status is cleared
     */
    public static void ensureNotInterrupted() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    /**
     * Ends the wait by serving a place. If this returns true, the caller then wakes {@link #thread}.
     *
     * @param place the place that is served
     * @return false if the wait has ended before, or if its thread is interrupted, which ends the wait
     */
    public boolean end(Object place) {
        Object how = thread.isInterrupted() ? INTERRUPTED : place;
        return ENDED.compareAndSet(this, null, how) && how == place;
    }

    /**
     * Returns whether serving a place ended the wait.
     *
     * @param place the place
     * @return false while it waits, and if it ended otherwise
     */
    public boolean hasEndedBy(Object place) {
        return ended == place;
    }

    /**
     * Returns the thread that waits.
     *
     * @return the thread that created this object
     */
    public Thread thread() {
        return thread;
    }

    /**
     * Suspends the thread until the wait ends. Gives up its turn meanwhile.
     *
     * @param blocker the blocker that thread dumps show
     * @param nanos how long to wait at most, more than zero; or {@link #FOREVER}
     * @return false when the time elapsed first
     * @throws InterruptedException if the thread was interrupted first; an interrupt that comes too late stays for the
     *     next wait
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

    /** Parks the thread, without its turn if it has one. The interrupt status stays as it is. */
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
