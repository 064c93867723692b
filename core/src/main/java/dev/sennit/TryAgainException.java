package dev.sennit;

import org.jspecify.annotations.Nullable;

/**
 * Thrown by the body of a {@link Retry} to request another attempt. The condition is not called, but the stop may give
 * up.
 *
 * {@snippet :
 * var jobs = new java.util.ArrayDeque<String>(java.util.List.of("pending", "pending", "ready"));
 * String state = Retry.attempts(5).call(() -> {
 *     if (!jobs.remove().equals("ready")) {
 *         throw new TryAgainException("not ready");
 *     }
 *     return "ready";
 * });
 * System.out.println(state);
 * }
 */
public final class TryAgainException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Requests another attempt without a reason. */
    public TryAgainException() {
        super();
    }

    /**
     * Requests another attempt.
     *
     * @param message why
     */
    public TryAgainException(@Nullable String message) {
        super(message);
    }

    /**
     * Requests another attempt because of a failure.
     *
     * @param message why
     * @param cause the failure
     */
    public TryAgainException(@Nullable String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
