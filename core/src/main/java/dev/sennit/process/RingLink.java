package dev.sennit.process;

import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.LambdaShapes;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.internal.LearnedSpin;
import dev.sennit.internal.MemoryFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The fast transport: tasks and answers go through two {@link Ring}s in memory that parent and worker share. Control
 * messages go over a Unix socket, whose end of stream tells the worker that its parent is gone. The parent learns of
 * the worker's end from the system ({@link #workerEnded}).
 *
 * <pre>
 * memory file: status page, ring of tasks, ring of answers
 * </pre>
 */
final class RingLink implements WorkerLink {
    /** Bytes of data in a ring. Pages that no message has touched take no memory. */
    private static final long CAPACITY = 1 << 23;
    /** A page for the header, so that the data begins at a page boundary. */
    private static final long RING = 4096 + CAPACITY;

    private static final long RINGS = 2 * RING;
    private static final long SIZE = StatusPage.SIZE + RINGS;

    /** What a message in the ring of tasks is: a task with any of two marks, or a shape. */
    private static final int TASK = 0;

    private static final int AHEAD = 1;
    private static final int HEARD = 2;
    private static final int SHAPE = 4;

    private final Ring tasks;
    private final Ring answers;
    private final SocketChannel socket;
    private final Control control;
    private final Arena arena;
    /** Held while a task is written, which may take until the worker has read most of a large task. */
    private final ReentrantLock sending = new ReentrantLock();
    /** Held briefly. Taken after sending. */
    private final Object ending = new Object();
    /** Whether the memory is unmapped. Read with sending or ending, written with both. */
    private boolean closed;

    private RingLink(MemorySegment rings, Arena arena, SocketChannel socket, Ring.Liveness worker) {
        tasks = ringIn(rings, 0, worker);
        answers = ringIn(rings, RING, worker);
        this.socket = socket;
        control = new Control(socket);
        this.arena = arena;
    }

    private static Ring ringIn(MemorySegment rings, long offset, Ring.@Nullable Liveness otherSide) {
        return new Ring(rings.asSlice(offset + 4096 - Ring.HEADER, Ring.HEADER + CAPACITY), otherSide);
    }

    /** The memory of a link, created before the worker is started. */
    static final class Shared implements AutoCloseable {
        private final MemoryFile file;
        private final Arena arena = Arena.ofShared();
        private final MemorySegment rings;
        private final StatusPage page;
        private boolean connected;

        Shared() throws IOException {
            file = MemoryFile.create("worker", SIZE);
            try {
                page = new StatusPage(file.map(0, StatusPage.SIZE, Arena.ofAuto())); // read after the link is closed
                rings = file.map(StatusPage.SIZE, RINGS, arena);
            } catch (Throwable e) {
                close();
                throw e;
            }
        }

        /** Returns the path by which the worker opens it. */
        Path path() {
            return file.path();
        }

        StatusPage page() {
            return page;
        }

        /** Creates the link, which then owns the memory. Called once, when the worker has connected. */
        RingLink connect(SocketChannel socket, Ring.Liveness worker) {
            connected = true;
            return new RingLink(rings, arena, socket, worker);
        }

        /** Closes the file, which no process can open any more; unmaps the memory if no link owns it. */
        @Override
        public void close() {
            file.close();
            if (!connected) {
                arena.close();
            }
        }
    }

    @Override
    public int mostAhead() {
        return StatusPage.WORDS - 1;
    }

    @Override
    public boolean takesAtOnce(int length) throws IOException {
        if (!sending.tryLock()) {
            return false; // a sender waits for a worker that answered before it had read the whole task, and may never
        }
        try {
            requireOpen();
            return tasks.hasRoom(length);
        } finally {
            sending.unlock();
        }
    }

    @Override
    public void sendTask(long task, boolean ahead, EncodedTask message) throws IOException {
        sending.lock();
        try {
            requireOpen();
            int kind = TASK | (ahead ? AHEAD : 0) | (message.isHeard() ? HEARD : 0);
            tasks.write(kind, task, 0, 0, message.bytes(), message.length());
        } finally {
            sending.unlock();
        }
    }

