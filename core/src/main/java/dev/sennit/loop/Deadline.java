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
 * When a wait has to be over.
 *
 * @param due in terms of {@link System#nanoTime}
 * @param given how long it could take, for the message
 */
record Deadline(long due, Duration given) {
    /** So far away that sums do not overflow. */
    private static final long LONGEST = Long.MAX_VALUE >> 1;

    /**
     * Begins now.
     *
     * @param timeout how long it may take; null is as long as it takes
     */
    static @Nullable Deadline after(@Nullable Duration timeout) {
        return timeout == null
                ? null
                : new Deadline(Backend.current().nanoTime() + Math.min(Timers.nanos(timeout), LONGEST), timeout);
    }

    /** A time-out that callers may set; null is none. */
    static @Nullable Duration checked(@Nullable Duration timeout) {
        if (timeout != null && !timeout.isPositive()) {
            throw new IllegalArgumentException("timeout must be > 0, was " + Durations.text(timeout));
        }
        return timeout;
    }

    /**
     * Takes a lock that those hold who write, in a coroutine.
     *
     * @param name of what they write to, for the message
     */
    static void lockForWriting(FairLock lock, @Nullable Deadline deadline, String name) throws IOException, InterruptedException {
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
