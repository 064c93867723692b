package dev.sennit.conformance.internal;

import dev.sennit.Pool;
import dev.sennit.TaskFuture;
import dev.sennit.conformance.Signals;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Bodies of tasks. Static, so that they take nothing of a test with them when they travel. */
public final class Work {
    private Work() {}

    public static int square(int n) {
        return n * n;
    }

    /**
     * Marks {@code held}, waits for {@code release}; marks {@code interrupted} when that ended it, {@code finished}
     * else.
     */
    public static int hold(Signals signals) throws InterruptedException {
        signals.mark("held");
        try {
            signals.await("release");
        } catch (InterruptedException e) {
            signals.mark("interrupted");
            throw e;
        }
        signals.mark("finished");
        return 1;
    }

    /** As {@link #hold}, but an interrupt does not end it. */
    public static int holdWhateverHappens(Signals signals) {
        signals.mark("held");
        while (true) {
            try {
                signals.await("release");
                signals.mark("finished");
                return 1;
            } catch (InterruptedException e) {
                signals.mark("ignored");
            }
        }
    }

    /** Waits until as many tasks are in here at the same time. */
    public static int meet(Signals signals, String where, int count) throws InterruptedException {
        signals.mark(where);
        signals.awaitCount(where, count);
        return 1;
    }

    public static int failDeep(int depth) {
        if (depth > 0) {
            return failDeep(depth - 1) + 1;
        }
        throw new IllegalStateException("deep");
    }

    public static int failWithCauses() throws IOException {
        try {
            try {
                throw new ArithmeticException("root");
            } catch (ArithmeticException e) {
                throw new IllegalStateException("middle", e);
            }
        } catch (IllegalStateException e) {
            throw new IOException("top", e);
        }
    }

    @SuppressWarnings("InfiniteRecursion")
    public static int overflow(int n) {
        return overflow(n + 1) + 1;
    }

    public static long fibonacci(Pool pool, int n) {
        if (n < 2) {
            return n;
        }
        TaskFuture<Long> one = pool.submit(() -> fibonacci(pool, n - 1));
        TaskFuture<Long> other = pool.submit(() -> fibonacci(pool, n - 2));
        return one.join() + other.join();
    }

    /** A task inside a task inside a task; each waits for the next. */
    public static int nest(Pool pool, int depth) {
        return depth == 0 ? 0 : 1 + pool.submit(() -> nest(pool, depth - 1)).join();
    }

    /** Keeps a processor busy for a while, unless it is interrupted. */
    public static long spin(int rounds) {
        long sum = 0;
        for (int i = 0; i < rounds; i++) {
            sum += i * 31L ^ (sum >>> 3);
        }
        return sum;
    }

    /** Whether the thread was found interrupted, or could not wait a moment. */
    public static boolean seesInterrupt() {
        return Thread.currentThread().isInterrupted();
    }

    /** Keeps its thread busy until {@code release}, and notices nothing else. */
    public static int loop(Signals signals) {
        signals.mark("held");
        while (!signals.isSet("release") && !signals.areGone()) {
            spin(100);
        }
        signals.mark("finished");
        return 1;
    }

    public static int exhaustMemory() {
        List<long[]> kept = new ArrayList<>();
        while (true) {
            kept.add(new long[100_000]);
        }
    }

    public static int failAnchored() {
        throw new AnchoredException(new IllegalStateException("the cause"));
    }

    /** An exception that holds what cannot travel. */
    public static final class AnchoredException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        @SuppressWarnings("serial") // that is the point
        private final Anchored anchored = new Anchored();

        AnchoredException(Throwable cause) {
            super("cannot leave", cause);
        }

        public Anchored anchored() {
            return anchored;
        }
    }

    /** Something that no Java serialization can write. */
    public static final class Anchored {
        public Anchored() {}

        public String text() {
            return "anchored";
        }
    }
}
