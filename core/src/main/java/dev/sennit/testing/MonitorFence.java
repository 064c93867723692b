package dev.sennit.testing;

import dev.sennit.internal.OwnScheduler;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Waits until every virtual thread that can enter a monitor by now has been made ready.
 *
 * <p>A virtual thread that leaves a monitor at once puts its successor on a list. A thread of the JDK, the unblocker,
 * takes the whole list, makes its threads ready one after another, and looks again. So when a virtual thread of ours
 * was put on the list and made ready, the unblocker has taken all threads that were on the list before; when this has
 * happened a second time, it has made all of them ready.
 *
 * <p>Two virtual threads do that: the holder holds a monitor while the contender tries to enter, and then leaves it.
 * The contender never enters, as the holder is back when it tries again. The calling platform thread cannot be the
 * holder: a virtual thread could enter a monitor that its carrier holds.
 *
 * <p>Source: {@code VirtualThread.unblockVirtualThreads} of JDK 25.
 */
final class MonitorFence extends OwnScheduler {
    private static final MonitorFence ONE = new MonitorFence();

    private final Object monitor = new Object();
    private final ReentrantLock lock = new ReentrantLock();

    /** The holder's continuation. Run only with the lock. */
    private final Runnable holder;

    /** The contender's continuation once it is ready. Set by the unblocker, cleared by the holder of the lock. */
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

    /**
     * Returns when all virtual threads that this thread has released from a monitor have arrived at their scheduler.
     */
    static void await() {
        ONE.lock.lock();
        try {
            ONE.round();
            ONE.round();
        } finally {
            ONE.lock.unlock();
        }
    }

    /** Returns whether this is the JDK's thread that makes threads ready which waited for a monitor. */
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
        if (continuation == holder) { // the holder yields
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
