package dev.sennit.queue.broker;

import org.jspecify.annotations.Nullable;

/**
 * A broker could not do what was asked. The message is one line, names the broker and shows no password.
 *
 * <p>Whether an operation that failed so was done is not known if {@link #isDoubtful}. To enqueue the same tasks again,
 * with the same ids, does no harm: those that are there are kept once.
 */
public class BrokerException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The kinds of failures, by the remedy. */
    public enum Kind {
        /** Try again later: the server cannot be reached, or the disk is full. */
        UNAVAILABLE,
        /** Correct the address, the password, or the rights. */
        REFUSED,
        /** The store is damaged, or of a newer version. */
        UNUSABLE
    }

    private final Kind kind;

    /** Whether the operation may have been done. */
    private final boolean doubtful;

    /**
     * Makes an exception.
     *
     * @param kind what a caller can do
     * @param doubtful whether the operation may have been done nevertheless
     * @param message one line: what, where, what to do
     * @param cause the cause, or null
     */
    public BrokerException(Kind kind, boolean doubtful, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.doubtful = doubtful;
    }

    /**
     * Returns what a caller can do.
     *
     * @return the kind
     */
    public Kind kind() {
        return kind;
    }

    /**
     * Returns whether the operation may have been done: the answer of the server was lost.
     *
     * @return whether it is in doubt
     */
    public boolean isDoubtful() {
        return doubtful;
    }
}
