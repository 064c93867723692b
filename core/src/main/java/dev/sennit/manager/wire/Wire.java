package dev.sennit.manager.wire;

import dev.sennit.internal.Backend;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of one connection of a manager, after its ends have greeted each other. One thread at a time reads. Any
 * thread may send, so sending neither waits nor reacts to interrupts.
 */
public interface Wire extends Closeable {
    /** Above so many unsent bytes a server pauses reading: a client that does not take answers cannot ask more. */
    int MOST_UNSENT = 1 << 20;

    /** Returns a buffer to read into. */
    default ByteBuffer bufferOf(int size) {
        return ByteBuffer.allocate(size);
    }

    /**
     * Waits for bytes. Only the reading thread.
     *
     * @return how many came, 1 or more, or -1 at the end
     * @throws IOException if the connection broke, or was closed here
     */
    int read(ByteBuffer target) throws IOException;

    /**
     * Reads the bytes that are there, without waiting for longer than a look takes. Only the reading thread.
     *
     * @return how many came, 0 if there are none or the wire cannot tell, or -1 at the end
     * @throws IOException if the connection broke, or was closed here
     */
    default int readNow(ByteBuffer target) throws IOException {
        return 0;
    }

    /**
     * Sends bytes after those of earlier calls. If that fails, the connection is closed, which the reading thread
     * notices.
     *
     * @param bytes belong to the wire from now on
     * @param ifUnsent runs if not all bytes could be handed to the system
     */
    void send(ByteBuffer bytes, @Nullable Runnable ifUnsent);

    /**
     * Returns when bytes last moved, by {@link System#nanoTime}: bytes that came, or bytes that went and were more than
     * the system buffers by itself. On one machine this is always now, as the system tells when the other side ends.
     */
    default long lastMoved() {
        return Backend.current().nanoTime();
    }

    /** Closes both directions at once and wakes the reading thread. Calling it again has no effect. */
    @Override
    void close();

    /** The bytes that have not been sent yet. Guarded by its wire. */
    final class Backlog {
        /** Some bytes, and an action that runs if they are never sent. */
        record Outgoing(ByteBuffer bytes, @Nullable Runnable ifUnsent) {}

        private final ArrayDeque<Outgoing> waiting = new ArrayDeque<>();
        private long bytes;

        void add(Outgoing one) {
            waiting.add(one);
            bytes += one.bytes().remaining();
        }

        @Nullable Outgoing first() {
            return waiting.peek();
        }

        void sent(int count) {
            bytes -= count;
        }

        void removeFirst() {
            waiting.remove();
        }

        boolean isEmpty() {
            return waiting.isEmpty();
        }

        boolean isTooLong() {
            return bytes > MOST_UNSENT;
        }

        List<Outgoing> drain() {
            List<Outgoing> left = List.copyOf(waiting);
            waiting.clear();
            bytes = 0;
            return left;
        }

        static void tellUnsent(List<Outgoing> left) {
            for (Outgoing one : left) {
                if (one.ifUnsent() != null) {
                    one.ifUnsent().run();
                }
            }
        }
    }
}
