package dev.sennit.process;

import java.io.Serializable;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where a manager's server is, and the key to it.
 *
 * <p>It can be sent to another process, as a proxy can, which holds one. <b>Whoever reads its bytes can use the manager</b>:
 * send it only through what is private, such as a pool's own connections to its workers; never log it, or put it on a command
 * line. {@link #toString} leaves the key out.
 */
public final class ManagerAddress implements Serializable {
    private static final long serialVersionUID = 1L;
    static final int SHORTEST_KEY = 16;

    /** Of that server, whatever its address; 0 where that is not known before it was asked. */
    private final long server;
    /** The socket's file on this machine; else null. */
    private final @Nullable String socket;
    /** Null on this machine. */
    private final @Nullable InetSocketAddress remote;
    private final byte[] key;
    /** The one certificate to trust, if it is known. */
    private final byte @Nullable [] certificate;

    @SuppressWarnings("serial") // always one of List.copyOf's
    private final List<String> allowed;

    ManagerAddress(
            long server,
            @Nullable String socket,
            @Nullable InetSocketAddress remote,
            byte[] key,
            byte @Nullable [] certificate,
            List<String> allowed) {
        this.server = server;
        this.socket = socket;
        this.remote = remote;
        this.key = key;
        this.certificate = certificate;
        this.allowed = List.copyOf(allowed);
    }

    /**
     * The address of a server on another machine.
     *
     * @param at its host and port
     * @param key the key that was given to {@link ManagerServer.Builder#key}; at least 16 bytes
     * @param allowed what else may be read of what it sends, as in {@link ManagerServer.Builder#allow}
     * @return an address to {@linkplain ManagerClient#connect(ManagerAddress, javax.net.ssl.SSLContext) connect} to
     */
    public static ManagerAddress remote(InetSocketAddress at, byte[] key, String... allowed) {
        Objects.requireNonNull(at, "at");
        return new ManagerAddress(0, null, at, ensureLong(key), null, List.of(allowed));
    }

    static byte[] ensureLong(byte[] key) {
        if (key.length < SHORTEST_KEY) {
            throw new IllegalArgumentException("key must have >= " + SHORTEST_KEY + " bytes, had " + key.length);
        }
        return key.clone();
    }

    /** The same, with what the server and its certificate told. */
    ManagerAddress known(long toldServer, byte @Nullable [] toldCertificate) {
        return new ManagerAddress(toldServer, socket, remote, key, toldCertificate, allowed);
    }

    long server() {
        return server;
    }

    @Nullable String socket() {
        return socket;
    }

    @Nullable InetSocketAddress remote() {
        return remote;
    }

    byte[] key() {
        return key;
    }

    byte @Nullable [] certificate() {
        return certificate;
    }

    List<String> allowed() {
        return allowed;
    }

    @Override
    public String toString() {
        return "ManagerAddress[" + where() + "]";
    }

    String where() {
        return socket != null ? socket : Objects.requireNonNull(remote).getHostString() + ":" + remote.getPort();
    }
}
