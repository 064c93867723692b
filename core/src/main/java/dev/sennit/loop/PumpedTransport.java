package dev.sennit.loop;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Waits;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A blocking stream, for input or for output, with a thread of its own that waits in it: the pump. Pump and coroutines
 * hand over one piece at a time, so no more than a piece is ever held here: the pump reads on when a coroutine has
 * taken the whole piece, and a coroutine that writes goes on when the pump has written the whole piece.
 */
final class PumpedTransport implements Transport {
    private static final int PIECE = 1 << 16;

    private final String name;
    private final boolean isInput;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by lock:
    /** The bytes handed over but not yet taken: between position and limit. */
    private final ByteBuffer piece = ByteBuffer.allocate(PIECE).limit(0);
    /** Input: nothing more will come. Output: nothing more will be written. */
    private boolean ended;
    private String whyEnded = "";
    private @Nullable Throwable failure;
    private @Nullable String closed;
    /** Called after each change, with the lock: for a wait for several transports. */
    private Runnable listener = () -> {};

    private PumpedTransport(String name, boolean isInput) {
        this.name = name;
        this.isInput = isInput;
    }

    static PumpedTransport of(InputStream in, String name) {
        var pumped = new PumpedTransport(name, true);
        Backend.start(Thread.ofPlatform().daemon().name(name).unstarted(() -> pumped.pump(in)));
        return pumped;
    }

    static PumpedTransport of(OutputStream out, String name) {
        var pumped = new PumpedTransport(name, false);
        Backend.start(Thread.ofPlatform().daemon().name(name).unstarted(() -> pumped.pump(out)));
        return pumped;
    }

    // ---- the thread ----

    private void pump(InputStream in) {
        try (in) {
            byte[] bytes = new byte[PIECE];
            int count;
            do {
                count = in.read(bytes);
            } while (handOver(bytes, count));
        } catch (Throwable e) { // of any kind, as the stream may be any: else the waiters would wait forever
            failed(e);
        }
    }

    private boolean handOver(byte[] bytes, int count) {
        lock.lock();
        try {
            while (piece.hasRemaining() && closed == null) {
                changed.awaitUninterruptibly();
            }
            if (count < 0) {
                ended = true;
            } else {
                piece.clear().put(bytes, 0, count).flip();
            }
            tellAll();
            return !ended && closed == null;
        } finally {
            lock.unlock();
        }
    }

    private void pump(OutputStream out) {
        try (out) {
            byte[] bytes = new byte[PIECE];
            for (int count = awaitPiece(bytes); count > 0; count = awaitPiece(bytes)) {
                out.write(bytes, 0, count);
                out.flush();
                taken();
            }
        } catch (Throwable e) {
            failed(e);
        }
    }

    /**
     * Waits for bytes to write, and returns their number; 0 at the end. They count as handed over until they are
     * written.
     */
    private int awaitPiece(byte[] bytes) {
        lock.lock();
        try {
            while (!piece.hasRemaining() && !ended && closed == null) {
                changed.awaitUninterruptibly();
            }
            int count = closed == null ? piece.remaining() : 0;
            piece.get(piece.position(), bytes, 0, count);
            return count;
        } finally {
            lock.unlock();
        }
    }

    private void taken() {
        lock.lock();
        try {
            piece.limit(piece.position());
            tellAll();
        } finally {
            lock.unlock();
        }
    }

    private void failed(Throwable e) {
        lock.lock();
        try {
            failure = e;
            tellAll();
        } finally {
            lock.unlock();
        }
    }

    /** Called with the lock. */
    private void tellAll() {
        changed.signalAll();
        listener.run();
    }

    /**
     * Sets a listener that is called after each change.
     *
     * @param newListener must be quick and take no lock
     */
    void whenChanged(Runnable newListener) {
        lock.lock();
        try {
            listener = newListener;
        } finally {
            lock.unlock();
        }
    }

    // ---- coroutines ----

    @Override
    public void awaitReadable(Deadline deadline) throws IOException, InterruptedException {
        if (!isInput) {
            throw new UnsupportedOperationException(name + " can only be written to");
        }
        await(true, deadline);
    }

    /** Waits until there is a piece, or until there is none, or until the stream has ended. */
    private void await(boolean piecesWanted, Deadline deadline) throws IOException, InterruptedException {
        try (var _ = Waits.outOfTurn()) { // which ends without the lock
            lock.lockInterruptibly();
            try {
                while (piece.hasRemaining() != piecesWanted && failure == null && closed == null
                        && !(isInput && ended)) {
                    if (!deadline.isLimited()) {
                        changed.await();
                    } else if (!changed.await(deadline.left(), TimeUnit.NANOSECONDS) && deadline.isOver()) {
                        throw deadline.missed((isInput ? "reading from " : "writing to ") + name);
                    }
                }
            } finally {
                lock.unlock();
            }
        }
        ensureOpen();
    }

    @Override
    public int readNow(ByteBuffer target) throws IOException {
        lock.lock();
        try {
            if (piece.hasRemaining()) {
                int count = Math.min(piece.remaining(), target.remaining());
                target.put(target.position(), piece, piece.position(), count);
                target.position(target.position() + count);
                piece.position(piece.position() + count);
                tellAll();
                return count;
            }
            ensureNotFailed();
            return ended ? -1 : 0;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void write(ByteBuffer source, Deadline deadline) throws IOException, InterruptedException {
        if (isInput) {
            throw new UnsupportedOperationException(name + " can only be read");
        }
        await(false, deadline); // for the rest of a cancelled write
        while (source.hasRemaining()) {
            writeNow(source);
            await(false, deadline);
        }
        lock.lock();
        try {
            ensureNotFailed();
        } finally {
            lock.unlock();
        }
    }

    /** Hands over as much as fits without waiting; returns false if there was no room. */
    boolean writeNow(ByteBuffer source) throws IOException {
        lock.lock();
        try {
            ensureNotFailed();
            if (ended) {
                throw new IOException(name + ": " + whyEnded);
            }
            if (piece.hasRemaining()) {
                return false;
            }
            int count = Math.min(source.remaining(), PIECE);
            piece.clear().put(source.slice(source.position(), count)).flip();
            source.position(source.position() + count);
            tellAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void ensureNotFailed() throws IOException {
        if (failure != null) {
            throw new IOException(
                    name + ": "
                            + (failure instanceof IOException known ? known.getMessage() : Throwables.text(failure)),
                    failure);
        }
    }

    /** {@inheritDoc} Waits until everything written before has gone out. */
    @Override
    public void shutdownOutput(Deadline deadline) throws IOException, InterruptedException {
        write(ByteBuffer.allocate(0), deadline);
        end("its output was shut down");
    }

    /** Ends the output. Bytes handed over are still written. From any thread. */
    void end(String why) {
        lock.lock();
        try {
            if (!ended) {
                ended = true;
                whyEnded = why;
                tellAll();
            }
        } finally {
            lock.unlock();
        }
    }

    // ---- both ----

    @Override
    public void close(String why) {
        lock.lock();
        try {
            if (closed == null) {
                closed = why;
                tellAll();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean isClosed() {
        lock.lock();
        try {
            return closed != null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void ensureOpen() throws StreamClosedException {
        lock.lock();
        try {
            if (closed != null) {
                throw new StreamClosedException(name + " is closed: " + closed);
            }
        } finally {
            lock.unlock();
        }
    }
}
