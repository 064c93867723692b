package dev.sennit.shared;

import dev.sennit.internal.Backend;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The machine's time, which one thread cannot read at one moment: a failure in the middle of a wait. In use until it is
 * closed.
 */
final class FailingClock extends Backend implements AutoCloseable {
    static final class NoMemory extends OutOfMemoryError {
        private static final long serialVersionUID = 1;
    }

    private final Backend before;
    private final AtomicInteger looks;
    private final Thread victim = Thread.currentThread();

    /** The look of the calling thread that fails, from 1. */
    FailingClock(int look) {
        looks = new AtomicInteger(look);
        before = replace(this);
    }

    @Override
    public long nanoTime() {
        if (Thread.currentThread() == victim && looks.decrementAndGet() == 0) {
            throw new NoMemory();
        }
        return super.nanoTime();
    }

    /** Whether it has failed. */
    boolean hasFailed() {
        return looks.get() <= 0;
    }

    @Override
    public void close() {
        replace(before);
    }
}
