package dev.sennit.cli.services;

import dev.sennit.internal.machine.LinuxProcess;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The processor time, memory, threads and descriptors of processes, as Linux tells in {@code /proc}. An unknown figure
 * is empty, and never 0: elsewhere than on Linux nothing is told, and of processes of other users not all.
 *
 * @param cpu the processor time, in steps of 10 ms
 * @param residentBytes the memory of its own: private pages, and shared memory that was touched, but no pages of files;
 *     what {@code max-memory} limits
 * @param threads how many threads there are
 * @param openDescriptors how many files, sockets and pipes are open
 */
public record ProcessUsage(Duration cpu, OptionalLong residentBytes, int threads, OptionalLong openDescriptors) {
    private static final File PROC = new File("/proc");

    // Indexes of the fields of stat, counted from its third field.
    private static final int PARENT = 1;
    private static final int USER_TICKS = 11;
    private static final int SYSTEM_TICKS = 12;
    private static final int ENDED_USER_TICKS = 13;
    private static final int ENDED_SYSTEM_TICKS = 14;
    private static final int THREADS = 17;
    /** Linux tells programs 100 ticks a second, whatever its clock does. */
    private static final long TICK_NANOS = 10_000_000;

    /**
     * A line of stat.
     *
     * @param parent the process that started it, or has adopted it
     * @param ticks its processor time
     * @param endedTicks that of its children which have ended and which it has waited for, and of theirs
     */
    record Stat(long parent, long ticks, long endedTicks, int threads) {
        /** Reads a line, whose second field, the program's name, may contain any characters. */
        static Stat parse(String line) {
            String[] fields = line.substring(line.lastIndexOf(')') + 2).strip().split(" ");
            return new Stat(
                    Long.parseLong(fields[PARENT]),
                    Long.parseLong(fields[USER_TICKS]) + Long.parseLong(fields[SYSTEM_TICKS]),
                    Long.parseLong(fields[ENDED_USER_TICKS]) + Long.parseLong(fields[ENDED_SYSTEM_TICKS]),
                    Integer.parseInt(fields[THREADS]));
        }
    }

    /**
     * Returns what one process uses, without those that it started.
     *
     * @param pid the process
     * @return empty if there is none, or the system does not tell
     */
    public static Optional<ProcessUsage> of(long pid) {
        Stat stat = stat(Long.toString(pid));
        return stat == null ? Optional.empty() : Optional.of(sum(Map.of(pid, stat), stat.ticks()));
    }

    /**
     * Returns what processes use, each together with the processes below it: those that it started, and that they
     * started. The processor time includes that of children which have ended. A process below that has made itself
     * independent, as daemons do, does not count. Looks at all processes of the machine once.
     *
     * @param pids the processes
     * @return by process; without those that have ended
     */
    public static Map<Long, ProcessUsage> ofTrees(Collection<Long> pids) {
        Map<Long, ProcessUsage> found = new HashMap<>();
        if (pids.isEmpty()) {
            return found;
        }
        Map<Long, Stat> all = all();
        Map<Long, List<Long>> children = new HashMap<>();
        all.forEach((pid, stat) -> children.computeIfAbsent(stat.parent(), _ -> new ArrayList<>()).add(pid));
        for (long pid : pids) {
            Map<Long, Stat> tree = tree(pid, all, children);
            if (!tree.isEmpty()) {
                long ticks = tree.values().stream()
                        .mapToLong(stat -> stat.ticks() + stat.endedTicks())
                        .sum();
                found.put(pid, sum(tree, ticks));
            }
        }
        return found;
    }

    private static Map<Long, Stat> all() {
        Map<Long, Stat> all = new HashMap<>();
        String[] names = PROC.list();
        for (String name : names == null ? new String[0] : names) {
            Stat stat = Character.isDigit(name.charAt(0)) ? stat(name) : null;
            if (stat != null) {
                all.put(Long.parseLong(name), stat);
            }
        }
        return all;
    }

    private static Map<Long, Stat> tree(long root, Map<Long, Stat> all, Map<Long, List<Long>> children) {
        Map<Long, Stat> tree = new HashMap<>();
        List<Long> open = new ArrayList<>(List.of(root));
        while (!open.isEmpty()) {
            long next = open.removeLast();
            Stat stat = all.get(next);
            if (stat != null && tree.put(next, stat) == null) { // a number that is given anew may close a circle
                open.addAll(children.getOrDefault(next, List.of()));
            }
        }
        return tree;
    }

    private static ProcessUsage sum(Map<Long, Stat> processes, long ticks) {
        int threads = 0;
        OptionalLong bytes = OptionalLong.empty();
        OptionalLong descriptors = OptionalLong.empty();
        for (Map.Entry<Long, Stat> process : processes.entrySet()) {
            threads += process.getValue().threads();
            long resident = LinuxProcess.residentBytes(process.getKey());
            if (resident > 0) {
                bytes = OptionalLong.of(bytes.orElse(0) + resident);
            }
            String[] open = new File(PROC, process.getKey() + "/fd").list();
            if (open != null) {
                descriptors = OptionalLong.of(descriptors.orElse(0) + open.length);
            }
        }
        return new ProcessUsage(Duration.ofNanos(ticks * TICK_NANOS), bytes, threads, descriptors);
    }

    private static @Nullable Stat stat(String pid) {
        try (var stat = new FileInputStream(new File(PROC, pid + "/stat"))) {
            return Stat.parse(new String(stat.readAllBytes(), StandardCharsets.ISO_8859_1));
        } catch (IOException | RuntimeException e) { // it has ended, or this is not Linux
            return null;
        }
    }
}
