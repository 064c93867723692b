package dev.sennit.benchmarks.measure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the figures were taken on, and how busy it was with other things.
 *
 * @param cores processors this JVM may use
 * @param model the processor's name, or empty
 * @param kernel system and version
 * @param jdk vendor and version
 * @param load the load average of the last minute, or negative
 * @param use the share of all processor time that was in use over a short while before the start, or negative
 */
public record Machine(int cores, String model, String kernel, String jdk, double load, double use) {
    /** More than this of the machine in use by others shows in the figures. */
    private static final double BUSY = 0.05;

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final long WATCHED_MILLIS = 1_000;
    private static final int IDLE = 3;
    private static final int WAITING_FOR_DISK = 4;
    /** Guest time, which follows these, is part of user time. */
    private static final int LAST = 8;

    public static Machine look() throws IOException, InterruptedException {
        long @Nullable [] before = processorTimes();
        Thread.sleep(WATCHED_MILLIS);
        long @Nullable [] after = processorTimes();
        return new Machine(
                Runtime.getRuntime().availableProcessors(),
                processorName(),
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("java.vendor.version", System.getProperty("java.vendor")) + ", Java "
                        + System.getProperty("java.version"),
                java.lang.management.ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
                before == null || after == null ? -1 : share(before, after));
    }

    static double share(long[] before, long[] after) {
        long all = 0;
        long idle = 0;
        for (int i = 0; i < before.length; i++) {
            long passed = after[i] - before[i];
            all += passed;
            idle += i == IDLE || i == WAITING_FOR_DISK ? passed : 0;
        }
        return all == 0 ? 0 : (double) (all - idle) / all;
    }

    /**
     * What the system tells of this process's memory, in bytes; 0 where it does not tell.
     *
     * @param what {@code VmRSS}, what is resident, or {@code VmHWM}, the most that ever was
     */
    public static long memory(String what) throws IOException {
        return tellsMemory() ? memory(STATUS, what) : 0;
    }

    /** What the status file of a process in {@code /proc} tells. */
    public static long memory(Path status, String what) throws IOException {
        try (var lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith(what + ":"))
                    .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                    .sum();
        }
    }

    public static boolean tellsMemory() {
        return Files.isReadable(STATUS);
    }

    public boolean isBusy() {
        return use >= 0 ? use > BUSY : load > cores * BUSY;
    }

    private static long @Nullable [] processorTimes() throws IOException {
        Path statistics = Path.of("/proc/stat");
        if (!Files.isReadable(statistics)) {
            return null;
        }
        String[] words = Files.readAllLines(statistics).getFirst().trim().split("\\s+");
        return Arrays.stream(words).skip(1).limit(LAST).mapToLong(Long::parseLong).toArray();
    }

    private static String processorName() throws IOException {
        Path file = Path.of("/proc/cpuinfo");
        if (!Files.isReadable(file)) {
            return "";
        }
        try (var lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).trim())
                    .findFirst()
                    .orElse("");
        }
    }

    /** One line. */
    public String describe(Optional<Python> python) {
        return cores + " cores" + (model.isEmpty() ? "" : " (" + model + ")") + ", " + kernel + "; " + jdk + "; "
                + python.map(Python::describe).orElse("no Python") + "; " + (isBusy() ? "**busy**" : "idle")
                + " at the start ("
                + (use >= 0 ? String.format(Locale.ROOT, "%.0f %% of the processors in use, ", use * 100) : "")
                + String.format(Locale.ROOT, "load average %.2f)", load);
    }
}
