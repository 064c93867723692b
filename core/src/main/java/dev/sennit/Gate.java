package dev.sennit;

import dev.sennit.internal.Stripes;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts the tasks that are in a pool, and can be closed to further tasks.
 *
 * <p>A task enters by incrementing a counter that {@link #close} replaces, so no task enters after that. When the gate
 * is closed, exactly one call, of {@link #leave} or {@link #close}, finds that the last task has left.
 *
 * <h2>While it is open</h2>
 *
 * <p>Each thread counts in its own {@linkplain Stripes stripe}. A task may enter in one thread and leave in another, so
 * a single stripe may be negative, and only the sum has a meaning. Nothing needs the sum while the gate is open.
 *
 * <h2>Closing</h2>
 *
 * <p>The closing thread replaces the count of one stripe after another by a very negative number, and adds the count to
 * {@code inside}. A thread that finds its stripe closed is refused, or counts in {@code inside}. For each stripe not
 * added yet {@code inside} contains {@link #STRIPE}, more than tasks could ever subtract: so {@code inside} reaches
 * zero once, when all stripes are added and all tasks have left. A closing thread counts as inside until it is done.
 * Several threads may close at the same time, and each returns only when the gate is closed.
 */
final class Gate {
    private static final long CLOSED = Long.MIN_VALUE / 2;
    /** Distinguishes open stripes from closed ones: no count comes near it from either side. */
    private static final long BETWEEN = Long.MIN_VALUE / 4;
    /** The amount in {@link #inside} for a stripe that has not been added. */
    private static final long STRIPE = 1L << 40;

    private final AtomicLongArray stripes = new AtomicLongArray(Stripes.COUNT * Stripes.WIDTH);
    private final AtomicLong inside = new AtomicLong(Stripes.COUNT * STRIPE);
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Counts a task in; returns false if the gate is closed. */
    boolean enter() {
        return stripes.getAndIncrement(Stripes.ofThread()) > BETWEEN;
    }

    /** Counts a task in even if the gate is closed, on behalf of a task that is in. */
    void enterAgain() {
        if (!enter()) {
            inside.incrementAndGet();
        }
    }

    /** Counts a task out; returns true for the last task of a closed gate. */
    boolean leave() {
        return stripes.getAndDecrement(Stripes.ofThread()) < BETWEEN && inside.decrementAndGet() == 0;
    }

    /**
     * Closes the gate: after this returns, no task enters.
     *
     * @param whenClosed called once, when no task can enter any more and before any call finds that the last has left
     * @return true if this call found that the last task has left
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

    /** Counts the closing thread in; returns false if the gate is closed and all tasks have left. */
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
