package dev.sennit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by a {@link Retry} whose {@link Stop} gave up after an attempt that another should have followed.
 *
 * <p>The cause is the failure of the last attempt; there is no cause if that attempt returned a value that the
 * condition rejected.
 */
public final class RetryExhaustedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int attemptCount;
    private final transient @Nullable List<Attempt> attempts;

    RetryExhaustedException(String message, @Nullable Throwable cause, int attemptCount, List<Attempt> attempts) {
        super(message, cause);
        this.attemptCount = attemptCount;
        this.attempts = attempts;
    }

    /**
     * Returns how many attempts were made.
     *
     * @return the count
     */
    public int attemptCount() {
        return attemptCount;
    }

    /**
     * Returns the attempts, in order: all of up to 16 attempts, or the first 4 and the last 12.
     *
     * @return the attempts; empty in a copy of this exception that came from another process
     */
    public List<Attempt> attempts() {
        return attempts == null ? List.of() : attempts;
    }
}
