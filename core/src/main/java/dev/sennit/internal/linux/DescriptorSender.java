package dev.sennit.internal.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Linux;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;

/** Sends a descriptor of this process to another, which waits for it as a {@link DescriptorReceiver}. */
public final class DescriptorSender {
    private DescriptorSender() {}

    /**
     * Sends a descriptor, and returns when the other process has it. Both then have the same open socket or file: it is
     * closed when both have closed it. Cannot be interrupted, and pins the carrier of a virtual thread.
     *
     * @param path where the receiver waits
     * @param descriptor what to send; stays open here
     * @param limit the longest to wait
     * @throws java.net.SocketTimeoutException if the time was over first; the receiver may have it all the same
     * @throws IOException if nobody receives there, or the receiver has not taken it; its message says which
     */
    public static void send(Path path, int descriptor, Duration limit) throws IOException {
        Deadline deadline = Deadline.in(limit);
        String what = "cannot send descriptor " + descriptor + " to " + path;
        SystemCall.ensureSupported(what);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = SocketName.unix(arena, path.toString());
            int socket = Sockets.open(SocketName.AF_UNIX, Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK);
            try {
                Sockets.connect(socket, to); // at once: the receiver has to accept nothing for that
                DescriptorMessage.send(socket, descriptor);
                if (!Sockets.awaitReadable(socket, deadline)) {
                    throw deadline.missed("sending descriptor " + descriptor + " to " + path);
                }
                if (SystemCall.READ.make(socket, arena.allocate(JAVA_BYTE).address(), 1) != 1) {
                    throw new IOException(what + ": the receiver has not taken it");
                }
            } finally {
                Linux.close(socket);
            }
        } catch (SystemCallException e) {
            throw new IOException(what + ": " + e.reason(), e);
        }
    }
}
