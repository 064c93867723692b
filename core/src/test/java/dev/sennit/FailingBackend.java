package dev.sennit;

import dev.sennit.internal.Backend;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongPredicate;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The machine's time and threads, of which there are none left at the moments that a test chooses. In use until it is
 * closed.
 */
public final class FailingBackend extends Backend implements AutoCloseable {
    /** What is thrown then: as the JDK does, so that nothing can treat it in another way. */
    public static final class NoThread extends OutOfMemoryError {
        private static final long serialVersionUID = 1;

        NoThread(String what) {
            super("unable to create native thread: " + what);
        }
    }

    private final Backend before;
    private final LongPredicate failsTimer;
    private final Predicate<Thread> failsThread;
    private final Predicate<Thread> failsInterrupt;
    private volatile boolean stopsRuns;
    /** How often it failed. */
    final AtomicLong failures = new AtomicLong();

    private FailingBackend(LongPredicate failsTimer, Predicate<Thread> failsThread, Predicate<Thread> failsInterrupt) {
        this.failsTimer = failsTimer;
        this.failsThread = failsThread;
        this.failsInterrupt = failsInterrupt;
        before = replace(this);
    }

    /** There is never a timer. */
    public static FailingBackend withoutTimers() {
        return withoutTimers(nanos -> true);
    }

    /** There are no timers of some delays. */
    public static FailingBackend withoutTimers(LongPredicate nanos) {
        return new FailingBackend(nanos, thread -> false, thread -> false);
    }

    /** No thread can be started. */
    public static FailingBackend withoutThreads() {
        return withoutThreads(thread -> true);
    }

    /** Some threads cannot be started. */
    public static FailingBackend withoutThreads(Predicate<Thread> which) {
        return new FailingBackend(nanos -> false, which, thread -> false);
    }

    /** The first runs cannot be stopped. */
    static FailingBackend withoutStops(int count) {
        var left = new AtomicInteger(count);
        return new FailingBackend(nanos -> false, thread -> false, thread -> left.getAndDecrement() > 0);
    }

    /** Fails at random: each timer and each thread with the same chance, each stop of a run with the square of it. */
    static FailingBackend seeded(long seed, double chance) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        BooleanSupplier fails = () -> {
            synchronized (random) {
                return random.nextDouble() < chance;
            }
        };
        // Rarely a stop: what cannot be stopped is waited for.
        return new FailingBackend(
                nanos -> fails.getAsBoolean(), thread -> fails.getAsBoolean(),
                thread -> fails.getAsBoolean() && fails.getAsBoolean());
    }

    /** From now on a run can be stopped: one that could not waits for ever, which is no fault of the library's. */
    void stopsRuns() {
        stopsRuns = true;
    }

    @Override
    protected void interrupting(Thread thread) {
        if (!stopsRuns && failsInterrupt.test(thread)) {
            failures.incrementAndGet();
            throw new NoThread("to interrupt " + thread.getName());
        }
    }

    @Override
    protected void starting(Thread thread) {
        if (failsThread.test(thread)) {
            failures.incrementAndGet();
            throw new NoThread(thread.getName());
        }
    }

    @Override
    protected Future<?> schedule(Runnable action, long nanos) {
        if (failsTimer.test(nanos)) {
            failures.incrementAndGet();
            throw new NoThread("timer");
        }
        return super.schedule(action, nanos);
    }

    @Override
    public void close() {
        replace(before);
    }
}
