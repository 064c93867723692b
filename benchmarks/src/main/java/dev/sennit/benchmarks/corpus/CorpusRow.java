package dev.sennit.benchmarks.corpus;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The result of one program: the answers of its JVMs, as a row of the table. */
final class CorpusRow {
    private static final int NEVER = Integer.MAX_VALUE;

    private final String program;
    private final int replays;
    private final Set<String> kinds = new TreeSet<>();
    /** Until the first failure, of each exploration; {@link #NEVER} where there was none. */
    private final List<Integer> schedules = new ArrayList<>();

    private int found;
    private int same;
    private String passed = "";
    private String plain = "";

    /**
     * Of nothing yet.
     *
     * @param replays of each failure
     */
    CorpusRow(String program, int replays) {
        this.program = program;
        this.replays = replays;
    }

    /** Adds what {@link ExploringMain} has answered. */
    void explored(String answer) {
        String[] words = answer.split(" ");
        switch (words[0]) {
            case "FOUND" -> {
                kinds.add(words[1]);
                schedules.add(Integer.parseInt(words[2]));
                same += Integer.parseInt(words[3]);
                found++;
            }
            case "NONE" -> {
                schedules.add(NEVER);
                int count = Integer.parseInt(words[1]);
                passed = Boolean.parseBoolean(words[2]) ? "none in all " + count : "none in " + count;
            }
            default -> {
                kinds.add(answer);
                schedules.add(NEVER);
            }
        }
    }

    /** Adds what {@link PlainMain} has answered. */
    void ranPlainly(String answer) {
        String[] words = answer.split(" ");
        plain = words[0].equals("PLAIN")
                ? Long.parseLong(words[1]) + Long.parseLong(words[2]) + " of " + words[3]
                : answer;
    }

    boolean isFoundAlways() {
        return found == schedules.size();
    }

    boolean isFound() {
        return found > 0;
    }

    /** Whether each exploration ended without a failure. */
    boolean isPassed() {
        return kinds.isEmpty();
    }

    List<String> cells(boolean withPlain) {
        List<String> cells = new ArrayList<>();
        cells.add("`" + program + "`");
        cells.add(kinds.isEmpty() ? "-" : String.join(", ", kinds));
        cells.add(found == 0 ? passed.isEmpty() ? "-" : passed : medianAndWorst());
        cells.add(found == 0 ? "-" : same + " of " + found * replays);
        if (withPlain) {
            cells.add(plain);
        }
        return cells;
    }

    private String medianAndWorst() {
        Collections.sort(schedules);
        String median = figure(schedules.get(schedules.size() / 2));
        return schedules.size() == 1 ? median : median + " / " + figure(schedules.getLast());
    }

    private static String figure(int count) {
        return count == NEVER ? "-" : String.valueOf(count);
    }
}
