package dev.sennit.loop;

import dev.sennit.internal.Deadline;
import java.io.IOException;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** Carries the bytes of a {@link ByteStream}. For coroutines of one loop: one reads, one writes. */
interface Transport {

    /** Does the handshake, if the transport has one that is not done yet. */
    default void shakeHands(Deadline deadline) throws IOException, InterruptedException {}

    /** Returns the TLS session; null if there is none, or none yet. */
    default @Nullable SSLSession session() {
        return null;
    }

    /**
     * Waits until {@link #readNow} may have something to read.
     *
     * @throws java.net.SocketTimeoutException at the deadline
     * @throws InterruptedException if the coroutine is cancelled; nothing is lost
     */
    void awaitReadable(Deadline deadline) throws IOException, InterruptedException;

    /**
     * Reads the bytes that are there, without waiting.
     *
     * @return the number of bytes; 0 if there are none yet; -1 if the other side has ended its output
     */
    int readNow(ByteBuffer target) throws IOException;

    /**
     * Hands bytes to the operating system, and waits while it takes none.
     *
     * @param source the bytes, from its position to its limit; the position tells how much was taken, also after a
     *     failure
     */
    void write(ByteBuffer source, Deadline deadline) throws IOException, InterruptedException;

    /** Tells the other side that nothing more will be sent. */
    void shutdownOutput(Deadline deadline) throws IOException, InterruptedException;

    /**
     * Frees everything and wakes those that wait. Does nothing when called again. From any thread.
     *
     * @param why the reason that those which wait are told
     */
    void close(String why);

    boolean isClosed();

    void ensureOpen() throws StreamClosedException;
}
