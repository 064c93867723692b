package dev.sennit.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * What the parent tells a worker beside its tasks, over their Unix socket: a way of its own, because the thread that
 * reads tasks is the one that runs them.
 *
 * <pre>
 * byte 'C', long task  |  byte 'Q'
 * </pre>
 *
 * The end of the stream is the end of the parent.
 */
final class Control {
    private static final byte CANCEL = 'C';
    private static final byte QUIT = 'Q';
    private static final int SIZE = 1 + Long.BYTES;

    /** What {@link #next} returns when the parent is gone. */
    static final long PARENT_GONE = -1;
    /** What {@link #next} returns when the worker is to exit. */
    static final long EXIT = 0;

    private final SocketChannel socket;

    Control(SocketChannel socket) {
        this.socket = socket;
    }

    void cancel(long task) throws IOException {
        send(ByteBuffer.allocate(SIZE).put(CANCEL).putLong(task).flip());
    }

    void quit() throws IOException {
        send(ByteBuffer.wrap(new byte[] {QUIT}));
    }

    private void send(ByteBuffer message) throws IOException {
        synchronized (socket) {
            while (message.hasRemaining()) {
                socket.write(message);
            }
        }
    }

    /** Hears the parent: which task to cancel, {@link #EXIT} or {@link #PARENT_GONE}. */
    long next() throws IOException {
        ByteBuffer first = ByteBuffer.allocate(1);
        if (socket.read(first) < 0) {
            return PARENT_GONE;
        }
        if (first.get(0) == QUIT) {
            return EXIT;
        }
        ByteBuffer task = ByteBuffer.allocate(Long.BYTES);
        while (task.hasRemaining()) {
            if (socket.read(task) < 0) {
                return PARENT_GONE;
            }
        }
        return task.getLong(0);
    }
}
