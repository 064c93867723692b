package dev.sennit;

/** A {@link JoinableQueue} was shut down: nothing more goes in, or there is nothing left to come out. */
public final class QueueClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    QueueClosedException(String message) {
        super(message);
    }
}
