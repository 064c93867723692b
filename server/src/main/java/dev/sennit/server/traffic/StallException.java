package dev.sennit.server.traffic;

import java.io.IOException;
import java.util.concurrent.TimeoutException;

/**
 * The client sends nothing more of a body, or takes nothing more of a response. A type of its own, as a handler may
 * throw a {@link TimeoutException} that has other reasons.
 */
public final class StallException extends IOException {
    private static final long serialVersionUID = 1L;
    private static final int MOST_CAUSES = 20;

    StallException(String message) {
        super(message);
    }

    private StallException(Throwable failure) {
        super("the client stalls: " + failure.getMessage(), failure);
    }

    /**
     * Tells a stall from other failures of reading or writing.
     *
     * @param failure of Jetty, which has a time-out among its causes if the client stalls
     * @return the failure, or one of this type in its place
     */
    public static Throwable of(Throwable failure) {
        Throwable cause = failure;
        for (int depth = 0; cause != null && depth < MOST_CAUSES; depth++) {
            if (cause instanceof TimeoutException) {
                return new StallException(failure);
            }
            cause = cause.getCause();
        }
        return failure;
    }

    /** Does the same for a failure that is told as an {@link IOException}. */
    public static IOException of(IOException failure) {
        return of((Throwable) failure) instanceof StallException stall ? stall : failure;
    }
}
