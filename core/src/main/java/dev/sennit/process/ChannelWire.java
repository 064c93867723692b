package dev.sennit.process;

import dev.sennit.process.Wire.Backlog.Outgoing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A wire over a channel that never blocks. An interrupt closes a channel only in a call that may block, so threads that are
 * interrupted may send: most often all goes out in the sender's own call, with no other thread woken. What does not fit
 * the socket's buffer is sent by the reading thread, which waits in a selector.
 */
final class ChannelWire implements Wire {
    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;

    private final Object lock = new Object();
    /** Guarded by lock. */
    private final Backlog unsent = new Backlog();
    /** Guarded by lock. */
    private boolean closed;

    /** Only the reading thread. Whether the last read may have left something. */
    private boolean moreToRead;

    /** Takes over a connected channel. */
    ChannelWire(SocketChannel channel) throws IOException {
        this.channel = channel;
        channel.configureBlocking(false);
        selector = Selector.open();
        try {
            key = channel.register(selector, SelectionKey.OP_READ);
        } catch (IOException | RuntimeException e) {
            selector.close();
            throw e;
        }
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        try {
            while (true) {
                if (!moreToRead) {
                    selector.select();
                    selector.selectedKeys().clear();
                    flush();
                }
                if ((key.interestOps() & SelectionKey.OP_READ) != 0) {
                    int count = channel.read(target);
                    moreToRead = !target.hasRemaining();
                    if (count != 0) {
                        return count;
                    }
                }
                moreToRead = false;
            }
        } catch (ClosedSelectorException | java.nio.channels.CancelledKeyException e) {
            throw new ClosedChannelException();
        }
    }

    @Override
    public void send(ByteBuffer bytes, @Nullable Runnable ifUnsent) {
        boolean failed = false;
        synchronized (lock) {
            if (!closed) {
                try {
                    if (unsent.isEmpty()) {
                        channel.write(bytes);
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

    private void flush() throws IOException {
        synchronized (lock) {
            for (Outgoing first = unsent.first(); first != null; first = unsent.first()) {
                int before = first.bytes().remaining();
                channel.write(first.bytes());
                unsent.sent(before - first.bytes().remaining());
                if (first.bytes().hasRemaining()) {
                    break;
                }
                unsent.removeFirst();
            }
            listen();
        }
    }

    /** Waits for what matters now; called with the lock. */
    private void listen() {
        int operations = (unsent.isTooLong() ? 0 : SelectionKey.OP_READ) | (unsent.isEmpty() ? 0 : SelectionKey.OP_WRITE);
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
        try (selector) { // which lets go of the channel
            channel.close();
        } catch (IOException e) {
            // it is gone either way
        }
        Backlog.tellUnsent(left);
    }
}
