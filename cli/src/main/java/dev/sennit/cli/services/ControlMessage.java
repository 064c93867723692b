package dev.sennit.cli.services;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The control socket carries lines of cells. A request is one line. Its answer is lines, the last of which says
 * how it ended.
 *
 * <pre>
 * request   sennit-services/1, what to do, its arguments
 * answer    row, cells          any number of times
 *           done, exit code, why
 * </pre>
 *
 * <p>A cell is any text without control characters, which become spaces. A line has a bound, so neither end can be made
 * to hold much.
 */
final class ControlMessage {
    /** The first cell of a request. */
    static final String VERSION = "sennit-services/1";
    static final String ROW = "row";
    static final String DONE = "done";

    private static final char BETWEEN = '\t';
    private static final int LONGEST = 1 << 16;

    private ControlMessage() {}

    /** Returns a line, with its end. */
    static String line(List<String> cells) {
        var line = new StringBuilder();
        for (String cell : cells) {
            if (!line.isEmpty()) {
                line.append(BETWEEN);
            }
            line.append(cell.replaceAll("\\p{Cntrl}", " "));
        }
        if (line.length() >= LONGEST) {
            line.setLength(LONGEST - 1);
        }
        return line.append('\n').toString();
    }

    /**
     * Reads a line.
     *
     * @return its cells; null at the end of the stream
     * @throws IOException if it is too long, or is cut off
     */
    static @Nullable List<String> read(BufferedReader reader) throws IOException {
        var line = new StringBuilder();
        for (int next = reader.read(); next != '\n'; next = reader.read()) {
            if (next < 0) {
                if (line.isEmpty()) {
                    return null;
                }
                throw new IOException("the connection ended within a line");
            }
            if (line.length() == LONGEST) {
                throw new IOException("a line is longer than " + LONGEST + " characters");
            }
            line.append((char) next);
        }
        return List.of(line.toString().split(String.valueOf(BETWEEN), -1));
    }
}
