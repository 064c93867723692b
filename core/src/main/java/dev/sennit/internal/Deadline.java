package dev.sennit.internal;

import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** When a wait has to be over: at a moment of the {@link Backend}'s clock, or {@linkplain #NEVER never}. */
public final class Deadline {
    /** The deadline of a wait that takes as long as it takes. Reads no clock. */
    public static final Deadline NEVER = new Deadline(Wait.FOREVER, 0);

    /** So far away that sums do not overflow. */
    private static final long LONGEST = Long.MAX_VALUE >> 1;

    private final long nanos;
    private final long due;

    private Deadline(long nanos, long due) {
        this.nanos = nanos;
        this.due = due;
    }

    /**
     * The deadline of a wait that begins now.
     *
     * @param timeout the longest to wait; negative is 0, null is {@link #NEVER}
     * @return the deadline
     */
    public static Deadline in(@Nullable Duration timeout) {
        return timeout == null ? NEVER : in(Timers.nanos(timeout));
    }

    /**
     * The deadline of a wait that begins now.
     *
     * @param nanos the longest to wait; negative is 0, more than 146 years counts as that
     * @return the deadline
     */
    public static Deadline in(long nanos) {
        long bounded = Math.clamp(nanos, 0, LONGEST);
        return new Deadline(bounded, Backend.current().nanoTime() + bounded);
    }

    /**
     * Whether the wait has to be over some time.
     *
     * @return false for {@link #NEVER}
     */
    public boolean isLimited() {
        return this != NEVER;
    }

    /**
     * Whether the time is over.
     *
     * @return false for ever for {@link #NEVER}
     */
    public boolean isOver() {
        return isLimited() && left() <= 0;
    }

    /**
     * The rest of the time.
     *
     * @return nanoseconds; zero or less when the time is over, {@link Wait#FOREVER} for {@link #NEVER}
     */
    public long left() {
        return isLimited() ? due - Backend.current().nanoTime() : Wait.FOREVER;
    }

    /**
     * Waits for a permit of a semaphore.
     *
     * @param semaphore the semaphore
     * @return false if the time was over first
     * @throws InterruptedException if the calling thread is interrupted first
     */
    public boolean acquire(Semaphore semaphore) throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            if (isLimited()) {
                return semaphore.tryAcquire(left(), TimeUnit.NANOSECONDS);
            }
            semaphore.acquire();
            return true;
        }
    }

    /**
     * Waits for the value of a future.
     *
     * @param future the future
     * @param <V> the type of the value
     * @return the value
     * @throws ExecutionException if the future failed
     * @throws TimeoutException if the time was over first
     * @throws InterruptedException if the calling thread is interrupted first
     */
    public <V extends @Nullable Object> V get(Future<V> future)
            throws ExecutionException, TimeoutException, InterruptedException {
        return isLimited() ? future.get(left(), TimeUnit.NANOSECONDS) : future.get();
    }

    /**
     * The failure of a wait whose time was over.
     *
     * @param what what took too long
     * @return an exception that says so
     */
    public SocketTimeoutException missed(String what) {
        return new SocketTimeoutException(what + " took longer than " + Durations.text(Duration.ofNanos(nanos)));
    }
}
