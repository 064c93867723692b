package dev.sennit.internal.machine;

import java.util.OptionalInt;

/** What the exit codes of processes say. A process that signal N ended has the code 128 + N, as in a shell. */
public final class ExitCodes {
    private static final int SIGNAL_BASE = 128;
    private static final int LAST_SIGNAL = 64;

    private ExitCodes() {}

    /**
     * Returns the signal that ended a process, as far as the code tells.
     *
     * @param exitCode as the JDK reports it
     * @return such as 9 for SIGKILL; empty if the process exited by itself
     */
    public static OptionalInt signalOf(int exitCode) {
        int signal = exitCode - SIGNAL_BASE;
        return signal >= 1 && signal <= LAST_SIGNAL ? OptionalInt.of(signal) : OptionalInt.empty();
    }

    /**
     * Words a code.
     *
     * @param exitCode as the JDK reports it
     * @return such as "exited with code 3" or "was killed by signal 9 (SIGKILL)"
     */
    public static String describe(int exitCode) {
        OptionalInt signal = signalOf(exitCode);
        if (signal.isEmpty()) {
            return "exited with code " + exitCode;
        }
        String name = switch (signal.getAsInt()) {
            case 1 -> " (SIGHUP)";
            case 2 -> " (SIGINT)";
            case 3 -> " (SIGQUIT)";
            case 4 -> " (SIGILL)";
            case 6 -> " (SIGABRT)";
            case 7 -> " (SIGBUS)";
            case 8 -> " (SIGFPE)";
            case 9 -> " (SIGKILL)";
            case 11 -> " (SIGSEGV)";
            case 15 -> " (SIGTERM)";
            default -> "";
        };
        return "was killed by signal " + signal.getAsInt() + name;
    }
}
