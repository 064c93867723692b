package dev.sennit.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * The control messages from the parent to a worker, over their Unix socket. They do not travel with the tasks, as the
 * thread that reads tasks is busy while it runs one.
 *
 * <pre>
 * byte 'C', long task  |  byte 'Q'
 * </pre>
 *
 * The end of the stream means that the parent has ended.
 */
final class Control {
    private static final byte CANCEL = 'C';
    private static final byte QUIT = 'Q';
    private static final int SIZE = 1 + Long.BYTES;

    /** The result of {@link #next} when the parent is gone. */
    static final long PARENT_GONE = -1;
    /** The result of {@link #next} when the worker has to exit. */
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

    /** Waits for the next message. Returns the number of a task to cancel, {@link #EXIT} or {@link #PARENT_GONE}. */
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
