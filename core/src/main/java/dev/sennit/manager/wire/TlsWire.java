package dev.sennit.manager.wire;

import dev.sennit.internal.Backend;
import dev.sennit.manager.wire.Wire.Backlog.Outgoing;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A wire over TLS. A thread of its own writes, as writing to a socket may wait, and an interrupted virtual thread would
 * close the socket there.
 */
final class TlsWire implements Wire {
    /** How much is written at once; a heartbeat is less. */
    private static final int PIECE = 1 << 16;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final boolean pauses;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Guarded by lock. */
    private final Backlog unsent = new Backlog();
    /** Guarded by lock. */
    private boolean closed;

    private volatile long lastMoved = Backend.current().nanoTime();

    /**
     * Takes over two sockets: the one that speaks TLS, and the one below, which can be closed while a thread writes.
     *
     * @param pauses as in {@link ChannelWire}
     */
    TlsWire(SSLSocket secured, Socket below, String name, boolean pauses) throws IOException {
        socket = below;
        this.pauses = pauses;
        in = secured.getInputStream();
        out = secured.getOutputStream();
        Backend.start(Thread.ofPlatform().daemon().name(name + "-writer").unstarted(this::write));
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        lock.lock();
        try {
            while (pauses && unsent.isTooLong() && !closed) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
        return readSome(target);
    }

    private int readSome(ByteBuffer target) throws IOException {
        int count = in.read(target.array(), target.arrayOffset() + target.position(), target.remaining());
        if (count > 0) {
            lastMoved = Backend.current().nanoTime();
            target.position(target.position() + count);
        }
        return count;
    }

    /**
     * Waits for a millisecond, the shortest time that the system knows: TLS does not tell what is there, but a read
     * that was too short can go on later.
     */
    @Override
    public int readNow(ByteBuffer target) throws IOException {
        socket.setSoTimeout(1);
        try {
            return readSome(target);
        } catch (SocketTimeoutException e) {
            return 0;
        } finally {
            socket.setSoTimeout(0);
        }
    }

    @Override
    public void send(ByteBuffer bytes, @Nullable Runnable ifUnsent) {
        lock.lock();
        try {
            if (!closed) {
                unsent.add(new Outgoing(bytes, ifUnsent));
                changed.signalAll();
                return;
            }
        } finally {
            lock.unlock();
        }
        if (ifUnsent != null) {
            ifUnsent.run();
        }
    }

    private void write() {
        try {
            for (Outgoing next = awaitNext(); next != null; next = awaitNext()) {
                write(next.bytes());
                wrote(next.bytes().remaining());
            }
        } catch (IOException e) {
            close();
        }
    }

    /**
     * Writes a message. A long message moves {@link #lastMoved} with each piece, as the answer to a heartbeat waits
     * behind it.
     */
    private void write(ByteBuffer bytes) throws IOException {
        int offset = bytes.arrayOffset() + bytes.position();
        int end = offset + bytes.remaining();
        while (end - offset > PIECE) {
            out.write(bytes.array(), offset, PIECE);
            offset += PIECE;
            lastMoved = Backend.current().nanoTime();
        }
        out.write(bytes.array(), offset, end - offset);
    }

    @Override
    public long lastMoved() {
        return lastMoved;
    }

    /** Returns the next message, which stays in the backlog until it is written; null if the wire is closed. */
    private @Nullable Outgoing awaitNext() {
        lock.lock();
        try {
            while (unsent.isEmpty() && !closed) {
                changed.awaitUninterruptibly();
            }
            return closed ? null : unsent.first();
        } finally {
            lock.unlock();
        }
    }

    private void wrote(int size) {
        lock.lock();
        try {
            if (!closed) {
                unsent.sent(size);
                unsent.removeFirst();
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Closes the socket without the closing message of TLS, which would have to wait for a writing thread: messages
     * contain their length.
     */
    @Override
    public void close() {
        List<Outgoing> left;
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            left = unsent.drain();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        try {
            socket.close();
        } catch (IOException e) {
            // it is gone either way
        }
        Backlog.tellUnsent(left);
    }
}
