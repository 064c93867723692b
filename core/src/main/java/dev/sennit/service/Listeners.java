package dev.sennit.service;

import dev.sennit.internal.Linux;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.linux.DescriptorSender;
import dev.sennit.internal.linux.HeldListeners;
import dev.sennit.internal.linux.ListeningSocket;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The listeners of a manager, by name. The manager binds each socket, and sends its descriptor to the workers, which
 * accept connections on it. So if a worker ends, other workers accept the connections that wait.
 *
 * <p>Without native access, descriptors cannot be sent. Then each worker binds a socket of its own to the same port,
 * and the manager keeps the port with a socket that does not listen.
 */
final class Listeners implements HeldListeners {
    private static final int BACKLOG = 1024;
    /** The time for a worker to take its descriptor: it has asked for it, and so takes it at once. */
    private static final Duration SEND_LIMIT = Duration.ofSeconds(30);

    /**
     * A listener.
     *
     * @param socket null where descriptors cannot be sent
     * @param keeper a socket that keeps the port, if {@code socket} is null
     * @param isOfSystemd whether systemd has bound the socket: if the manager closed it, it could not get it again
     */
    private record Bound(
            String name,
            SocketAddress address,
            @Nullable ListeningSocket socket,
            @Nullable Closeable keeper,
            boolean isOfSystemd) {
        void close() {
            if (socket != null) {
                Quietly.close(socket::close);
            }
            if (keeper != null) {
                Quietly.close(keeper);
            }
        }
    }

    private final boolean canPass;

    // guarded by this
    private final Map<String, Bound> bound = new LinkedHashMap<>();
    /** The sockets from systemd that no listener uses; null before the first request for one. */
    private @Nullable List<ListeningSocket> ofSystemd;
    private boolean isClosed;

    Listeners() {
        this(Linux.isSupported());
    }

    /** For tests: sets whether descriptors can be sent. */
    Listeners(boolean canPass) {
        this.canPass = canPass;
    }

    SocketAddress listen(String name, SocketAddress address) throws IOException {
        return listen(name, address, null);
    }

    /** Binds an address, without the lock, as other processes may delay this. */
    SocketAddress listen(String name, SocketAddress address, @Nullable Set<PosixFilePermission> mode)
            throws IOException {
        synchronized (this) {
            ensureFree(name);
        }
        Bound made = bind(name, address, mode);
        boolean isAdded = false;
        try {
            synchronized (this) {
                ensureFree(name);
                bound.put(name, made);
                isAdded = true;
            }
        } finally {
            if (!isAdded) {
                made.close();
            }
        }
        return made.address();
    }

    private Bound bind(String name, SocketAddress address, @Nullable Set<PosixFilePermission> mode)
            throws IOException {
        if (address instanceof UnixDomainSocketAddress unix) {
            if (!canPass) {
                throw new IOException(
                        "cannot listen on " + unix.getPath() + ": workers can share a Unix path only with "
                                + "native access; " + Linux.remedy());
            }
            return shared(name, mode == null
                    ? ListeningSocket.bind(unix.getPath(), BACKLOG, false)
                    : ListeningSocket.bind(unix.getPath(), BACKLOG, mode));
        }
        if (address instanceof InetSocketAddress inet) {
            if (inet.isUnresolved()) {
                throw new IOException("cannot listen on " + inet.getHostString() + ": no such host is known");
            }
            return canPass ? shared(name, ListeningSocket.bind(inet, BACKLOG)) : keptFree(name, inet);
        }
        throw new IllegalArgumentException("address must be of TCP or a Unix path, was " + address);
    }

    private static Bound shared(String name, ListeningSocket socket) {
        return new Bound(name, socket.address(), socket, null, false);
    }

    /** Keeps a port with a socket that is bound and does not listen, and so gets no connections. */
    private static Bound keptFree(String name, InetSocketAddress address) throws IOException {
        SocketChannel keeper = SocketChannel.open();
        try {
            ensureUnused(address);
            keeper.setOption(StandardSocketOptions.SO_REUSEPORT, true);
            keeper.bind(address);
            return new Bound(name, keeper.getLocalAddress(), null, keeper, false);
        } catch (IOException | RuntimeException e) {
            keeper.close();
            throw new IOException("cannot listen on " + address + ": " + e.getMessage(), e);
        }
    }

    /**
     * Checks that no other process has the port. With {@code SO_REUSEPORT} alone, another manager of this user could
     * bind it too, and get half of the clients.
     */
    private static void ensureUnused(InetSocketAddress address) throws IOException {
        try (SocketChannel probe = SocketChannel.open()) {
            probe.setOption(StandardSocketOptions.SO_REUSEADDR, true); // closed connections of others do not matter
            probe.bind(address);
        }
    }

