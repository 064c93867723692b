package dev.sennit.cli.compare;

import dev.sennit.cli.command.CommandException;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Reads {@code 1..20}, {@code 1,2,4,8}, {@code 4}, or a mixture of these. */
final class WorkerCounts {
    private static final Pattern PART = Pattern.compile("(\\d{1,9})(?:\\.\\.(\\d{1,9}))?");
    /** A larger count is surely a typing error: every count is measured several times. */
    private static final int LARGEST = 1000;

    private WorkerCounts() {}

    /**
     * Reads counts.
     *
     * @return each count once, in rising order
     * @throws CommandException if the text has none of these forms, or a count is out of bounds
     */
    static List<Integer> parse(String text) {
        var counts = new TreeSet<Integer>();
        for (String part : text.split(",", -1)) {
            Matcher matcher = PART.matcher(part.strip());
            if (!matcher.matches()) {
                throw CommandException.usage(
                        "--workers: expected counts such as 4, 1,2,4,8 or 1..20, was \"" + text + "\"");
            }
            int first = bounded(Integer.parseInt(matcher.group(1)));
            int last = matcher.group(2) == null ? first : bounded(Integer.parseInt(matcher.group(2)));
            if (first > last) {
                throw CommandException.usage("--workers: a range rises, was \"" + part.strip() + "\": say " + last
                        + ".." + first);
            }
            IntStream.rangeClosed(first, last).forEach(counts::add);
        }
        return List.copyOf(counts);
    }

    private static int bounded(int count) {
        if (count < 1 || count > LARGEST) {
            throw CommandException.usage("--workers: workers must be >= 1 and <= " + LARGEST + ", was " + count);
        }
        return count;
    }
}
