package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Lets one thread sleep by a clock until another thread wakes it. A ring while nobody sleeps makes the next sleep end
 * at once, so none is missed.
 */
final class Alarm {
    private final TimeSource time;
    /** Guarded by this. Whether the next sleep ends at once. */
    private boolean rung;
    /** Guarded by this. Who sleeps by the clock, and has to be interrupted. */
    private @Nullable Thread sleeper;

    Alarm(TimeSource time) {
        this.time = time;
    }

    /** Wakes the thread that sleeps, or the one that is about to. */
    synchronized void ring() {
        rung = true;
        notifyAll();
        if (sleeper != null) {
            sleeper.interrupt();
            sleeper = null;
        }
    }

    /** Sleeps until the next ring, or for a time; null for no limit. Uses up all rings until now, and interrupts. */
    void sleep(@Nullable Duration limit) {
        if (limit == null) {
            sleepForRing();
            return;
        }
        synchronized (this) {
            if (rung) {
                rung = false;
                return;
            }
            sleeper = Thread.currentThread();
        }
        try {
            time.sleep(limit);
        } catch (InterruptedException e) {
            // it rang
        } finally {
            synchronized (this) {
                sleeper = null;
                rung = false;
                Thread.interrupted(); // of a ring that came when the sleep was over
            }
        }
    }

    private synchronized void sleepForRing() {
        while (!rung) {
            try {
                wait();
            } catch (InterruptedException e) {
                break;
            }
        }
        rung = false;
    }
}
