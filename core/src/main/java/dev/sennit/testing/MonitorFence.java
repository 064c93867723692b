package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Waits until every virtual thread that could enter a monitor has been told so.
 *
 * <p>A virtual thread that leaves a monitor puts the next one on a list, at once; a thread of the JDK's takes all that is on
 * the list, makes one after another ready, and looks again. So when a virtual thread of ours is put on the list and made
 * ready, whatever was on it before has been taken too; and when that is done a second time, it has been made ready.
 *
 * <p>Two threads of ours do that: one holds a monitor while the other tries to enter, and leaves it; the other never gets in,
 * as by the time it tries again the first is back. Whoever calls cannot be the first: what the carrier holds, the virtual
 * thread that it carries could enter.
 *
 * <p>Source: {@code VirtualThread.unblockVirtualThreads} of JDK 25.
 */
final class MonitorFence extends OwnScheduler {
    private static final MonitorFence ONE = new MonitorFence();

    private final Object monitor = new Object();
    private final ReentrantLock lock = new ReentrantLock();

    /** Run with the lock only. */
    private final Runnable holder;

    /** Set by the thread of the JDK's, taken by whoever has the lock. */
    private volatile @Nullable Runnable arrived;

    private volatile @Nullable Thread unblocker;
    private volatile @Nullable Thread waiter;

    private MonitorFence() {
        threads().name("sennit-fence-holder").start(this::hold);
        holder = takeArrived();
        holder.run();
        threads().name("sennit-fence").start(() -> {
            synchronized (monitor) {
                throw new AssertionError("never entered");
            }
        });
    }

    private void hold() {
        while (true) {
            Thread.yield();
            synchronized (monitor) {
                Thread.yield();
            }
        }
    }

    private Runnable takeArrived() {
        Runnable continuation = arrived;
        if (continuation == null) {
            throw new AssertionError("the thread is not there");
        }
        arrived = null;
        return continuation;
    }

    /** Returns when all that was released by this thread before has arrived at its scheduler. */
    static void await() {
        ONE.lock.lock();
        try {
            ONE.round();
            ONE.round();
        } finally {
            ONE.lock.unlock();
        }
    }

    /** Whether this is the thread of the JDK's that makes threads ready which waited for a monitor. */
    static boolean isUnblocker(Thread thread) {
        return thread == ONE.unblocker;
    }

    private void round() {
        Runnable contender = takeArrived();
        waiter = Thread.currentThread();
        holder.run();
        contender.run();
        holder.run();
        boolean interrupted = false;
        for (int spins = 0; arrived == null; spins++) {
            if (spins < 100) {
                Thread.onSpinWait();
            } else {
                LockSupport.park(this);
                interrupted |= Thread.interrupted();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void execute(Runnable continuation) {
        if (continuation == holder) { // it yields
            return;
        }
        Thread here = Thread.currentThread();
        if (here != waiter) {
            unblocker = here;
        }
        arrived = continuation;
        LockSupport.unpark(waiter);
    }

    @Override
    public Timeout schedule(Runnable timeout, long delay, TimeUnit unit) {
        throw new AssertionError("it does not wait for a time");
    }
}
