package dev.sennit.queue.broker;

/** A message is not one of a task. The text says what is wrong, and shows nothing of the message's argument. */
public final class TaskFormatException extends RuntimeException {
    private static final long serialVersionUID = 1;

    TaskFormatException(String message) {
        super(message);
    }
}
