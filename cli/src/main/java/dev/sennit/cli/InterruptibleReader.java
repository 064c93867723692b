package dev.sennit.cli;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.Reader;
import java.util.Arrays;
import java.util.concurrent.SynchronousQueue;
import org.jspecify.annotations.Nullable;

/**
 * Standard input, say, read by a daemon thread of its own: whoever waits for it here can be interrupted, as no reader of a pipe or
 * terminal can. Closing it ends that thread; one that waits for a terminal or a process does so on, and ends with what comes next, or
 * with the JVM. By one thread at a time; closed when none reads.
 */
final class InterruptibleReader extends Reader {
    private static final int MOST_AT_ONCE = 1 << 13;

    private final Reader source;
    private final SynchronousQueue<Piece> pieces = new SynchronousQueue<>();
    private @Nullable Thread pump;
    private volatile boolean closed;
    private Piece piece = new Piece.Text(new char[0]);
    private int taken;

    private sealed interface Piece {
        record Text(char[] chars) implements Piece {}

        record End() implements Piece {}

        record Failed(Throwable why) implements Piece {}
    }

    InterruptibleReader(Reader source) {
        this.source = source;
    }

    @Override
    public int read(char[] buffer, int offset, int length) throws IOException {
        if (closed) {
            throw new IOException("closed");
        }
        if (length == 0) {
            return 0;
        }
        if (pump == null) {
            pump = Thread.ofPlatform().daemon().name("sennit-stdin").start(this::readAll);
        }
        if (piece instanceof Piece.Text(char[] chars) && taken == chars.length) {
            piece = next();
            taken = 0;
        }
        return switch (piece) {
            case Piece.Text(char[] chars) -> {
                int count = Math.min(length, chars.length - taken);
                System.arraycopy(chars, taken, buffer, offset, count);
                taken += count;
                yield count;
            }
            case Piece.End end -> -1;
            case Piece.Failed(Throwable why) -> throw new IOException(why.getMessage(), why);
        };
    }

    private Piece next() throws InterruptedIOException {
        try {
            return pieces.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    private void readAll() {
        try {
            Piece read;
            do {
                read = readPiece();
                if (closed) { // which may have been what ended the read
                    return;
                }
                pieces.put(read);
            } while (read instanceof Piece.Text);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it was closed
        }
    }

    private Piece readPiece() {
        char[] chars = new char[MOST_AT_ONCE];
        try {
            int count = source.read(chars);
            return count < 0 ? new Piece.End() : new Piece.Text(Arrays.copyOf(chars, count));
        } catch (Throwable e) { // whoever waits has to hear of it
            return new Piece.Failed(e);
        }
    }

    @Override
    public void close() {
        closed = true;
        if (pump != null) {
            pump.interrupt();
        }
    }
}
