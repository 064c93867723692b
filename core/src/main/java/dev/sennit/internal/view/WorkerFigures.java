package dev.sennit.internal.view;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The figures of a process, by name: sums since its start, and numbers that go up and down. Immutable.
 *
 * <p>As bytes, each figure is a line: {@code s} or {@code g}, the name, the value.
 *
 * @param sums never fall while the process lives
 * @param gauges what is so now
 */
public record WorkerFigures(Map<String, Long> sums, Map<String, Long> gauges) {
    /** The most figures of a process, so that their bytes fit into a note. */
    public static final int MOST = 500;

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9._]{0,59}");
    private static final Pattern LINE = Pattern.compile("([sg]) ([a-z][a-z0-9._]{0,59}) ([0-9]{1,19})");

    /** No figures. */
    public static final WorkerFigures NONE = new WorkerFigures(Map.of(), Map.of());

    /**
     * Checks the figures.
     *
     * @throws IllegalArgumentException if there are too many, or one has an impossible name or value
     */
    public WorkerFigures {
        sums = Map.copyOf(sums);
        gauges = Map.copyOf(gauges);
        if (sums.size() + gauges.size() > MOST) {
            throw new IllegalArgumentException(
                    "figures must be at most " + MOST + ", was " + (sums.size() + gauges.size()));
        }
        sums.forEach(WorkerFigures::ensure);
        gauges.forEach(WorkerFigures::ensure);
    }

    private static void ensure(String name, Long value) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "figure must have a name of a-z, 0-9, . and _ (60 at most), was \"" + name + "\"");
        }
        if (value < 0) {
            throw new IllegalArgumentException("figure " + name + " must be >= 0, was " + value);
        }
    }

    /** Returns the figures as bytes. */
    public byte[] bytes() {
        StringBuilder text = new StringBuilder();
        sums.forEach((name, value) -> text.append("s ").append(name).append(' ').append(value).append('\n'));
        gauges.forEach((name, value) -> text.append("g ").append(name).append(' ').append(value).append('\n'));
        return text.toString().getBytes(StandardCharsets.US_ASCII);
    }

    /** Reads figures; returns null if the bytes are none. */
    public static @Nullable WorkerFigures read(byte[] bytes, int from) {
        Map<String, Long> sums = new TreeMap<>();
        Map<String, Long> gauges = new TreeMap<>();
        String text = new String(bytes, from, bytes.length - from, StandardCharsets.US_ASCII);
        try {
            for (String line : text.split("\n")) {
                var parts = LINE.matcher(line);
                if (!line.isEmpty() && !parts.matches()) {
                    return null;
                }
                if (!line.isEmpty()) {
                    (parts.group(1).equals("s") ? sums : gauges).put(parts.group(2), Long.parseLong(parts.group(3)));
                }
            }
            return new WorkerFigures(sums, gauges);
        } catch (IllegalArgumentException e) { // too many, or a value that overflows
            return null;
        }
    }
}
