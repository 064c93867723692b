package dev.sennit.shared;

import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReadWriteLock;

/**
 * A lock on a file that many threads of all processes on this machine may hold to read, or one thread to write.
 *
 * {@snippet :
 * var lock = InterProcessReadWriteLock.at(java.nio.file.Path.of("/var/lib/app/index.lock"));
 * lock.readLock().lock();
 * try {
 *     System.out.println("nobody changes it now");
 * } finally {
 *     lock.readLock().unlock();
 * }
 * }
 *
 * <p>Both locks are as described at {@link InterProcessLock}. A new reader waits behind the waiting writers of all
 * processes, unless its thread already reads or writes: neither readers nor writers starve. A thread with the write
 * lock may acquire the read lock as well and then unlock the write lock: no other thread writes in between. A thread
 * with the read lock that asks for the write lock would wait for itself, and gets an {@link IllegalStateException}.
 */
public final class InterProcessReadWriteLock implements ReadWriteLock, Serializable {
    private static final long serialVersionUID = 1L;

    private final InterProcessLock readLock;
    private final InterProcessLock writeLock;

    private InterProcessReadWriteLock(Path file) {
        readLock = new InterProcessLock(file, true);
        writeLock = new InterProcessLock(file, false);
    }

    /**
     * Returns the locks of a file. All locks of one file are the same.
     *
     * @param file the file; made if there is none
     * @return locks on it; this call acquires none
     * @throws UncheckedIOException if there is no such file and it cannot be made
     */
    public static InterProcessReadWriteLock at(Path file) {
        return new InterProcessReadWriteLock(file);
    }

    /** Returns the lock that readers share. */
    @Override
    public InterProcessLock readLock() {
        return readLock;
    }

    /** Returns the lock that excludes all others. */
    @Override
    public InterProcessLock writeLock() {
        return writeLock;
    }

    @Override
    public String toString() {
        return "InterProcessReadWriteLock[" + writeLock.file() + "]";
    }
}
