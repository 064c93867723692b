package dev.sennit.process;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * A process, by its number and the moment it started: the number alone may be another process's by the next look.
 *
 * <p>Both fit a long, so that shared memory names a process in one atomic step: bits 0 to 21 are the number (Linux has none
 * above 2^22), bits 22 to 29 and 32 to 63 the start in ticks since the machine did, enough for 348 years. Bits 30 and 31 are
 * 0, for whoever keeps it. No process is 0.
 */
final class ProcessIdentity {
    /** Bits that no identity has. */
    static final long SPARE = 3L << 30;

    private static final long PID = (1L << 22) - 1;

    // Of what stat says, counted from its third field; the flag is of include/linux/sched.h.
    private static final int FLAGS = 6;
    private static final int STARTED = 19;
    private static final long PF_EXITING = 4;

    /** This process. */
    static final long SELF = ofThis();

    private ProcessIdentity() {}

    private static long ofThis() {
        try {
            long pid = ProcessHandle.current().pid();
            return of(pid, read(folder(pid)));
        } catch (IOException e) {
            throw new IllegalStateException("cannot read when this process started: " + e, e);
        }
    }

    private static long of(long pid, String[] fields) {
        long started = Long.parseLong(fields[STARTED]);
        return pid | (started & 0xFF) << 22 | (started >>> 8) << 32;
    }

    private static Path folder(long pid) {
        return Path.of("/proc/" + pid);
    }

    /** What stat says of a process or thread, from the third field on; the second may hold anything. */
    private static String[] read(Path folder) throws IOException {
        try (var stat = new FileInputStream(folder + "/stat")) { // not a channel: the thread may be interrupted
            var line = new String(stat.readAllBytes(), StandardCharsets.ISO_8859_1);
            return line.substring(line.lastIndexOf(')') + 2).split(" ");
        }
    }

    /** Its number, for people. */
    static long pid(long identity) {
        return identity & PID;
    }

    /**
     * Whether any of its threads may still run. A process that was killed takes its time to give its memory back; but as soon
     * as all of its threads are on their way out, none of them comes back to write.
     */
    static boolean isAlive(long identity) {
        Path folder = folder(pid(identity));
        try {
            String[] fields = read(folder);
            return of(pid(identity), fields) == identity && !(isEnding(fields) && areAllEnding(folder));
        } catch (IOException e) {
            return !isGone(folder);
        }
    }

    private static boolean isEnding(String[] fields) {
        return (Long.parseLong(fields[FLAGS]) & PF_EXITING) != 0;
    }

    private static boolean areAllEnding(Path process) {
        Path tasks = process.resolve("task");
        String[] threads = tasks.toFile().list();
        if (threads == null) {
            return isGone(tasks);
        }
        for (String thread : threads) {
            Path folder = tasks.resolve(thread);
            try {
                if (!isEnding(read(folder))) {
                    return false;
                }
            } catch (IOException e) {
                if (!isGone(folder)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** What cannot be read may be there: this process may have no file descriptor left. */
    private static boolean isGone(Path folder) {
        return Files.notExists(folder, LinkOption.NOFOLLOW_LINKS);
    }
}
