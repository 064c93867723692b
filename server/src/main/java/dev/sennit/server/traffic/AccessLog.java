package dev.sennit.server.traffic;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lines that one thread writes, so that nothing that a disk does holds up a request.
 *
 * <p>There are two blocks of memory: threads of requests copy lines into one of them, while the writer has the other.
 * If there is no room, or the writing fails, lines are dropped and counted, and the count is logged.
 */
public final class AccessLog implements AutoCloseable {
    /** Takes lines. Called by the writer alone. */
    public interface Sink {
        /**
         * Writes all bytes, which are whole lines.
         *
         * @throws IOException if it cannot; what is left in the buffer is lost
         */
        void write(ByteBuffer lines) throws IOException;
    }

    private static final Logger LOGGER = System.getLogger("dev.sennit.server");
    /** Some thousand lines: a second of a busy worker. */
    private static final int BLOCK = 1 << 20;

    private static final long BETWEEN_REPORTS = Duration.ofSeconds(10).toNanos();
    private static final Duration END_LIMIT = Duration.ofSeconds(2);

    private final Sink sink;
    private final Thread writer;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition hasNews = lock.newCondition();
    // guarded by the lock
    private ByteBuffer filling;
    private int linesInFilling;
    private long dropped;
    private boolean isClosed;

    // Only the writer:
    private ByteBuffer writing;
    private long reported;
    private long reportedAt = System.nanoTime() - BETWEEN_REPORTS;
    private @Nullable Throwable failure;

    public AccessLog(Sink sink) {
        this(sink, BLOCK);
    }

    /**
     * Makes a log, and starts its writer.
     *
     * @param block how many bytes may wait
     */
    public AccessLog(Sink sink, int block) {
        this.sink = sink;
        filling = ByteBuffer.allocate(block);
        writing = ByteBuffer.allocate(block);
        writer = Thread.ofPlatform().daemon().name("sennit-access-log").unstarted(this::write);
        writer.start();
    }

    /** Takes a line with its end, or drops it. Never waits for the writer. */
    public void add(byte[] line) {
        lock.lock();
        try {
            if (isClosed || line.length > filling.remaining()) {
                dropped++;
                return;
            }
            filling.put(line);
            if (linesInFilling++ == 0) {
                hasNews.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** How many lines were dropped. */
    public long dropped() {
        lock.lock();
        try {
            return dropped;
        } finally {
            lock.unlock();
        }
    }

    private void write() {
        try {
            boolean isLast;
            do {
                int lines;
                lock.lock();
                try {
                    boolean isInTime = true;
                    while (linesInFilling == 0 && !isClosed && isInTime) {
                        if (dropped > reported) {
                            isInTime = hasNews.awaitNanos(BETWEEN_REPORTS) > 0;
                        } else {
                            hasNews.await();
                        }
                    }
                    ByteBuffer next = filling;
                    filling = writing;
                    writing = next;
                    lines = linesInFilling;
                    linesInFilling = 0;
                    isLast = isClosed;
                } finally {
                    lock.unlock();
                }
                write(lines);
                try {
                    report(isLast);
                } catch (RuntimeException | Error e) {
                    failure = e; // and is reported later
                }
            } while (!isLast);
        } catch (InterruptedException e) {
            // nobody interrupts it
        }
    }

    private void write(int lines) {
        writing.flip();
        try {
            if (lines > 0) {
                sink.write(writing);
            }
        } catch (Throwable e) { // the disk is full, for example, or the memory: that passes
            failure = e;
            int lost = lost(writing); // without the lock: threads of requests take it
            lock.lock();
            try {
                dropped += lost;
            } finally {
                lock.unlock();
            }
        } finally {
            writing.clear();
        }
    }

    /** Returns how many lines were not written whole. */
    private static int lost(ByteBuffer left) {
        int lines = 0;
        while (left.hasRemaining()) {
            lines += left.get() == '\n' ? 1 : 0;
        }
        return lines;
    }

    private void report(boolean isLast) {
        long all = dropped();
        long now = System.nanoTime();
        if (all > reported && (isLast || now - reportedAt >= BETWEEN_REPORTS)) {
            Throwable cause = failure;
            LOGGER.log(Level.WARNING, "{0} lines of the access log were dropped: {1}", Long.toString(all - reported),
                    cause == null
                            ? "the disk is too slow"
                            : cause instanceof IOException ? cause.getMessage() : cause.toString());
            failure = null;
            reported = all;
            reportedAt = now;
        }
    }

    /** Writes what is there, for a limited time: a disk that hangs does not hold up the end. */
    @Override
    public void close() {
        lock.lock();
        try {
            isClosed = true;
            hasNews.signal();
        } finally {
            lock.unlock();
        }
        boolean isInterrupted = false;
        try {
            writer.join(END_LIMIT);
        } catch (InterruptedException e) {
            isInterrupted = true;
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
