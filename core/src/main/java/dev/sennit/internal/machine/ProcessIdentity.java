package dev.sennit.internal.machine;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The identity of a process: its number and its start time, as the system may reuse the number.
 *
 * <p>Both fit in a long, so that a process can be stored in shared memory atomically: bits 0 to 29 are the number,
 * which is not greater on any system; bits 32 to 63 are the low bits of the start time, in units so small that two
 * processes of the same number differ in them. Bits 30 and 31 are 0, for use by the holder of an identity. No process
 * has the identity 0.
 *
 * <p>The unit of the start time depends on the system, not on the mechanism of {@link Sharing}, so that all processes
 * of a machine agree: {@link LinuxProcesses} where there is a {@code /proc}, else {@link AnyProcesses}.
 */
public final class ProcessIdentity {
    /** The bits that are 0 in every identity. */
    public static final long SPARE = 3L << 30;

    private static final long PID = (1L << 30) - 1;

    /** Tells when processes started, and whether they still run. */
    interface Processes {
        /** Returns when a process started; only the low 32 bits are used. */
        long started(long pid);

        /** Returns whether a thread may still run of the process with this number and start time. */
        boolean isAlive(long pid, int started);

        /** Returns letters and digits, the same for all processes among which number and start time are unique. */
        String scope();
    }

    private static final Processes PROCESSES =
            Files.isReadable(Path.of("/proc/self/stat")) ? new LinuxProcesses() : new AnyProcesses();

    /** The identity of this process. */
    public static final long SELF = of(PROCESSES, ProcessHandle.current().pid());

    private ProcessIdentity() {}

    /**
     * Returns the identity of a running process.
     *
     * @throws IllegalStateException if there is none with that number
     */
    public static long of(long pid) {
        return of(PROCESSES, pid);
    }

    /** Returns the identity of a running process. */
    static long of(Processes processes, long pid) {
        if (pid > PID) {
            throw new IllegalStateException(
                    "processes with numbers above " + PID + " cannot share memory, this is " + pid);
        }
        return pid | processes.started(pid) << 32;
    }

    /** Returns the number of a process, for messages. */
    public static long pid(long identity) {
        return identity & PID;
    }

    /**
     * Returns whether any thread of a process may still run. A killed process takes some time to release its memory,
     * but once all its threads are exiting, none of them writes any more.
     */
    public static boolean isAlive(long identity) {
        return isAlive(PROCESSES, identity);
    }

    /**
     * Returns the scope in which identities are valid: those from another container, for example, have no meaning here.
     */
    static String scope() {
        return PROCESSES.scope();
    }

    public static boolean isAlive(Processes processes, long identity) {
        return processes.isAlive(pid(identity), (int) (identity >>> 32));
    }
}
