package dev.sennit.manager.wire;

import dev.sennit.internal.LearnedSpin;
import dev.sennit.manager.wire.Wire.Backlog.Outgoing;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A wire over a channel that never blocks. An interrupt closes a channel only in a call that may block, so interrupted
 * threads may send and read. Mostly the sender's own call sends all bytes, and wakes no other thread. Bytes that do not
 * fit the socket's buffer are sent by the thread that waits in the selector, which an interrupt only wakes.
 */
public final class ChannelWire implements Wire {
    /** How much is handed to the system at once: it is copied first, and mostly in vain if it does not fit. */
    private static final int PIECE = 1 << 17;

    /** No limit, for {@link #await}. */
    public static final long FOREVER = 0;

    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private final boolean pauses;

    private final Object lock = new Object();
    /** Guarded by lock. */
    private final Backlog unsent = new Backlog();
    /** Written with lock. */
    private volatile boolean hasUnsent;
    /** Guarded by lock. */
    private boolean closed;

    /** Only the thread in {@link #read}. */
    private final LearnedSpin spin = new LearnedSpin();
    /** Only the thread in {@link #read}. */
    private int lastCount;

    /**
     * Takes over a connected channel.
     *
     * @param pauses whether {@link #read} pauses while too many bytes are unsent; at one end only, else each end might
     *     wait for the other to read
     */
    public ChannelWire(SocketChannel channel, boolean pauses) throws IOException {
        this.channel = channel;
        this.pauses = pauses;
        channel.configureBlocking(false);
        selector = Selector.open();
        try {
            key = channel.register(selector, SelectionKey.OP_READ);
        } catch (IOException | RuntimeException e) {
            selector.close();
            throw e;
        }
    }

    /** Allocates outside the heap: otherwise the JDK would allocate such a buffer for each reading thread. */
    @Override
    public ByteBuffer bufferOf(int size) {
        return ByteBuffer.allocateDirect(size);
    }

    /** Spins first, then sleeps. */
    @Override
    public int read(ByteBuffer target) throws IOException {
        while (hasUnsent || !spin.until(() -> hasRead(target))) {
            await(FOREVER);
            if (mayRead() && hasRead(target)) {
                break;
            }
        }
        return lastCount;
    }

    private boolean hasRead(ByteBuffer target) throws IOException {
        lastCount = readNow(target);
        return lastCount != 0;
    }

    private boolean mayRead() throws IOException {
        try {
            return (key.interestOps() & SelectionKey.OP_READ) != 0;
        } catch (CancelledKeyException e) {
            throw new ClosedChannelException();
        }
    }

    @Override
    public int readNow(ByteBuffer target) throws IOException {
        return channel.read(target);
    }

    /**
     * Sleeps until bytes can be read, or so many milliseconds have passed, and meanwhile sends unsent bytes. One thread
     * at a time. An interrupt ends it, and so do {@link #wake} and a {@link #send} that leaves bytes unsent.
     */
    public void await(long millis) throws IOException {
        try {
            selector.select(millis);
            selector.selectedKeys().clear();
            if (hasUnsent) {
                flush();
            }
        } catch (ClosedSelectorException | CancelledKeyException e) {
            throw new ClosedChannelException();
        }
    }

    public void wake() {
        selector.wakeup();
    }

    /** Returns whether a thread has to call {@link #await} before all bytes are sent. */
    public boolean hasUnsent() {
        return hasUnsent;
    }

    @Override
    public void send(ByteBuffer bytes, @Nullable Runnable ifUnsent) {
        boolean failed = false;
        synchronized (lock) {
            if (!closed) {
                try {
                    if (unsent.isEmpty()) {
                        write(bytes);
                    }
                    if (!bytes.hasRemaining()) {
                        return;
                    }
                    unsent.add(new Outgoing(bytes, ifUnsent));
                    listen();
                    return;
                } catch (IOException | RuntimeException e) {
                    failed = true;
                }
            }
        }
        if (failed) {
            close();
        }
        if (ifUnsent != null) {
            ifUnsent.run();
        }
    }

    /** Writes as many bytes as the system takes; returns how many. */
    private int write(ByteBuffer bytes) throws IOException {
        int start = bytes.position();
        int end = bytes.limit();
        try {
            do {
                bytes.limit(bytes.position() + Math.min(PIECE, end - bytes.position()));
                channel.write(bytes);
            } while (!bytes.hasRemaining() && bytes.position() < end);
        } finally {
            bytes.limit(end);
        }
        return bytes.position() - start;
    }

    private void flush() throws IOException {
        synchronized (lock) {
            for (Outgoing first = unsent.first(); first != null; first = unsent.first()) {
                unsent.sent(writeOrEnd(first.bytes()));
                if (first.bytes().hasRemaining()) {
                    break;
                }
                unsent.removeFirst();
            }
            listen();
        }
    }

    /** Writes as {@link #write} does. A failure means that the other side has ended, whatever the system calls it. */
    private int writeOrEnd(ByteBuffer bytes) throws SocketException {
        try {
            return write(bytes);
        } catch (IOException e) {
            var ended = new SocketException(e.getMessage());
            ended.initCause(e);
            throw ended;
        }
    }

    /** Sets the events that the selector waits for. Called with the lock. */
    private void listen() {
        hasUnsent = !unsent.isEmpty();
        boolean paused = pauses && unsent.isTooLong();
        int operations = (paused ? 0 : SelectionKey.OP_READ) | (hasUnsent ? SelectionKey.OP_WRITE : 0);
        if (key.interestOps() != operations) {
            key.interestOps(operations);
            selector.wakeup();
        }
    }

    @Override
    public void close() {
        List<Outgoing> left;
        synchronized (lock) {
            if (closed) {
                return;
            }
            closed = true;
            left = unsent.drain();
        }
        try (selector) { // also deregisters the channel
            channel.close();
        } catch (IOException e) {
            // it is gone either way
        }
        Backlog.tellUnsent(left);
    }
}
