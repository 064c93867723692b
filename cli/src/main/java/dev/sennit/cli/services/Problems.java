package dev.sennit.cli.services;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlPosition;

/** Collects what is wrong with a file, so that its author hears of all at once. */
final class Problems {
    private static final int LONGEST_SHOWN = 60;

    private record Problem(int line, int column, String text) {}

    private final Path file;
    private final List<Problem> found = new ArrayList<>();

    Problems(Path file) {
        this.file = file;
    }

    void add(@Nullable TomlPosition at, String text) {
        add(at == null ? 1 : at.line(), at == null ? 1 : at.column(), text);
    }

    void add(int line, int column, String text) {
        found.add(new Problem(line, column, text));
    }

    void throwIfAny() throws ServicesFileException {
        if (!found.isEmpty()) {
            throw new ServicesFileException(found.stream()
                    .sorted(Comparator.comparingInt(Problem::line).thenComparingInt(Problem::column))
                    .map(each -> oneLine(file + ":" + each.line + ":" + each.column + ": " + each.text))
                    .toList());
        }
    }

    /** The problem of a file that cannot be read: it has no place. */
    static ServicesFileException unreadable(Path file, String text) {
        return new ServicesFileException(List.of(oneLine(file + ": " + text)));
    }

    /** A text of the file as a message shows it. */
    static String quoted(String text) {
        boolean isLong = text.codePointCount(0, text.length()) > LONGEST_SHOWN;
        return '"' + (isLong ? text.substring(0, text.offsetByCodePoints(0, LONGEST_SHOWN)) + "..." : text) + '"';
    }

    private static String oneLine(String text) {
        return text.replaceAll("[\\p{Cntrl}\\u0080-\\u009f\\u2028\\u2029]", "?");
    }
}
