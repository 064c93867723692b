package dev.sennit.process;

import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.LambdaShapes;
import dev.sennit.codec.MessageBuffer;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The portable transport: tasks go through the pipe to the worker's standard input; answers and control messages go
 * over a Unix socket.
 *
 * <p>Tasks go through a pipe because the callers of {@code submit} write them: an interrupt closes a channel, but not a
 * pipe's stream. Cancellations do not go through the pipe because the thread that reads it also runs the tasks.
 *
 * <pre>
 * task:    byte 1 if it is heard, else 0,
 *          long task (negative when sent ahead), or the number of
 *          a shape (from 2^62 on), int length, bytes       parent to worker, standard input
 * reply:   byte kind, long task, long run nanoseconds,
 *          long processor nanoseconds, int length, bytes   worker to parent, socket
 * </pre>
 *
 * A reply that tells progress has what is done and the total in the place of the times. The end of either stream is the
 * end of the other side.
 */
final class PlainLink implements WorkerLink {
    private static final int TASK_HEADER = 1 + Long.BYTES + Integer.BYTES;
    private static final int REPLY_HEADER = 1 + 3 * Long.BYTES + Integer.BYTES;
    private static final int BUFFER = 1 << 16;
    /** Where the numbers of shapes begin; those of tasks end before. */
    private static final long SHAPES = 1L << 62;
    /** A pipe holds at least two messages of this length, and their headers, before they are read. */
    private static final int FITS_A_PIPE = 1 << 15;
    /**
     * How much is allocated at most before any byte has arrived: a false length cannot make the reader allocate
     * gigabytes.
     */
    private static final int FIRST_ALLOCATION = 1 << 20;

    private final OutputStream tasks;
    private final SocketChannel socket;
    private final Control control;
    /** Only the receiving thread. The bytes read and not yet used lie between position and limit. */
    private final ByteBuffer received = ByteBuffer.allocateDirect(BUFFER).limit(0);

    /** Held while a task is written, which may take until the worker has read most of a large task. */
    private final ReentrantLock sending = new ReentrantLock();
    /** Written with sending. */
    private volatile long lastSent;
    /** Set once; then no more tasks are sent. */
    private volatile boolean closed;
    /** How many bytes of answers were read. Written by the receiving thread. */
    private volatile long taken;

    PlainLink(OutputStream tasks, SocketChannel socket) {
        this.tasks = tasks;
        this.socket = socket;
        control = new Control(socket);
    }

    /** More than one might fill the pipe while the worker is busy. */
    @Override
    public int mostAhead() {
        return 1;
    }

    @Override
    public boolean takesAtOnce(int length) {
        return length <= FITS_A_PIPE;
    }

    @Override
    public void sendTask(long task, boolean ahead, EncodedTask message) throws IOException {
        send(message.isHeard(), ahead ? -task : task, message.bytes(), message.length());
    }

    @Override
    public void sendShape(int number, byte[] description) throws IOException {
        send(false, SHAPES + number, description, description.length);
    }

    private void send(boolean isHeard, long number, byte[] bytes, int length) throws IOException {
        byte heard = (byte) (isHeard ? 1 : 0);
        byte[] header = ByteBuffer.allocate(TASK_HEADER).put(heard).putLong(number).putInt(length).array();
        sending.lock();
        try {
            tasks.write(header);
            tasks.write(bytes, 0, length - 1);
            if (number < SHAPES) {
                lastSent = Math.abs(number);
            }
            tasks.write(bytes[length - 1]); // stays in the buffer until flush(), so that lastSent is written first
            tasks.flush();
        } finally {
            sending.unlock();
            if (closed) {
                closeTasks();
            }
        }
    }

    /**
     * Closes the pipe, unless a sender writes to it: that sender fails when the worker is killed, and closes the pipe
     * then.
     */
    private void closeTasks() {
        if (sending.tryLock()) {
            try {
                tasks.close();
            } catch (IOException e) {
                // the rest of a task for a dead worker could not be flushed
            } finally {
                sending.unlock();
            }
        }
    }

    @Override
    public long lastSent() {
        return lastSent;
    }

    @Override
    public void cancel(long task) throws IOException {
        control.cancel(task);
    }

    @Override
    public void quit() throws IOException {
        control.quit();
        endTasks();
    }

    private void endTasks() {
        closed = true;
        closeTasks();
    }

    @Override
    public boolean await() throws IOException {
        return fill(1);
    }

    @Override
    public @Nullable Reply poll() throws IOException {
        if (!received.hasRemaining()) {
            return null;
        }
        if (!fill(REPLY_HEADER)) {
            throw new EOFException("worker ended in the middle of an answer");
        }
        Kind kind = Kind.of(received.get());
        long task = received.getLong();
        long runNanos = received.getLong();
        long cpuNanos = received.getLong();
        int length = received.getInt();
        if (length < 0) {
            throw new IOException("worker sent an answer of length " + length);
        }
        return new Reply(kind, task, runNanos, cpuNanos, readPayload(length), length);
    }

    /** Waits until so many bytes are there; returns false at the end of the stream. */
    private boolean fill(int bytes) throws IOException {
        if (received.remaining() >= bytes) {
            return true;
        }
        received.compact();
        try {
            while (received.position() < bytes) {
                int count = socket.read(received);
                if (count < 0) {
                    return false;
                }
                long sum = taken + count; // only this thread writes it
                taken = sum;
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
    public long taken() {
        return taken;
    }

    /** Does nothing: the end of the socket's stream tells the receiving thread. */
    @Override
    public void workerEnded() {}

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // it is gone either way
        }
        endTasks();
    }

    /** The worker's end. */
    static final class PlainWorkerEnd implements WorkerEnd {
        private final InputStream tasks;
        private final SocketChannel socket;
        private final StatusPage page;
        private final Control control;
        private final ByteBuffer outgoing = ByteBuffer.allocateDirect(BUFFER);
        private final byte[] header = new byte[TASK_HEADER];
        private final LambdaShapes.Known shapes = new LambdaShapes.Known();

        PlainWorkerEnd(InputStream tasks, SocketChannel socket, StatusPage page) {
            this.tasks = tasks;
            this.socket = socket;
            this.page = page;
            control = new Control(socket);
        }

        @Override
        public StatusPage page() {
            return page;
        }

        @Override
        public LambdaShapes.Known shapes() {
            return shapes;
        }

        @Override
        public @Nullable Task nextTask() throws IOException {
            while (tasks.readNBytes(header, 0, TASK_HEADER) == TASK_HEADER) {
                ByteBuffer fields = ByteBuffer.wrap(header);
                boolean isHeard = fields.get() != 0;
                long number = fields.getLong();
                int length = fields.getInt();
                byte[] message = tasks.readNBytes(length);
                if (message.length < length) {
                    return null;
                }
                if (number < SHAPES) {
                    return new Task(Math.abs(number), number < 0, isHeard, message, message.length);
                }
                shapes.learn((int) (number - SHAPES), message);
            }
            return null;
        }

        /** Does nothing: the parent closes the pipe, which ends the wait for a task. */
        @Override
        public void end() {}

        @Override
        public void send(Kind kind, long task, long runNanos, long cpuNanos, MessageBuffer payload) throws IOException {
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

        @Override
        public long nextControl() throws IOException {
            return control.next();
        }
    }
}
