package dev.sennit.internal;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * When a submission is of no use any more.
 *
 * @param limited whether that ever is
 * @param nanoTime by {@link Backend#nanoTime}
 */
public record Deadline(boolean limited, long nanoTime) {
    public static final Deadline NEVER = new Deadline(false, 0);

    public static Deadline in(Duration limit) {
        return new Deadline(true, Backend.current().nanoTime() + Math.max(0, TimeUnit.NANOSECONDS.convert(limit)));
    }

    public boolean isOver() {
        return limited && nanoTime - Backend.current().nanoTime() <= 0;
    }

    public boolean acquire(Semaphore free) throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            if (limited) {
                return free.tryAcquire(nanoTime - Backend.current().nanoTime(), TimeUnit.NANOSECONDS);
            }
            free.acquire();
            return true;
        }
    }

    /** Only if it is limited. */
    public Duration left() {
        return Duration.ofNanos(nanoTime - Backend.current().nanoTime());
    }
}
