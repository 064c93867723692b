package dev.sennit.manager.wire;

import dev.sennit.internal.Backend;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of one connection of a manager, once both ends know each other. One thread at a time reads; anybody's threads
 * send, so sending neither waits nor minds interrupts.
 */
public interface Wire extends Closeable {
    /** Unsent bytes above which a server's reading pauses: who does not take answers gets to ask no more. */
    int MOST_UNSENT = 1 << 20;

    /** A buffer to read into. */
    default ByteBuffer bufferOf(int size) {
        return ByteBuffer.allocate(size);
    }

    /**
     * Waits for bytes; only the reading thread.
     *
     * @return how many came, 1 or more, or -1 at the end
     * @throws IOException when the connection broke, or was closed here
     */
    int read(ByteBuffer target) throws IOException;

    /**
     * Takes what is there, without waiting for longer than a look takes; only the reading thread.
     *
     * @return how many came, 0 for none so far or where that cannot be told, or -1 at the end
     * @throws IOException when the connection broke, or was closed here
     */
    default int readNow(ByteBuffer target) throws IOException {
        return 0;
    }

    /**
     * Sends bytes, after those of earlier calls. When that fails the connection is closed, which the reading thread sees.
     *
     * @param bytes handed over: the caller does not touch them any more
     * @param ifUnsent run when not all of it could be handed to the system
     */
    void send(ByteBuffer bytes, @Nullable Runnable ifUnsent);

    /**
     * When something last went through, as {@link System#nanoTime} tells it: what came, or what went and was more than the system
     * keeps by itself. On one machine that is always now, as the system tells when the other side ends.
     */
    default long lastMoved() {
        return Backend.current().nanoTime();
    }

    /** Ends both directions at once and wakes the reading thread. Has no effect when called again. */
    @Override
    void close();

    /** What has not been sent yet. Not for several threads: its wire guards it. */
    final class Backlog {
        /** Some bytes, and what to do if they stay. */
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
