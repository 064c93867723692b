package dev.sennit.queue.sqlite;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Whose turn it is to write to a file: processes take turns, and threads of one process do. SQLite alone lets those who
 * wait look again after some milliseconds, and a busy process is back by then each time.
 *
 * <p>Two bytes of a file beside the database are locked: who wants to write locks the first, then the second, and then
 * gives the first free. So of those who wait, one waits for the second byte alone, and is next. The system gives the
 * locks of a process free that has died. The lock is for fairness only: SQLite has its own.
 */
final class WriteLock implements AutoCloseable {
    private static final Map<Path, WriteLock> LOCKS = new HashMap<>();

    private final Path path;
    /** The locks of files are those of a process, so its threads need one as well. */
    private final ReentrantLock threads = new ReentrantLock(true);
    /** Written under threads; a thread that is interrupted closes it, and the next one opens it again. */
    private volatile FileChannel channel;
    // guarded by LOCKS
    private int users;
    private volatile boolean isClosed;

    private WriteLock(Path path) throws IOException {
        this.path = path;
        channel = open(path);
    }

    private static FileChannel open(Path path) throws IOException {
        return FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    /** Returns the lock of a database. */
    static WriteLock of(Path database) throws IOException {
        Path path = database.resolveSibling(database.getFileName() + "-turn");
        synchronized (LOCKS) {
            WriteLock lock = LOCKS.get(path);
            if (lock == null) {
                lock = new WriteLock(path);
                LOCKS.put(path, lock);
            }
            lock.users++;
            return lock;
        }
    }

    /**
     * Runs something when it is its turn. An interrupt stays for the caller.
     *
     * @throws IOException if the work was not run
     */
    void run(Runnable work) throws IOException {
        boolean wasInterrupted = false;
        threads.lock();
        try {
            FileLock turn = null;
            while (turn == null) {
                try {
                    turn = turn();
                } catch (ClosedChannelException | FileLockInterruptionException e) {
                    wasInterrupted |= Thread.interrupted();
                    reopen();
                }
            }
            try {
                work.run();
            } finally {
                release(turn);
            }
        } finally {
            threads.unlock();
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private FileLock turn() throws IOException {
        FileLock first = lock(0);
        try {
            return lock(1);
        } finally {
            release(first);
        }
    }

    /** What was done in the turn is done, so this does not fail: a file that is closed is not locked. */
    private void release(FileLock lock) {
        try {
            lock.release();
        } catch (IOException e) {
            try {
                lock.acquiredBy().close();
            } catch (IOException alsoNot) {
                // The system closes it with the process.
            }
        }
    }

    private void reopen() throws IOException {
        synchronized (LOCKS) {
            if (isClosed) {
                throw new IOException("it is closed");
            }
            channel.close();
            channel = open(path);
        }
    }

    private FileLock lock(long position) throws IOException {
        while (true) {
            try {
                return channel.lock(position, 1, false);
            } catch (OverlappingFileLockException e) { // this class was loaded twice
                LockSupport.parkNanos(500_000);
            }
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (LOCKS) {
            if (--users == 0) {
                LOCKS.remove(path);
                isClosed = true;
                channel.close();
            }
        }
    }
}