    @Override
    public void sendShape(int number, byte[] description) throws IOException {
        sending.lock();
        try {
            requireOpen();
            tasks.write(SHAPE, -number, 0, 0, description, description.length);
        } finally {
            sending.unlock();
        }
    }

    @Override
    public long lastSent() {
        return tasks.lastTask();
    }

    private void requireOpen() throws IOException {
        if (closed) {
            throw new IOException("the worker is gone");
        }
    }

    @Override
    public void cancel(long task) throws IOException {
        control.cancel(task);
    }

    @Override
    public void quit() throws IOException {
        control.quit();
    }

    @Override
    public @Nullable Reply poll() throws IOException {
        return reply(answers.poll());
    }

    @Override
    public @Nullable Reply pollWhole() throws IOException {
        return reply(answers.pollWhole());
    }

    private static @Nullable Reply reply(Ring.@Nullable Message message) throws IOException {
        return message == null
                ? null
                : new Reply(
                        Kind.of(message.kind()),
                        message.task(),
                        message.runNanos(),
                        message.cpuNanos(),
                        message.payload(),
                        message.length());
    }

    @Override
    public void useAgain(byte[] payload) {
        answers.useAgain(payload);
    }

    @Override
    public boolean await() throws IOException {
        return answers.await();
    }

    @Override
    public boolean pollInstead() {
        return answers.pollInstead();
    }

    @Override
    public boolean hasAnswer() throws IOException {
        return answers.hasMessage();
    }

    @Override
    public void pollNoMore() {
        answers.pollNoMore();
    }

    @Override
    public long taken() {
        return answers.bytesRead();
    }

    @Override
    public void workerEnded() {
        synchronized (ending) {
            if (!closed) {
                tasks.end();
                answers.end();
            }
        }
    }

    /** Called by the serving thread, when no thread is in {@link #pollInstead}. */
    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // it is gone either way
        }
        workerEnded(); // a sender that waits for room gives up, and releases the lock
        sending.lock();
        try {
            synchronized (ending) {
                if (!closed) {
                    closed = true;
                    arena.close();
                }
            }
        } finally {
            sending.unlock();
        }
    }

    /** The worker's end. */
    static final class RingWorkerEnd implements WorkerEnd {
        private final Ring tasks;
        private final Ring answers;
        private final StatusPage page;
        private final Control control;
        private final LambdaShapes.Known shapes = new LambdaShapes.Known();
        /** Null where a worker that waits must not keep a processor busy. */
        private final @Nullable LearnedSpin spin;
        /** Only the thread that runs tasks. */
        private byte @Nullable [] lastMessage;

        /** Opens the memory at {@link Shared#path}. Its waits need no end, as a worker that loses its parent halts. */
        RingWorkerEnd(Path path, boolean spins, SocketChannel socket) throws IOException {
            spin = spins ? new LearnedSpin() : null;
            MemorySegment whole = MemoryFile.map(path, SIZE, Arena.global());
            page = new StatusPage(whole.asSlice(0, StatusPage.SIZE));
            MemorySegment rings = whole.asSlice(StatusPage.SIZE);
            tasks = ringIn(rings, 0, null);
            answers = ringIn(rings, RING, null);
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
            if (lastMessage != null) {
                tasks.useAgain(lastMessage);
                lastMessage = null;
            }
            while (true) {
                Ring.Message message = tasks.poll();
                if (message == null) {
                    boolean came = spin != null && spin.until(tasks::hasMessage);
                    if (!came && !tasks.await()) {
                        return null;
                    }
                } else if (message.kind() == SHAPE) {
                    shapes.learn((int) -message.task(), Arrays.copyOf(message.payload(), message.length()));
                } else {
                    lastMessage = message.payload();
                    boolean isAhead = (message.kind() & AHEAD) != 0;
                    boolean isHeard = (message.kind() & HEARD) != 0;
                    return new Task(message.task(), isAhead, isHeard, message.payload(), message.length());
                }
            }
        }

        @Override
        public void end() {
            tasks.end();
        }

        @Override
        public void send(Kind kind, long task, long runNanos, long cpuNanos, MessageBuffer payload) throws IOException {
            answers.write(kind.ordinal(), task, runNanos, cpuNanos, payload.bytes(), payload.length());
        }

        @Override
        public long nextControl() throws IOException {
            return control.next();
        }
    }
}
