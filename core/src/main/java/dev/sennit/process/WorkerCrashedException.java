package dev.sennit.process;

import dev.sennit.internal.machine.ExitCodes;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The worker process that ran a task ended without an answer: it crashed, exited, ran out of memory, or was killed.
 *
 * <p>The failure of that task's future alone: tasks that had not begun run elsewhere, and the pool replaces the worker.
 * The stack trace is the submitter's.
 */
public final class WorkerCrashedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long pid;
    private final int exitCode;
    @SuppressWarnings("serial") // always one of List.copyOf's
    private final List<String> lastLines;
    private final @Nullable String crashLog;

    WorkerCrashedException(String message, long pid, int exitCode, List<String> lastLines, @Nullable Path crashLog) {
        super(message);
        this.pid = pid;
        this.exitCode = exitCode;
        this.lastLines = List.copyOf(lastLines);
        this.crashLog = crashLog == null ? null : crashLog.toString();
    }

    /**
     * The worker's process id.
     *
     * @return the pid it had
     */
    public long pid() {
        return pid;
    }

    /**
     * How the process ended.
     *
     * @return its exit code; 128 + N if signal N ended it
     */
    public int exitCode() {
        return exitCode;
    }

    /**
     * The signal that ended the process, as far as the exit code tells.
     *
     * @return such as 9 for SIGKILL, or empty
     */
    public OptionalInt signal() {
        return signalOf(exitCode);
    }

    /**
     * The last lines the worker wrote to its standard output and error.
     *
     * @return at most twenty lines, oldest first
     */
    public List<String> lastLines() {
        return lastLines;
    }

    /**
     * The JVM's own crash report.
     *
     * @return the file, if the JVM wrote one
     */
    public Optional<Path> crashLog() {
        return Optional.ofNullable(crashLog).map(Path::of);
    }

    static OptionalInt signalOf(int exitCode) {
        return ExitCodes.signalOf(exitCode);
    }

    /** Whether somebody killed it: not a signal that a process brings upon itself, as SIGSEGV is. */
    static boolean wasKilledByAnother(int exitCode) {
        return switch (signalOf(exitCode).orElse(0)) {
            case 0, 4, 6, 7, 8, 11 -> false;
            default -> true;
        };
    }

    /** "exited with code 3", "was killed by signal 9 (SIGKILL)". */
    static String describeExit(int exitCode) {
        return ExitCodes.describe(exitCode);
    }
}
