package dev.sennit.process;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Timers;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes a pool's lost workers to the log: a line for each, with what ended it, until there are too many of them.
 *
 * <p>Workers that crash one after another must not fill a disk: after {@value #MOST} lines within {@link #WINDOW} the
 * others are counted. One line later tells how many they were, and why the last one ended.
 *
 * <p>A log is the application's code: it is called without a lock, and what it throws goes nowhere.
 */
final class WorkerLog {
    /** So many lines in {@link #WINDOW}. */
    static final int MOST = 10;

    static final Duration WINDOW = Duration.ofSeconds(10);
    /** A worker may have written anything. */
    private static final int LONGEST_LINE = 2_000;

    private static volatile BiConsumer<Level, String> sink = WorkerLog::log;

    private final String pool;
    private final Object lock = new Object();
    /** Guarded by lock. Whether there has been a line. */
    private boolean hasBegun;
    /** Guarded by lock. When the first line of this window was written. */
    private long windowStart;
    /** Guarded by lock. How many lines there were in it. */
    private int lines;
    /** Guarded by lock. How many workers were lost of which no line tells. */
    private long untold;
    /** Guarded by lock. Why the last of those ended. */
    private @Nullable String lastUntold;

    WorkerLog(String pool) {
        this.pool = pool;
    }

    /**
     * Has lines go elsewhere, for tests.
     *
     * @return where they went
     */
    static BiConsumer<Level, String> tellTo(BiConsumer<Level, String> newSink) {
        BiConsumer<Level, String> before = sink;
        sink = newSink;
        return before;
    }

    /**
     * A worker is gone that the pool did not mean to lose.
     *
     * @param why a sentence that names the worker
     */
    void lost(String why) {
        if (isWindowOver()) {
            tellRest(); // there may have been no timer for that
        }
        boolean isTold;
        boolean isFirstUntold = false;
        synchronized (lock) {
            isTold = lines < MOST;
            if (isTold) {
                lines++;
            } else {
                isFirstUntold = untold++ == 0;
                lastUntold = shortened(why);
            }
        }
        if (isTold) {
            say(Level.WARNING, why);
        } else if (isFirstUntold) {
            try {
                Timers.after(WINDOW, this::tellRest);
            } catch (Throwable e) {
                // no timer available: the next worker that is lost after the window, or the end of the pool, tells it
            }
        }
    }

    private boolean isWindowOver() {
        long now = Backend.current().nanoTime();
        synchronized (lock) {
            boolean isOver = !hasBegun || now - windowStart >= WINDOW.toNanos();
            if (isOver) {
                hasBegun = true;
                windowStart = now;
                lines = 0;
            }
            return isOver;
        }
    }

    /**
     * The pool has no workers, and gives up.
     *
     * @param why a sentence
     */
    void gaveUp(String why) {
        say(Level.ERROR, why);
    }

    /**
     * A worker is gone as it was to be: it had served long enough, had nothing to do, or its task did not heed a
     * cancellation.
     *
     * @param why a sentence that names the worker
     */
    void ended(String why) {
        say(Level.DEBUG, why);
    }

    /**
     * Tells of those that were lost without a line: {@link #WINDOW} after the first of them, and at the end of the
     * pool.
     */
    void tellRest() {
        long count;
        String last;
        synchronized (lock) {
            count = untold;
            last = lastUntold;
            untold = 0;
            lastUntold = null;
        }
        if (count > 0) {
            say(Level.WARNING,
                    count + (count == 1 ? " more worker was" : " more workers were") + " lost; the last: " + last);
        }
    }

    private void say(Level level, String what) {
        try {
            sink.accept(level, pool + " - " + shortened(what));
        } catch (Throwable e) {
            // there is nobody left to tell
        }
    }

    private static void log(Level level, String line) {
        System.getLogger("dev.sennit").log(level, line);
    }

    private static String shortened(String text) {
        return text.length() <= LONGEST_LINE ? text : text.substring(0, LONGEST_LINE) + " ...";
    }
}
