package dev.sennit.internal.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sennit.internal.Linux;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A socket that listens, with its descriptor, which a {@link java.nio.channels.ServerSocketChannel} keeps to itself.
 * This process never accepts: it hands the descriptor to others ({@link DescriptorSender}), which share the connections
 * that come. What comes while none of them accepts waits in the backlog.
 *
 * <p>Programs that this process starts do not inherit the descriptor. It does not block: processes that share it would
 * otherwise sleep in {@code accept} when another was faster. A blocking Java channel on it waits as usual.
 *
 * <p>Where this is not {@linkplain Linux#isSupported supported}, each worker can open a listener of its own on the same
 * port: a {@code ServerSocketChannel} with {@link java.net.StandardSocketOptions#SO_REUSEPORT}, set before it is bound.
 * That needs nothing of this package. The kernel then deals connections out to listeners, so those that wait at the
 * listener of a worker that ends are lost, which is why this class is the first choice.
 */
public final class ListeningSocket implements AutoCloseable {
    private static final int FIRST_OF_SYSTEMD = 3;
    private static final int SOL_SOCKET = 1;
    private static final int SO_REUSEADDR = 2;
    private static final int SO_TYPE = 3;
    private static final int SO_ACCEPTCONN = 30;
    private static final int IPPROTO_IPV6 = 41;
    private static final int IPV6_V6ONLY = 26;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int FIRST_FREE = 3;
    private static final int F_SETFD = 2;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int FD_CLOEXEC = 1;
    private static final long OWNER_ONLY = 0600;

    private final String name;
    private final int descriptor;
    private final SocketAddress address;
    /** The identity of the file that {@link #close} removes; null if there is none. Guarded by this. */
    private @Nullable Object file;

    private final AtomicBoolean closed = new AtomicBoolean();

    private ListeningSocket(String name, int descriptor, SocketAddress address, @Nullable Object file) {
        this.name = name;
        this.descriptor = descriptor;
        this.address = address;
        this.file = file;
    }

    /**
     * Listens on a TCP port. The port may have connections left of a process that has ended ({@code SO_REUSEADDR}). As
     * in Java, {@code ::} stands for all addresses of this machine, those of IPv4 included, whatever the system's
     * default is.
     *
     * @param address where; port 0 is a free one
     * @param backlog how many connections may wait until they are accepted, at least 1; the system may allow fewer
     * @return the socket
     * @throws IOException if that cannot be; its message says why, and what to do
     */
    public static ListeningSocket bind(InetSocketAddress address, int backlog) throws IOException {
        ensurePositive(backlog);
        String where = text(address);
        String what = "cannot listen on " + where;
        SystemCall.ensureSupported(what);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment encoded = SocketName.inet(arena, address);
            boolean isSix = address.getAddress() instanceof Inet6Address;
            int socket = open(isSix ? SocketName.AF_INET6 : SocketName.AF_INET);
            try {
                Sockets.set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
                if (isSix) {
                    Sockets.set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
                }
                Sockets.bind(socket, encoded);
                SystemCall.LISTEN.make(socket, backlog, 0);
                return new ListeningSocket(where, socket, addressOf(socket), null);
            } catch (Throwable e) {
                Linux.close(socket);
                throw e;
            }
        } catch (SystemCallException e) {
            throw new IOException(what + ": " + e.reason() + remedy(e, address.getPort()), e);
        }
    }

    private static String remedy(SystemCallException e, int port) {
        return switch (e.errno()) {
            case SystemCallException.EADDRINUSE ->
                "; stop what listens there (ss -ltnp sport = :" + port + " tells its process), or take another port";
            case SystemCallException.EACCES ->
                "; take a port from 1024 on, or give this process CAP_NET_BIND_SERVICE";
            case SystemCallException.EADDRNOTAVAIL -> "; ip address tells which there are";
            default -> "";
        };
    }

    /**
     * Listens on a Unix path. A socket file on which nobody listens any more is replaced. Processes that start at once
     * on the same path exclude each other by a lock on its folder, so that none replaces the file of another that has
     * not got to listening.
     *
     * @param path where; {@link #close} removes it
     * @param backlog how many connections may wait until they are accepted, at least 1; the system may allow fewer
     * @param isPrivate whether only this user may connect, by the mode 0600; else who may is up to the umask
     * @return the socket
     * @throws IOException if that cannot be, as when somebody listens there; its message says why, and what to do
     */
    public static ListeningSocket bind(Path path, int backlog, boolean isPrivate) throws IOException {
        return bind(path, backlog, isPrivate, null);
    }

    /**
     * Listens on a Unix path as {@link #bind(Path, int, boolean)} does.
     *
     * @param permissions those of the file, whatever the umask is; until it has them, nobody can connect
     */
    public static ListeningSocket bind(Path path, int backlog, Set<PosixFilePermission> permissions)
            throws IOException {
        return bind(path, backlog, true, permissions);
    }

    private static ListeningSocket bind(
            Path path, int backlog, boolean isPrivate, @Nullable Set<PosixFilePermission> permissions)
            throws IOException {
        ensurePositive(backlog);
        Path absolute = path.toAbsolutePath();
        String what = "cannot listen on " + absolute;
        SystemCall.ensureSupported(what);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment encoded = SocketName.unix(arena, absolute.toString());
            try (var _ = FolderLock.of(Objects.requireNonNull(absolute.getParent(), "a path of a file"))) {
                return bind(absolute, encoded, backlog, isPrivate, permissions);
            }
        } catch (SystemCallException e) {
            String remedy = e.is(SystemCallException.EACCES)
                    ? "; choose a folder in which user " + System.getProperty("user.name") + " may write"
                    : "";
            throw new IOException(what + ": " + e.reason() + remedy, e);
        }
    }

    private static ListeningSocket bind(
            Path path, MemorySegment encoded, int backlog, boolean isPrivate,
            @Nullable Set<PosixFilePermission> permissions)
            throws IOException {
        int socket = open(SocketName.AF_UNIX);
        boolean isMade = false;
        try {
            if (isPrivate) {
                SystemCall.FCHMOD.make(socket, OWNER_ONLY, 0); // the file gets the mode with which it is made
            }
            try {
                Sockets.bind(socket, encoded);
            } catch (SystemCallException e) {
                if (!e.is(SystemCallException.EADDRINUSE)) {
                    throw e;
                }
                ensureStale(path, encoded);
                Files.delete(path);
                Sockets.bind(socket, encoded);
            }
            isMade = true;
            if (permissions != null) {
                Files.setPosixFilePermissions(path, permissions);
            }
            SystemCall.LISTEN.make(socket, backlog, 0);
            return new ListeningSocket(
                    path.toString(), socket, UnixDomainSocketAddress.of(path), Objects.requireNonNull(identity(path)));
        } catch (Throwable e) {
            if (isMade) { // the lock of the folder is held, so it is this socket's
                deleteAfter(e, path);
            }
            Linux.close(socket);
            throw e;
        }
    }

    private static void deleteAfter(Throwable failure, Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    /** Only the file of a stream socket on which nobody listens is stale. */
    private static void ensureStale(Path path, MemorySegment encoded) throws IOException {
        String what = "cannot listen on " + path + ": address already in use; ";
        int probe = open(SocketName.AF_UNIX);
        try {
            Sockets.connect(probe, encoded);
        } catch (SystemCallException e) {
            BasicFileAttributes there =
                    Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (!there.isOther()) { // nobody listens on a plain file either
                throw new IOException(what + "it is no socket, so it is kept: move it away, or take another path", e);
            }
            if (e.is(SystemCallException.ECONNREFUSED)) {
                return;
            }
            if (!e.is(SystemCallException.EAGAIN)) { // its backlog is full
                throw new IOException(what + "who listens there cannot be asked: " + e.reason(), e);
            }
        } finally {
            Linux.close(probe);
        }
        throw new IOException(what + "a process listens there: stop it, or take another path");
    }

    /**
     * Adopts the sockets with which systemd has started this process ({@code LISTEN_FDS}), in their order. To be called
     * once: a second call returns other objects for the same descriptors.
     *
     * @param environment the environment that this process was started with
     * @return empty if there are none, or they are those of another process ({@code LISTEN_PID})
     * @throws IOException if one is no listening stream socket; none is closed then
     * @throws IllegalArgumentException if a variable has an impossible value
     */
    public static List<ListeningSocket> ofSystemd(Map<String, String> environment) throws IOException {
        String count = environment.getOrDefault("LISTEN_FDS", "");
        String pid = environment.getOrDefault("LISTEN_PID", "");
        if (count.isEmpty() || !pid.equals(Long.toString(ProcessHandle.current().pid()))) {
            return List.of();
        }
        if (!count.matches("\\d{1,6}")) {
            throw new IllegalArgumentException("LISTEN_FDS must be a number >= 0, was \"" + count + "\"");
        }
        SystemCall.ensureSupported("cannot take over the sockets of systemd (LISTEN_FDS)");
        String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":", -1);
        List<ListeningSocket> sockets = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(count); i++) {
            String name = i < names.length && !names[i].isEmpty() ? names[i] : "unknown";
            sockets.add(adopt(FIRST_OF_SYSTEMD + i, name));
        }
        return List.copyOf(sockets);
    }

    private static ListeningSocket adopt(int descriptor, String name) throws IOException {
        String what = "cannot take over descriptor " + descriptor + " (" + name + ") of systemd: ";
        try {
            SystemCall.FCNTL.make(descriptor, F_SETFD, FD_CLOEXEC);
            if (Sockets.get(descriptor, SO_TYPE) != Sockets.SOCK_STREAM
                    || Sockets.get(descriptor, SO_ACCEPTCONN) == 0) {
                throw new IOException(what + "it does not listen; use ListenStream= and Accept=no in the socket unit");
            }
            long flags = SystemCall.FCNTL.make(descriptor, F_GETFL, 0);
            SystemCall.FCNTL.make(descriptor, F_SETFL, flags | Sockets.SOCK_NONBLOCK);
            return new ListeningSocket(name, descriptor, addressOf(descriptor), null);
        } catch (SystemCallException e) {
            throw new IOException(what + e.reason(), e);
        }
    }

    /**
     * Takes over a listening socket that another process has sent, which goes on to listen, too. {@link #close} leaves
     * a Unix path as it is, until this {@linkplain #ownPath owns} it.
     *
     * @param descriptor what was received; closed here if this fails
     * @param name what to call it
     * @return the socket
     * @throws IOException if it does not listen
     */
    public static ListeningSocket received(int descriptor, String name) throws IOException {
        boolean isTaken = false;
        try {
            if (Sockets.get(descriptor, SO_ACCEPTCONN) == 0) {
                throw new IOException("the socket that was received for listener " + name + " does not listen");
            }
            var socket = new ListeningSocket(name, descriptor, addressOf(descriptor), null);
            isTaken = true;
            return socket;
        } catch (SystemCallException e) {
            throw new IOException("the socket that was received for listener " + name + ": " + e.reason(), e);
        } finally {
            if (!isTaken) {
                Linux.close(descriptor);
            }
        }
    }

    /** Has {@link #close} remove the Unix path, if this has one: the process that made it has left it. */
    public synchronized void ownPath() {
        if (address instanceof UnixDomainSocketAddress unix && !unix.getPath().toString().startsWith("@")) {
            try {
                file = identity(unix.getPath());
            } catch (IOException e) { // somebody has removed it
                file = null;
            }
        }
    }

    /** Has {@link #close} leave the Unix path to another process, which listens on this socket, too. */
    public synchronized void leavePath() {
        file = null;
    }

    private static int open(int family) throws SystemCallException {
        return Sockets.open(family, Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK);
    }

    /** Asks the kernel where a socket is bound. */
    static SocketAddress addressOf(int socket) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment encoded = arena.allocate(SocketName.LARGEST, Long.BYTES);
            MemorySegment length = arena.allocateFrom(JAVA_INT, SocketName.LARGEST);
            SystemCall.GETSOCKNAME.make(socket, encoded.address(), length.address());
            return SocketName.decode(encoded, length.get(JAVA_INT, 0));
        }
    }

    private static void ensurePositive(int backlog) {
        if (backlog < 1) {
            throw new IllegalArgumentException("backlog must be >= 1, was " + backlog);
        }
    }

    private static String text(InetSocketAddress address) {
        String host = address.isUnresolved()
                ? address.getHostString()
                : address.getAddress().getHostAddress();
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    private static @Nullable Object identity(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    /**
     * Returns what it is called.
     *
     * @return the name that systemd has for it; of another, where it was asked to listen
     */
    public String name() {
        return name;
    }

    /**
     * Returns the descriptor, for {@link DescriptorSender}.
     *
     * @return a number that may be another file's after this is closed
     */
    public int descriptor() {
        return descriptor;
    }

    /**
     * Makes another descriptor of the same socket, which {@link #close} leaves open.
     *
     * @return the descriptor, which is the caller's to close, and which no program inherits that this process starts
     * @throws IOException if this is closed, or no descriptor is available
     */
    public synchronized int duplicate() throws IOException {
        if (closed.get()) {
            throw new IOException("listener " + name + " is closed");
        }
        return (int) SystemCall.FCNTL.make(descriptor, F_DUPFD_CLOEXEC, FIRST_FREE);
    }

    /**
     * Returns where it listens.
     *
     * @return an {@link InetSocketAddress} with the port in use, or a {@link UnixDomainSocketAddress}; of a socket that
     *     systemd has bound in no file system, its path begins with {@code @}
     */
    public SocketAddress address() {
        return address;
    }

    /**
     * Closes the descriptor of this process. A Unix path that it has made goes too, unless another file is there by
     * now. Processes that have the descriptor go on accepting, so this process may end before them.
     */
    @Override
    public synchronized void close() throws IOException {
        if (closed.compareAndSet(false, true)) {
            try {
                if (file != null && address instanceof UnixDomainSocketAddress unix) {
                    Path path = unix.getPath(); // first: nobody replaces it while this listens
                    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && file.equals(identity(path))) {
                        Files.deleteIfExists(path);
                    }
                }
            } finally {
                Linux.close(descriptor);
            }
        }
    }

    @Override
    public String toString() {
        return "listener " + name + (closed.get() ? " (closed)" : " on " + address);
    }
}
