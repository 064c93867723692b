package dev.sennit;

import dev.sennit.internal.Stripes;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts the tasks that are in a pool, and closes behind them.
 *
 * <p>A task gets in by adding one, so none can slip in behind {@link #close}; the thread that counts out the last task of a closed
 * gate is told so, and no other is.
 *
 * <h2>While it is open</h2>
 *
 * <p>Each thread counts in the {@linkplain Stripes stripe} that is its own: in there, out here, so a single stripe may well be
 * negative, and only their sum means anything. Nobody asks for it.
 *
 * <h2>Closing</h2>
 *
 * <p>One stripe after another is closed: a very negative number takes the place of its count, which is added to {@code inside}. A
 * thread that finds its stripe closed is refused, or counts in {@code inside}. A stripe that has not been added yet holds {@link
 * #STRIPE} in {@code inside}, more than tasks could take out of it: so {@code inside} comes to zero once, when all stripes have been
 * added and all tasks are out. A thread that closes is in until it is done; several may do it side by side, so that each of them can
 * rely on its work.
 */
final class Gate {
    private static final long CLOSED = Long.MIN_VALUE / 2;
    /** No count comes near it from either side. */
    private static final long BETWEEN = Long.MIN_VALUE / 4;
    /** The amount that a stripe holds until it is added. */
    private static final long STRIPE = 1L << 40;

    private final AtomicLongArray stripes = new AtomicLongArray(Stripes.COUNT * Stripes.WIDTH);
    private final AtomicLong inside = new AtomicLong(Stripes.COUNT * STRIPE);
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Counts one in, unless it is closed. */
    boolean enter() {
        return stripes.getAndIncrement(Stripes.ofThread()) > BETWEEN;
    }

    /** Counts another one in on behalf of one that is in, closed or not. */
    void enterAgain() {
        if (!enter()) {
            inside.incrementAndGet();
        }
    }

    /** Counts one out; true for the last one, once it is closed. */
    boolean leave() {
        return stripes.getAndDecrement(Stripes.ofThread()) < BETWEEN && inside.decrementAndGet() == 0;
    }

    /**
     * Closes it: when this returns, none gets in any more.
     *
     * @param whenClosed called by one thread, once none gets in and before the last one is told
     * @return true for the last one, as {@link #leave}
     */
    boolean close(Runnable whenClosed) {
        if (!enterToClose()) {
            return false;
        }
        boolean isLast;
        try {
            for (int i = 0; i < Stripes.COUNT; i++) {
                closeStripe(i * Stripes.WIDTH);
            }
            if (closed.compareAndSet(false, true)) {
                whenClosed.run();
            }
        } finally {
            isLast = inside.decrementAndGet() == 0;
        }
        return isLast;
    }

    /** False if it is closed and empty already. */
    private boolean enterToClose() {
        for (long seen = inside.get(); seen > 0; seen = inside.get()) {
            if (inside.compareAndSet(seen, seen + 1)) {
                return true;
            }
        }
        return false;
    }

    private void closeStripe(int stripe) {
        for (long seen = stripes.get(stripe); seen > BETWEEN; seen = stripes.get(stripe)) {
            if (stripes.compareAndSet(stripe, seen, CLOSED)) {
                inside.addAndGet(seen - STRIPE);
                return;
            }
        }
    }

    boolean isClosed() {
        return closed.get();
    }
}
