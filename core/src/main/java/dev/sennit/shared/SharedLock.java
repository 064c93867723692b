package dev.sennit.shared;

/**
 * A lock in shared memory: at most one thread of all processes that have it is between {@link #lock} and {@link #unlock}, and
 * who waits for it gets to know when a process dies there.
 *
 * {@snippet :
 * SharedLock lock = SharedLock.create();
 * SharedMemory pair = SharedMemory.create(16);
 * try (Pool pool = Pools.open("processes:2")) {
 *     pool.submit(() -> {
 *         boolean died = lock.lockRecovering();
 *         try {
 *             if (died) {
 *                 pair.segment().fill((byte) 0); // somebody was half-way
 *             }
 *             pair.segment().set(java.lang.foreign.ValueLayout.JAVA_LONG, 0, 42);
 *         } finally {
 *             lock.unlock();
 *         }
 *     });
 * }
 * }
 *
 * <ul>
 *   <li><b>A task captures it</b>, or takes it as an argument; in the worker it is the same lock. It can be got from the process
 *       that created it for as long as that has it and is alive; who has it keeps it.
 *   <li><b>When a process dies that has it</b>, killed or crashed, what it guards may be half changed. Everybody who waits for it
 *       gets an {@link OwnerDiedException} within some milliseconds, and so does whoever asks for it later; they do not have the
 *       lock then. {@link #lockRecovering} takes it and tells whether there is something to repair.
 *       When there never is, use that and ignore what it says. A <em>thread</em> that ends without unlocking leaves it locked,
 *       as with every {@link java.util.concurrent.locks.Lock}; a process that is stopped has not died.
 *   <li><b>Not reentrant</b>: the thread that has it gets an {@link IllegalStateException} if it would have to wait for itself; a
 *       {@link SharedReentrantLock} may be locked again. Only the thread that locked it unlocks it.
 *   <li><b>Not fair</b>: anybody may overtake.
 *   <li><b>Platform and virtual threads</b> may use it; one that waits does not hold its carrier. Interrupts and time limits are
 *       noticed within some milliseconds.
 *   <li><b>Cost</b>: a free lock is taken by one compare-and-set and given back by one exchange, without a system call.
 * </ul>
 *
 * <p><b>Memory effects</b>, also between processes: what was done before {@link #unlock}, in shared memory too, is seen after a
 * {@link #lock} that follows.
 *
 * <p><b>Not promised</b>: anything between machines, between users, or against a process that writes where it should not.
 */
public final class SharedLock extends AbstractSharedLock {
    private static final long serialVersionUID = 1L;

    SharedLock(SharedMemory memory) {
        super(memory);
    }

    /**
     * Makes a lock that nobody has.
     *
     * @return the lock
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedLock create() {
        return SharedMemory.createCollected(BYTES).as(SharedLock.class, SharedLock::new);
    }
}
