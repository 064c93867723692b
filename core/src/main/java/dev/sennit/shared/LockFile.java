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
 * One lock file, as this JVM uses it: a lock between its threads, and below that one between processes.
 *
 * <p>The operating system's locks belong to the process: two threads of one process do not exclude each other ({@code
 * FileChannel} throws {@link OverlappingFileLockException}), and when <em>any</em> descriptor of the file is closed the
 * process loses all its locks on it (POSIX {@code fcntl}). Hence, for each file, one object and one channel in the JVM,
 * which is closed only when no thread has or wants the lock: {@link #IN_USE} knows them by the file's identity, not its
 * path, and {@link #users} counts who has or wants it. The file's identity is looked up once, when a lock is made.
 *
 * <h2>Between processes</h2>
 *
 * <p>Two bytes of the file are locked: the <em>gate</em>, and the <em>lock</em> proper.
 *
 * <ul>
 *   <li>A writer takes the gate for itself and keeps it, then the lock. While it waits for readers to end, no new ones
 *       pass the gate: writers do not starve.
 *   <li>A reader takes the gate, shared with other readers, only to take a share of the lock, and leaves the gate.
 *   <li>A writer that becomes a reader lets the lock go and takes a share of it while it still has the gate: nobody can
 *       come between.
 * </ul>
 *
 * <p>The threads of this JVM that read have one share between them; each passed the gate by itself. A process that dies
 * loses its locks, whatever it was doing. Nobody blocks in the operating system: a wait is a series of attempts, so that it can
 * be interrupted without closing the channel, can end by time, and cannot run into the system's own deadlock detection, which
 * takes threads of one process for one.
 */
final class LockFile {
    private static final long GATE = 0;
    private static final long LOCK = 1;

    private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(50);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private static final Map<Object, LockFile> IN_USE = new ConcurrentHashMap<>();

    private final Path path;
    /** Who has it among the threads of this JVM. */
    private final ReentrantReadWriteLock local = new ReentrantReadWriteLock(true);
    /** Holds and attempts at one, of all threads. Changed only inside {@link #IN_USE}. */
    private int users;

    // The rest is guarded by this.
    private @Nullable FileChannel channel;
    /** Ours alone while a writer of this JVM has the lock or waits for other processes. */
    private @Nullable FileLock gate;

    private @Nullable FileLock lock;
    private int readers;

    private LockFile(Path path) {
        this.path = path;
    }

    /**
     * What identifies a file, whatever path leads to it. Makes the file if there is none.
     *
     * <p>Synchronized, as making a file opens and closes it, and no thread may have a lock on it by then.
     */
    static synchronized Object identity(Path file) {
        try {
            try {
                return existing(file);
            } catch (NoSuchFileException e) {
                try {
                    Files.createFile(file);
                } catch (FileAlreadyExistsException another) {
                    // a process that was quicker
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
     * Takes a hold for the calling thread.
     *
     * @param limit how long to wait at most; one that is over is for one attempt that heeds no interrupt
     * @return whether it has one
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
     * Gives a hold of the calling thread back.
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

    /** How many holds of a kind the calling thread has. */
    static int holds(Object identity, boolean shared) {
        LockFile file = IN_USE.get(identity);
        return file == null ? 0 : file.holds(shared);
    }

    private int holds(boolean shared) {
        return shared ? local.getReadHoldCount() : local.getWriteHoldCount();
    }

    /** The last one out closes the channel, before the next one in can open another. */
    private static void leave(Object identity) {
        IN_USE.computeIfPresent(identity, (key, file) -> {
            if (--file.users > 0) {
                return file;
            }
            file.close();
            return null;
        });
    }

    // ---- one thread of this JVM at a time, or several readers ----

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
            // At random, lest two processes keep missing each other's moments.
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

    // ---- this process among the others ----

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
            return null; // some other code of this JVM has locked it
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
