package dev.sennit.process;

import dev.sennit.internal.Deadline;
import dev.sennit.process.Frames.Kind;
import java.io.IOException;
import java.io.StreamCorruptedException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What one side of a {@link WorkerProcess}'s socket has to send, in order. No sender waits for the other side to read.
 *
 * <p>A sender writes to the socket itself, which does not block. What the socket does not take waits here; the thread
 * that reads the socket waits for room as well then, and {@linkplain #flush writes} the rest.
 *
 * <pre>
 * UNCONNECTED -> OPEN -> CLOSED        frames wait until it is open, and go nowhere once it is closed
 * </pre>
 */
final class Outbox {
    /** In bytes, with their headers. */
    static final int MOST_NOTES = 1 << 20;

    /** The JDK copies each piece into memory outside the heap, and keeps that for the thread. */
    private static final int PIECE = 1 << 16;

    private static final long LOOK_NANOS = 1_000_000;

    /** What is not written yet, and the room for notes that is free again when it is. */
    private record Waiting(ByteBuffer bytes, int gives) {}

    /** Whether the receiver of a note gives its room back, by {@link #taken}; else it is free when it is written. */
    private final boolean acknowledged;
    /** All below guarded by this. */
    private final Deque<Waiting> waiting = new ArrayDeque<>();

    /** Notes that may not go yet; null once they may. */
    private @Nullable Deque<Waiting> early;

    private int room = MOST_NOTES;
    private @Nullable SocketChannel socket;
    private @Nullable SelectionKey key;
    private boolean closed;

    private Outbox(boolean acknowledged, @Nullable Deque<Waiting> early) {
        this.acknowledged = acknowledged;
        this.early = early;
    }

    /** The parent's, whose notes wait for the main of its process. */
    static Outbox ofParent() {
        return new Outbox(true, new ArrayDeque<>());
    }

    /** That of a process. */
    static Outbox ofChild() {
        return new Outbox(false, null);
    }

    /** Lets notes go, after what waits already. */
    synchronized void releaseNotes() {
        if (early != null && !closed) {
            waiting.addAll(early);
        }
        early = null;
        flush();
    }

    /** Sends what waits, and what comes from now on. The key is that with which a thread waits to read. */
    synchronized void open(SocketChannel connected, SelectionKey watched) {
        if (!closed) {
            socket = connected;
            key = watched;
            flush();
        }
    }

    /**
     * Sends a note.
     *
     * @return false if it is closed or has no room
     * @throws IllegalArgumentException if the note is too long
     */
    boolean offer(byte[] note) {
        if (!Kind.NOTE.takes(note.length)) {
            throw new IllegalArgumentException(
                    "note must have <= " + Frames.LONGEST_NOTE + " bytes, had " + note.length);
        }
        int cost = Frames.HEADER + note.length;
        synchronized (this) {
            if (closed || room < cost) {
                return false;
            }
            (early != null ? early : waiting).addLast(new Waiting(Frames.note(note), acknowledged ? 0 : cost));
            room -= cost;
            flush();
            return !closed;
        }
    }

    /** Sends a frame, however much waits. */
    synchronized void add(ByteBuffer frame) {
        if (!closed) {
            waiting.addLast(new Waiting(frame, 0));
            flush();
        }
    }

    /** Sends a frame whose content is large. */
    synchronized void add(Kind kind, byte[] content, int length) {
        ByteBuffer header = Frames.header(kind, length);
        if (!closed) {
            waiting.addLast(new Waiting(header, 0));
            waiting.addLast(new Waiting(ByteBuffer.wrap(content, 0, length), 0));
            flush();
        }
    }

    /** The receiver has taken so much of the notes. */
    synchronized void taken(long bytes) throws StreamCorruptedException {
        if (bytes <= 0 || bytes > MOST_NOTES - room) {
            throw new StreamCorruptedException(
                    bytes + " bytes of notes were taken, where " + (MOST_NOTES - room) + " were sent");
        }
        room += (int) bytes;
    }

    /** Writes as much as the socket takes. */
    synchronized void flush() {
        if (closed || socket == null || key == null) {
            return;
        }
        try {
            while (!waiting.isEmpty() && write(waiting.getFirst().bytes(), socket)) {
                room += waiting.removeFirst().gives();
            }
            boolean isSending = (key.interestOps() & SelectionKey.OP_WRITE) != 0;
            if (isSending == waiting.isEmpty()) {
                key.interestOps(
                        waiting.isEmpty() ? SelectionKey.OP_READ : SelectionKey.OP_READ | SelectionKey.OP_WRITE);
                key.selector().wakeup();
            }
        } catch (IOException | CancelledKeyException e) { // the other side has ended
            close();
        }
    }

    private static boolean write(ByteBuffer bytes, SocketChannel socket) throws IOException {
        int end = bytes.limit();
        while (bytes.hasRemaining()) {
            int before = bytes.position();
            bytes.limit(Math.min(end, before + PIECE));
            try {
                socket.write(bytes);
            } finally {
                bytes.limit(end);
            }
            if (bytes.position() == before) {
                return false;
            }
        }
        return true;
    }

    /** Waits until all is written, or nothing can be; for a process that is about to end. */
    void awaitSent(Deadline deadline) {
        while (!isSent() && !deadline.isOver()) {
            LockSupport.parkNanos(this, LOOK_NANOS);
            flush();
        }
    }

    private synchronized boolean isSent() {
        return closed || waiting.isEmpty();
    }

    /** Nothing is sent any more. */
    synchronized void close() {
        closed = true;
        waiting.clear();
        early = null;
    }

    @Override
    public synchronized String toString() {
        return "Outbox[" + waiting.size() + " wait, room for " + room + " bytes" + (closed ? ", closed]" : "]");
    }
}
