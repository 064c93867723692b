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
 * Where a manager's server is, and the key to it.
 *
 * <p>It can be sent to another process, as a proxy can, which holds one. <b>Whoever reads its bytes can use the manager</b>:
 * send it only through what is private, such as a pool's own connections to its workers; never log it, or put it on a command
 * line. {@link #toString} leaves the key out.
 *
 * <p>It says what its holder may read of what the server sends, as {@link ManagerServer.Builder#allow} and {@link #remote} name it. A worker
 * believes that of its parent. Any other process that is sent an address or a proxy has the list of the reader that received it,
 * and one that reads an address from a stream of its own the JDK's values alone; {@link ManagerClient#allow} adds to either.
 */
public final class ManagerAddress implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Of that server, whatever its address; 0 where that is not known before it was asked. */
    private final transient long server;
    /** The socket's file on this machine; else null. */
    private final transient @Nullable String socket;
    /** Null on this machine. */
    private final transient @Nullable InetSocketAddress remote;
    private final transient byte[] key;
    /** The one certificate to trust, if it is known. */
    private final transient byte @Nullable [] certificate;
    /** The classes that may be read of what the server sends; others use copies. */
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
     * The address of a server on another machine.
     *
     * @param at its host and port
     * @param key the key that was given to {@link ManagerServer.Builder#key}; at least 16 bytes
     * @param allowed what else may be read of what it sends, as in {@link ManagerServer.Builder#allow}
     * @return an address to {@linkplain ManagerClient#connect(ManagerAddress, javax.net.ssl.SSLContext) connect} to
     */
    public static ManagerAddress remote(InetSocketAddress at, byte[] key, String... allowed) {
        Objects.requireNonNull(at, "at");
        AllowList.ensurePatterns(allowed);
        return new ManagerAddress(0, null, at, Keys.ensureLong(key), null, new AllowList(List.of(allowed)));
    }

    /** The same, with what the server and its certificate told. */
    ManagerAddress known(long toldServer, byte @Nullable [] toldCertificate) {
        return new ManagerAddress(toldServer, socket, remote, key, toldCertificate, allowed);
    }

    /** The same for a reader with another list. */
    ManagerAddress allowing(AllowList other) {
        return new ManagerAddress(server, socket, remote, key, certificate, other);
    }

    /**
     * The proof that a connection to the server gives, and its way: a server that is reached by another way, has another key or another
     * certificate is another server, whatever id it is said to have.
     */
    record Identity(
            long server,
            @Nullable String socket,
            @Nullable InetSocketAddress remote,
            ByteBuffer key,
            @Nullable ByteBuffer certificate) {}

    Identity identity() {
        return new Identity(
                server, socket, remote, ByteBuffer.wrap(key), certificate == null ? null : ByteBuffer.wrap(certificate));
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

    /** The form that travels in its place. */
    @SuppressWarnings("ArrayRecordComponent") // made once, compared never
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
