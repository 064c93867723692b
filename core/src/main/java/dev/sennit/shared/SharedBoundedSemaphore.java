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
 * A fixed number of permits in shared memory, such as seats at something that bears only so many, and a record of which
 * process has how many: {@link dev.sennit.BoundedSemaphore} between processes.
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
 *   <li><b>A permit belongs to the process that took it</b>: any of its threads may give it back, and no other process.
 *       Giving back more than that is refused.
 *   <li><b>When a process dies that has permits</b>, they stay taken, as what they stood for may still be in use. Whoever would
 *       have to wait for one gets an {@link OwnerDiedException} instead, within some milliseconds, until somebody {@linkplain
 *       #reclaim reclaims} them.
 *   <li>Among the threads of one process that wait: first come, first served. Between processes, and for who need not wait,
 *       there is no order.
 *   <li>Platform and virtual threads may use it, and notice interrupts and time limits within some milliseconds. A task captures it.
 *       Up to 200 processes may have permits at a time.
 * </ul>
 *
 * <p><b>Memory effects</b>: what was done before {@link #release} is seen after an {@link #acquire} that follows, in shared memory
 * too.
 */
public final class SharedBoundedSemaphore extends SharedSynchronizer {
    /*
     * Who has how many is the truth, and the number of free permits follows from it: so one write takes or gives a permit,
     * and after a death half-way the number is counted again. A lock guards both.
     */
    private static final long serialVersionUID = 1L;
    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final VarHandle LONGS = JAVA_LONG.varHandle();

    private static final long BOUND = LockWord.BYTES + SignalWord.BYTES;
    private static final long FREE = BOUND + 4;
    private static final long FIRST = BOUND + 64;
    private static final long ENTRY = 16;
    /** Of an entry: after the identity of the process, or 0. */
    private static final long HELD = 8;

    private static final int ENTRIES = 200; // what fits a page
    private static final long BYTES = FIRST + ENTRIES * ENTRY;

    private final transient MemorySegment words;
    private final transient LockWord guard;
    private final transient SignalWord released;
    /** Guarded by guard. Where the entry of this process was last. */
    private transient long mine = FIRST;
    /** When a try last looked after the others. Races harmlessly. */
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
     * Takes a permit, waiting for one if there is none.
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
     * Takes a permit if there is one.
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
     * Takes a permit, waiting for some time at most.
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
        enter(); // also when it looks as if there were none: it may have to be counted again
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
     * Gives a permit back.
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
     * Gives the permits back that dead processes had. Whoever calls it has made sure that what they stood for is not in use any
     * more.
     *
     * @return how many; 0 when no process died that had one
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

    /** Takes the guard. Nobody who dies inside does harm: one write is all that counts. */
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

    /** The entry of this process: the one it has, or one that nobody has, or that of a process which died without permits. */
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
     * How many permits are free, at this moment.
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
