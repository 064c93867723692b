package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sennit.internal.Waits;
import dev.sennit.internal.machine.Sharing;
import dev.sennit.internal.machine.WaitLimit;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * A counter of signals in 64 bytes of memory that several processes map. A waiting thread reads the counter, checks its
 * condition, and sleeps until the counter changes: so it misses no signal in between. Every sleep ends after a slice at
 * the latest, so a signal that woke a process which died delays the others by no more than that.
 */
final class SignalWord {
    /** The size of a signal word in memory. */
    static final long BYTES = 64;

    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final long SEQUENCE = 0;
    /** How many threads sleep. Also counts sleepers whose process died: too high a count only costs a system call. */
    private static final long SLEEPERS = 4;

    private final MemorySegment memory;
    /** Held by the thread of this process that tries next. */
    private final ReentrantLock gate = new ReentrantLock(true);

    /**
     * Uses a signal word in some memory.
     *
     * @param memory {@link #BYTES} bytes, aligned to 4; zero before their first use
     */
    SignalWord(MemorySegment memory) {
        this.memory = memory.asSlice(0, BYTES);
    }

    /** Returns how many signals there were. */
    int sequence() {
        return (int) INTS.getVolatile(memory, SEQUENCE);
    }

    /** Wakes at most so many sleeping threads now; the others wake after a slice at the latest. */
    void signal(int count) {
        INTS.getAndAdd(memory, SEQUENCE, 1);
        if ((int) INTS.getVolatile(memory, SLEEPERS) != 0) {
            Sharing.here().wake(memory, count);
        }
    }

    void signalAll() {
        signal(Integer.MAX_VALUE);
    }

    /**
     * Sleeps until the next signal, but no longer than a slice.
     *
     * @param seen the {@link #sequence} that the caller read before it checked its condition
     * @return whether there was a signal since
     */
    boolean await(int seen, WaitLimit limit) throws InterruptedException {
        INTS.getAndAdd(memory, SLEEPERS, 1);
        try (var _ = Waits.outOfTurn()) {
            Sharing.here().await(memory, seen, limit);
        } finally {
            INTS.getAndAdd(memory, SLEEPERS, -1);
        }
        return sequence() != seen;
    }

    /**
     * Repeats an attempt until it succeeds: after each signal, and after each slice. The threads of one process try one
     * at a time, in the order in which they came.
     *
     * @return false if the limit was over first
     */
    boolean tryInTurn(WaitLimit limit, BooleanSupplier attempt) throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            return tryOutOfTurn(limit, attempt);
        }
    }

    private boolean tryOutOfTurn(WaitLimit limit, BooleanSupplier attempt) throws InterruptedException {
        if (!gate.tryLock(limit.left(), TimeUnit.NANOSECONDS)) {
            return false;
        }
        try {
            while (true) {
                int seen = sequence();
                if (attempt.getAsBoolean()) {
                    return true;
                }
                if (limit.isOver()) {
                    return false;
                }
                await(seen, limit);
            }
        } finally {
            gate.unlock();
        }
    }
}
