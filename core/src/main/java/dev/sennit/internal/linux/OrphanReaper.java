package dev.sennit.internal.linux;

import dev.sennit.internal.Linux;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reaps orphans that have ended. A process whose parent has ended becomes the child of process 1, which in a container
 * may be this JVM. If nobody waits for it after its end, it stays in the table of processes for ever, and some day that
 * is full.
 *
 * <p>Waiting for any child at all would be wrong: the JDK has a thread that waits for each process that Java code has
 * started, and {@code Process.waitFor} would not get the exit code. So this waits for chosen processes only, those that
 *
 * <ul>
 *   <li>are children of this process, and have ended;
 *   <li>are not known to the caller as its own;
 *   <li>had ended at the call before as well. The JDK's thread needs a moment too, for a process that other code in
 *       this JVM has started. Callers let some time pass between calls, a second for example.
 * </ul>
 */
public final class OrphanReaper {
    private static final int PR_SET_CHILD_SUBREAPER = 36;
    private static final int WNOHANG = 1;

    // The fields of stat, counted from its third.
    private static final int STATE = 0;
    private static final int PARENT = 1;
    private static final int STARTED = 22 - 3;

    /** A process, told from another that gets its number later. */
    private record Ended(long pid, String started) {}

    /** Those that had ended at the call before. Guarded by the class: there is one table of processes. */
    private static Set<Ended> before = Set.of();

    private OrphanReaper() {}

    /**
     * Makes this process the parent of the orphans among its descendants, as process 1 is of all.
     *
     * @throws IOException if that cannot be; its message says why
     */
    public static void adopt() throws IOException {
        SystemCall.ensureSupported("cannot adopt orphans");
        SystemCall.PRCTL.make(PR_SET_CHILD_SUBREAPER, 1, 0);
    }

    /**
     * Reaps the orphans that had ended at the call before. Does nothing where that is not {@linkplain Linux#isSupported
     * supported}.
     *
     * @param ownPids the processes that the caller has started and will ask for an exit code
     * @return how many were reaped
     */
    public static synchronized int reap(Set<Long> ownPids) {
        if (!Linux.isSupported()) {
            return 0;
        }
        Set<Ended> now = new HashSet<>();
        int reaped = 0;
        String[] names = new File("/proc").list();
        for (String name : names == null ? new String[0] : names) {
            Ended child = endedChild(name);
            if (child == null || ownPids.contains(child.pid())) {
                continue;
            }
            if (before.contains(child) && isReaped(child.pid())) {
                reaped++;
            } else {
                now.add(child);
            }
        }
        before = now;
        return reaped;
    }

    private static boolean isReaped(long pid) {
        try {
            return SystemCall.WAIT4.make(pid, 0, WNOHANG) == pid;
        } catch (SystemCallException e) {
            return false; // somebody else has waited for it
        }
    }

    private static @Nullable Ended endedChild(String name) {
        if (!Character.isDigit(name.charAt(0))) {
            return null;
        }
        try (var stat = new FileInputStream("/proc/" + name + "/stat")) {
            var line = new String(stat.readAllBytes(), StandardCharsets.ISO_8859_1);
            String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ");
            boolean isChild = Long.parseLong(fields[PARENT]) == ProcessHandle.current().pid();
            return isChild && fields[STATE].equals("Z") ? new Ended(Long.parseLong(name), fields[STARTED]) : null;
        } catch (IOException | RuntimeException e) {
            return null; // gone meanwhile
        }
    }
}
