package dev.sennit.service;

import dev.sennit.internal.Linux;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.linux.DescriptorSender;
import dev.sennit.internal.linux.ListeningSocket;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The listeners of a manager, by name. It binds them, and its workers accept: all on one socket, whose descriptor each
 * worker gets. So connections that wait when a worker ends are accepted by another.
 *
 * <p>Where native access is off, descriptors cannot be passed on. Then each worker binds a socket of its own to the
 * same port, and the manager keeps the port by a socket that does not listen.
 */
final class Listeners {
    private static final int BACKLOG = 1024;
    /** A worker that has asked takes its descriptor at once. */
    private static final Duration SEND_LIMIT = Duration.ofSeconds(30);

    /**
     * A listener.
     *
     * @param socket null where descriptors cannot be passed on
     * @param keeper keeps the port if there is no socket
     * @param isOfSystemd whether systemd has bound it: a socket that is closed here could not be had again
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
    /** Those that are no listener, or none any more; null if nobody has asked for one. */
    private @Nullable List<ListeningSocket> ofSystemd;
    private boolean isClosed;

    Listeners() {
        this(Linux.isSupported());
    }

    /** For tests: whether descriptors can be passed on. */
    Listeners(boolean canPass) {
        this.canPass = canPass;
    }

    /** Binds without the lock, as other processes may hold that up. */
    SocketAddress listen(String name, SocketAddress address) throws IOException {
        synchronized (this) {
            ensureFree(name);
        }
        Bound made = bind(name, address);
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

    private Bound bind(String name, SocketAddress address) throws IOException {
        if (address instanceof UnixDomainSocketAddress unix) {
            if (!canPass) {
                throw new IOException(
                        "cannot listen on " + unix.getPath() + ": workers can share a Unix path only with "
                                + "native access; " + Linux.remedy());
            }
            return shared(name, ListeningSocket.bind(unix.getPath(), BACKLOG, false));
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

    /** A socket that is bound and does not listen gets no connections. */
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

    /** By {@code SO_REUSEPORT} alone, another manager of this user could have the port too, and half of the clients. */
    private static void ensureUnused(InetSocketAddress address) throws IOException {
        try (SocketChannel probe = SocketChannel.open()) {
            probe.setOption(StandardSocketOptions.SO_REUSEADDR, true); // connections that are left over are no matter
            probe.bind(address);
        }
    }

    /**
     * Takes a socket with which systemd has started this process, which no other listener has. A socket unit gives all
     * its sockets the same name.
     */
    synchronized SocketAddress listenOnSystemd(String name, String descriptorName, Map<String, String> environment)
            throws IOException {
        ensureFree(name);
        if (ofSystemd == null) {
            ofSystemd = new ArrayList<>(ListeningSocket.ofSystemd(environment));
        }
        for (ListeningSocket one : ofSystemd) {
            if (one.name().equals(descriptorName)) {
                ofSystemd.remove(one);
                bound.put(name, new Bound(name, one.address(), one, null, true));
                return one.address();
            }
        }
        throw new IOException("listener " + name + ": systemd has passed on no socket named " + descriptorName
                + "; its socket unit needs FileDescriptorName=" + descriptorName
                + (ofSystemd.isEmpty()
                        ? ", and no other socket is left"
                        : ", the names that are left are "
                                + ofSystemd.stream().map(ListeningSocket::name).collect(Collectors.joining(", "))));
    }

    private void ensureFree(String name) throws IOException {
        if (isClosed) {
            throw new IOException("the manager has ended");
        }
        if (bound.containsKey(name)) {
            throw new IllegalArgumentException("there is a listener " + name + " already");
        }
    }

    /** Ensures that there is the listener of a service, if it has one. */
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

    /** Returns where workers bind a socket of their own; null if they share one. */
    synchronized @Nullable SocketAddress ownAddress(String name) {
        Bound one = bound.get(name);
        return one == null || one.socket() != null ? null : one.address();
    }

    /** Sends the descriptor of a listener to a worker that waits at a path. Takes a while. */
    void send(String name, Path path) throws IOException {
        ListeningSocket socket;
        synchronized (this) {
            Bound one = bound.get(name);
            socket = one == null ? null : one.socket();
        }
        if (socket == null) {
            throw new IOException("listener " + name + " is closed");
        }
        int descriptor = socket.duplicate(); // the listener may be closed meanwhile
        try {
            DescriptorSender.send(path, descriptor, SEND_LIMIT);
        } finally {
            Linux.close(descriptor);
        }
    }

    void unlisten(String name) {
        Bound one;
        synchronized (this) {
            one = bound.remove(name);
            List<ListeningSocket> free = ofSystemd;
            if (one != null && one.isOfSystemd() && free != null) {
                free.add(one.socket()); // stays open, and clients wait
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
