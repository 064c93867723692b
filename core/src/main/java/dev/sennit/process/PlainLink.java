package dev.sennit.process;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The portable transport: tasks go down the pipe to the worker's standard input, answers come back, and cancellations
 * go, over a Unix socket.
 *
 * <p>A pipe for the tasks, because whoever calls {@code submit} writes to it, and a pipe's stream ignores interrupts
 * where a channel would be closed by one. A second way for cancellations, because the thread that reads tasks is the
 * one that runs them.
 *
 * <pre>
 * task:    long task (negative when sent ahead), int length,
 *          bytes                                            parent to worker, standard input
 * control: byte 'C', long task  |  byte 'Q'                 parent to worker, socket
 * reply:   byte kind, long task, long run nanoseconds,
 *          long processor nanoseconds, int length, bytes    worker to parent, socket
 * </pre>
 *
 * The end of either stream is the end of the other side.
 */
final class PlainLink implements WorkerLink {
    static final byte CANCEL = 'C';
    static final byte QUIT = 'Q';

    private static final int TASK_HEADER = Long.BYTES + Integer.BYTES;
    private static final int REPLY_HEADER = 1 + 3 * Long.BYTES + Integer.BYTES;
    private static final int CONTROL_SIZE = 1 + Long.BYTES;
    private static final int BUFFER = 1 << 16;
    /** How much is allocated before any of it has arrived: a header that lies cannot ask for gigabytes. */
    private static final int FIRST_ALLOCATION = 1 << 20;

    private final OutputStream tasks;
    private final SocketChannel socket;
    /** Only the receiving thread. What was read and not yet used lies between position and limit. */
    private final ByteBuffer received = ByteBuffer.allocateDirect(BUFFER).limit(0);

    PlainLink(OutputStream tasks, SocketChannel socket) {
        this.tasks = tasks;
        this.socket = socket;
    }

    @Override
    public void sendTask(long task, boolean ahead, MessageBuffer message) throws IOException {
        byte[] header = ByteBuffer.allocate(TASK_HEADER)
                .putLong(ahead ? -task : task)
                .putInt(message.length())
                .array();
        synchronized (tasks) {
            tasks.write(header);
            tasks.write(message.bytes(), 0, message.length());
            tasks.flush();
        }
    }

    @Override
    public void cancel(long task) throws IOException {
        control(ByteBuffer.allocate(CONTROL_SIZE).put(CANCEL).putLong(task).flip());
    }

    @Override
    public void quit() throws IOException {
        control(ByteBuffer.wrap(new byte[] {QUIT}));
    }

    private void control(ByteBuffer message) throws IOException {
        synchronized (socket) {
            while (message.hasRemaining()) {
                socket.write(message);
            }
        }
    }

    @Override
    public @Nullable Reply receive() throws IOException {
        if (!fill(REPLY_HEADER)) {
            return null;
        }
        int kind = received.get();
        if (kind < 0 || kind >= Kind.values().length) {
            throw new IOException("worker sent an answer of unknown kind " + kind);
        }
        long task = received.getLong();
        long runNanos = received.getLong();
        long cpuNanos = received.getLong();
        int length = received.getInt();
        if (length < 0) {
            throw new IOException("worker sent an answer of length " + length);
        }
        return new Reply(Kind.values()[kind], task, runNanos, cpuNanos, readPayload(length));
    }

    /** Waits until so many bytes are there; false at the end of the stream. */
    private boolean fill(int bytes) throws IOException {
        if (received.remaining() >= bytes) {
            return true;
        }
        received.compact();
        try {
            while (received.position() < bytes) {
                if (socket.read(received) < 0) {
                    return false;
                }
            }
        } finally {
            received.flip();
        }
        return true;
    }

    private byte[] readPayload(int length) throws IOException {
        byte[] payload = new byte[Math.min(length, FIRST_ALLOCATION)];
        int have = 0;
        while (have < length) {
            if (have == payload.length) {
                payload = Arrays.copyOf(payload, (int) Math.min(length, 2L * payload.length));
            }
            if (!received.hasRemaining() && !fill(1)) {
                throw new EOFException("worker ended in the middle of an answer");
            }
            int count = Math.min(received.remaining(), payload.length - have);
            received.get(payload, have, count);
            have += count;
        }
        return payload;
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // it is gone either way
        }
        try {
            tasks.close();
        } catch (IOException e) {
            // a task that was being written to a dead worker
        }
    }

    /** The worker's end. The thread that runs tasks reads tasks and sends answers; another reads control. */
    static final class WorkerEnd {
        private final InputStream tasks;
        private final SocketChannel socket;
        private final ByteBuffer outgoing = ByteBuffer.allocateDirect(BUFFER);
        private final byte[] header = new byte[TASK_HEADER];

        WorkerEnd(InputStream tasks, SocketChannel socket) {
            this.tasks = tasks;
            this.socket = socket;
        }

        /** A task as it came; one that was sent ahead may have been taken back since. */
        record Task(long number, boolean ahead, byte[] message) {}

        /** Waits for the next task; null when the parent is gone. */
        @Nullable Task nextTask() throws IOException {
            if (tasks.readNBytes(header, 0, TASK_HEADER) < TASK_HEADER) {
                return null;
            }
            ByteBuffer fields = ByteBuffer.wrap(header);
            long number = fields.getLong();
            int length = fields.getInt();
            byte[] message = tasks.readNBytes(length);
            return message.length < length ? null : new Task(Math.abs(number), number < 0, message);
        }

        /** Sends an answer; only the thread that runs tasks, after READY. */
        void send(Kind kind, long task, long runNanos, long cpuNanos, MessageBuffer payload) throws IOException {
            outgoing.clear();
            outgoing.put((byte) kind.ordinal()).putLong(task).putLong(runNanos).putLong(cpuNanos);
            outgoing.putInt(payload.length());
            int sent = 0;
            do {
                int count = Math.min(outgoing.remaining(), payload.length() - sent);
                outgoing.put(payload.bytes(), sent, count);
                sent += count;
                outgoing.flip();
                while (outgoing.hasRemaining()) {
                    socket.write(outgoing);
                }
                outgoing.clear();
            } while (sent < payload.length());
        }

        /** Hears the parent: which task to cancel, 0 to exit, or -1 when the parent is gone. */
        long nextControl() throws IOException {
            ByteBuffer first = ByteBuffer.allocate(1);
            if (socket.read(first) < 0) {
                return -1;
            }
            if (first.get(0) == QUIT) {
                return 0;
            }
            ByteBuffer task = ByteBuffer.allocate(Long.BYTES);
            while (task.hasRemaining()) {
                if (socket.read(task) < 0) {
                    return -1;
                }
            }
            return task.getLong(0);
        }
    }
}
