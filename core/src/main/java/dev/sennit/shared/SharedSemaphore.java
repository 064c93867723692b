package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.machine.WaitLimit;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;

/**
 * Permits in shared memory that threads of all processes acquire and release: a {@link java.util.concurrent.Semaphore}
 * between processes.
 *
 * {@snippet :
 * SharedSemaphore ready = SharedSemaphore.create(0);
 * try (Pool pool = Pools.open("processes:1")) {
 *     pool.submit(() -> ready.release(2));
 *     ready.acquire(2);
 * }
 * }
 *
 * <p>A permit has no owner: one process may release what another acquires. <b>So when a process dies, the permits that
 * it acquired stay acquired, and those that it would have released never come.</b> Nobody can tell, and waiting threads
 * go on waiting: set a time limit. If each process releases the permits that it acquired itself, use a
 * {@link SharedBoundedSemaphore}, which notices such deaths.
 *
 * <p>The waiting threads of one process are served first come, first served. Between processes, and for threads that
 * need not wait, there is no order; a thread that wants many permits may wait long beside others that want few.
 * Platform and virtual threads may use it, and notice interrupts and time limits within some milliseconds. A task
 * captures it. <b>Memory effects</b>: actions before {@link #release} are visible after an {@link #acquire} that
 * follows, in shared memory too.
 */
public final class SharedSemaphore extends SharedSynchronizer {
    private static final long serialVersionUID = 1L;
    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final long PERMITS = SignalWord.BYTES;
    private static final long BYTES = 2 * SignalWord.BYTES;

    private final transient MemorySegment words;
    private final transient SignalWord released;

    SharedSemaphore(SharedMemory memory) {
        super(memory);
        this.words = memory.segment();
        this.released = new SignalWord(words);
    }

    /**
     * Makes a semaphore.
     *
     * @param permits how many are free at first, 0 or more
     * @return the semaphore
     * @throws IllegalArgumentException if the number is less than 0
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedSemaphore create(int permits) {
        ensureNotNegative(permits);
        var made = SharedMemory.createCollected(BYTES).as(SharedSemaphore.class, SharedSemaphore::new);
        INTS.setVolatile(made.words, PERMITS, permits);
        return made;
    }

    private static void ensureNotNegative(int permits) {
        if (permits < 0) {
            throw new IllegalArgumentException("permits must be >= 0, was " + permits);
        }
    }

    /**
     * Acquires a permit, waiting until there is one.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has acquired none
     */
    public void acquire() throws InterruptedException {
        acquire(1);
    }

    /**
     * Acquires permits, all at once, waiting until there are enough.
     *
     * @param permits how many, 0 or more
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has acquired none
     */
    public void acquire(int permits) throws InterruptedException {
        if (!tryAcquire(permits, Long.MAX_VALUE, TimeUnit.NANOSECONDS)) {
            throw new AssertionError("gave up after 292 years");
        }
    }

    /** Acquires a permit, waiting until there is one; an interrupt does not end the wait. */
    public void acquireUninterruptibly() {
        acquireUninterruptibly(1);
    }

    /**
     * Acquires permits, all at once, waiting until there are enough; an interrupt does not end the wait.
     *
     * @param permits how many, 0 or more
     */
    public void acquireUninterruptibly(int permits) {
        Uninterruptibles.await(() -> acquire(permits));
    }

    /**
     * Acquires a permit if there is one.
     *
     * @return whether the caller has acquired one
     */
    public boolean tryAcquire() {
        return tryAcquire(1);
    }

    /**
     * Acquires permits if there are enough.
     *
     * @param permits how many, 0 or more
     * @return whether the caller has acquired them
     */
    public boolean tryAcquire(int permits) {
        ensureNotNegative(permits);
        for (int free = availablePermits(); free >= permits; free = availablePermits()) {
            if (INTS.compareAndSet(words, PERMITS, free, free - permits)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Acquires a permit, waiting for some time at most.
     *
     * @return whether the caller has acquired one
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has acquired none
     */
    public boolean tryAcquire(long timeout, TimeUnit unit) throws InterruptedException {
        return tryAcquire(1, timeout, unit);
    }

    /**
     * Acquires permits, all at once, waiting for some time at most.
     *
     * @param permits how many, 0 or more
     * @return whether the caller has acquired them
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; it then has acquired none
     */
    public boolean tryAcquire(int permits, long timeout, TimeUnit unit) throws InterruptedException {
        var limit = new WaitLimit(unit.toNanos(timeout));
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return tryAcquire(permits) || released.tryInTurn(limit, () -> tryAcquire(permits));
    }

    /** Releases a permit. */
    public void release() {
        release(1);
    }

    /**
     * Releases permits.
     *
     * @param permits how many, 0 or more
     * @throws ArithmeticException if there would be more than an int can count; then nothing has changed
     */
    public void release(int permits) {
        ensureNotNegative(permits);
        int free = availablePermits();
        while (!INTS.compareAndSet(words, PERMITS, free, Math.addExact(free, permits))) {
            free = availablePermits();
        }
        released.signal(permits);
    }

    /**
     * Returns how many permits are free at the moment.
     *
     * @return the count
     */
    public int availablePermits() {
        return (int) INTS.getVolatile(words, PERMITS);
    }

    /**
     * Acquires all free permits.
     *
     * @return how many
     */
    public int drainPermits() {
        return (int) INTS.getAndSet(words, PERMITS, 0);
    }

    @Override
    public String toString() {
        return "SharedSemaphore[" + availablePermits() + " free]";
    }
}
