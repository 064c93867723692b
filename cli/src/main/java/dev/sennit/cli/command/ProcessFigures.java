package dev.sennit.cli.command;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The operating system's figures about this process and those that it started.
 *
 * <p>Processor time comes in steps of about 10 ms. Resident memory is read from {@code /proc}, and 0 where there is
 * none.
 */
public final class ProcessFigures {
    private static final long KIB = 1024;
    private static final Path PROC = Path.of("/proc");
    private static final String RESIDENT = "VmRSS:";

    private ProcessFigures() {}

    /** Returns the processes that this one started, and those that they started. */
    public static Set<Long> descendants() {
        Set<Long> pids = new HashSet<>();
        ProcessHandle.current().descendants().forEach(process -> pids.add(process.pid()));
        return pids;
    }

    /** Returns the processor time of this process and of others. */
    public static long cpuNanos(Collection<Long> others) {
        long nanos =
                ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                        ? Math.max(0, system.getProcessCpuTime())
                        : 0;
        for (long pid : others) {
            nanos += ProcessHandle.of(pid)
                    .flatMap(process -> process.info().totalCpuDuration())
                    .orElse(Duration.ZERO)
                    .toNanos();
        }
        return nanos;
    }

    /** Returns the resident memory of this process and of others. */
    public static long residentBytes(Collection<Long> others) {
        long bytes = residentBytes(PROC.resolve("self"));
        for (long pid : others) {
            bytes += residentBytes(PROC.resolve(String.valueOf(pid)));
        }
        return bytes;
    }

    private static long residentBytes(Path process) {
        try {
            List<String> lines = Files.readAllLines(process.resolve("status"));
            for (String line : lines) {
                if (line.startsWith(RESIDENT)) {
                    return Long.parseLong(line.substring(RESIDENT.length()).replaceAll("\\D", "")) * KIB;
                }
            }
        } catch (IOException | NumberFormatException e) {
            // the process has ended, or this is not Linux
        }
        return 0;
    }
}
