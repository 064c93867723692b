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
 * Where a {@link ConnectionListener} is, and the key to it.
 *
 * <p>It can be sent to another process. <b>Whoever reads its bytes can connect</b>: send it only through what is private, never log it,
 * or put it on a command line. {@link #toString} leaves the key out.
 */
public final class ConnectionAddress implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The socket's file; else null. */
    private final @Nullable String socket;
    /** The port of the loopback address, where there is no file. */
    private final int port;

    private final byte[] key;

    private ConnectionAddress(@Nullable String socket, int port, byte[] key) {
        this.socket = socket;
        this.port = port;
        this.key = Keys.ensureLong(key);
    }

    /**
     * A socket in the file system.
     *
     * @param socket its file
     * @param key at least 16 bytes that nobody can guess
     * @return an address to listen at, or to connect to
     */
    public static ConnectionAddress of(Path socket, byte[] key) {
        return new ConnectionAddress(socket.toAbsolutePath().toString(), 0, key);
    }

    /**
     * A port of the loopback address.
     *
     * @param port 1 to 65535; or 0 to listen at any that is free
     * @param key at least 16 bytes that nobody can guess
     * @return an address to listen at, or to connect to
     */
    public static ConnectionAddress of(int port, byte[] key) {
        if (port < 0 || port > 0xFFFF) {
            throw new IllegalArgumentException("port must be >= 0 and <= 65535, was " + port);
        }
        return new ConnectionAddress(null, port, key);
    }

    /** Where the system finds it. */
    SocketAddress at() {
        return socket != null
                ? UnixDomainSocketAddress.of(socket)
                : new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    byte[] key() {
        return key;
    }

    /** The bytes may come from anybody: what they say has to be what the factories let through. */
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
        } catch (IllegalArgumentException | NullPointerException e) { // a key of no bytes, for one
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

    /** Where it is, for people. */
    String where() {
        return socket != null ? socket : "port " + port;
    }

    @Override
    public String toString() {
        return "ConnectionAddress[" + where() + "]";
    }
}
