package dev.sennit.loop;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Wait;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The time by which a wait must be over.
 *
 * @param due on the clock of {@link System#nanoTime}
 * @param given the whole limit, for the message
 */
record Deadline(long due, Duration given) {
    /** Far away, but sums do not overflow. */
    private static final long LONGEST = Long.MAX_VALUE >> 1;

    /**
     * Returns the deadline of a time-out that begins now.
     *
     * @param timeout the limit; null for none
     */
    static @Nullable Deadline after(@Nullable Duration timeout) {
        return timeout == null
                ? null
                : new Deadline(Backend.current().nanoTime() + Math.min(Timers.nanos(timeout), LONGEST), timeout);
    }

    /** Returns a valid time-out that a caller has set; null for none. */
    static @Nullable Duration checked(@Nullable Duration timeout) {
        if (timeout != null && !timeout.isPositive()) {
            throw new IllegalArgumentException("timeout must be > 0, was " + Durations.text(timeout));
        }
        return timeout;
    }

    /**
     * Takes the lock of the writers. In a coroutine.
     *
     * @param name of the stream they write to, for the message
     */
    static void lockForWriting(FairLock lock, @Nullable Deadline deadline, String name)
            throws IOException, InterruptedException {
        if (deadline == null) {
            lock.lock(Wait.FOREVER);
        } else if (!lock.lock(deadline.nanosLeft())) {
            throw deadline.missed("waiting for others that write to " + name);
        }
    }

    long nanosLeft() {
        return due - Backend.current().nanoTime();
    }

    SocketTimeoutException missed(String what) {
        return new SocketTimeoutException(what + " took longer than " + Durations.text(given));
    }
}
