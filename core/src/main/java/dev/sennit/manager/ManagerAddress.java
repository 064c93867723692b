package dev.sennit.manager;

import dev.sennit.codec.AllowList;
import dev.sennit.codec.Reading;
import dev.sennit.internal.Keys;
import dev.sennit.manager.wire.ManagerFolder;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serial;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The place of a manager's server, and the key to it.
 *
 * <p>It can be sent to another process, and so can a proxy, which contains an address. <b>A program that reads its
 * bytes can use the manager</b>: send it only over private channels, such as a pool's own connections to its workers;
 * never log it, or put it on a command line. {@link #toString} leaves the key out.
 *
 * <p>It contains the allow-list for what its holder reads from the server, as {@link ManagerServer.Builder#allow} and
 * {@link #remote} name it. A worker believes that list if it comes from its parent. Any other process that receives an
 * address or a proxy uses the list of the reader that received it; a process that reads an address from a stream of its
 * own accepts the JDK's values alone. {@link ManagerClient#allow} adds to either.
 */
public final class ManagerAddress implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    /** The id of the server, whatever its address; 0 if it is not known yet. */
    private final transient long server;
    /** The socket's file on this machine; null for another machine. */
    private final transient @Nullable String socket;
    /** The host and port on another machine; null on this machine. */
    private final transient @Nullable InetSocketAddress remote;
    private final transient byte[] key;
    /** The only certificate to trust, if it is known. */
    private final transient byte @Nullable [] certificate;
    /** The classes that may be read from the server. Clients use copies. */
    private final transient AllowList allowed;

    ManagerAddress(
            long server,
            @Nullable String socket,
            @Nullable InetSocketAddress remote,
            byte[] key,
            byte @Nullable [] certificate,
            AllowList allowed) {
        this.server = server;
        this.socket = socket;
        this.remote = remote;
        this.key = key;
        this.certificate = certificate;
        this.allowed = allowed;
    }

    /**
     * Returns the address of a server on another machine.
     *
     * @param at its host and port
     * @param key the key that was given to {@link ManagerServer.Builder#key}; at least 16 bytes
     * @param allowed further classes that may be read from the server, as in {@link ManagerServer.Builder#allow}
     * @return an address to {@linkplain ManagerClient#connect(ManagerAddress, javax.net.ssl.SSLContext) connect} to
     */
    public static ManagerAddress remote(InetSocketAddress at, byte[] key, String... allowed) {
        Objects.requireNonNull(at, "at");
        AllowList.ensurePatterns(allowed);
        return new ManagerAddress(0, null, at, Keys.ensureLong(key), null, new AllowList(List.of(allowed)));
    }

    /** Returns the same address, completed by the server's id and its certificate. */
    ManagerAddress known(long toldServer, byte @Nullable [] toldCertificate) {
        return new ManagerAddress(toldServer, socket, remote, key, toldCertificate, allowed);
    }

    /** Returns the same address for a reader with another allow-list. */
    ManagerAddress allowing(AllowList other) {
        return new ManagerAddress(server, socket, remote, key, certificate, other);
    }

    /**
     * The proof that a connection to the server gives, and its way: a server that is reached by another way, or has
     * another key or another certificate, is another server, whatever its claimed id.
     */
    record Identity(
            long server,
            @Nullable String socket,
            @Nullable InetSocketAddress remote,
            ByteBuffer key,
            @Nullable ByteBuffer certificate) {}

    Identity identity() {
        return new Identity(
                server, socket, remote, ByteBuffer.wrap(key),
                certificate == null ? null : ByteBuffer.wrap(certificate));
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

    AllowList allowed() {
        return allowed;
    }

    @Override
    public String toString() {
        return "ManagerAddress[" + where() + "]";
    }

    String where() {
        return socket != null ? socket : Objects.requireNonNull(remote).getHostString() + ":" + remote.getPort();
    }

    // ---- travelling ----

    @Serial
    private Object writeReplace() {
        return new Sent(server, socket, remote, key, certificate, allowed.named(), allowed.locations());
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("comes as what is sent of it");
    }

    /** The form in which an address travels. */
    @SuppressWarnings("ArrayRecordComponent") // made once, never compared
    private record Sent(
            long server,
            @Nullable String socket,
            @Nullable InetSocketAddress remote,
            byte[] key,
            byte @Nullable [] certificate,
            List<String> named,
            List<String> locations)
            implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;

        @Serial
        private Object readResolve() throws InvalidObjectException {
            if ((socket == null) == (remote == null) || key.length < Keys.SHORTEST) {
                throw new InvalidObjectException("what is sent is no address of a manager");
            }
            String place = socket == null ? null : ManagerFolder.socketNamed(Path.of(socket)).toString();
            return new ManagerAddress(server, place, remote, key, certificate, Reading.listFor(named, locations));
        }
    }
}
