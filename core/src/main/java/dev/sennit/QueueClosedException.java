package dev.sennit;

/**
 * Thrown when a queue, such as a {@link JoinableQueue}, was shut down: it accepts no elements, or has none left to
 * take.
 */
public final class QueueClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message the operation that failed, and why
     */
    public QueueClosedException(String message) {
        super(message);
    }
}
