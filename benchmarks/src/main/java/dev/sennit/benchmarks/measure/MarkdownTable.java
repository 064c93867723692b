package dev.sennit.benchmarks.measure;

import java.util.ArrayList;
import java.util.List;

/** A Markdown table that can be read as plain text too: the first column to the left, figures to the right. */
public final class MarkdownTable {
    private static final int SHORTEST_RULE = 3;

    private final List<List<String>> lines = new ArrayList<>();

    public MarkdownTable(List<String> header) {
        lines.add(List.copyOf(header));
    }

    public MarkdownTable add(List<String> cells) {
        if (cells.size() != lines.getFirst().size()) {
            throw new IllegalArgumentException(
                    "cells must be " + lines.getFirst().size() + ", were " + cells.size());
        }
        lines.add(List.copyOf(cells));
        return this;
    }

    List<String> lines() {
        int[] widths = new int[lines.getFirst().size()];
        for (List<String> line : lines) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(Math.max(widths[i], SHORTEST_RULE), line.get(i).length());
            }
        }
        List<String> text = new ArrayList<>();
        for (List<String> line : lines) {
            text.add(row(line, widths));
            if (text.size() == 1) {
                text.add(rule(widths));
            }
        }
        return text;
    }

    private static String row(List<String> cells, int[] widths) {
        var text = new StringBuilder("|");
        for (int i = 0; i < widths.length; i++) {
            String padding = " ".repeat(widths[i] - cells.get(i).length());
            text.append(' ').append(i == 0 ? cells.get(i) + padding : padding + cells.get(i)).append(" |");
        }
        return text.toString();
    }

    private static String rule(int[] widths) {
        var text = new StringBuilder("|");
        for (int i = 0; i < widths.length; i++) {
            text.append(i == 0 ? "-".repeat(widths[i] + 2) : "-".repeat(widths[i] + 1) + ":").append('|');
        }
        return text.toString();
    }
}
