package dev.sennit;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * When a submission is of no use any more.
 *
 * @param limited whether that ever is
 * @param nanoTime by {@link System#nanoTime}
 */
record Deadline(boolean limited, long nanoTime) {
    static final Deadline NEVER = new Deadline(false, 0);

    static Deadline in(Duration limit) {
        return new Deadline(true, System.nanoTime() + Math.max(0, TimeUnit.NANOSECONDS.convert(limit)));
    }

    boolean isOver() {
        return limited && nanoTime - System.nanoTime() <= 0;
    }

    boolean acquire(Semaphore free) throws InterruptedException {
        if (!limited) {
            free.acquire();
            return true;
        }
        return free.tryAcquire(nanoTime - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    /** Only if it is limited. */
    Duration left() {
        return Duration.ofNanos(nanoTime - System.nanoTime());
    }
}
