package dev.sennit.loop;

import dev.sennit.internal.Deadline;
import java.io.IOException;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** What carries the bytes of a {@link ByteStream}. For coroutines of one loop, one that reads and one that writes. */
interface Transport {

    /** Comes to an agreement with the other side, if it takes one, and there is none yet. */
    default void shakeHands(Deadline deadline) throws IOException, InterruptedException {}

    /** The TLS session; null if there is none, or none yet. */
    default @Nullable SSLSession session() {
        return null;
    }

    /**
     * Waits until it is worth to call {@link #readNow}.
     *
     * @throws java.net.SocketTimeoutException at the deadline
     * @throws InterruptedException if the coroutine is cancelled; nothing is lost
     */
    void awaitReadable(Deadline deadline) throws IOException, InterruptedException;

    /**
     * Reads what has come, without waiting.
     *
     * @return how many bytes; 0 if there are none yet; -1 if the other side has said that it sends no more
     */
    int readNow(ByteBuffer target) throws IOException;

    /**
     * Hands bytes to the operating system, and waits while it takes none.
     *
     * @param source all that remains in it; its position tells how much was taken, also when this fails
     */
    void write(ByteBuffer source, Deadline deadline) throws IOException, InterruptedException;

    /** Tells the other side that nothing more will be sent. */
    void shutdownOutput(Deadline deadline) throws IOException, InterruptedException;

    /**
     * From any thread: frees everything, and wakes who waits. Does nothing when called again.
     *
     * @param why for them
     */
    void close(String why);

    boolean isClosed();

    void ensureOpen() throws StreamClosedException;
}
