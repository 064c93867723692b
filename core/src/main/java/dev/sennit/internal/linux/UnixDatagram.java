package dev.sennit.internal.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.sennit.internal.Linux;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A Unix socket that receives datagrams at a path: what {@code NOTIFY_SOCKET} names. Java has only stream sockets
 * there.
 *
 * <p>Descriptors that come with a datagram are closed by the kernel, unseen. {@code systemd-notify} relies on that: it
 * waits until the one that it sends with its last datagram is closed.
 */
public final class UnixDatagram implements AutoCloseable {
    /** The longest datagram that is received, in bytes. */
    public static final int LONGEST = 64 * 1024;

    private static final int SHUT_RDWR = 2;

    private final Path path;
    private final int socket;
    private final AtomicBoolean closed = new AtomicBoolean();
    /** Held while the descriptor is in use: its number may be another file's once it is closed. */
    private final ReentrantLock reading = new ReentrantLock();

    private UnixDatagram(Path path, int socket) {
        this.path = path;
        this.socket = socket;
    }

    /**
     * Makes the path, and receives there.
     *
     * @param path where there is nothing yet, in a folder that only those may enter who may send
     * @return the socket
     * @throws IOException if that cannot be; its message says why
     */
    public static UnixDatagram bind(Path path) throws IOException {
        Path absolute = path.toAbsolutePath();
        String what = "cannot receive datagrams at " + absolute;
        SystemCall.ensureSupported(what);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = SocketName.unix(arena, absolute.toString());
            int socket = Sockets.open(SocketName.AF_UNIX, Sockets.SOCK_DGRAM);
            try {
                Sockets.bind(socket, name);
            } catch (Throwable e) {
                Linux.close(socket);
                throw e;
            }
            return new UnixDatagram(absolute, socket);
        } catch (SystemCallException e) {
            throw new IOException(what + ": " + e.reason(), e);
        }
    }

    /**
     * Returns where it receives.
     *
     * @return an absolute path, for {@link #send}
     */
    public Path path() {
        return path;
    }

    /**
     * Waits for the next datagram, and drops those that are longer than {@link #LONGEST}. Cannot be interrupted, and
     * pins the carrier of a virtual thread: it wants a platform thread of its own.
     *
     * @return its bytes; null once this is closed
     * @throws IOException if the system fails
     */
    public byte @Nullable [] receive() throws IOException {
        reading.lock();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(LONGEST + 1L);
            while (!closed.get()) {
                int length = read(buffer);
                if (length >= 0 && length <= LONGEST && !closed.get()) {
                    return buffer.asSlice(0, length).toArray(JAVA_BYTE);
                }
            }
            return null;
        } finally {
            reading.unlock();
        }
    }

    /** Returns -1 if a signal came first. */
    private int read(MemorySegment buffer) throws SystemCallException {
        try {
            return (int) SystemCall.READ.make(socket, buffer.address(), buffer.byteSize());
        } catch (SystemCallException e) {
            if (e.is(SystemCallException.EINTR)) {
                return -1;
            }
            throw e;
        }
    }

    /** Removes the path, and wakes the thread in {@link #receive}. Datagrams that nobody has received are lost. */
    @Override
    public void close() throws IOException {
        if (closed.compareAndSet(false, true)) {
            try {
                SystemCall.SHUTDOWN.make(socket, SHUT_RDWR, 0); // reading returns from now on, again and again
            } finally {
                reading.lock();
                try {
                    Linux.close(socket);
                } finally {
                    reading.unlock();
                    Files.deleteIfExists(path);
                }
            }
        }
    }

    /**
     * Sends a datagram. Never waits.
     *
     * @param name a path; or {@code @} and the name of a socket that is in no file system
     * @param message at most {@link #LONGEST} bytes
     * @throws IOException if nobody receives there, or does not keep up; its message says which
     */
    public static void send(String name, byte[] message) throws IOException {
        String what = "cannot send a datagram to " + name;
        if (message.length > LONGEST) {
            throw new IllegalArgumentException("message must have <= " + LONGEST + " bytes, had " + message.length);
        }
        SystemCall.ensureSupported(what);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = SocketName.unix(arena, name);
            MemorySegment bytes = arena.allocateFrom(JAVA_BYTE, message);
            int socket = Sockets.open(SocketName.AF_UNIX, Sockets.SOCK_DGRAM | Sockets.SOCK_NONBLOCK);
            try {
                Sockets.connect(socket, to);
                SystemCall.WRITE.make(socket, bytes.address(), message.length);
            } finally {
                Linux.close(socket);
            }
        } catch (SystemCallException e) {
            throw new IOException(
                    what + ": " + (e.is(SystemCallException.EAGAIN) ? "its receiver does not keep up" : e.reason()), e);
        }
    }

    @Override
    public String toString() {
        return path + (closed.get() ? " (closed)" : "");
    }
}
