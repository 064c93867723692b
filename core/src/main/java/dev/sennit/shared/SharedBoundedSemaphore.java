package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.internal.Backend;
import dev.sennit.internal.machine.ProcessIdentity;
import dev.sennit.internal.machine.Sharing;
import dev.sennit.internal.machine.WaitLimit;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A fixed number of permits in shared memory, such as seats at a resource that bears only so many users, with a record
 * of how many each process has: {@link dev.sennit.BoundedSemaphore} between processes.
 *
 * {@snippet :
 * SharedBoundedSemaphore seats = SharedBoundedSemaphore.create(2);
 * try (Pool pool = Pools.open("processes:4")) {
 *     pool.forEach(java.util.stream.IntStream.range(0, 100).boxed().toList(), i -> {
 *         seats.acquire();
 *         try {
 *             System.out.println("at most two at a time");
 *         } finally {
 *             seats.release();
 *         }
 *     });
 * }
 * }
 *
 * <ul>
 *   <li><b>A permit belongs to the process that acquired it</b>: any of its threads may release it, but no other
 *       process. A release without a permit is refused.
 *   <li><b>When a process dies with permits</b>, they stay acquired, as what they stood for may still be in use.
 *       Callers that would have to wait get an {@link OwnerDiedException} instead, within some milliseconds, until some
 *       process {@linkplain #reclaim reclaims} the permits.
 *   <li>The waiting threads of one process are served first come, first served. Between processes, and for threads that
 *       need not wait, there is no order.
 *   <li>Platform and virtual threads may use it, and notice interrupts and time limits within some milliseconds. A task
 *       captures it. Up to 200 processes may have permits at a time.
 * </ul>
 *
 * <p><b>Memory effects</b>: actions before {@link #release} are visible after an {@link #acquire} that follows, in
 * shared memory too.
 */
public final class SharedBoundedSemaphore extends SharedSynchronizer {
    /*
     * The entries say how many permits each process has. The number of free permits is derived from them: so one write
     * acquires or releases a permit, and if a process dies before it has updated that number, the next owner of the
     * guard counts again. The guard protects both.
     */
    private static final long serialVersionUID = 1L;
    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final VarHandle LONGS = JAVA_LONG.varHandle();

    private static final long BOUND = LockWord.BYTES + SignalWord.BYTES;
    private static final long FREE = BOUND + 4;
    private static final long FIRST = BOUND + 64;
    private static final long ENTRY = 16;
    /** In an entry, after the identity of its process, which is 0 in a free entry. */
    private static final long HELD = 8;

    private static final int ENTRIES = 200; // what fits a page
    private static final long BYTES = FIRST + ENTRIES * ENTRY;

    private final transient MemorySegment words;
    private final transient LockWord guard;
    private final transient SignalWord released;
    /** Guarded by guard. Where the entry of this process was at its last use. */
    private transient long mine = FIRST;
    /** When {@link #tryAcquire()} last checked the other processes. Not guarded: a race costs one check more. */
    private transient long lookedAt = Backend.current().nanoTime();

    SharedBoundedSemaphore(SharedMemory memory) {
        super(memory);
        this.words = memory.segment();
        this.guard = new LockWord(words);
        this.released = new SignalWord(words.asSlice(LockWord.BYTES));
    }

    /**
     * Makes a semaphore whose permits are all free.
     *
     * @param permits how many, 1 or more
     * @return the semaphore
     * @throws IllegalArgumentException if the number is less than 1
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedBoundedSemaphore create(int permits) {
        if (permits < 1) {
            throw new IllegalArgumentException("permits must be >= 1, was " + permits);
        }
        var made = SharedMemory.createCollected(BYTES).as(SharedBoundedSemaphore.class, SharedBoundedSemaphore::new);
        INTS.setVolatile(made.words, BOUND, permits);
        INTS.setVolatile(made.words, FREE, permits);
        return made;
    }

    /**
     * Acquires a permit, waiting until there is one.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
     * @throws OwnerDiedException if there is none, and a process died that had some; the caller then has no permit
     */
    public void acquire() throws InterruptedException {
        if (!tryAcquire(WaitLimit.none())) {
            throw new AssertionError("gave up after 292 years");
        }
    }

    /**
     * Acquires a permit if there is one.
     *
     * @return whether the caller has one now
     * @throws OwnerDiedException if there is none, and a process died that had some
     */
    public boolean tryAcquire() {
        if (take()) {
            return true;
        }
        if (Backend.current().nanoTime() - lookedAt > Sharing.SLICE_NANOS) {
            lookedAt = Backend.current().nanoTime();
            lookAfterOthers();
        }
        return false;
    }

    /**
     * Acquires a permit, waiting for some time at most.
     *
     * @param timeout the longest to wait
     * @return whether the caller has one now
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has no permit
     * @throws OwnerDiedException if there is none, and a process died that had some; the caller then has no permit
     */
    public boolean tryAcquire(Duration timeout) throws InterruptedException {
        return tryAcquire(new WaitLimit(TimeUnit.NANOSECONDS.convert(timeout)));
    }

    private boolean tryAcquire(WaitLimit limit) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return take() || released.tryInTurn(limit, this::takeOrLook);
    }

    private boolean takeOrLook() {
        if (take()) {
            return true;
        }
        lookAfterOthers();
        return false;
    }

    private boolean take() {
        enter(); // even if none seems free: the count may need repair
        try {
            if (availablePermits() == 0) {
                return false;
            }
            long entry = entryOfThis();
            setHeld(entry, held(entry) + 1);
            setFree(availablePermits() - 1);
            return true;
        } finally {
            guard.unlock();
        }
    }

    /**
     * Releases a permit.
     *
     * @throws IllegalStateException if this process has none; then nothing has changed
     */
    public void release() {
        enter();
        try {
            long entry = entryOfThis();
            if (held(entry) == 0) {
                throw new IllegalStateException("released more often than acquired: this process has none of the "
                        + bound() + " permits");
            }
            setHeld(entry, held(entry) - 1);
            setFree(availablePermits() + 1);
        } finally {
            guard.unlock();
        }
        released.signal(1);
    }

    /**
     * Releases the permits of dead processes. The caller has made sure that nothing they stood for is in use any more.
     *
     * @return how many; 0 if no process died with permits
     */
    public int reclaim() {
        int reclaimed = 0;
        enter();
        try {
            for (long entry = FIRST; entry < BYTES; entry += ENTRY) {
                int held = held(entry);
                if (held > 0 && isDead(identity(entry))) {
                    setHeld(entry, 0);
                    reclaimed += held;
                }
            }
            count();
        } finally {
            guard.unlock();
        }
        released.signal(reclaimed);
        return reclaimed;
    }

    /** Acquires the guard, and counts again if a process died with it. */
    private void enter() {
        if (guard.lockRecovering()) {
            count();
        }
    }

    private void count() {
        int free = bound();
        for (long entry = FIRST; entry < BYTES; entry += ENTRY) {
            free -= held(entry);
        }
        setFree(free);
    }

    /**
     * Returns the entry of this process: the one it has, or a free one, or that of a process which died without
     * permits.
     */
    private long entryOfThis() {
        if (identity(mine) != ProcessIdentity.SELF) {
            mine = find();
            LONGS.setVolatile(words, mine, ProcessIdentity.SELF);
        }
        return mine;
    }

    private long find() {
        long unused = 0;
        for (long entry = BYTES - ENTRY; entry >= FIRST; entry -= ENTRY) {
            long identity = identity(entry);
            if (identity == ProcessIdentity.SELF) {
                return entry;
            }
            if (identity == 0) {
                unused = entry;
            }
        }
        for (long entry = FIRST; unused == 0 && entry < BYTES; entry += ENTRY) {
            if (held(entry) == 0 && isDead(identity(entry))) {
                unused = entry;
            }
        }
        if (unused == 0) {
            throw new IllegalStateException("more than " + ENTRIES + " processes use one semaphore");
        }
        return unused;
    }

    private void lookAfterOthers() {
        for (long entry = FIRST; entry < BYTES && identity(entry) != 0; entry += ENTRY) {
            long identity = identity(entry);
            if (held(entry) > 0 && isDead(identity)) {
                throw new OwnerDiedException(ProcessIdentity.pid(identity), "process " + ProcessIdentity.pid(identity)
                        + " died with " + held(entry) + " of the " + bound() + " permits: reclaim() gives them back");
            }
        }
    }

    private static boolean isDead(long identity) {
        return identity != ProcessIdentity.SELF && !ProcessIdentity.isAlive(identity);
    }

    private long identity(long entry) {
        return (long) LONGS.getVolatile(words, entry);
    }

    private int held(long entry) {
        return (int) INTS.getVolatile(words, entry + HELD);
    }

    private void setHeld(long entry, int held) {
        INTS.setVolatile(words, entry + HELD, held);
    }

    private int bound() {
        return (int) INTS.getVolatile(words, BOUND);
    }

    private void setFree(int free) {
        INTS.setVolatile(words, FREE, free);
    }

    /**
     * Returns how many permits are free at the moment.
     *
     * @return the count
     */
    public int availablePermits() {
        return (int) INTS.getVolatile(words, FREE);
    }

    @Override
    public String toString() {
        return "SharedBoundedSemaphore[" + availablePermits() + " of " + bound() + " free]";
    }
}
