package dev.sennit.queue.celery;

/** A message, or what is to follow a task, is not what it should be. The text shows nothing of it. */
final class UnreadableException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    UnreadableException(String message) {
        super(message);
    }
}
