package dev.sennit.shared;

import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.Waits;
import dev.sennit.internal.machine.WaitLimit;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serial;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * A lock that at most one thread of all processes on this machine has: a {@link Lock} on a file.
 *
 * {@snippet :
 * var lock = InterProcessLock.at(java.nio.file.Path.of("/var/lib/app/update.lock"));
 * if (lock.tryLock(10, TimeUnit.SECONDS)) {
 *     try {
 *         System.out.println("nobody else updates it now");
 *     } finally {
 *         lock.unlock();
 *     }
 * }
 * }
 *
 * <ul>
 *   <li><b>Death releases it.</b> The operating system takes the lock from a process that ends, however it ends. The
 *       guarded data is then as the dead process left it.
 *   <li><b>It excludes the threads of one process, too</b>, unlike a {@link java.nio.channels.FileLock}. It excludes
 *       locks made with other paths to the same file, and other processes' locks on one byte or all of the file, such
 *       as {@code fcntl.lockf} and {@code fasteners.InterProcessLock} of Python, but not {@code flock}.
 *   <li><b>Reentrant.</b> The owner may lock it again, through any lock of that file, and unlocks it as many times.
 *   <li>It is the same lock as the {@link InterProcessReadWriteLock#writeLock write lock} of that file.
 *   <li>It can be sent to worker processes, as its path.
 * </ul>
 *
 * <p>A thread that waits for another process looks every few milliseconds. The threads of one JVM are served first
 * come, first served; between processes there is no order. Platform and virtual threads may use it.
 *
 * <p><b>Not promised:</b> anything on network file systems, or when the file is deleted or replaced while a thread has
 * the lock or waits for it. Nothing is written into the file, and it is left there: an old one does no harm. Give the
 * lock a file of its own: on Unix, a JVM that opens and closes the file by other means loses the lock.
 *
 * <p><b>Memory effects</b> between threads of one JVM as for any {@link Lock}: actions before {@link #unlock} are
 * visible after a {@link #lock} that follows. Between processes this holds for what was written to files.
 */
public final class InterProcessLock implements Lock, Serializable {
    private static final long serialVersionUID = 1L;

    private final transient Path file;
    private final transient Object identity;
    private final boolean shared;

    InterProcessLock(Path file, boolean shared) {
        this.file = file.toAbsolutePath();
        this.identity = LockFile.identity(this.file);
        this.shared = shared;
    }

    /**
     * Returns the lock of a file. All locks of one file are the same lock.
     *
     * @param file the file; made if there is none
     * @return a lock on it; this call does not acquire it
     * @throws UncheckedIOException if there is no such file and it cannot be made
     */
    public static InterProcessLock at(Path file) {
        return new InterProcessLock(file, false);
    }

    /**
     * Waits until the calling thread has the lock; an interrupt does not end the wait.
     *
     * @throws UncheckedIOException if the file cannot be opened or locked
     * @throws IllegalStateException if the thread has the read lock of this file, and would wait for itself
     */
    @Override
    public void lock() {
        Uninterruptibles.await(this::lockInterruptibly);
    }

    /**
     * Waits until the calling thread has the lock.
     *
     * @throws InterruptedException if the thread is interrupted before or meanwhile; it then does not have the lock
     * @throws UncheckedIOException if the file cannot be opened or locked
     * @throws IllegalStateException if the thread has the read lock of this file, and would wait for itself
     */
    @Override
    public void lockInterruptibly() throws InterruptedException {
        if (!tryLock(Long.MAX_VALUE, TimeUnit.NANOSECONDS)) {
            throw new AssertionError("gave up after 292 years");
        }
    }

    /**
     * Acquires the lock if it is free.
     *
     * @return whether the calling thread has it now
     * @throws UncheckedIOException if the file cannot be opened or locked
     * @throws IllegalStateException if the thread has the read lock of this file
     */
    @Override
    public boolean tryLock() {
        try {
            return LockFile.acquire(identity, file, shared, new WaitLimit(0));
        } catch (InterruptedException e) {
            throw new AssertionError("an attempt heeds no interrupt", e);
        }
    }

    /**
     * Waits for the lock, for some time at most.
     *
     * @return whether the calling thread has it now
     * @throws InterruptedException if the thread is interrupted before or meanwhile; it then does not have the lock
     * @throws UncheckedIOException if the file cannot be opened or locked
     * @throws IllegalStateException if the thread has the read lock of this file, and would wait for itself
     */
    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
        var limit = new WaitLimit(unit.toNanos(time));
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        try (var _ = Waits.outOfTurn()) {
            return LockFile.acquire(identity, file, shared, limit);
        }
    }

    /**
     * Releases the lock, when called as many times as the thread has locked it.
     *
     * @throws IllegalMonitorStateException if the calling thread does not have it
     * @throws UncheckedIOException if the file cannot be unlocked; the thread then no longer has the lock
     */
    @Override
    public void unlock() {
        LockFile.release(identity, file, shared);
    }

    /**
     * Is not supported: nothing can wake a waiter in another process.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public Condition newCondition() {
        throw new UnsupportedOperationException("a lock between processes has no conditions");
    }

    /**
     * Returns whether the calling thread has this lock.
     *
     * @return true if it does
     */
    public boolean isHeldByCurrentThread() {
        return LockFile.holds(identity, shared) > 0;
    }

    /**
     * Returns the file.
     *
     * @return its absolute path
     */
    public Path file() {
        return file;
    }

    @Override
    public String toString() {
        return "InterProcessLock[" + file + (shared ? ", shared]" : "]");
    }

    @Serial
    private Object writeReplace() {
        return new Sent(file.toString(), shared);
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("is sent as its path");
    }

    /** The form in which a lock travels. */
    private record Sent(String file, boolean shared) implements Serializable {
        @Serial
        private Object readResolve() {
            return new InterProcessLock(Path.of(file), shared);
        }
    }
}
