package dev.sennit.benchmarks;

import java.util.ArrayList;
import java.util.List;

/** What an experiment prints: Markdown, tables between paragraphs. */
final class Report {
    private final List<String> lines = new ArrayList<>();
    private boolean inList;

    /** Adds a table under a title. */
    Report add(String title, MarkdownTable table) {
        paragraph("**" + title + "**");
        lines.add("");
        lines.addAll(table.lines());
        return this;
    }

    /** Adds a line of its own. */
    Report paragraph(String text) {
        separate();
        lines.add(text);
        inList = false;
        return this;
    }

    /** Adds whether an aim is reached, with what was measured. */
    Report aim(String aim, String measured, boolean reached) {
        if (!inList) {
            separate();
        }
        lines.add("- aim: " + aim + " - " + (reached ? "reached" : "**not reached**") + ": " + measured);
        inList = true;
        return this;
    }

    /** Adds an aim for a ratio of a contestant to its baseline; nothing where the baseline was left out. */
    Report aim(Comparison comparison, String contestant, String baseline, double times) {
        if (comparison.has(baseline)) {
            double ratio = comparison.ratio(contestant, baseline);
            aim(contestant + " >= " + times + " x " + baseline, Figures.ratio(ratio) + " x", ratio >= times);
        }
        return this;
    }

    private void separate() {
        if (!lines.isEmpty()) {
            lines.add("");
        }
    }

    List<String> lines() {
        return List.copyOf(lines);
    }
}
