package dev.sennit.internal.linux;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Linux;
import dev.sennit.internal.Quietly;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Receives one descriptor of another process, which {@link DescriptorSender} sends. The path should be in a folder that
 * only this user can enter, such as that in which a worker meets its parent.
 *
 * <p>The receiver makes the path before it asks for the descriptor, by other means; so the sender finds it at once.
 */
public final class DescriptorReceiver implements AutoCloseable {
    private final ListeningSocket socket;

    private DescriptorReceiver(ListeningSocket socket) {
        this.socket = socket;
    }

    /**
     * Makes the path.
     *
     * @param path where the sender connects
     * @return the receiver
     * @throws IOException if that cannot be; its message says why
     */
    public static DescriptorReceiver bind(Path path) throws IOException {
        return new DescriptorReceiver(ListeningSocket.bind(path, 1, true));
    }

    /**
     * Waits for the sender and its descriptor; to be called once. Cannot be interrupted, and pins the carrier of a
     * virtual thread.
     *
     * @param limit the longest to wait
     * @return the descriptor, which is the caller's to close, and which no program inherits that this process starts
     * @throws java.net.SocketTimeoutException if the time was over first
     * @throws IOException if the sender sends anything but one descriptor; what it has sent is closed
     */
    public int receive(Duration limit) throws IOException {
        Deadline deadline = Deadline.in(limit);
        String what = "receiving a descriptor at " + socket.name();
        if (!Sockets.awaitReadable(socket.descriptor(), deadline)) {
            throw deadline.missed(what);
        }
        int connection = (int) SystemCall.ACCEPT4.make(
                socket.descriptor(), 0, 0, Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC, 0);
        try {
            if (!Sockets.awaitReadable(connection, deadline)) {
                throw deadline.missed(what);
            }
            int descriptor = DescriptorMessage.receive(connection);
            try {
                DescriptorMessage.send(connection); // the sender returns
                return descriptor;
            } catch (Throwable e) { // it has given up
                Linux.close(descriptor);
                throw e;
            }
        } catch (SystemCallException e) {
            throw new IOException(what + ": " + e.reason(), e);
        } finally {
            Linux.close(connection);
        }
    }

    /** Removes the path. A descriptor that has been received stays open. */
    @Override
    public void close() {
        Quietly.close(socket::close);
    }
}
