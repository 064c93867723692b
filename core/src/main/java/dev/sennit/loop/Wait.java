package dev.sennit.loop;

import dev.sennit.internal.Turns;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One wait of one thread: in one channel, or in the several of a {@link Select}.
 *
 * <p>{@code WAITING -> ENDED}, once, by one compare-and-set: of whoever makes one of the places happen that the thread has in
 * queues, or of the thread itself when it gives up. So a wait that has ended for one place has not for any other, and one that was
 * given up has been handed nothing.
 */
final class Wait {
    /** A wait that is as long as it takes. */
    static final long FOREVER = Long.MAX_VALUE;

    private static final Object GIVEN_UP = new Object();
    private static final VarHandle ENDED = endedHandle();

    private final Thread thread = Thread.currentThread();
    /** Null while it waits; then the place that happened, or {@link #GIVEN_UP}. */
    private volatile @Nullable Object ended;

    private static VarHandle endedHandle() {
        try {
            return MethodHandles.lookup().findVarHandle(Wait.class, "ended", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Ends it, by a place that happens; whoever gets true {@linkplain #thread wakes the thread} next. */
    boolean end(Object by) {
        return ENDED.compareAndSet(this, null, by);
    }

    boolean hasEndedBy(Object place) {
        return ended == place;
    }

    Thread thread() {
        return thread;
    }

    /**
     * Suspends the thread until somebody ends the wait: the one place where code of channels waits.
     *
     * @param blocker what stack dumps say it waits for
     * @param nanos how long at most, more than zero; or {@link #FOREVER}
     * @return false when the time was over first
     * @throws InterruptedException if the thread was interrupted first; an interrupt that comes too late stays for the next wait
     */
    boolean await(Object blocker, long nanos) throws InterruptedException {
        if (ended != null) {
            return true;
        }
        Turns.Turn mine = Turns.giveUp();
        try {
            return awaitOutside(blocker, nanos);
        } finally {
            Turns.regain(mine);
        }
    }

    /** Outside of a turn, where there are such. */
    private boolean awaitOutside(Object blocker, long nanos) throws InterruptedException {
        long deadline = nanos == FOREVER ? 0 : System.nanoTime() + nanos;
        while (ended == null) {
            if (nanos == FOREVER) {
                LockSupport.park(blocker);
            } else {
                long left = deadline - System.nanoTime();
                if (left > 0) {
                    LockSupport.parkNanos(blocker, left);
                } else if (end(GIVEN_UP)) {
                    return false;
                }
            }
            if (thread.isInterrupted() && end(GIVEN_UP)) {
                Thread.interrupted();
                throw new InterruptedException();
            }
        }
        return true;
    }
}
