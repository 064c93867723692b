package dev.sennit.codec;

import dev.sennit.process.WorkerProcess;
import java.util.Optional;

/**
 * The processes of one program: the one that nobody of this library started, its workers and {@link WorkerProcess}es, and theirs.
 *
 * <p>Each learns on its command line who is at the head. A process whose parent has ended belongs to it no more, but none outlives
 * its parent for long.
 */
public final class Family {
    private static final String PROPERTY = "sennit.family";
    /** A chain of parents ends at process 1; this is for one that changes meanwhile. */
    private static final int DEEPEST = 1024;

    private static final long HEAD = Long.getLong(PROPERTY, ProcessHandle.current().pid());

    private Family() {}

    /** What a process that is started is told. */
    public static String option() {
        return "-D" + PROPERTY + "=" + HEAD;
    }

    /** Whether a process is of the same family as this one. */
    static boolean has(long pid) {
        Optional<ProcessHandle> process = ProcessHandle.of(pid);
        for (int generation = 0; process.isPresent() && generation < DEEPEST; generation++) {
            if (process.get().pid() == HEAD) {
                return true;
            }
            process = process.get().parent();
        }
        return false;
    }
}
