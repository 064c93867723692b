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

    /** This process. */
    static final long SELF = ofThis();

    private static final long PID = (1L << 22) - 1;

    private ProcessIdentity() {}

    private static long ofThis() {
        try {
            long pid = ProcessHandle.current().pid();
            return of(pid, read(pid));
        } catch (IOException e) {
            throw new IllegalStateException("cannot read when this process started: " + e, e);
        }
    }

    private static long of(long pid, String[] fields) {
        long started = Long.parseLong(fields[19]);
        return pid | (started & 0xFF) << 22 | (started >>> 8) << 32;
    }

    /** Fields of /proc/PID/stat from the third on; the second may hold anything. */
    private static String[] read(long pid) throws IOException {
        try (var stat = new FileInputStream("/proc/" + pid + "/stat")) { // not a channel: the thread may be interrupted
            var line = new String(stat.readAllBytes(), StandardCharsets.ISO_8859_1);
            return line.substring(line.lastIndexOf(')') + 2).split(" ");
        }
    }

    /** Its number, for people. */
    static long pid(long identity) {
        return identity & PID;
    }

    /**
     * Whether it has not ended. One that was killed counts as alive until the last of its threads is gone, so that none of
     * them can still write when this says that it is dead.
     */
    static boolean isAlive(long identity) {
        long pid = pid(identity);
        try {
            String[] fields = read(pid);
            boolean ended = fields[0].equals("Z") || fields[0].equals("X");
            return of(pid, fields) == identity && !(ended && Integer.parseInt(fields[17]) <= 1);
        } catch (IOException e) { // gone; or this process has no file descriptor left, which says nothing of that one
            return !Files.notExists(Path.of("/proc/" + pid), LinkOption.NOFOLLOW_LINKS);
        }
    }
}
