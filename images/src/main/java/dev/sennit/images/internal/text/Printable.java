package dev.sennit.images.internal.text;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.time.Duration;
import java.util.Objects;

/**
 * Makes foreign text - names, headers, errors of the system - safe for a message of one line: without control sequences
 * of terminals.
 */
public final class Printable {
    private static final int LONGEST = 300;

    private Printable() {}

    public static String text(String foreign) {
        var line = new StringBuilder();
        foreign.codePoints().limit(LONGEST + 1L).forEach(c -> line.appendCodePoint(isHarmless(c) ? c : '?'));
        if (line.codePointCount(0, line.length()) > LONGEST) {
            line.setLength(line.offsetByCodePoints(0, LONGEST));
            line.append("...");
        }
        return line.toString();
    }

    /** Returns a duration as people write it: {@code 1.5 s}, {@code 250 ms}. */
    public static String text(Duration duration) {
        BigDecimal millis = BigDecimal.valueOf(duration.toMillis());
        boolean whole = duration.toMillis() >= 1000;
        BigDecimal number = whole ? millis.movePointLeft(3) : millis;
        return number.stripTrailingZeros().toPlainString() + (whole ? " s" : " ms");
    }

    /**
     * Returns whether a character neither moves the cursor, nor changes the direction of writing, nor is half of a
     * character.
     */
    public static boolean isHarmless(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                false;
            default -> true;
        };
    }

    /** Returns briefly why the system refused something, without the path, which the message has already. */
    public static String reason(IOException failure) {
        return switch (failure) {
            case NoSuchFileException e -> "no such file or folder";
            case AccessDeniedException e -> "permission denied";
            case FileAlreadyExistsException e -> "it exists";
            case NotDirectoryException e -> "not a folder";
            case FileSystemLoopException e -> "a loop of symbolic links";
            case FileSystemException e when e.getReason() != null -> text(Objects.requireNonNull(e.getReason()));
            default -> text(Objects.requireNonNullElse(failure.getMessage(), failure.getClass().getSimpleName()));
        };
    }
}
