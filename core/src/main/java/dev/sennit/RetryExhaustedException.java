package dev.sennit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by a {@link Retry} that has given up: its {@link Stop} said so after an attempt that should have been followed by
 * another.
 *
 * <p>The cause is the failure of the last attempt; there is none if that returned a value which the condition did not
 * accept.
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
     * How many attempts were made.
     *
     * @return the count
     */
    public int attemptCount() {
        return attemptCount;
    }

    /**
     * The attempts, in order. All of up to 16; of more, the first 4 and the last 12, as their numbers tell.
     *
     * @return the attempts, the last of them at the end; empty in a copy of this exception that came from another process
     */
    public List<Attempt> attempts() {
        return attempts == null ? List.of() : attempts;
    }
}
