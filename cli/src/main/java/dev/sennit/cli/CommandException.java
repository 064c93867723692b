package dev.sennit.cli;

import org.jspecify.annotations.Nullable;

/** Ends a command with one line on stderr: what happened, where, and what to do. */
final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    private CommandException(int exitCode, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    static CommandException usage(String message) {
        return new CommandException(ExitCode.USAGE, message, null);
    }

    static CommandException usage(String message, Throwable cause) {
        return new CommandException(ExitCode.USAGE, message, cause);
    }

    static CommandException couldNotStart(String message, @Nullable Throwable cause) {
        return new CommandException(ExitCode.COULD_NOT_START, message, cause);
    }

    static CommandException failed(String message, @Nullable Throwable cause) {
        return new CommandException(ExitCode.TASKS_FAILED, message, cause);
    }

    /** The same with more to say. */
    CommandException and(String more) {
        return new CommandException(exitCode, getMessage() + "; " + more, this);
    }

    int exitCode() {
        return exitCode;
    }

    /** A throwable in one line: its message, or its class where it has none; a message that is several lines is joined. */
    static String oneLine(Throwable failure) {
        String message = failure.getMessage();
        String text = message == null || message.isBlank() ? failure.getClass().getName() : message;
        return text.strip().replaceAll("\\s*\\R\\s*", "; ");
    }

    /** The same for a failed task, where the class is half of what it says. */
    static String taskFailure(Throwable failure) {
        String message = failure.getMessage();
        String name = failure.getClass().getSimpleName();
        return message == null || message.isBlank() ? name : name + ": " + oneLine(failure);
    }
}
