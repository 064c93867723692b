package dev.sennit.benchmarks.measure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What an experiment prints: Markdown, tables between paragraphs, and pictures that lie beside the page. */
public final class Report {
    private static final String PICTURES = "pictures";

    private final List<String> lines = new ArrayList<>();
    private final Map<String, String> pictures = new LinkedHashMap<>();
    private boolean inList;

    /** Adds a table under a title. */
    public Report add(String title, MarkdownTable table) {
        paragraph("**" + title + "**");
        lines.add("");
        lines.addAll(table.lines());
        return this;
    }

    /** Adds a line of its own. */
    public Report paragraph(String text) {
        separate();
        lines.add(text);
        inList = false;
        return this;
    }

    /**
     * Adds a picture under its title.
     *
     * @param experiment what made it; the name of its file begins so
     * @param svg the picture
     */
    public Report picture(String experiment, String title, String svg) {
        String name = title.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
        String path = PICTURES + "/" + experiment + "-" + name + ".svg";
        pictures.put(path, svg);
        return paragraph(title + ":").paragraph("![" + title + "](" + path + ")");
    }

    /** Adds whether an aim is reached, with what was measured. */
    public Report aim(String aim, String measured, boolean reached) {
        if (!inList) {
            separate();
        }
        lines.add("- aim: " + aim + " - " + (reached ? "reached" : "**not reached**") + ": " + measured);
        inList = true;
        return this;
    }

    /** Adds an aim for a ratio of a contestant to its baseline; nothing where the baseline was left out. */
    public Report aim(Comparison comparison, String contestant, String baseline, double times) {
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

    /** By their paths from the page on. */
    public Map<String, String> pictures() {
        return Map.copyOf(pictures);
    }

    public List<String> lines() {
        return List.copyOf(lines);
    }
}
