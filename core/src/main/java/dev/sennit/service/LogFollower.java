package dev.sennit.service;

import dev.sennit.internal.Timers;
import dev.sennit.internal.Waits;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads the lines of a {@link ServiceLog} as they come. Neither the log nor a worker waits for a follower: a reader
 * that is too slow misses lines, and gets a line that says how many.
 */
public final class LogFollower implements AutoCloseable {
    private static final int MOST_KEPT = 1 << 20;

    /** The name of the service; empty for all. */
    private final String service;
    private final Consumer<LogFollower> onClose;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // guarded by the lock
    private final Deque<String> lines;
    private long kept;
    private long missed;
    private boolean isOver;

    LogFollower(String service, List<String> past, Consumer<LogFollower> onClose) {
        this.service = service;
        this.onClose = onClose;
        lines = new ArrayDeque<>(past);
        kept = past.stream().mapToLong(String::length).sum();
    }

    /** Takes a line. Never waits. */
    void offer(String from, String line) {
        if (!service.isEmpty() && !service.equals(from)) {
            return;
        }
        lock.lock();
        try {
            if (kept > MOST_KEPT) {
                missed++;
                return;
            }
            tellMissed();
            lines.add(line);
            kept += line.length();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void tellMissed() {
        if (missed > 0) {
            String text = "(" + missed + " lines are missing here: they came too quickly for this reader)";
            missed = 0;
            lines.add(text);
            kept += text.length();
        }
    }

    /** Notes that there are no more lines. */
    void end() {
        lock.lock();
        try {
            isOver = true;
            tellMissed();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for a line.
     *
     * @param longest the longest time to wait; zero or less to check only
     * @return the line, without a line feed; null if the time passed first, or if this {@link #isOver}
     * @throws InterruptedException if the calling thread is interrupted
     */
    public @Nullable String next(Duration longest) throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            return nextOutOfTurn(Timers.nanos(longest));
        }
    }

    private @Nullable String nextOutOfTurn(long longest) throws InterruptedException {
        lock.lock();
        try {
            long left = longest;
            while (lines.isEmpty() && !isOver && left > 0) {
                left = changed.awaitNanos(left);
            }
            String line = lines.poll();
            kept -= line == null ? 0 : line.length();
            return line;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns whether all lines were read and no more will come.
     *
     * @return true once the log, or this, is closed and {@link #next} has returned all lines
     */
    public boolean isOver() {
        lock.lock();
        try {
            return isOver && lines.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** Stops following. */
    @Override
    public void close() {
        onClose.accept(this);
        end();
    }
}
