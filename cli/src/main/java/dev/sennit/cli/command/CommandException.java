package dev.sennit.cli.command;

import dev.sennit.internal.Nearest;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/** Ends a command with a line on stderr: what happened, where, and what to do. */
public final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    private CommandException(int exitCode, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    public static CommandException usage(String message) {
        return new CommandException(ExitCode.USAGE, message, null);
    }

    public static CommandException usage(String message, Throwable cause) {
        return new CommandException(ExitCode.USAGE, message, cause);
    }

    public static CommandException couldNotStart(String message, @Nullable Throwable cause) {
        return new CommandException(ExitCode.COULD_NOT_START, message, cause);
    }

    public static CommandException failed(String message, @Nullable Throwable cause) {
        return new CommandException(ExitCode.TASKS_FAILED, message, cause);
    }

    /** Returns the same exception with a longer message. */
    public CommandException and(String more) {
        return new CommandException(exitCode, getMessage() + "; " + more, this);
    }

    public int exitCode() {
        return exitCode;
    }

    /** Returns a throwable in one line: its message, with lines joined, or its class if it has none. */
    public static String oneLine(Throwable failure) {
        String message = failure.getMessage();
        String text = message == null || message.isBlank() ? failure.getClass().getName() : message;
        return text.strip().replaceAll("\\s*\\R\\s*", "; ");
    }

    /** Returns the failure of a task in one line, with its class. */
    public static String taskFailure(Throwable failure) {
        String message = failure.getMessage();
        String name = failure.getClass().getSimpleName();
        return message == null || message.isBlank() ? name : name + ": " + oneLine(failure);
    }

    /** Returns what a message says of an option that a command does not have, with a known one that looks like it. */
    public static String unknownOption(CommandSpec spec, String option) {
        String name = option.split("=", 2)[0];
        List<String> known = spec.options().stream()
                .flatMap(each -> Arrays.stream(each.names()))
                .filter(each -> each.startsWith("--"))
                .toList();
        return "unknown option " + name + Nearest.hint(name, known);
    }
}
