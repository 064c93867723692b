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
 * A number in 64 bytes of shared memory that each signal raises: who waits for something reads it, looks whether that is so,
 * and sleeps until the number is another. So no signal can fall between, and one that a dead process slept through is seen by
 * the others after a slice.
 */
final class SignalWord {
    /** How much memory it takes. */
    static final long BYTES = 64;

    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final long SEQUENCE = 0;
    /** Threads that sleep, or did when their process died: too many only costs a system call. */
    private static final long SLEEPERS = 4;

    private final MemorySegment memory;
    /** Held by the thread of this process whose turn is next. */
    private final ReentrantLock gate = new ReentrantLock(true);

    /**
     * The signal in some memory.
     *
     * @param memory {@link #BYTES} bytes, aligned to 4
     */
    SignalWord(MemorySegment memory) {
        this.memory = memory.asSlice(0, BYTES);
    }

    /** How many signals there were. */
    int sequence() {
        return (int) INTS.getVolatile(memory, SEQUENCE);
    }

    /** Wakes so many threads at once; all others look again after a slice at the latest. */
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
     * Sleeps until there is another signal, but no longer than a slice.
     *
     * @param seen what {@link #sequence} said before the caller looked
     * @return whether there was one
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
     * Tries until it succeeds, once after each signal, and now and then without one. Threads of one process do so one after
     * another: first come, first served.
     *
     * @return false when the time was over first
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
