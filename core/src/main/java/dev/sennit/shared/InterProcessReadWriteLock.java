package dev.sennit.shared;

import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReadWriteLock;

/**
 * A lock on a file that many threads of all processes on this machine may have to read, or one to write.
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
 * <p>Both are as described at {@link InterProcessLock}. Whoever comes to read waits behind those who wait to write, of this
 * process or another, unless it reads or writes already: neither readers nor writers starve. The thread that writes may take
 * the read lock as well and then unlock the write lock: nobody writes between. The other way round it would wait for itself,
 * and gets an {@link IllegalStateException}.
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
     * The locks of a file. All locks of one file are the same.
     *
     * @param file the file; made if there is none
     * @return locks on it, which nobody has on account of this call
     * @throws UncheckedIOException if there is no such file and it cannot be made
     */
    public static InterProcessReadWriteLock at(Path file) {
        return new InterProcessReadWriteLock(file);
    }

    /** The lock that is shared with others who read. */
    @Override
    public InterProcessLock readLock() {
        return readLock;
    }

    /** The lock that keeps all others out. */
    @Override
    public InterProcessLock writeLock() {
        return writeLock;
    }

    @Override
    public String toString() {
        return "InterProcessReadWriteLock[" + writeLock.file() + "]";
    }
}
