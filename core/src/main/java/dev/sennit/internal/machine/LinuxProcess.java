package dev.sennit.internal.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What Linux tells of a process through {@code /proc}, and lets its owner change. Elsewhere, nothing. */
public final class LinuxProcess {
    private static final Path PROC = Path.of("/proc");
    /** The first to be killed when the machine, or the container, is out of memory. */
    private static final String FIRST = "1000";

    private LinuxProcess() {}

    /** Whether {@link #residentBytes} can be told. */
    public static boolean tellsMemory() {
        return residentBytes(ProcessHandle.current().pid()) > 0;
    }

    /**
     * How much memory of its own a process holds: its private pages and the shared memory it has touched, but no pages
     * of files, which the kernel can drop.
     *
     * @return bytes; 0 when the process has ended, or the system does not tell
     */
    public static long residentBytes(long pid) {
        return parseStatus(lines(Long.toString(pid), "status"));
    }

    /** Adds up the lines of a status file that count. */
    static long parseStatus(List<String> status) {
        long kilobytes = 0;
        for (String line : status) {
            if (line.startsWith("RssAnon:") || line.startsWith("RssShmem:")) {
                kilobytes += numberIn(line);
            }
        }
        return kilobytes << 10;
    }

    /** Has the kernel kill a process, and what it starts, before others when it is out of memory. */
    public static void killFirst(long pid) {
        Path score = PROC.resolve(Long.toString(pid), "oom_score_adj");
        try {
            if (Files.exists(score)) {
                Files.writeString(score, FIRST);
            }
        } catch (IOException e) {
            // it has ended, or the system does not let us: then the kernel chooses as it likes
        }
    }

    /** How many processes the kernel has killed for want of memory since it started; -1 when it does not tell. */
    public static long oomKills() {
        for (String line : lines("vmstat")) {
            if (line.startsWith("oom_kill ")) {
                return numberIn(line);
            }
        }
        return -1;
    }

    /** The memory of this machine, of which a container may have less; 0 when it is not told. */
    public static long memoryBytes() {
        for (String line : lines("meminfo")) {
            if (line.startsWith("MemTotal:")) {
                return numberIn(line) << 10;
            }
        }
        return 0;
    }

    private static long numberIn(String line) {
        return Long.parseLong(line.replaceAll("\\D+", ""));
    }

    private static List<String> lines(String first, String... more) {
        try {
            return Files.readAllLines(PROC.resolve(Path.of(first, more)));
        } catch (IOException | RuntimeException e) { // it has ended, or this is not Linux
            return List.of();
        }
    }
}
