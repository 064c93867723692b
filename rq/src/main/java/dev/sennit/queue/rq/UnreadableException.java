package dev.sennit.queue.rq;

/** A job that cannot be served. The message says why, in one line that shows nothing of it. */
final class UnreadableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    UnreadableException(String message) {
        super(message);
    }
}
