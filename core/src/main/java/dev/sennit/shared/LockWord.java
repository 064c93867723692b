package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.Waits;
import dev.sennit.internal.machine.ProcessIdentity;
import dev.sennit.internal.machine.Sharing;
import dev.sennit.internal.machine.WaitLimit;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A lock in 64 bytes of shared memory that notices when its owner dies. All that is zero is a free one.
 *
 * <h2>The word</h2>
 *
 * <p>One long says everything, so that there is no moment at which a kill leaves it ambiguous:
 *
 * <pre>
 *   FREE     -- lock -----------------------------> OWNED
 *   OWNED    -- unlock ---------------------------> FREE
 *   OWNED    -- its process dies, and one looks --> DAMAGED; says who died
 *   DAMAGED  -- lockRecovering -------------------> OWNED
 *   DAMAGED  -- a wait for a condition ends ------> OWNED, DAMAGED
 *   OWNED, DAMAGED -- unlock ---------------------> DAMAGED
 *   OWNED, DAMAGED -- its process dies -----------> DAMAGED
 * </pre>
 *
 * <p>OWNED is the {@link ProcessIdentity} of the owner; two bits beside it say WAITERS and DAMAGED. Which of the owner's
 * threads has it stands in another word, which only the owner writes. It is the number of a Java thread, so that a virtual
 * thread may change its carrier. The low half of the long is what waiters sleep on.
 *
 * <h2>Waiting</h2>
 *
 * <p>A thread that finds the lock taken looks again for some microseconds. Then the threads of one process queue at {@link
 * #gate}, and only the first of them waits for other processes: at most one sleeper, and one that looks after the owner, for
 * each process and object. It sets WAITERS, sleeps a slice, and looks whether the owner is still alive. Whoever unlocks
 * wakes one sleeper if WAITERS is set; who has slept takes the lock with WAITERS set, as there may be more. Anybody may overtake.
 */
final class LockWord {
    /** How much memory it takes. */
    static final long BYTES = 64;

    private static final VarHandle LONGS = JAVA_LONG.varHandle();
    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final long WORD = 0;
    private static final long THREAD = 8;
    private static final long HOLDS = 16;
    private static final long DEAD_PID = 20;

    private static final long DAMAGED = 1L << 30;
    private static final long WAITERS = 1L << 31;
    private static final long OWNER = ~ProcessIdentity.SPARE;

    private static final long SELF = ProcessIdentity.SELF;
    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 0;

    private final MemorySegment memory;
    private final MemorySegment low;
    /** Held by the thread of this process that waits for other processes. */
    private final ReentrantLock gate = new ReentrantLock();
    /** When a try last looked after the owner. Races harmlessly. */
    private long lookedAt = Backend.current().nanoTime();

    /** What a caller makes of a lock whose owner died. */
    private enum Want {
        /** Refuses it. */
        SOUND,
        /** Takes it, and to unlock it makes it sound. */
        TO_REPAIR,
        /** Takes it, and it stays damaged. */
        AS_IT_IS
    }

    /** What came of a wait. */
    private enum Outcome {
        ACQUIRED,
        /** Acquired, and an owner had died. */
        DAMAGED,
        TIMED_OUT
    }

    /**
     * The lock in some memory.
     *
     * @param memory {@link #BYTES} bytes, aligned to 8, zero when the first one uses them
     */
    LockWord(MemorySegment memory) {
        this.memory = memory.asSlice(0, BYTES);
        this.low = memory.asSlice(ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? 0 : 4, 4);
    }

    // ---- taking it ----

    /**
     * Waits for it, whatever interrupts come.
     *
     * @throws OwnerDiedException if its owner died, and nobody has repaired what it guards; then the caller does not have it
     */
    void lock() {
        if (!take()) {
            acquireUninterruptibly(Want.SOUND);
        }
    }

    /** As {@link #lock}, unless the thread is interrupted. */
    void lockInterruptibly() throws InterruptedException {
        if (!tryLock(WaitLimit.none())) {
            throw new AssertionError("gave up after 292 years");
        }
    }

    /** Takes it if it is free. */
    boolean tryLock() {
        if (take()) {
            return true;
        }
        long word = word();
        if (isOwned(word) && (word & OWNER) != SELF && Backend.current().nanoTime() - lookedAt > Sharing.SLICE_NANOS) {
            lookedAt = Backend.current().nanoTime();
            lookAfter(word);
            word = word();
        }
        ensureSound(word);
        return !isOwned(word) && take();
    }

    /** As {@link #lockInterruptibly}, for a limited time; false when that was over. */
    boolean tryLock(WaitLimit limit) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return take() || acquire(limit, Want.SOUND) == Outcome.ACQUIRED;
    }

    /** Waits for it, whatever interrupts come; true if its last owner died, so that what it guards has to be repaired. */
    boolean lockRecovering() {
        return !take() && acquireUninterruptibly(Want.TO_REPAIR) == Outcome.DAMAGED;
    }

    /** Whose death {@link #lockRecovering} told of; only for the owner. */
    int deadPid() {
        return (int) INTS.get(memory, DEAD_PID);
    }

    private boolean take() {
        if (LONGS.compareAndSet(memory, WORD, 0L, SELF)) {
            claim();
            return true;
        }
        return false;
    }

    private void claim() {
        LONGS.setOpaque(memory, THREAD, Thread.currentThread().threadId());
        INTS.set(memory, HOLDS, 1);
    }

    private Outcome acquireUninterruptibly(Want want) {
        return Uninterruptibles.get(() -> acquire(WaitLimit.none(), want));
    }

    private Outcome acquire(WaitLimit limit, Want want) throws InterruptedException {
        if (isHeldByCurrentThread()) {
            throw new IllegalStateException("thread " + Thread.currentThread().getName()
                    + " has the lock already, and would wait for itself: a SharedReentrantLock may be locked again");
        }
        if (spin() == 0 && take()) {
            return Outcome.ACQUIRED;
        }
        try (var _ = Waits.outOfTurn()) {
            return acquireOutOfTurn(limit, want);
        }
    }

    private Outcome acquireOutOfTurn(WaitLimit limit, Want want) throws InterruptedException {
        long forGate = limit.left();
        if (!(forGate <= 0 ? gate.tryLock() : gate.tryLock(forGate, TimeUnit.NANOSECONDS))) {
            return Outcome.TIMED_OUT;
        }
        boolean acquired = false;
        try {
            Outcome outcome = acquireAmongProcesses(limit, want);
            acquired = outcome != Outcome.TIMED_OUT;
            return outcome;
        } finally {
            gate.unlock();
            if (!acquired && !isOwned(word())) {
                Sharing.here().wake(low, 1); // it may have been this thread's turn
            }
        }
    }

    private Outcome acquireAmongProcesses(WaitLimit limit, Want want) throws InterruptedException {
        long slept = 0;
        while (true) {
            long word = spin();
            if (!isOwned(word)) {
                if (want == Want.SOUND) {
                    ensureSound(word);
                }
                long kept = word & (want == Want.AS_IT_IS ? ProcessIdentity.SPARE : WAITERS);
                if (LONGS.compareAndSet(memory, WORD, word, SELF | kept | slept)) {
                    claim();
                    if ((word & DAMAGED) == 0) {
                        return Outcome.ACQUIRED;
                    }
                    INTS.set(memory, DEAD_PID, (int) (word >>> 32));
                    return Outcome.DAMAGED;
                }
                continue;
            }
            if (limit.isOver()) {
                return Outcome.TIMED_OUT;
            }
            long asleep = word | WAITERS;
            if (word == asleep || LONGS.compareAndSet(memory, WORD, word, asleep)) {
                slept = WAITERS;
                Sharing.here().await(low, (int) asleep, limit);
                if (word() == asleep) {
                    lookAfter(asleep);
                }
            }
        }
    }

    /** Looks until it is free, but only for some microseconds: to sleep and be woken takes longer. */
    private long spin() {
        long word = word();
        for (int i = 0; i < SPINS && isOwned(word); i++) {
            Thread.onSpinWait();
            word = word();
        }
        return word;
    }

    /** Notes it if the owner is dead, and wakes everybody: they all get to know. */
    private void lookAfter(long word) {
        long owner = word & OWNER;
        if (owner != SELF && !ProcessIdentity.isAlive(owner)
                && LONGS.compareAndSet(memory, WORD, word, DAMAGED | ProcessIdentity.pid(owner) << 32)) {
            Sharing.here().wake(low, Integer.MAX_VALUE);
        }
    }

    private static void ensureSound(long word) {
        if (!isOwned(word) && (word & DAMAGED) != 0) {
            throw ownerDied(word >>> 32);
        }
    }

    private static OwnerDiedException ownerDied(long pid) {
        return new OwnerDiedException(pid, "process " + pid + " died while it had the lock, and what it guards may be half"
                + " changed: take it with lockRecovering() and repair that");
    }

    // ---- giving it back ----

    /**
     * Gives it back.
     *
     * @throws IllegalMonitorStateException if the calling thread does not have it
     */
    void unlock() {
        ensureHeld();
        release();
    }

    private void release() {
        LONGS.setOpaque(memory, THREAD, 0L);
        long free = (word() & DAMAGED) == 0 ? 0 : DAMAGED | (long) deadPid() << 32;
        long word = (long) LONGS.getAndSet(memory, WORD, free);
        if ((word & WAITERS) != 0) {
            Sharing.here().wake(low, free == 0 ? 1 : Integer.MAX_VALUE);
        }
    }

    // ---- for conditions ----

    /** Gives it back, however often it is locked; for {@link #lockAgain}. */
    int unlockFully() {
        ensureHeld();
        int holds = holds();
        release();
        return holds;
    }

    /**
     * Takes it back after a wait for a condition, damaged or not, whatever interrupts come.
     *
     * @return what the caller has to throw, if an owner died: it has the lock, and to unlock it leaves it damaged
     */
    @Nullable OwnerDiedException lockAgain(int holds) {
        boolean damaged = !take() && acquireUninterruptibly(Want.AS_IT_IS) == Outcome.DAMAGED;
        INTS.set(memory, HOLDS, holds);
        return damaged ? ownerDied(deadPid()) : null;
    }

    /** Looks after the owner: false if an owner died and nobody has repaired what the lock guards. */
    boolean isSound() {
        long word = word();
        if (isOwned(word)) {
            lookAfter(word);
            word = word();
        }
        return (word & DAMAGED) == 0;
    }

    // ---- looking at it ----

    private long word() {
        return (long) LONGS.getVolatile(memory, WORD);
    }

    /** A word that is free has nobody's number in its low half. */
    private static boolean isOwned(long word) {
        return ProcessIdentity.pid(word) != 0;
    }

    boolean isLocked() {
        return isOwned(word());
    }

    boolean isHeldByCurrentThread() {
        return (word() & OWNER) == SELF
                && (long) LONGS.getOpaque(memory, THREAD) == Thread.currentThread().threadId();
    }

    void ensureHeld() {
        if (!isHeldByCurrentThread()) {
            throw new IllegalMonitorStateException("thread " + Thread.currentThread().getName() + " does not have the lock: it is "
                    + this);
        }
    }

    /** How often its owner has locked it; only for the owner. */
    int holds() {
        return (int) INTS.get(memory, HOLDS);
    }

    /** Only for the owner. */
    void setHolds(int holds) {
        INTS.set(memory, HOLDS, holds);
    }

    @Override
    public String toString() {
        long word = word();
        if (isOwned(word)) {
            return "locked by process " + ProcessIdentity.pid(word);
        }
        return (word & DAMAGED) == 0 ? "free" : "damaged by the death of process " + (word >>> 32);
    }
}
