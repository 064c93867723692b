package dev.sennit.shared;

/**
 * A lock in shared memory: at most one thread of all processes that share it is between {@link #lock} and
 * {@link #unlock}, and waiting threads find out when a process dies there.
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
 *   <li><b>A task captures it</b>, or takes it as an argument; in the worker it is the same lock. Other processes can
 *       get it as long as the process that created it lives and has a reference to it. A process that has got it keeps
 *       it.
 *   <li><b>When a process dies with the lock</b>, killed or crashed, the guarded data may be half changed. Every
 *       waiting thread gets an {@link OwnerDiedException} within some milliseconds, and so does every later caller;
 *       none of them then has the lock. {@link #lockRecovering} acquires it and tells whether there is something to
 *       repair. If there never is, always use that method and ignore its result. A <em>thread</em> that ends without
 *       unlocking leaves the lock locked, as with every {@link java.util.concurrent.locks.Lock}; a process that is
 *       stopped has not died.
 *   <li><b>Not reentrant</b>: the owner gets an {@link IllegalStateException} if it would have to wait for itself; a
 *       {@link SharedReentrantLock} may be locked again. Only the thread that locked it unlocks it.
 *   <li><b>Not fair</b>: any thread may overtake.
 *   <li><b>Platform and virtual threads</b> may use it; a waiting virtual thread does not hold its carrier. Waiting
 *       threads notice interrupts and time limits within some milliseconds.
 *   <li><b>Cost</b>: a free lock is acquired by one compare-and-set and released by one exchange, without a system
 *       call.
 * </ul>
 *
 * <p><b>Memory effects</b>, also between processes: actions before {@link #unlock}, in shared memory too, are visible
 * after a {@link #lock} that follows.
 *
 * <p><b>Not promised</b>: anything between machines, between users, or against a process that writes where it should
 * not.
 */
public final class SharedLock extends AbstractSharedLock {
    private static final long serialVersionUID = 1L;

    SharedLock(SharedMemory memory) {
        super(memory);
    }

    /**
     * Makes a free lock.
     *
     * @return the lock
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedLock create() {
        return SharedMemory.createCollected(BYTES).as(SharedLock.class, SharedLock::new);
    }
}
