package dev.sennit.internal.machine;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** Processes as Linux shows them in {@code /proc}. Start times are ticks of its clock, 100 a second. */
final class LinuxProcesses implements ProcessIdentity.Processes {
    // Indexes of the fields of stat, counted from its third field. The flag is from include/linux/sched.h.
    private static final int FLAGS = 6;
    private static final int STARTED = 19;
    private static final long PF_EXITING = 4;

    @Override
    public long started(long pid) {
        try {
            return started(read(folder(pid)));
        } catch (IOException e) {
            throw new IllegalStateException("cannot read when process " + pid + " started: " + e, e);
        }
    }

    @Override
    public boolean isAlive(long pid, int started) {
        Path folder = folder(pid);
        try {
            String[] fields = read(folder);
            return (int) started(fields) == started && !(isEnding(fields) && areAllEnding(folder));
        } catch (IOException e) {
            return !isGone(folder);
        }
    }

    /** Returns the scope: containers and machines that share a folder have process numbers of their own. */
    @Override
    public String scope() {
        return scopeOf(namespace(), boot());
    }

    /**
     * Returns a short text, as a socket's path is limited. Namespace numbers repeat between machines; boot ids are
     * random.
     */
    static String scopeOf(String namespace, String boot) {
        return Integer.toUnsignedString((namespace + boot.strip()).hashCode(), 36);
    }

    private static String namespace() {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
        } catch (IOException e) {
            return "linux"; // a kernel without namespaces
        }
    }

    private static String boot() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/random/boot_id"));
        } catch (IOException e) {
            return ""; // hidden; processes that can read it then have another scope
        }
    }

    private static long started(String[] fields) {
        return Long.parseLong(fields[STARTED]);
    }

    private static Path folder(long pid) {
        return Path.of("/proc/" + pid);
    }

    /** Reads the stat of a process or thread, from the third field on; the second field may contain any characters. */
    private static String[] read(Path folder) throws IOException {
        try (var stat = new FileInputStream(folder + "/stat")) { // not a channel: the thread may be interrupted
            var line = new String(stat.readAllBytes(), StandardCharsets.ISO_8859_1);
            return line.substring(line.lastIndexOf(')') + 2).split(" ");
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

    /** Returns whether a process or thread has certainly ended: reading may fail for lack of a file descriptor. */
    private static boolean isGone(Path folder) {
        return Files.notExists(folder, LinkOption.NOFOLLOW_LINKS);
    }
}
