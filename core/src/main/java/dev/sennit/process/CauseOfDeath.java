package dev.sennit.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Describes how a worker ended, from its exit code, its last lines of output, and the counters of the kernel. */
final class CauseOfDeath {
    /** The exit code of a JVM with {@code -XX:+ExitOnOutOfMemoryError}. */
    private static final int OUT_OF_MEMORY = 3;
    /** The exit code of a JVM with {@code -XX:+CrashOnOutOfMemoryError}. */
    private static final int ABORTED = 134;

    private static final int KILLED = 137;
    private static final String ERROR = "java.lang.OutOfMemoryError";

    private CauseOfDeath() {}

    /**
     * Returns the exception for a worker that ended.
     *
     * @param name the name of the worker
     * @param during what the worker was doing, such as "while it ran task report"
     */
    static WorkerCrashedException of(
            WorkerJvm dead, WorkerJvm.End end, String name, String during, WorkerSettings settings) {
        Path crashLog = WorkerCommand.crashLog(dead.pid());
        boolean hasCrashLog = isOf(crashLog, dead);
        String why = dead.whyDestroyed();
        String what = why != null
                ? why
                : describe(
                        end.exitCode(),
                        settings.output() == WorkerOutput.INHERIT ? null : end.lastLines(),
                        settings.limits(),
                        dead.kernelMayHaveKilled());
        return new WorkerCrashedException(
                "worker " + name + " (pid " + dead.pid() + ") " + what + " " + during
                        + (hasCrashLog ? "; crash report in " + crashLog : "") + said(end),
                dead.pid(),
                end.exitCode(),
                end.lastLines(),
                hasCrashLog ? crashLog : null);
    }

    /** Returns "; it said: " and the last lines, or an empty string if there are none. */
    static String said(WorkerJvm.End end) {
        return end.lastLines().isEmpty() ? "" : "; it said: " + String.join(" | ", end.lastLines());
    }

    /**
     * Describes how a process ended that this JVM did not kill.
     *
     * @param exitCode its exit code
     * @param lastLines the last lines of its output, or null if the output went elsewhere
     * @param limits the limits of its memory
     * @param kernelMayHaveKilled whether the kernel may have run out of memory meanwhile
     * @return a text such as "exited with code 1"
     */
    static String describe(
            int exitCode, @Nullable List<String> lastLines, MemoryLimits limits, boolean kernelMayHaveKilled) {
        String outOfMemory = lastLines == null ? null : outOfMemory(exitCode, lastLines);
        if (outOfMemory != null) {
            return limits.describe(outOfMemory);
        }
        String exit = WorkerCrashedException.describeExit(exitCode);
        if (exitCode == OUT_OF_MEMORY && lastLines == null) {
            return exit + ", as a JVM does that runs out of memory,";
        }
        if (exitCode == KILLED && kernelMayHaveKilled) {
            return exit + ", perhaps by the kernel for want of memory,";
        }
        return exit;
    }

    /**
     * Returns what the JVM said it had run out of, or null if that did not end it: a task may have printed such an
     * error and gone on.
     */
    private static @Nullable String outOfMemory(int exitCode, List<String> lastLines) {
        if (exitCode != OUT_OF_MEMORY && exitCode != ABORTED && exitCode != WorkerMain.CANNOT_GO_ON) {
            return null;
        }
        for (String line : lastLines.reversed()) {
            int error = line.indexOf(ERROR);
            if (error >= 0) {
                return line.substring(error + ERROR.length()).replaceFirst("^: ", "");
            }
        }
        return null;
    }

    /** Returns whether there is a crash report of this worker, and not of an earlier process with the same pid. */
    private static boolean isOf(Path crashLog, WorkerJvm dead) {
        try {
            return !Files.getLastModifiedTime(crashLog).toInstant().isBefore(dead.startedAt().minusSeconds(2));
        } catch (IOException e) {
            return false;
        }
    }
}
