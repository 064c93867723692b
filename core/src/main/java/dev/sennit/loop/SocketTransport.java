package dev.sennit.loop;

import dev.sennit.internal.Deadline;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/** A plain socket. */
final class SocketTransport implements Transport {
    /**
     * The JDK copies the bytes of an array before it writes them: all of them, and again for each part that the system
     * takes.
     */
    private static final int PIECE = 1 << 17;

    private final SocketChannel channel;
    private final LoopSelector.Watch watch;
    private final String name;

    SocketTransport(SocketChannel channel, LoopSelector.Watch watch, String name) {
        this.channel = channel;
        this.watch = watch;
        this.name = name;
    }

    @Override
    public void awaitReadable(Deadline deadline) throws IOException, InterruptedException {
        watch.await(SelectionKey.OP_READ, deadline);
    }

    @Override
    public int readNow(ByteBuffer target) throws IOException {
        try {
            return channel.read(target);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    @Override
    public void write(ByteBuffer source, Deadline deadline) throws IOException, InterruptedException {
        while (true) {
            writeNow(source);
            if (!source.hasRemaining()) {
                return;
            }
            watch.await(SelectionKey.OP_WRITE, deadline);
        }
    }

    /** Writes what the system takes without waiting. */
    void writeNow(ByteBuffer source) throws IOException {
        int end = source.limit();
        try {
            do {
                int size = source.isDirect() ? end - source.position() : Math.min(end - source.position(), PIECE);
                channel.write(source.limit(source.position() + size));
            } while (!source.hasRemaining() && source.limit() < end);
        } catch (IOException e) {
            throw failed(e);
        } finally {
            source.limit(end);
        }
    }

    @Override
    public void shutdownOutput(Deadline deadline) throws IOException {
        try {
            channel.shutdownOutput();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Names the connection, and why it was closed: the JDK's exceptions say neither. */
    private IOException failed(IOException e) throws StreamClosedException {
        if (e instanceof ClosedChannelException) {
            watch.ensureOpen();
        }
        IOException named = new SocketException(name + ": " + e.getMessage());
        named.initCause(e);
        return named;
    }

    @Override
    public void close(String why) {
        watch.close(why);
    }

    @Override
    public boolean isClosed() {
        return watch.isClosed();
    }

    @Override
    public void ensureOpen() throws StreamClosedException {
        watch.ensureOpen();
    }
}
