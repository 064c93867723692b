package dev.sennit.pipe;

import dev.sennit.internal.Keys;
import java.io.InvalidObjectException;
import java.io.Serial;
import java.io.Serializable;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The place of a {@link ConnectionListener}, and the key to it.
 *
 * <p>It can be sent to another process. <b>A program that reads its bytes can connect</b>: send it only over private
 * channels, and never log it or put it on a command line. {@link #toString} leaves the key out.
 */
public final class ConnectionAddress implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The socket's file; null for a port. */
    private final @Nullable String socket;
    /** The port of the loopback address; unused if there is a file. */
    private final int port;

    private final byte[] key;

    private ConnectionAddress(@Nullable String socket, int port, byte[] key) {
        this.socket = socket;
        this.port = port;
        this.key = Keys.ensureLong(key);
    }

    /**
     * Returns the address of a socket in the file system.
     *
     * @param socket its file
     * @param key at least 16 bytes that cannot be guessed
     * @return an address to listen at, or to connect to
     */
    public static ConnectionAddress of(Path socket, byte[] key) {
        return new ConnectionAddress(socket.toAbsolutePath().toString(), 0, key);
    }

    /**
     * Returns the address of a port of the loopback interface.
     *
     * @param port 1 to 65535; or 0 to listen at any free port
     * @param key at least 16 bytes that cannot be guessed
     * @return an address to listen at, or to connect to
     */
    public static ConnectionAddress of(int port, byte[] key) {
        if (port < 0 || port > 0xFFFF) {
            throw new IllegalArgumentException("port must be >= 0 and <= 65535, was " + port);
        }
        return new ConnectionAddress(null, port, key);
    }

    /** Returns the address for the operating system. */
    SocketAddress at() {
        return socket != null
                ? UnixDomainSocketAddress.of(socket)
                : new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    byte[] key() {
        return key;
    }

    /** Checks the fields as the factories do: the bytes may come from anywhere. */
    @Serial
    private Object readResolve() throws InvalidObjectException {
        try {
            if (socket == null) {
                return of(port, key);
            }
            Path file = Path.of(socket);
            if (file.isAbsolute() && port == 0) {
                return of(file, key);
            }
        } catch (IllegalArgumentException | NullPointerException e) { // a missing key, for example
            throw new InvalidObjectException("what is sent is no address of a listener: " + e.getMessage(), e);
        }
        throw new InvalidObjectException("what is sent is no address of a listener");
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ConnectionAddress address
                && Objects.equals(address.socket, socket)
                && address.port == port
                && java.security.MessageDigest.isEqual(address.key, key);
    }

    @Override
    public int hashCode() {
        return Objects.hash(socket, port);
    }

    /** Returns the place without the key, for messages. */
    String where() {
        return socket != null ? socket : "port " + port;
    }

    @Override
    public String toString() {
        return "ConnectionAddress[" + where() + "]";
    }
}
