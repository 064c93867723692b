package dev.sennit.server.traffic;

import java.io.IOException;
import java.time.Duration;

/**
 * Ends a body that comes by drops. The time in which the handler waits for bytes counts: a handler that reads
 * slowly is not its client's fault. The handler's thread checks the rate when bytes have come: a client that sends none
 * at all has the limit for stalls.
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
     * @throws IOException if there were too few by now, a {@link StallException}
     */
    public void came(int bytes, long nanos) throws IOException {
        received += bytes;
        waited += nanos;
        if (waited > graceNanos && received < (waited - graceNanos) * bytesPerNano) {
            throw new StallException("the body of the request comes too slowly: " + received + " bytes in "
                    + Duration.ofNanos(waited).toMillis() + " ms");
        }
    }
}
