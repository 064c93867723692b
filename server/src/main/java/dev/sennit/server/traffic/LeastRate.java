package dev.sennit.server.traffic;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * Ends a body that comes by drops. What counts is the time in which the handler waits for bytes: a handler that reads
 * slowly is not its client's fault. Looked at when bytes have come: a client that sends none at all has the limit for
 * stalls. Only the handler's thread.
 */
public final class LeastRate {
    private static final double NANOS = 1e9;

    private final double bytesPerNano;
    private final long graceNanos;
    private long received;
    private long waited;

    /**
     * Makes a limit.
     *
     * @param bytesPerSecond 0 for no limit
     * @param grace how long the limit does not count
     */
    public LeastRate(int bytesPerSecond, Duration grace) {
        bytesPerNano = bytesPerSecond / NANOS;
        graceNanos = grace.toNanos();
    }

    /**
     * Counts bytes that have come.
     *
     * @param nanos how long the handler has waited for them
     * @throws IOException if there were too few by now; a {@link TimeoutException} is its cause
     */
    public void came(int bytes, long nanos) throws IOException {
        received += bytes;
        waited += nanos;
        if (waited > graceNanos && received < (waited - graceNanos) * bytesPerNano) {
            throw new IOException(
                    "the body of the request comes too slowly", new TimeoutException(received + " bytes in "
                            + Duration.ofNanos(waited).toMillis() + " ms"));
        }
    }
}
