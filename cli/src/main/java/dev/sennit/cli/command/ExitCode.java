package dev.sennit.cli.command;

/** The exit codes of every command, and their description in the help. */
public final class ExitCode {
    public static final int DONE = 0;
    public static final int TASKS_FAILED = 1;
    public static final int USAGE = 2;
    public static final int COULD_NOT_START = 3;

    public static final String DONE_HELP = "0:done";
    public static final String TASKS_FAILED_HELP = "1:some tasks failed, or a result was wrong or could not be written";
    public static final String USAGE_HELP = "2:bad usage";
    public static final String COULD_NOT_START_HELP = "3:could not start";
    public static final String INTERRUPTED_HELP = "130:interrupted";

    private ExitCode() {}
}
