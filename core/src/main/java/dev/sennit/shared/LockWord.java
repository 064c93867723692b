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
 * A lock in 64 bytes of memory that several processes map. Waiters find out when the process of the owner dies. Zeroed
 * memory is a free lock.
 *
 * <h2>The word</h2>
 *
 * <p>One long holds the owner and the state, so a process that is killed at any moment leaves a valid state:
 *
 * <pre>
 *   bits     63 .. 32                      31        30        29 .. 0
 *   locked   start time of the owner       WAITERS   DAMAGED   process id of the owner, never 0
 *   free     0                             0         0         0
 *   damaged  process id of the dead owner  0         1         0
 * </pre>
 *
 * <p>Without its two flags, a locked word is the {@link ProcessIdentity} of the owner's process. WAITERS says that a
 * thread may sleep on the word: the thread sets the flag before its sleep, and leaves it set when it gives up. DAMAGED
 * says that an owner died, and that nobody has repaired the guarded data since. The transitions, where lock stands for
 * {@code lockInterruptibly} and {@code tryLock}, too:
 *
 * <pre>
 *   free               -- lock, lockRecovering, lockAgain --> locked
 *   locked             -- unlock ---------------------------> free
 *   locked             -- a thread sees a dead owner -------> damaged
 *   damaged            -- lock -----------------------------> damaged; OwnerDiedException
 *   damaged            -- lockRecovering -------------------> locked
 *   damaged            -- lockAgain (of a condition) -------> locked and damaged
 *   locked and damaged -- unlock ---------------------------> damaged
 *   locked and damaged -- a thread sees a dead owner -------> damaged
 * </pre>
 *
 * <p>A thread that waits checks the owner, and so do {@link #tryLock()}, at most once a slice, and {@link #isSound}.
 *
 * <p>THREAD is the {@linkplain #markOf mark} of the thread that owns the lock: a number made of its process's identity
 * and its Java thread id, which a virtual thread keeps when it changes its carrier. A thread has the lock if the word
 * names its process and THREAD is its own mark.
 *
 * <p>Only the owner writes THREAD, HOLDS and DEAD_PID, so the values of a dead owner stay until the next owner has
 * written its own. In between, the word names the process of the next owner and THREAD the thread of the dead owner.
 * No other thread of that process may take itself for the owner then. So the marks of any two threads have to differ,
 * although thread ids and pids repeat: {@link #markOf} says how far they do.
 *
 * <p>The word is read and written as a volatile: a thread that acquires the lock sees all that earlier owners wrote.
 *
 * <h2>Waiting</h2>
 *
 * <p>A thread that finds the lock taken first spins for some microseconds. Then the waiting threads of one process
 * queue at {@link #gate}, and only the first of them competes with other processes. A process has one object of this
 * class for each lock, so at most one of its threads sleeps on the word. This thread sets WAITERS, and sleeps on the
 * low half of the word until another thread wakes it, but at most for a slice of some milliseconds. If the word has not
 * changed by then, the thread checks whether the owner's process is alive. So a wake-up that is lost, as a process was
 * killed just before it, costs a slice and no more. A thread that ends without unlocking does not count as dead while
 * its process lives.
 *
 * <p>An owner that unlocks clears WAITERS. If the flag was set, the owner wakes one sleeper, or all if the lock stays
 * damaged. A thread that has slept does not know whether others still sleep. It locks with WAITERS set, so that its
 * unlock wakes the next sleeper. Nothing is handed over: any thread may overtake a woken one.
 *
 * <p>The lock is not reentrant: a second {@link #lock} of the owner throws. {@link SharedReentrantLock} counts holds in
 * HOLDS.
 */
final class LockWord {
    /** The size of a lock word in memory. */
    static final long BYTES = 64;

    private static final VarHandle LONGS = JAVA_LONG.varHandle();
    private static final VarHandle INTS = JAVA_INT.varHandle();
    // Offsets of the fields.
    private static final long WORD = 0;
    private static final long THREAD = 8;
    private static final long HOLDS = 16;
    private static final long DEAD_PID = 20;

    private static final long DAMAGED = 1L << 30;
    private static final long WAITERS = 1L << 31;
    /** The bits of a locked word that identify the owner's process. */
    private static final long OWNER = ~ProcessIdentity.SPARE;

    private static final long SELF = ProcessIdentity.SELF;
    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 0;

    private final MemorySegment memory;
    /** The low half of the word. Threads sleep on this half, as a futex has 32 bits. */
    private final MemorySegment low;
    /** Held by the thread of this process that competes with other processes for the lock. */
    private final ReentrantLock gate = new ReentrantLock();
    /** When {@link #tryLock()} last checked the owner. Not guarded: a race costs one check more. */
    private long lookedAt = Backend.current().nanoTime();

    /** What to do if the lock is damaged. */
    private enum Want {
        /** Throw {@link OwnerDiedException}, and leave the lock as it is. */
        SOUND,
        /** Acquire the lock. The caller repairs the data, so its unlock leaves the lock free. */
        TO_REPAIR,
        /** Acquire the lock. The caller does not repair the data, so its unlock leaves the lock damaged. */
        AS_IT_IS
    }

    /** How an attempt to acquire ended. */
    private enum Outcome {
        ACQUIRED,
        /** Acquired, and the lock was damaged. */
        DAMAGED,
        TIMED_OUT
    }

    /**
     * Uses a lock in some memory.
     *
     * @param memory {@link #BYTES} bytes, aligned to 8; zero before their first use
     */
    LockWord(MemorySegment memory) {
        this.memory = memory.asSlice(0, BYTES);
        this.low = memory.asSlice(ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? 0 : 4, 4);
    }

    // ---- taking it ----

    /**
     * Waits until the calling thread has the lock; an interrupt does not end the wait.
     *
     * @throws OwnerDiedException if the lock is damaged; the calling thread then does not have it
     */
    void lock() {
        if (!take()) {
            acquireUninterruptibly(Want.SOUND);
        }
    }

    /** Acts as {@link #lock}, but an interrupt ends the wait. */
    void lockInterruptibly() throws InterruptedException {
        if (!tryLock(WaitLimit.none())) {
            throw new AssertionError("gave up after 292 years");
        }
    }

    /** Acquires the lock if it is free. Checks the owner at most once a slice, as a caller may try often. */
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

    /** Acts as {@link #lockInterruptibly}, but returns false when the limit is over. */
    boolean tryLock(WaitLimit limit) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return take() || acquire(limit, Want.SOUND) == Outcome.ACQUIRED;
    }

    /**
     * Waits until the calling thread has the lock, and acquires a damaged lock, too; an interrupt does not end the
     * wait.
     *
     * @return whether the lock was damaged, and the caller has to repair the guarded data
     */
    boolean lockRecovering() {
        return !take() && acquireUninterruptibly(Want.TO_REPAIR) == Outcome.DAMAGED;
    }

    /** Returns the id of the process that left the lock damaged. Only for an owner that found it so. */
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
        LONGS.setOpaque(memory, THREAD, markOf(SELF, Thread.currentThread().threadId()));
        INTS.set(memory, HOLDS, 1);
    }

    /**
     * Returns what THREAD holds for a thread of a process. The factor is odd, so the product differs for each process
     * identity. The marks of two threads differ
     *
     * <ul>
     * <li>if both threads belong to one process;
     * <li>if the threads have the same id, in different processes;
     * <li>if their processes had the same pid, one after the other, and both thread ids are below 2^32.
     * </ul>
     *
     * <p>Any other two marks are the same only by a coincidence of all 64 bits. The same holds for a mark and 0.
     */
    static long markOf(long process, long threadId) {
        return process * 0x9E3779B97F4A7C15L ^ threadId;
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
        long forGate = limit.left(); // 0 or less when the limit is over: then the thread only tries
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
            // An unlock may have woken this thread, which gives up: wake another in its place. If the lock is taken
            // again, the other could only go back to sleep.
            if (!acquired && !isOwned(word())) {
                Sharing.here().wake(low, 1);
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
                long kept = word & (want == Want.AS_IT_IS ? ProcessIdentity.SPARE : WAITERS); // AS_IT_IS keeps DAMAGED
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

    /**
     * Spins until the lock is free, but only for some microseconds: sleeping and being woken would take longer. Returns
     * the word.
     */
    private long spin() {
        long word = word();
        for (int i = 0; i < SPINS && isOwned(word); i++) {
            Thread.onSpinWait();
            word = word();
        }
        return word;
    }

    /**
     * If the owner is dead, marks the lock as damaged and wakes all sleepers, so that each of them throws or repairs.
     */
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
        return new OwnerDiedException(pid,
                "process " + pid + " died while it had the lock, and what it guards may be half"
                        + " changed: take it with lockRecovering() and repair that");
    }

    // ---- unlocking ----

    /**
     * Releases the lock.
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

    /** Releases the lock for a wait for a condition. Returns how many holds {@link #lockAgain} has to restore. */
    int unlockFully() {
        ensureHeld();
        int holds = holds();
        release();
        return holds;
    }

    /**
     * Acquires the lock again after a wait for a condition, damaged or not; an interrupt does not end the wait.
     *
     * @return null if the lock is sound, else the exception that the caller has to throw. The caller has the lock in
     *     both cases; its unlock leaves a damaged lock damaged
     */
    @Nullable OwnerDiedException lockAgain(int holds) {
        boolean damaged = !take() && acquireUninterruptibly(Want.AS_IT_IS) == Outcome.DAMAGED;
        INTS.set(memory, HOLDS, holds);
        return damaged ? ownerDied(deadPid()) : null;
    }

    /** Checks the owner. Returns false if the lock is damaged. */
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

    /** Returns whether the lock is locked: a word that is not locked has no process id in its low half. */
    private static boolean isOwned(long word) {
        return ProcessIdentity.pid(word) != 0;
    }

    boolean isLocked() {
        return isOwned(word());
    }

    boolean isHeldByCurrentThread() {
        return (word() & OWNER) == SELF
                && (long) LONGS.getOpaque(memory, THREAD) == markOf(SELF, Thread.currentThread().threadId());
    }

    void ensureHeld() {
        if (!isHeldByCurrentThread()) {
            throw new IllegalMonitorStateException(
                    "thread " + Thread.currentThread().getName() + " does not have the lock: it is "
                            + this);
        }
    }

    /** Returns how many times the owner has locked it. Only for the owner. */
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
