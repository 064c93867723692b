package dev.sennit.benchmarks.queues;

import dev.sennit.benchmarks.measure.Machine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** The processes of a server on this machine, with those that it starts for its clients; by Linux' {@code /proc}. */
final class ServerProcesses {
    private static final Path PROC = Path.of("/proc");
    /** In {@code /proc/PID/stat}, after the name: the time of the process, and of its children that have ended. */
    private static final List<Integer> TIMES = List.of(11, 12, 13, 14);
    /** How {@code /proc} counts time, whatever the kernel. */
    private static final double TICKS_A_SECOND = 100;

    private static final String ESTABLISHED = "01";
    private static final String LISTENING = "0A";

    private final int port;
    private final List<ProcessHandle> roots;

    /** Finds the processes that listen on a port. */
    ServerProcesses(int port) throws IOException {
        this.port = port;
        List<String> sockets = sockets(LISTENING).map(fields -> "socket:[" + fields[9] + "]").toList();
        List<ProcessHandle> found = new ArrayList<>();
        for (ProcessHandle each : ProcessHandle.allProcesses().toList()) {
            if (hasAny(each.pid(), sockets)) {
                found.add(each);
            }
        }
        if (found.isEmpty()) {
            throw new IOException("no process of this user listens on port " + port);
        }
        roots = List.copyOf(found);
    }

    private static boolean hasAny(long pid, List<String> sockets) {
        try (Stream<Path> descriptors = Files.list(PROC.resolve(pid + "/fd"))) {
            return descriptors.anyMatch(each -> {
                try {
                    return sockets.contains(Files.readSymbolicLink(each).toString());
                } catch (IOException e) {
                    return false; // it is closed
                }
            });
        } catch (IOException | UncheckedIOException e) {
            return false; // it has ended, or is another user's
        }
    }

    /** The lines of the tables of TCP with this local port and state, as fields. */
    private Stream<String[]> sockets(String state) throws IOException {
        String local = String.format(Locale.ROOT, ":%04X", port);
        List<String> lines = new ArrayList<>();
        for (String table : List.of("tcp", "tcp6")) {
            Path file = PROC.resolve("self/net/" + table);
            if (Files.exists(file)) {
                lines.addAll(Files.readAllLines(file));
            }
        }
        return lines.stream().map(line -> line.trim().split("\\s+"))
                .filter(fields -> fields.length > 9 && fields[1].endsWith(local) && fields[3].equals(state));
    }

    private List<Long> pids() {
        return roots.stream().flatMap(each -> Stream.concat(Stream.of(each), each.descendants()))
                .map(ProcessHandle::pid).distinct().toList();
    }

    /** The processor time of all so far. */
    double processorSeconds() throws IOException {
        double sum = 0;
        for (long pid : pids()) {
            try {
                String stat = Files.readString(PROC.resolve(pid + "/stat"));
                String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
                for (int field : TIMES) {
                    sum += Long.parseLong(fields[field]) / TICKS_A_SECOND;
                }
            } catch (NoSuchFileException e) {
                // it has ended meanwhile: its parent has its time
            }
        }
        return sum;
    }

    /** The memory of all; a page that they share counts once. */
    long memory() throws IOException {
        long sum = 0;
        for (long pid : pids()) {
            try {
                sum += Machine.memory(PROC.resolve(pid + "/smaps_rollup"), "Pss");
            } catch (NoSuchFileException e) {
                // it has ended meanwhile
            }
        }
        return sum;
    }

    /** How many connections of clients there are. */
    long connections() throws IOException {
        return sockets(ESTABLISHED).count();
    }
}
