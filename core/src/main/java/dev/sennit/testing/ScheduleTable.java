package dev.sennit.testing;

import dev.sennit.testing.Lanes.Cell;
import dev.sennit.testing.ScheduleRecording.Kind;
import dev.sennit.testing.ScheduleRecording.Row;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A recorded schedule as text: each thread has a lane, with what it does in one line after the other. If the lanes do
 * not fit in a line, a table of the steps.
 */
final class ScheduleTable {
    private static final int WIDTH = 120;
    private static final int MOST_LINES = 200;
    private static final String STEP = " step";
    private static final String GAP = "  ";
    /** A mark in the column of steps. */
    private static final String FAILED = "   !!";

    private ScheduleTable() {}

    static String of(ScheduleRecording recording) {
        String lanes = text(Lanes.of(recording));
        if (lanes == null) {
            lanes = text(Lanes.fewOf(recording));
        }
        return lanes == null ? steps(recording.steps()) : lanes;
    }

    /** Returns null if the lanes do not fit. */
    private static @Nullable String text(Lanes lanes) {
        int skipped = Math.max(0, lanes.lines() - MOST_LINES);
        int end = lanes.lines() - MOST_LINES / 2;
        List<Cell> cells = lanes.cells().stream()
                .filter(cell -> skipped == 0 || cell.line() < MOST_LINES / 2 || cell.line() >= end)
                .toList();
        String file = mostFrequentFile(cells);
        int stepWidth = Math.max(STEP.length(),
                cells.stream().mapToInt(cell -> cell.step().length()).max().orElse(0));
        int[] starts = new int[lanes.names().size() + 1];
        starts[0] = stepWidth + GAP.length();
        for (int i = 0; i < lanes.names().size(); i++) {
            int lane = i;
            starts[i + 1] = starts[i] + GAP.length() + Math.max(
                    lanes.names().get(i).length(),
                    cells.stream().filter(cell -> cell.lane() == lane)
                            .mapToInt(cell -> words(cell, file).length()).max().orElse(0));
        }
        if (cells.isEmpty() || starts[lanes.names().size()] - GAP.length() > WIDTH) {
            return null;
        }
        var text = new StringBuilder();
        var line = new StringBuilder(" ".repeat(stepWidth - STEP.length()) + STEP);
        for (int i = 0; i < lanes.names().size(); i++) {
            append(line, starts[i], lanes.names().get(i));
        }
        text.append(line).append('\n');
        line.setLength(0);
        int number = 0;
        for (Cell cell : cells) {
            if (cell.line() > number) {
                text.append(line).append('\n');
                line.setLength(0);
                if (cell.line() > number + 1) {
                    text.append("  ... ").append(skipped).append(" lines\n");
                }
                number = cell.line();
            }
            if (line.isEmpty()) {
                String mark = cell.row().kind() == Kind.FAILED ? FAILED : cell.step();
                line.append(" ".repeat(stepWidth - mark.length())).append(mark);
            }
            append(line, starts[cell.lane()], words(cell, file));
        }
        text.append(line).append('\n');
        if (!file.isEmpty()) {
            text.append("(:n is line n of ").append(file).append(")\n");
        }
        return text.toString().replaceAll(" +\n", "\n");
    }

    private static void append(StringBuilder line, int column, String words) {
        line.append(" ".repeat(Math.max(0, column - line.length()))).append(words);
    }

    /** Returns the file whose name needs not be said each time; empty if no file is known. */
    private static String mostFrequentFile(List<Cell> cells) {
        Map<String, Long> counts = new TreeMap<>(cells.stream().map(cell -> cell.row().file())
                .filter(file -> !file.isEmpty()).collect(Collectors.groupingBy(file -> file, Collectors.counting())));
        return counts.entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey).orElse("");
    }

    /** Returns what is said of a cell, without the name of one file. */
    private static String words(Cell cell, String file) {
        Row row = cell.row();
        String does = row.kind() == Kind.PREEMPTED ? "preempted" : cell.does().replaceFirst("^calls ", "");
        return row.line() == 0
                ? does
                : (row.file().equals(file) ? "" : row.shortFile()) + ':' + row.line() + ' ' + does;
    }

    private static String steps(List<Step> steps) {
        int skipped = Math.max(0, steps.size() - MOST_LINES);
        List<Step> told = steps.subList(skipped, steps.size());
        int thread = "thread".length();
        int from = "from".length();
        for (Step step : told) {
            thread = Math.max(thread, step.thread().length());
            from = Math.max(from, step.from().length());
        }
        var text = new StringBuilder();
        String row = "%5s  %-" + thread + "s  %-" + from + "s  %s%n";
        text.append(row.formatted("step", "thread", "from", "to"));
        if (skipped > 0) {
            text.append("  ... ").append(skipped).append(" steps\n");
        }
        for (int i = 0; i < told.size(); i++) {
            Step step = told.get(i);
            text.append(row.formatted(skipped + i + 1, step.thread(), step.from(), step.to()));
        }
        return text.toString();
    }
}
