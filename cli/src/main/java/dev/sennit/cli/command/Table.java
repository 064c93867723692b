package dev.sennit.cli.command;

import java.util.ArrayList;
import java.util.List;

/** Lines of cells in columns as wide as their widest cell: the first column to the left, the others to the right. */
public final class Table {
    private static final String GAP = "  ";

    private final List<List<String>> lines = new ArrayList<>();

    public Table(String... header) {
        lines.add(List.of(header));
    }

    /** Adds a line. If it has fewer cells than the header, its last cell is free text, which widens no column. */
    public Table add(String... cells) {
        if (cells.length > lines.getFirst().size()) {
            throw new IllegalArgumentException(
                    "cells must be <= " + lines.getFirst().size() + ", was " + cells.length);
        }
        lines.add(List.of(cells));
        return this;
    }

    public List<String> lines() {
        int[] widths = new int[lines.getFirst().size()];
        for (List<String> line : lines) {
            for (int i = 0; i < line.size() - (isShort(line) ? 1 : 0); i++) {
                widths[i] = Math.max(widths[i], line.get(i).length());
            }
        }
        return lines.stream().map(line -> format(line, widths)).toList();
    }

    private boolean isShort(List<String> line) {
        return line.size() < lines.getFirst().size();
    }

    private String format(List<String> line, int[] widths) {
        var text = new StringBuilder();
        for (int i = 0; i < line.size(); i++) {
            String cell = line.get(i);
            String padding = " ".repeat(Math.max(0, widths[i] - cell.length()));
            boolean freeText = isShort(line) && i == line.size() - 1;
            text.append(i == 0 ? "" : GAP).append(i == 0 || freeText ? cell : padding + cell);
            if (i == 0) {
                text.append(padding);
            }
        }
        return text.toString().stripTrailing();
    }
}
