package dev.sennit.shared;

import dev.sennit.internal.machine.WaitLimit;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A lock file as used by this JVM: a lock between its threads, and a lock between processes below it.
 *
 * <p>The operating system's locks belong to the process: two threads of one process do not exclude each other
 * ({@code FileChannel} throws {@link OverlappingFileLockException}), and when <em>any</em> descriptor of the file is
 * closed, the process loses all its locks on it (POSIX {@code fcntl}). So the JVM has one object and one channel for
 * each file. The channel is closed only when no thread has or wants the lock, which {@link #users} counts.
 * {@link #IN_USE} finds the object by the file's identity, not its path. The identity is looked up once, when a lock is
 * made.
 *
 * <h2>Between processes</h2>
 *
 * <p>Two bytes of the file are locked: the <em>gate</em>, and the <em>lock</em> proper.
 *
 * <ul>
 *   <li>A writer acquires the gate exclusively and keeps it, then the lock. While it waits for readers to end, no new
 *       readers pass the gate: writers do not starve.
 *   <li>A reader shares the gate with other readers, acquires a share of the lock, and releases the gate.
 *   <li>A writer that becomes a reader releases the lock and acquires a share of it while it still has the gate: no
 *       other process can come in between.
 * </ul>
 *
 * <p>All reading threads of this JVM use one share of the lock; each passed the gate by itself. A process that dies
 * loses its locks, whatever it was doing. No thread blocks in the operating system: a wait is a series of attempts. So
 * it can be interrupted without closing the channel, can time out, and cannot run into the system's own deadlock
 * detection, which takes the threads of one process for one.
 */
final class LockFile {
    private static final long GATE = 0;
    private static final long LOCK = 1;

    private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(50);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private static final Map<Object, LockFile> IN_USE = new ConcurrentHashMap<>();

    private final Path path;
    /** Excludes the threads of this JVM from each other. */
    private final ReentrantReadWriteLock local = new ReentrantReadWriteLock(true);
    /** How many holds and attempts of all threads there are. Changed only inside {@link #IN_USE}. */
    private int users;

    // The rest is guarded by this.
    private @Nullable FileChannel channel;
    /** Exclusive while a writer of this JVM has the lock or waits for other processes. */
    private @Nullable FileLock gate;

    private @Nullable FileLock lock;
    private int readers;

    private LockFile(Path path) {
        this.path = path;
    }

    /**
     * Returns what identifies a file, whatever path leads to it. Creates the file if there is none.
     *
     * <p>Synchronized, as creating a file opens and closes it: the close would lose a lock that another thread has
     * acquired by then.
     */
    static synchronized Object identity(Path file) {
        try {
            try {
                return existing(file);
            } catch (NoSuchFileException e) {
                try {
                    Files.createFile(file);
                } catch (FileAlreadyExistsException another) {
                    // another process was quicker
                }
                return existing(file);
            }
        } catch (IOException e) {
            throw cannotLock(file, e);
        }
    }

    private static Object existing(Path file) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        if (attributes.isDirectory()) {
            throw new IOException("it is a directory");
        }
        return Objects.requireNonNullElseGet(attributes.fileKey(), () -> realPath(file)); // Windows has no keys
    }

    private static Path realPath(Path file) {
        try {
            return file.toRealPath();
        } catch (IOException e) {
            throw cannotLock(file, e);
        }
    }

    private static UncheckedIOException cannotLock(Path file, IOException cause) {
        return new UncheckedIOException(
                "cannot lock file " + file + ": " + cause
                        + "; it must be a file in an existing directory that may be read and written",
                cause);
    }

    /**
     * Acquires a hold for the calling thread.
     *
     * @param limit how long to wait at most; if it is over, there is one attempt, which ignores interrupts
     * @return whether the thread has acquired it
     */
    static boolean acquire(Object identity, Path path, boolean shared, WaitLimit limit) throws InterruptedException {
        LockFile file = Objects.requireNonNull(IN_USE.compute(identity, (key, known) -> {
            LockFile used = known == null ? new LockFile(path) : known;
            used.users++;
            return used;
        }));
        boolean acquired = false;
        try {
            acquired = shared ? file.acquireShared(limit) : file.acquireExclusive(limit);
            return acquired;
        } finally {
            if (!acquired) {
                leave(identity);
            }
        }
    }

    /**
     * Releases a hold of the calling thread.
     *
     * @throws IllegalMonitorStateException if it has none
     */
    static void release(Object identity, Path path, boolean shared) {
        LockFile file = IN_USE.get(identity);
        if (file == null || file.holds(shared) == 0) {
            throw new IllegalMonitorStateException("thread " + Thread.currentThread().getName() + " does not have the "
                    + (shared ? "read " : "") + "lock of file " + path);
        }
        try {
            if (shared) {
                file.releaseShared();
            } else {
                file.releaseExclusive();
            }
        } finally {
            leave(identity);
        }
    }

    /** Returns how many holds of a kind the calling thread has. */
    static int holds(Object identity, boolean shared) {
        LockFile file = IN_USE.get(identity);
        return file == null ? 0 : file.holds(shared);
    }

    private int holds(boolean shared) {
        return shared ? local.getReadHoldCount() : local.getWriteHoldCount();
    }

    /** Closes the channel when the last user leaves, before another user can open the next channel. */
    private static void leave(Object identity) {
        IN_USE.computeIfPresent(identity, (key, file) -> {
            if (--file.users > 0) {
                return file;
            }
            file.close();
            return null;
        });
    }

    // ---- between the threads of this JVM ----

    private boolean acquireExclusive(WaitLimit limit) throws InterruptedException {
        if (holds(true) > 0 && holds(false) == 0) {
            throw new IllegalStateException("thread " + Thread.currentThread().getName() + " has the read lock of file "
                    + path + ", and would wait for itself: unlock it before asking for the write lock");
        }
        if (!acquire(local.writeLock(), limit)) {
            return false;
        }
        boolean acquired = holds(false) > 1;
        try {
            acquired = acquired || attempt(this::tryExclusive, limit);
            return acquired;
        } finally {
            if (!acquired) {
                try {
                    abandonGate();
                } finally {
                    local.writeLock().unlock();
                }
            }
        }
    }

    private boolean acquireShared(WaitLimit limit) throws InterruptedException {
        if (!acquire(local.readLock(), limit)) {
            return false;
        }
        boolean acquired = holds(true) > 1 || holds(false) > 0;
        if (acquired) {
            countReader();
            return true;
        }
        try {
            acquired = attempt(this::tryShared, limit);
            return acquired;
        } finally {
            if (!acquired) {
                local.readLock().unlock();
            }
        }
    }

    private static boolean acquire(Lock lock, WaitLimit limit) throws InterruptedException {
        long nanos = limit.left();
        return nanos <= 0 ? lock.tryLock() : lock.tryLock(nanos, TimeUnit.NANOSECONDS);
    }

    private static boolean attempt(BooleanSupplier step, WaitLimit limit) throws InterruptedException {
        long pause = SHORTEST_PAUSE_NANOS;
        while (!step.getAsBoolean()) {
            long left = limit.left();
            if (left <= 0) {
                return false;
            }
            // Random, so that two processes do not miss each other's moments again and again.
            LockSupport.parkNanos(Math.min(left, ThreadLocalRandom.current().nextLong(pause / 2, pause)));
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
        }
        return true;
    }

    private void releaseExclusive() {
        try {
            if (holds(false) == 1) {
                letGo();
            }
        } finally {
            local.writeLock().unlock();
        }
    }

    private void releaseShared() {
        try {
            uncountReader();
        } finally {
            local.readLock().unlock();
        }
    }

    // ---- between processes ----

    private synchronized boolean tryExclusive() {
        if (gate == null) {
            gate = tryLock(GATE, false);
        }
        if (gate != null) {
            lock = tryLock(LOCK, false);
        }
        return lock != null;
    }

    private synchronized boolean tryShared() {
        FileLock passing = tryLock(GATE, true);
        if (passing == null) {
            return false; // a writer of another process has the lock, or waits for it
        }
        try {
            if (lock == null) {
                lock = tryLock(LOCK, true);
            }
        } finally {
            release(passing);
        }
        if (lock == null) {
            return false;
        }
        readers++;
        return true;
    }

    private synchronized void countReader() {
        readers++;
    }

    private synchronized void uncountReader() {
        readers--;
        FileLock held = lock;
        if (readers == 0 && held != null && held.isShared()) {
            lock = null;
            release(held);
        }
    }

    private synchronized void abandonGate() {
        FileLock held = gate;
        gate = null;
        if (held != null) {
            release(held);
        }
    }

    private synchronized void letGo() {
        try {
            FileLock held = lock;
            lock = null;
            if (held != null) {
                release(held);
            }
            if (readers > 0) {
                lock = tryLock(LOCK, true);
                if (lock == null) {
                    throw new IllegalStateException("a program that knows nothing of this lock has locked file " + path
                            + " while its write lock was turned into a read lock, which is lost");
                }
            }
        } finally {
            abandonGate();
        }
    }

    private @Nullable FileLock tryLock(long position, boolean shared) {
        try {
            FileChannel open = channel;
            if (open == null) {
                open = FileChannel.open(
                        path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
                channel = open;
            }
            return open.tryLock(position, 1, shared);
        } catch (OverlappingFileLockException e) {
            return null; // other code of this JVM has locked it
        } catch (IOException e) {
            throw cannotLock(path, e);
        }
    }

    private void release(FileLock held) {
        try {
            held.release();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unlock file " + path + ": " + e, e);
        }
    }

    private synchronized void close() {
        FileChannel open = channel;
        channel = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                throw new UncheckedIOException("cannot close file " + path + ": " + e, e);
            }
        }
    }
}
