package dev.sennit.cli;

/** The exit codes of every command, and their description in the help. */
final class ExitCode {
    static final int DONE = 0;
    static final int TASKS_FAILED = 1;
    static final int USAGE = 2;
    static final int COULD_NOT_START = 3;

    static final String DONE_HELP = "0:done";
    static final String TASKS_FAILED_HELP = "1:some tasks failed, or a result was wrong or could not be written";
    static final String USAGE_HELP = "2:bad usage";
    static final String COULD_NOT_START_HELP = "3:could not start";
    static final String INTERRUPTED_HELP = "130:interrupted";

    private ExitCode() {}
}
