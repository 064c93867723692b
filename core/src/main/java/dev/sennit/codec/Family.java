package dev.sennit.codec;

import dev.sennit.process.WorkerProcess;
import java.util.Optional;

/**
 * The processes of one program: the first process, which this library did not start, its workers and
 * {@link WorkerProcess}es, and theirs.
 *
 * <p>Each process learns the id of the first one on its command line. A process whose parent has ended does not belong
 * to the family any more, but no process outlives its parent for long.
 */
public final class Family {
    private static final String PROPERTY = "sennit.family";
    /**
     * The most parents to follow. A chain of parents ends at process 1; this limit is for a chain that changes
     * meanwhile.
     */
    private static final int DEEPEST = 1024;

    private static final long HEAD = Long.getLong(PROPERTY, ProcessHandle.current().pid());

    private Family() {}

    /** Returns the option that tells a new process of its family. */
    public static String option() {
        return "-D" + PROPERTY + "=" + HEAD;
    }

    /** Returns whether a process belongs to the same family as this process. */
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
