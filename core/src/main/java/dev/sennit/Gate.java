package dev.sennit;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the tasks that are in a pool, and closes behind them.
 *
 * <p>One word holds the count and the closed bit. A task gets in by adding one while the bit is clear, so none can slip in
 * behind {@link #close}; whoever brings the count to zero with the bit set is told so, and that is one only.
 */
final class Gate {
    private static final long CLOSED = Long.MIN_VALUE;

    private final AtomicLong word = new AtomicLong();

    /** Counts one in, unless it is closed. */
    boolean enter() {
        for (long seen = word.get(); seen >= 0; ) {
            long witness = word.compareAndExchange(seen, seen + 1);
            if (witness == seen) {
                return true;
            }
            seen = witness;
        }
        return false;
    }

    /** Counts another one in on behalf of one that is in, closed or not. */
    void enterAgain() {
        word.incrementAndGet();
    }

    /** Counts one out; true for the last one, once it is closed. */
    boolean leave() {
        return word.decrementAndGet() == CLOSED;
    }

    /** Closes it, unless it was closed; whoever did so is in, and has to {@link #leave}. */
    boolean close() {
        for (long seen = word.get(); seen >= 0; ) {
            long witness = word.compareAndExchange(seen, seen + 1 + CLOSED);
            if (witness == seen) {
                return true;
            }
            seen = witness;
        }
        return false;
    }

    boolean isClosed() {
        return word.get() < 0;
    }
}
