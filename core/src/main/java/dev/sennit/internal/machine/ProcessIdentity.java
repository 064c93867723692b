package dev.sennit.internal.machine;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A process, by its number and the moment it started: the number alone may be another process's by the next look.
 *
 * <p>Both fit a long, so that shared memory names a process in one atomic step: bits 0 to 29 are the number, which no system
 * makes larger; bits 32 to 63 are the last ones of the moment, in units so small that no two processes of one number share
 * them. Bits 30 and 31 are 0, for whoever keeps it. No process is 0.
 *
 * <p>The system decides how the moment is told, not the mechanism of {@link Sharing}, so that all processes of a machine tell it
 * alike: by {@link LinuxProcesses} where there is a {@code /proc}, else by {@link AnyProcesses}.
 */
public final class ProcessIdentity {
    /** Bits that no identity has. */
    public static final long SPARE = 3L << 30;

    private static final long PID = (1L << 30) - 1;

    /** Tells when processes started, and whether they still run. */
    interface Processes {
        /** When a process started: only the last 32 bits count. */
        long started(long pid);

        /** Whether any thread of a process may still run that had such a number, and started then. */
        boolean isAlive(long pid, int started);

        /** Letters and digits, the same for all processes that tell each other apart by number and start. */
        String scope();
    }

    private static final Processes PROCESSES =
            !Sharing.isForcedPortable() && Files.isReadable(Path.of("/proc/self/stat")) ? new LinuxProcesses() : new AnyProcesses();

    /** This process. */
    public static final long SELF = of(PROCESSES, ProcessHandle.current().pid());

    private ProcessIdentity() {}

    /** The identity of a process that runs. */
    static long of(Processes processes, long pid) {
        if (pid > PID) {
            throw new IllegalStateException("processes with numbers above " + PID + " cannot share memory, this is " + pid);
        }
        return pid | processes.started(pid) << 32;
    }

    /** Its number, for people. */
    public static long pid(long identity) {
        return identity & PID;
    }

    /**
     * Whether any of its threads may still run. A process that was killed takes its time to give its memory back; but as soon
     * as all of its threads are on their way out, none of them comes back to write.
     */
    public static boolean isAlive(long identity) {
        return isAlive(PROCESSES, identity);
    }

    /** Identities from elsewhere - another container, say - mean nothing here. */
    static String scope() {
        return PROCESSES.scope();
    }

    public static boolean isAlive(Processes processes, long identity) {
        return processes.isAlive(pid(identity), (int) (identity >>> 32));
    }
}
