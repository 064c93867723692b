package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Waits;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * When a submission is of no use any more.
 *
 * @param limited whether that ever is
 * @param nanoTime by {@link Backend#nanoTime}
 */
record Deadline(boolean limited, long nanoTime) {
    static final Deadline NEVER = new Deadline(false, 0);

    static Deadline in(Duration limit) {
        return new Deadline(true, Backend.current().nanoTime() + Math.max(0, TimeUnit.NANOSECONDS.convert(limit)));
    }

    boolean isOver() {
        return limited && nanoTime - Backend.current().nanoTime() <= 0;
    }

    boolean acquire(Semaphore free) throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            if (limited) {
                return free.tryAcquire(nanoTime - Backend.current().nanoTime(), TimeUnit.NANOSECONDS);
            }
            free.acquire();
            return true;
        }
    }

    /** Only if it is limited. */
    Duration left() {
        return Duration.ofNanos(nanoTime - Backend.current().nanoTime());
    }
}
