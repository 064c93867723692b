package dev.sennit.internal.machine;

import dev.sennit.internal.Backend;
import java.util.Date;
import java.util.concurrent.TimeUnit;

/**
 * How long a wait may take, counted from the moment at which this was made.
 *
 * <p>All waits of this package take their time limits through here. A time that is negative is 0: so that what is left is a
 * difference that cannot overflow, however long past a deadline is.
 */
public final class WaitLimit {
    private final long nanos;
    private final long start = Backend.current().nanoTime();

    /**
     * Begins now.
     *
     * @param nanos the longest to wait; {@link Long#MAX_VALUE} is 292 years, negative is 0
     */
    public WaitLimit(long nanos) {
        this.nanos = Math.max(0, nanos);
    }

    /** For a wait that takes as long as it takes. */
    public static WaitLimit none() {
        return new WaitLimit(Long.MAX_VALUE);
    }

    /** Until a moment of the system's clock. */
    public static WaitLimit until(Date deadline) {
        long now = System.currentTimeMillis();
        return new WaitLimit(deadline.getTime() <= now ? 0 : TimeUnit.MILLISECONDS.toNanos(deadline.getTime() - now));
    }

    /** The whole time, 0 or more. */
    public long nanos() {
        return nanos;
    }

    /** How long the wait has taken so far. */
    public long waited() {
        return Backend.current().nanoTime() - start;
    }

    /** The rest of the time; 0 or less when it is over. */
    public long left() {
        return nanos - waited();
    }

    public boolean isOver() {
        return left() <= 0;
    }
}
