package dev.sennit;

import org.jspecify.annotations.Nullable;

/**
 * Thrown by the body of a {@link Retry} to ask for another attempt, whatever the condition says. The stop has the last
 * word.
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

    /** Asks for another attempt without a reason. */
    public TryAgainException() {
        super();
    }

    /**
     * Asks for another attempt.
     *
     * @param message why
     */
    public TryAgainException(@Nullable String message) {
        super(message);
    }

    /**
     * Asks for another attempt because something failed.
     *
     * @param message why
     * @param cause what failed
     */
    public TryAgainException(@Nullable String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
