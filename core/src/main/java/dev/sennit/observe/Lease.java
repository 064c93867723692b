package dev.sennit.observe;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Timers;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Ends something for which nobody has asked for some time, so that a tool that has died leaves no cost behind.
 * <pre>
 * RUNS -> OVER    ended, or not renewed in time
 * </pre>
 */
final class Lease {
    private static final int LONGEST_SECONDS = 3600;

    private final Runnable atEnd;
    /** Guarded by this. */
    private long lengthNanos;
    /** Guarded by this. By the clock of the backend. */
    private long until;
    /** Guarded by this. */
    private boolean isOver;

    private Lease(int seconds, Runnable atEnd) {
        this.atEnd = atEnd;
        extend(seconds);
    }

    /**
     * Starts a lease.
     *
     * @param seconds after which it is over, unless it is renewed
     * @param atEnd short; called once, without a lock; not if this fails
     * @throws IllegalArgumentException if the length is out of range
     * @throws OutOfMemoryError if there is no thread for a timer
     */
    static Lease start(int seconds, Runnable atEnd) {
        var lease = new Lease(seconds, atEnd);
        Timers.after(Duration.ofSeconds(seconds), lease::look);
        return lease;
    }

    static void ensureLength(int seconds) {
        if (seconds < 1 || seconds > LONGEST_SECONDS) {
            throw new IllegalArgumentException(
                    "leaseSeconds must be >= 1 and <= " + LONGEST_SECONDS + ", was " + seconds);
        }
    }

    /** Has it begin anew; returns false if it is over. */
    synchronized boolean renew() {
        until = Backend.current().nanoTime() + lengthNanos;
        return !isOver;
    }

    /** Has it last this long from now on, or longer if it does anyway; returns false if it is over. */
    synchronized boolean extend(int seconds) {
        ensureLength(seconds);
        lengthNanos = Math.max(lengthNanos, TimeUnit.SECONDS.toNanos(seconds));
        return renew();
    }

    /** Ends it. */
    void end() {
        synchronized (this) {
            if (isOver) {
                return;
            }
            isOver = true;
        }
        atEnd.run();
    }

    private void look() {
        long left;
        synchronized (this) {
            if (isOver) {
                return;
            }
            left = until - Backend.current().nanoTime();
            isOver = left <= 0; // here: a lease that was renewed lasts
        }
        if (left <= 0) {
            atEnd.run();
            return;
        }
        try {
            Timers.after(Duration.ofNanos(left), this::look);
        } catch (Throwable e) { // nobody would end it later
            end();
        }
    }
}
