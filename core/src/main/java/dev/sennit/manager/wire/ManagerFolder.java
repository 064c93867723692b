package dev.sennit.manager.wire;

import dev.sennit.internal.Quietly;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Future;

/**
 * The private folder with the socket of a manager that serves this machine. It is removed when the server is closed, or
 * its JVM ends. If a server was killed, its clients remove the folder, or the next process that makes a
 * {@link MeetingFolder}.
 */
public final class ManagerFolder {
    private static final String SOCKET = "manager";
    private static final String STARTING = "starting";
    private static final int MOST_TRIES = 100;
    private static final Duration PROBE_LIMIT = Duration.ofSeconds(1);

    private ManagerFolder() {}

    /** A listening server, and the path of its socket. */
    public record Listening(ServerSocketChannel server, Path socket) {
        public void close() throws IOException {
            try {
                server.close();
            } finally {
                MeetingFolder.remove(folderOf(socket));
            }
        }
    }

    public static Listening listen() throws IOException {
        Path folder = MeetingFolder.create();
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(folder.resolve(STARTING)));
            // The socket gets its name only now: a process that finds the name without a listener may remove the
            // folder.
            Path socket = Files.move(folder.resolve(STARTING), folder.resolve(SOCKET));
            return new Listening(server, socket);
        } catch (IOException | RuntimeException e) {
            server.close();
            MeetingFolder.remove(folder);
            throw e;
        }
    }

    /**
     * Checks a socket that a message names. Its sender may not make this process connect elsewhere, or empty another
     * folder.
     */
    public static Path socketNamed(Path socket) throws InvalidObjectException {
        if (!socket.endsWith(SOCKET)) {
            throw new InvalidObjectException("\"" + socket + "\" is no place of a manager");
        }
        return MeetingFolder.named(String.valueOf(socket.getParent())).resolve(SOCKET);
    }

    /**
     * Removes the folder after its server has closed a connection, if the server's process has ended. A process that is
     * killed closes its sockets one after another, so this tries again for a while; a live server greets a new
     * connection.
     */
    public static void removeIfDying(Path socket) {
        for (int tries = 0; tries < MOST_TRIES && Files.exists(socket); tries++) {
            try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                Future<?> limit = Timers.after(PROBE_LIMIT, () -> Quietly.close(probe));
                try {
                    probe.connect(UnixDomainSocketAddress.of(socket));
                    if (probe.read(ByteBuffer.allocate(1)) > 0) {
                        return;
                    }
                } finally {
                    limit.cancel(false);
                }
            } catch (ConnectException e) {
                MeetingFolder.remove(folderOf(socket));
            } catch (ClosedChannelException e) {
                return; // it lives, and does nothing
            } catch (IOException e) {
                // closed while connecting
            }
        }
    }

    private static Path folderOf(Path socket) {
        return Objects.requireNonNull(socket.getParent());
    }
}
