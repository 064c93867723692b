package dev.sennit.cli.thumbnails;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.Reader;
import java.util.Arrays;
import java.util.concurrent.SynchronousQueue;
import org.jspecify.annotations.Nullable;

/**
 * A reader whose calls can be interrupted, unlike those of pipes and terminals: a daemon thread, the pump, reads the
 * source, such as standard input. {@link #close} ends the pump; a pump that is blocked in the source ends with the next
 * input, or with the JVM. For one thread at a time; close it when no thread reads.
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
                if (closed) { // the close may have ended the read
                    return;
                }
                pieces.put(read);
            } while (read instanceof Piece.Text);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the reader was closed
        }
    }

    private Piece readPiece() {
        char[] chars = new char[MOST_AT_ONCE];
        try {
            int count = source.read(chars);
            return count < 0 ? new Piece.End() : new Piece.Text(Arrays.copyOf(chars, count));
        } catch (Throwable e) { // the reading thread must get the failure
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
