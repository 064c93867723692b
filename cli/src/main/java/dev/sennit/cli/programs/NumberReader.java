package dev.sennit.cli.programs;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.Numbers;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of a stream, separated by white space, one by one: the stream may be of any length, and may be typed.
 *
 * <p>Used by one thread at a time.
 */
final class NumberReader implements Iterator<Long> {
    /** The most bytes kept of a word: far more than a long has digits. */
    private static final int LONGEST = 1000;

    private final InputStream in;
    private long line = 1;
    private @Nullable Long next;

    NumberReader(InputStream in) {
        this.in = new BufferedInputStream(in);
    }

    @Override
    public boolean hasNext() {
        if (next == null) {
            try {
                next = read();
            } catch (IOException e) {
                throw CommandException.failed("stdin line " + line + ": cannot be read: " + e.getMessage(), e);
            }
        }
        return next != null;
    }

    @Override
    public Long next() {
        if (!hasNext() || next == null) {
            throw new NoSuchElementException();
        }
        Long number = next;
        next = null;
        return number;
    }

    private @Nullable Long read() throws IOException {
        int b = in.read();
        while (isSpace(b)) {
            line += b == '\n' ? 1 : 0;
            b = in.read();
        }
        if (b < 0) {
            return null;
        }
        long startedOn = line;
        var word = new ByteArrayOutputStream();
        while (b >= 0 && !isSpace(b)) {
            if (word.size() == LONGEST) {
                throw CommandException.usage("stdin line " + startedOn + ": a word of more than " + LONGEST
                        + " bytes is not a number: separate numbers by white space");
            }
            word.write(b);
            b = in.read();
        }
        line += b == '\n' ? 1 : 0;
        return Numbers.parse("stdin line " + startedOn, word.toString(StandardCharsets.UTF_8));
    }

    private static boolean isSpace(int b) {
        return b == ' ' || b >= '\t' && b <= '\r';
    }
}
