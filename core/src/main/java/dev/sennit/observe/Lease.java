package dev.sennit.observe;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Timers;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Ends a service to a tool when the tool has not used it for some time, so that a tool that has died leaves no cost
 * behind.
 * <pre>
 * RUNS -> OVER    ended, or not renewed in time
 * </pre>
 */
final class Lease {
    private static final int LONGEST_SECONDS = 3600;

    private final Runnable atEnd;
    /** Guarded by this. */
    private long lengthNanos;
    /** Guarded by this. When the lease ends, by the clock of the backend. */
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
     * @param seconds the length of the lease, unless it is renewed
     * @param atEnd called once at the end, without a lock; must be short. Not called if this method fails
     * @throws IllegalArgumentException if the length is out of range
     * @throws OutOfMemoryError if no thread for a timer is available
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

    /** Starts the lease again with its length. Returns false if it is over. */
    synchronized boolean renew() {
        until = Backend.current().nanoTime() + lengthNanos;
        return !isOver;
    }

    /** Extends the lease to this time from now on, if it would end earlier. Returns false if it is over. */
    synchronized boolean extend(int seconds) {
        ensureLength(seconds);
        lengthNanos = Math.max(lengthNanos, TimeUnit.SECONDS.toNanos(seconds));
        return renew();
    }

    /** Ends the lease. */
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
            isOver = left <= 0; // checked again here, as the lease may have been renewed
        }
        if (left <= 0) {
            atEnd.run();
            return;
        }
        try {
            Timers.after(Duration.ofNanos(left), this::look);
        } catch (Throwable e) { // no timer would end it later
            end();
        }
    }
}
