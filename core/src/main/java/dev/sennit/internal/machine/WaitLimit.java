package dev.sennit.internal.machine;

import dev.sennit.internal.Backend;
import java.util.Date;
import java.util.concurrent.TimeUnit;

/**
 * The time limit of a wait, counted from the creation of this object.
 *
 * <p>All waits of this package use this class for their limits. A negative time counts as 0, so that the time left is a
 * difference that cannot overflow, even if a deadline is long past.
 */
public final class WaitLimit {
    private final long nanos;
    private final long start = Backend.current().nanoTime();

    /**
     * Creates a limit that counts from now.
     *
     * @param nanos how long to wait at most; {@link Long#MAX_VALUE} is 292 years, a negative time counts as 0
     */
    public WaitLimit(long nanos) {
        this.nanos = Math.max(0, nanos);
    }

    /** Returns a limit for a wait without a limit. */
    public static WaitLimit none() {
        return new WaitLimit(Long.MAX_VALUE);
    }

    /** Returns a limit at a moment of the system's clock. */
    public static WaitLimit until(Date deadline) {
        long now = System.currentTimeMillis();
        return new WaitLimit(deadline.getTime() <= now ? 0 : TimeUnit.MILLISECONDS.toNanos(deadline.getTime() - now));
    }

    /** Returns the whole time, 0 or more. */
    public long nanos() {
        return nanos;
    }

    /** Returns how long the wait has taken so far. */
    public long waited() {
        return Backend.current().nanoTime() - start;
    }

    /** Returns the time left; 0 or less when it is over. */
    public long left() {
        return nanos - waited();
    }

    public boolean isOver() {
        return left() <= 0;
    }
}
