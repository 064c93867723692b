package dev.sennit;

/** A queue, such as a {@link JoinableQueue}, was shut down: nothing more goes in, or there is nothing left to come out. */
public final class QueueClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what can no longer be done
     */
    public QueueClosedException(String message) {
        super(message);
    }
}
