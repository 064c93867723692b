package dev.sennit.faults.queue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What tasks have written, read while they go on writing. */
final class SoakRecords {
    /**
     * A line.
     *
     * @param what B for a begin, E for an end, F for a failure, I for an interrupt
     * @param id the task
     * @param attempt its attempt
     * @param at when, by the clock of the machine
     * @param pid where
     */
    record Line(char what, String id, int attempt, long at, long pid) {}

    /**
     * A run that has begun and has written no end.
     *
     * @param id the task
     * @param attempt its attempt
     */
    record Run(String id, int attempt) {}

    private final Path folder;
    private final Map<Path, Long> offsets = new HashMap<>();
    private final Map<Long, Set<Run>> open = new HashMap<>();
    private final Map<String, List<Line>> lines = new HashMap<>();
    private final Set<String> ended = new HashSet<>();

    SoakRecords(Path folder) {
        this.folder = folder;
    }

    /** Reads what was written since. */
    synchronized void read() throws IOException {
        List<Path> files;
        try (var all = Files.list(folder)) {
            files = all.toList();
        }
        for (Path file : files) {
            long from = offsets.getOrDefault(file, 0L);
            if (Files.size(file) > from) {
                offsets.put(file, from + read(file, from));
            }
        }
    }

    private int read(Path file, long from) throws IOException {
        byte[] bytes;
        try (var in = new RandomAccessFile(file.toFile(), "r")) {
            in.seek(from);
            bytes = new byte[(int) (in.length() - from)];
            in.readFully(bytes);
        }
        int length = bytes.length;
        while (length > 0 && bytes[length - 1] != '\n') {
            length--; // a line that is being written
        }
        long pid = Long.parseLong(file.getFileName().toString().replace(".txt", ""));
        for (String text : new String(bytes, 0, length, StandardCharsets.US_ASCII).split("\n")) {
            if (!text.isEmpty()) {
                String[] part = text.split(" ");
                add(new Line(part[0].charAt(0), part[1], Integer.parseInt(part[2]), Long.parseLong(part[3]), pid));
            }
        }
        return length;
    }

    private void add(Line line) {
        lines.computeIfAbsent(line.id, _ -> new ArrayList<>(2)).add(line);
        Set<Run> itsOpen = open.computeIfAbsent(line.pid, _ -> new HashSet<>());
        var run = new Run(line.id, line.attempt);
        if (line.what == 'B') {
            itsOpen.add(run);
        } else {
            itsOpen.remove(run);
        }
        if (line.what == 'E') {
            ended.add(line.id);
        }
    }

    /** Returns the runs of some processes that go on, as far as anybody knows. */
    synchronized Set<Run> open(Iterable<Long> pids) {
        Set<Run> runs = new HashSet<>();
        pids.forEach(pid -> runs.addAll(open.getOrDefault(pid, Set.of())));
        return runs;
    }

    /** Returns whether another run of the same task has begun after this one. */
    synchronized boolean isOvertaken(Run run) {
        return lines.getOrDefault(run.id, List.of()).stream()
                .anyMatch(line -> line.what == 'B' && line.attempt > run.attempt);
    }

    /** Returns how many tasks have come to their end at least once. */
    synchronized int ended() {
        return ended.size();
    }

    synchronized boolean isEnded(String id) {
        return ended.contains(id);
    }

    /** Returns all tasks of which there is a line. */
    synchronized Set<String> ids() {
        return Set.copyOf(lines.keySet());
    }

    /** Returns the lines of a task, in no order. */
    synchronized List<Line> of(String id) {
        return List.copyOf(lines.getOrDefault(id, List.of()));
    }

    long count(String id, char what) {
        return of(id).stream().filter(line -> line.what == what).count();
    }

    /** Returns when something happened to a task for the first time. */
    long first(String id, char what) {
        return of(id).stream().filter(line -> line.what == what).mapToLong(Line::at).min().orElseThrow(
                () -> new AssertionError("no record of the kind " + what + " of the task " + id));
    }
}
