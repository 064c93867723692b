package dev.sennit.queue.broker;

/**
 * Why a task has failed.
 *
 * @param type the name of the class of the exception, or of the cause
 * @param message its message, perhaps empty
 * @param stack its stack trace, perhaps empty; cut to {@value #LONGEST_STACK} characters
 */
public record ErrorInfo(String type, String message, String stack) {
    /** How many characters of a stack trace are kept. */
    public static final int LONGEST_STACK = 16_000;
    /** How many characters of a message are kept. */
    public static final int LONGEST_MESSAGE = 2_000;

    /** What the message of a run begins with that has failed after it was asked to end at its soft limit. */
    public static final String AT_SOFT_LIMIT = "the run was asked to end at its soft limit of ";

    /** Cuts what is too long, and replaces the character NUL, which databases do not store. */
    public ErrorInfo {
        type = type.replace('\0', '\uFFFD');
        message = message.replace('\0', '\uFFFD');
        stack = stack.replace('\0', '\uFFFD');
        message = message.length() <= LONGEST_MESSAGE ? message : message.substring(0, LONGEST_MESSAGE);
        stack = stack.length() <= LONGEST_STACK ? stack : stack.substring(0, LONGEST_STACK);
    }

    /**
     * Returns class and message.
     *
     * @return one line, unless the message has several
     */
    public String text() {
        return message.isEmpty() ? type : type + ": " + message;
    }
}
