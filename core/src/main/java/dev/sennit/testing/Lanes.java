package dev.sennit.testing;

import dev.sennit.testing.ScheduleRecording.Kind;
import dev.sennit.testing.ScheduleRecording.Row;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A recorded schedule with a lane for each thread.
 *
 * @param names the names of the lanes
 * @param cells what is in the lanes, from top to bottom; those of one line follow each other from left to right
 */
record Lanes(List<String> names, List<Cell> cells) {
    /**
     * An action of a thread.
     *
     * @param line the number of the line in which it stands, from 0 on
     * @param lane the number of the lane, from 0 on
     * @param step the step, or the steps; empty if it is the same as above
     * @param row what happens
     * @param does the words for that
     */
    record Cell(int line, int lane, String step, Row row, String does) {}

    /** Returns a lane for each thread. */
    static Lanes of(ScheduleRecording recording) {
        return of(recording, Set.of());
    }

    /** Returns a lane for each thread, but a single one for all that ran once, and did nothing that matters. */
    static Lanes fewOf(ScheduleRecording recording) {
        Set<Integer> others = threads(recording);
        others.remove(0);
        recording.rows().stream().filter(row -> !row.does().equals(ScheduleRecording.ENDS))
                .forEach(row -> others.remove(row.thread()));
        return of(recording, others.size() > 1 ? others : Set.of());
    }

    private static Set<Integer> threads(ScheduleRecording recording) {
        return recording.rows().stream().map(Row::thread).collect(Collectors.toCollection(TreeSet::new));
    }

    private static Lanes of(ScheduleRecording recording, Set<Integer> others) {
        List<String> names = new ArrayList<>();
        Map<Integer, Integer> lanes = new HashMap<>();
        for (int thread : threads(recording)) {
            if (!others.contains(thread)) {
                lanes.put(thread, names.size());
                names.add(recording.names().getOrDefault(thread, ""));
            }
        }
        if (!others.isEmpty()) {
            others.forEach(thread -> lanes.put(thread, names.size()));
            names.add(others.size() + " others");
        }
        List<Cell> cells = new ArrayList<>();
        List<Row> rows = recording.rows();
        int line = -1;
        int step = 0;
        for (int i = 0; i < rows.size(); i++) {
            Row row = rows.get(i);
            int first = i;
            while (others.contains(row.thread()) && i + 1 < rows.size() && others.contains(rows.get(i + 1).thread())) {
                i++;
            }
            int last = i;
            while (last == first && i + 1 < rows.size() && rows.get(i + 1).equals(row)) {
                i++;
            }
            boolean isBeside = row.kind() == Kind.FAILED && first > 0 && rows.get(first - 1).kind() == Kind.FAILED;
            line += isBeside ? 0 : 1;
            String steps = last > first ? row.step() + "-" + rows.get(last).step() : String.valueOf(row.step());
            String does = last > first
                    ? last + 1 - first + " threads end"
                    : i > last ? row.does() + ", " + (i + 1 - first) + " times" : row.does();
            cells.add(new Cell(line, lanes.getOrDefault(row.thread(), 0), row.step() == step ? "" : steps, row, does));
            step = rows.get(i).step();
        }
        return new Lanes(List.copyOf(names), List.copyOf(cells));
    }

    /** Returns the number of lines. */
    int lines() {
        return cells.isEmpty() ? 0 : cells.getLast().line + 1;
    }
}