    /**
     * Takes a socket that systemd has passed to this process and that no other listener uses. A socket unit gives all
     * its sockets the same name.
     */
    synchronized SocketAddress listenOnSystemd(String name, String descriptorName, Map<String, String> environment)
            throws IOException {
        ensureFree(name);
        List<ListeningSocket> free = ofSystemd(environment);
        for (ListeningSocket one : free) {
            if (one.name().equals(descriptorName)) {
                free.remove(one);
                bound.put(name, new Bound(name, one.address(), one, null, true));
                return one.address();
            }
        }
        throw new IOException("listener " + name + ": systemd has passed on no socket named " + descriptorName
                + "; its socket unit needs FileDescriptorName=" + descriptorName
                + (free.isEmpty()
                        ? ", and no other socket is left"
                        : ", the names that are left are "
                                + free.stream().map(ListeningSocket::name).collect(Collectors.joining(", "))));
    }

    /** With the lock. */
    private List<ListeningSocket> ofSystemd(Map<String, String> environment) throws IOException {
        List<ListeningSocket> free = ofSystemd;
        if (free == null) {
            free = new ArrayList<>(ListeningSocket.ofSystemd(environment));
            ofSystemd = free;
        }
        return free;
    }

    private void ensureFree(String name) throws IOException {
        if (isClosed) {
            throw new IOException("the manager has ended");
        }
        if (bound.containsKey(name)) {
            throw new IllegalArgumentException("there is a listener " + name + " already");
        }
    }

    /** Checks that the listener of a service exists, if the service has one. */
    synchronized void ensureThere(ServiceSettings service) {
        String name = service.listener();
        if (name != null && !bound.containsKey(name)) {
            throw new IllegalArgumentException("service " + service.name() + " accepts on listener " + name
                    + ", which is not there; there are " + bound.keySet());
        }
    }

    synchronized List<ListenerStatus> status() {
        return bound.values().stream()
                .map(one -> new ListenerStatus(one.name(), one.address(), one.socket() != null))
                .toList();
    }

    /** Returns the address at which workers bind sockets of their own; null if they share one. */
    synchronized @Nullable SocketAddress ownAddress(String name) {
        Bound one = bound.get(name);
        return one == null || one.socket() != null ? null : one.address();
    }

    /** Sends the descriptor of a listener to a worker that waits at a path. Waits for the worker. */
    @Override
    public void send(String name, Path path) throws IOException {
        ListeningSocket socket;
        synchronized (this) {
            Bound one = bound.get(name);
            socket = one == null ? null : one.socket();
        }
        if (socket == null) {
            throw new IOException("listener " + name + " is closed");
        }
        send(socket, path);
    }

    private static void send(ListeningSocket socket, Path path) throws IOException {
        int descriptor = socket.duplicate(); // the listener may be closed meanwhile
        try {
            DescriptorSender.send(path, descriptor, SEND_LIMIT);
        } finally {
            Linux.close(descriptor);
        }
    }

    // ---- from one manager to the next ----

    @Override
    public boolean canPass() {
        return canPass;
    }

    @Override
    public synchronized List<String> spares() throws IOException {
        return ofSystemd(System.getenv()).stream().map(ListeningSocket::name).toList();
    }

    @Override
    public void sendSpare(int index, Path path) throws IOException {
        ListeningSocket socket;
        synchronized (this) {
            List<ListeningSocket> free = ofSystemd(System.getenv());
            if (index >= free.size()) {
                throw new IOException("there is no socket " + index + " of systemd that no listener uses");
            }
            socket = free.get(index);
        }
        send(socket, path);
    }

    @Override
    public synchronized void take(String name, ListeningSocket socket, boolean isOfSystemd) throws IOException {
        boolean isTaken = false;
        try {
            ensureFree(name);
            bound.put(name, new Bound(name, socket.address(), socket, null, isOfSystemd));
            isTaken = true;
        } finally {
            if (!isTaken) {
                Quietly.close(socket::close);
            }
        }
    }

    @Override
    public synchronized void takeSpares(List<ListeningSocket> sockets) {
        ofSystemd = new ArrayList<>(sockets);
    }

    @Override
    public synchronized void ownPaths() {
        bound.values().stream().map(Bound::socket).filter(Objects::nonNull).forEach(ListeningSocket::ownPath);
    }

    @Override
    public synchronized void leavePaths() {
        bound.values().stream().map(Bound::socket).filter(Objects::nonNull).forEach(ListeningSocket::leavePath);
    }

    void unlisten(String name) {
        Bound one;
        synchronized (this) {
            one = bound.remove(name);
            List<ListeningSocket> free = ofSystemd;
            if (one != null && one.isOfSystemd() && free != null) {
                free.add(one.socket()); // stays open, so that clients wait
                free.sort(Comparator.comparingInt(ListeningSocket::descriptor));
                return;
            }
        }
        if (one == null) {
            throw new IllegalArgumentException("there is no listener " + name);
        }
        one.close();
    }

    void closeAll() {
        List<Bound> all;
        synchronized (this) {
            isClosed = true;
            all = List.copyOf(bound.values());
            bound.clear();
        }
        all.forEach(Bound::close);
    }
}
