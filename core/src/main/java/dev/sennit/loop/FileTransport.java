package dev.sennit.loop;

import dev.sennit.internal.Deadline;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A file, whose blocking operations run on the loop's own threads.
 *
 * <h2>One operation at a time</h2>
 *
 * <p>A coroutine starts an operation and waits for its end. The operation works on {@link #piece}, never on a buffer of
 * the caller: so a cancelled coroutine goes on at once, and the operation ends without it. The next coroutine first
 * waits for that end ({@link #settle}): it finds the bytes that were read, or gets the failure that was not thrown yet.
 * No thread is ever interrupted, as that would close the channel.
 *
 * <h2>The descriptor</h2>
 *
 * <p>{@link #close} wakes the coroutine that waits, and closes the channel: on another thread if an operation is under
 * way, as the JDK's close then waits for that operation, or ends it if it hangs. So every descriptor is released.
 *
 * <h2>Positions</h2>
 *
 * <p>{@code at} is the channel's position, {@code next} the position of the next operation. The two differ when bytes
 * read ahead are dropped, or when the caller sets another position. Reads and writes are relative, as pipes and
 * terminals have no positions.
 */
final class FileTransport implements Transport {
    /**
     * The size of the first read. It grows fourfold after each full read: a change of thread costs more than a copy.
     */
    private static final int FIRST = 1 << 14;

    private static final int MOST = 1 << 18;

    /** A blocking operation. */
    interface Operation {
        void run() throws IOException;
    }

    private final EventLoop loop;
    private final FileChannel channel;
    private final String name;
    private final boolean appends;

    // Only the operation under way; without one, the coroutine that reads or writes:
    /** Bytes read but not yet taken, or bytes to write: between position and limit. */
    private ByteBuffer piece = ByteBuffer.allocate(0);
    /** The size of the next read. */
    private int ahead = FIRST;
    /** Whether the last read found the end of the file, which was not reported yet. */
    private boolean ended;
    private long at;
    private long next;

    /** Guarded by this. The operation that is under way, or has ended but was not settled. */
    private @Nullable UnderWay underWay;
    /** Guarded by this. */
    private @Nullable String closed;
    /** The stream that the loop closes at its end. Written once, before this is published. */
    private @Nullable AutoCloseable stream;

    FileTransport(EventLoop loop, FileChannel channel, String name, boolean appends) throws IOException {
        this.loop = loop;
        this.channel = channel;
        this.name = name;
        this.appends = appends;
    }

    /** Has the loop close the stream at its end; returns false if the loop has ended. */
    boolean belongs(AutoCloseable itsStream) {
        stream = itsStream;
        return loop.openResources.add(itsStream);
    }

    /** An operation from its start to its end, or until the file is closed. */
    private final class UnderWay implements Runnable {
        private final Operation operation;
        /** Completed when waiters need not wait any more. */
        private final CompletableFuture<@Nullable Void> told = new CompletableFuture<>();
        private volatile boolean over;

        UnderWay(Operation operation) {
            this.operation = operation;
        }

        @Override
        public void run() {
            Throwable failure = null;
            try {
                if (next != at) {
                    channel.position(next);
                    at = next;
                }
                operation.run();
            } catch (Throwable e) {
                failure = e;
            }
            over = true;
            if (failure == null) {
                told.complete(null);
            } else {
                told.completeExceptionally(failure);
            }
        }
    }

    // ---- operations ----

    /** Runs a blocking operation after the one under way, and waits for its end. */
    void perform(Operation operation, String what, Deadline deadline) throws IOException, InterruptedException {
        settle(what, deadline);
        var mine = new UnderWay(operation);
        synchronized (this) {
            ensureOpen();
            underWay = mine;
        }
        try {
            loop.threads().execute((Runnable) mine);
        } catch (Throwable e) { // the loop has ended, or no thread could be started
            synchronized (this) {
                underWay = null;
            }
            if (e instanceof RejectedExecutionException) {
                throw new StreamClosedException(name + " cannot be used: " + LoopSelector.ended(loop));
            }
            throw e;
        }
        settle(what, deadline);
    }

    /** Waits for the operation under way, if there is one, and throws its failure. */
    void settle(String what, Deadline deadline) throws IOException, InterruptedException {
        UnderWay current;
        synchronized (this) {
            ensureOpen();
            current = underWay;
        }
        if (current == null) {
            return;
        }
        try {
            EventLoop.suspending(() -> deadline.get(current.told));
            forget(current);
        } catch (TimeoutException e) {
            throw deadline.missed(what + ' ' + name);
        } catch (ExecutionException e) {
            forget(current);
            ensureOpen();
            throw failed(e.getCause());
        } catch (InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        ensureOpen();
    }

    private synchronized void forget(UnderWay settled) {
        if (underWay == settled) {
            underWay = null;
        }
    }

    /** Returns the exception for the waiting coroutine; it names the file, which the JDK's does not. */
    private IOException failed(@Nullable Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        if (cause instanceof FileSystemException named) {
            return named;
        }
        return new IOException(name + ": " + (cause instanceof IOException ? cause.getMessage() : cause), cause);
    }

    /** Makes room in the piece, which must be empty. */
    private void ensurePiece(int size) {
        if (piece.capacity() < size) {
            piece = ByteBuffer.allocate(size).limit(0);
        }
    }

    // ---- reading ----

    @Override
    public void awaitReadable(Deadline deadline) throws IOException, InterruptedException {
        settle("reading from", deadline);
        if (piece.hasRemaining() || ended) {
            return; // from a cancelled read
        }
        ensurePiece(ahead);
        perform(this::readPiece, "reading from", deadline);
    }

    private void readPiece() throws IOException {
        piece.clear().limit(Math.min(piece.capacity(), ahead));
        try {
            int count = channel.read(piece);
            ended = count < 0;
            at += Math.max(count, 0);
            next = at;
            if (!piece.hasRemaining()) {
                ahead = Math.min(4 * ahead, MOST);
            }
        } finally {
            piece.flip();
        }
    }

    /** {@inheritDoc} A file may grow, so an end is reported once each time. */
    @Override
    public int readNow(ByteBuffer target) throws IOException {
        synchronized (this) {
            ensureOpen();
            if (underWay != null) {
                return 0;
            }
        }
        int count = Math.min(piece.remaining(), target.remaining());
        if (count > 0) {
            target.put(target.position(), piece, piece.position(), count);
            target.position(target.position() + count);
            piece.position(piece.position() + count);
            return count;
        }
        if (ended) {
            ended = false;
            return -1;
        }
        return 0;
    }

    /**
     * Drops all bytes read ahead, so that the next operation begins after the last byte that users have taken. No
     * operation may be under way.
     *
     * @param unread how many bytes were taken from here and dropped by the caller
     */
    void rewind(int unread) {
        next -= piece.remaining() + unread;
        piece.position(piece.limit());
        ended = false;
        ahead = FIRST;
    }

    // ---- writing ----

    @Override
    public void write(ByteBuffer source, Deadline deadline) throws IOException, InterruptedException {
        while (source.hasRemaining()) {
            int count = Math.min(source.remaining(), MOST);
            ensurePiece(count);
            piece.clear().put(source.slice(source.position(), count)).flip();
            source.position(source.position() + count);
            perform(this::writePiece, "writing to", deadline);
        }
    }

    private void writePiece() throws IOException {
        int start = piece.position();
        try {
            while (piece.hasRemaining()) {
                channel.write(piece);
            }
        } finally {
            at = appends ? channel.position() : at + piece.position() - start;
            next = at;
            piece.position(piece.limit()); // a failed write is not repeated
        }
    }

    /** {@inheritDoc} A file has no other side to be told. */
    @Override
    public void shutdownOutput(Deadline deadline) throws IOException, InterruptedException {
        settle("writing to", deadline);
    }

    // ---- the file, with no operation under way ----

    long position() {
        return next - piece.remaining();
    }

    void position(long newPosition) {
        next = newPosition;
    }

    long size() throws IOException, InterruptedException {
        var size = new long[1];
        perform(() -> size[0] = channel.size(), "asking for the size of", Deadline.NEVER);
        return size[0];
    }

    void truncate(long size) throws IOException, InterruptedException {
        perform(
                () -> {
                    channel.truncate(size);
                    at = Math.min(at, size);
                    next = at;
                },
                "truncating",
                Deadline.NEVER);
    }

    void force(boolean metadata) throws IOException, InterruptedException {
        perform(() -> channel.force(metadata), "forcing", Deadline.NEVER);
    }

    // ---- the end ----

    @Override
    public void close(String why) {
        UnderWay current;
        synchronized (this) {
            if (closed != null) {
                return;
            }
            closed = why;
            current = underWay;
        }
        if (stream != null) {
            loop.openResources.remove(stream);
        }
        boolean idle = current == null || current.over;
        if (current != null) {
            current.told.completeExceptionally(new StreamClosedException(name + " is closed: " + why));
        }
        if (idle && !(Thread.currentThread().isVirtual() && EventLoop.currentOrNull() == loop)) {
            closeChannel();
            return;
        }
        CompletableFuture<?> gone = Blocking.elsewhere(this::closeChannel);
        if (idle) { // when close returns in a coroutine, the descriptor is released
            Blocking.join(gone);
        }
    }

    private void closeChannel() {
        try {
            channel.close();
        } catch (IOException e) {
            EventLoop.LOG.log(System.Logger.Level.WARNING,
                    loop.name() + " - " + name + " could not be closed: " + e.getMessage());
        }
    }

    @Override
    public synchronized boolean isClosed() {
        return closed != null;
    }

    @Override
    public synchronized void ensureOpen() throws StreamClosedException {
        if (closed != null) {
            throw new StreamClosedException(name + " is closed: " + closed);
        }
    }
}
