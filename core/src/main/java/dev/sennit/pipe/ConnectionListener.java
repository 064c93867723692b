package dev.sennit.pipe;

import dev.sennit.JoinableQueue;
import dev.sennit.QueueClosedException;
import dev.sennit.internal.Backend;
import dev.sennit.internal.Keys;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.Timers;
import dev.sennit.internal.UnprovenConnections;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.manager.ManagerServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Lets processes connect that this process did not start: accepts {@link Connection}s at an address from programs that
 * have the key.
 *
 * {@snippet :
 * try (ConnectionListener listener = ConnectionListener.local()) {
 *     ConnectionAddress address = listener.address();
 *     WorkerProcess.start(() -> {
 *         try (Connection connection = Connection.connect(address)) {
 *             connection.send("hello from " + ProcessHandle.current().pid());
 *         }
 *     });
 *     try (Connection accepted = listener.accept()) {
 *         System.out.println(accepted.receive());
 *     }
 * }
 * }
 *
 * <p>It listens at a socket of this machine: in a folder of this user, at a file that the program chose, or at a port
 * of the loopback address. Both sides prove that they have the key, without sending it, before anything else that they
 * send is interpreted. Over the loopback address nothing is encrypted; between machines, use a {@link ManagerServer}.
 *
 * <p>Messages of an accepted connection are read behind an allow-list, as with a {@link Pipe}: the JDK's values,
 * classes beside the class that opened the listener, and those that {@link Connection#allow} names. Such a connection
 * counts as used, and stays in its process.
 *
 * <p>128 connections may wait for an {@link #accept}; further ones are turned away. A caller that has not proved within
 * ten seconds that it has the key is disconnected, and so is the oldest of more than 128 that have not.
 */
public final class ConnectionListener implements AutoCloseable {
    private static final String SOCKET = "listener";
    private static final Duration GREETING_LIMIT = Duration.ofSeconds(10);
    private static final Duration ACCEPT_PAUSE = Duration.ofMillis(10);
    private static final int KEY_SIZE = 32;
    private static final int MOST_WAITING = 128;
    private static final StackWalker CALLER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final String name = "sennit-listener-" + NUMBERS.incrementAndGet();
    private final ServerSocketChannel server;
    private final ConnectionAddress address;
    /** The file to remove at the end; null for a port. */
    private final @Nullable Path file;

    private final boolean ownFolder;
    private final Class<?> opener;
    private final JoinableQueue<SocketChannel> accepted = JoinableQueue.fifo(MOST_WAITING);

    private final UnprovenConnections<SocketChannel> unproven = new UnprovenConnections<>();

    private final Object lock = new Object();
    /** Guarded by lock. */
    private boolean closed;

    private ConnectionListener(ServerSocketChannel server, ConnectionAddress address, @Nullable Path file,
            boolean ownFolder, Class<?> opener) {
        this.server = server;
        this.address = address;
        this.file = file;
        this.ownFolder = ownFolder;
        this.opener = opener;
    }

    /**
     * Listens for processes of this user, with a random key.
     *
     * @return an open listener
     * @throws UncheckedIOException if no socket can be made
     */
    public static ConnectionListener local() {
        Class<?> opener = CALLER.getCallerClass();
        try {
            Path folder = MeetingFolder.create();
            try {
                return listen(ConnectionAddress.of(folder.resolve(SOCKET), Keys.random(KEY_SIZE)), true, opener);
            } catch (Throwable e) {
                MeetingFolder.remove(folder);
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("no listener at a local socket: " + e.getMessage(), e);
        }
    }

    /**
     * Listens at an address that other processes know.
     *
     * @param address where to listen, and the key; port 0 is any free port, see {@link #address}
     * @return an open listener
     * @throws UncheckedIOException if it cannot listen there, as when the file exists already
     */
    public static ConnectionListener at(ConnectionAddress address) {
        try {
            return listen(address, false, CALLER.getCallerClass());
        } catch (IOException e) {
            throw new UncheckedIOException("no listener at " + address.where() + ": " + e.getMessage(), e);
        }
    }

    private static ConnectionListener listen(ConnectionAddress at, boolean ownFolder, Class<?> opener)
            throws IOException {
        boolean isFile = at.at() instanceof UnixDomainSocketAddress;
        ServerSocketChannel server =
                isFile ? ServerSocketChannel.open(StandardProtocolFamily.UNIX) : ServerSocketChannel.open();
        Path made = null;
        try {
            server.bind(at.at());
            made = at.at() instanceof UnixDomainSocketAddress socket ? socket.getPath() : null;
            ConnectionAddress bound = server.getLocalAddress() instanceof InetSocketAddress port
                    ? ConnectionAddress.of(port.getPort(), at.key())
                    : at;
            var listener = new ConnectionListener(server, bound, made, ownFolder, opener);
            Backend.start(Thread.ofPlatform().daemon().name(listener.name + "-accept").unstarted(listener::run));
            return listener;
        } catch (Throwable e) {
            Quietly.close(server);
            if (made != null) { // else the next listener could not use the file
                Files.deleteIfExists(made);
            }
            throw e;
        }
    }

    /**
     * Returns the address that others connect to. It contains the key; see {@link ConnectionAddress}.
     *
     * @return the address, with the actual port if any free port was asked for
     */
    public ConnectionAddress address() {
        return address;
    }

    /**
     * Waits for the next connection.
     *
     * @return a connection whose other end has the key
     * @throws IOException if the listener is closed
     * @throws InterruptedException if the thread is interrupted before or meanwhile; no connection is lost then
     */
    public Connection accept() throws IOException, InterruptedException {
        while (true) {
            SocketChannel channel;
            try {
                channel = accepted.take();
            } catch (QueueClosedException e) {
                throw new IOException("listener at " + address.where() + " is closed", e);
            }
            try {
                return connection(channel, "from " + address.where(), opener);
            } catch (IOException e) { // the connection ended while it waited here
                log("a connection that was not accepted: " + e);
            }
        }
    }

    /** Makes a connection over a channel; closes the channel if that fails. */
    static Connection connection(SocketChannel channel, String name, Class<?> opener) throws IOException {
        boolean kept = false;
        try {
            var connection = new Connection(channel, name, opener);
            kept = true;
            return connection;
        } finally {
            if (!kept) {
                Quietly.close(channel);
            }
        }
    }

    /**
     * Closes the listener. Accepted connections stay open; connections that wait to be accepted are closed. Calling it
     * again has no effect.
     */
    @Override
    public void close() {
        synchronized (lock) {
            if (closed) {
                return;
            }
            closed = true;
        }
        Quietly.close(server);
        unproven.close();
        accepted.shutdown();
        for (SocketChannel left = accepted.poll(); left != null; left = accepted.poll()) {
            Quietly.close(left);
        }
        removeFile();
    }

    private void removeFile() {
        if (file == null) {
            return;
        }
        if (ownFolder) {
            MeetingFolder.remove(Objects.requireNonNull(file.getParent()));
            return;
        }
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // another program has changed its folder
        }
    }

    @Override
    public String toString() {
        synchronized (lock) {
            return "ConnectionListener[" + address.where() + ", " + (closed ? "closed" : accepted.size() + " wait")
                    + "]";
        }
    }

    // ---- callers ----

    private void run() {
        while (true) {
            SocketChannel channel;
            try {
                channel = server.accept();
            } catch (IOException e) {
                synchronized (lock) {
                    if (closed) {
                        return;
                    }
                }
                log("cannot accept a connection: " + e);
                LockSupport.parkNanos(ACCEPT_PAUSE.toNanos()); // perhaps no file descriptor is free
                continue;
            }
            if (!unproven.add(channel)) {
                Quietly.close(channel);
                continue;
            }
            try {
                Backend.start(Thread.ofVirtual().name(name + "-greeting").unstarted(() -> greet(channel)));
            } catch (Throwable e) { // no memory for the thread
                unproven.remove(channel);
                Quietly.close(channel);
            }
        }
    }

    private void greet(SocketChannel channel) {
        boolean kept = false;
        try {
            Future<?> limit = Timers.after(GREETING_LIMIT, () -> Quietly.close(channel));
            try {
                kept = ConnectionGreeting.greetCaller(Channels.newInputStream(channel),
                        Channels.newOutputStream(channel), address.key())
                        && accepted.offer(channel);
            } finally {
                limit.cancel(false);
            }
        } catch (IOException | QueueClosedException e) {
            log("a connection that was not kept: " + e);
        } finally {
            unproven.remove(channel);
            if (!kept) {
                Quietly.close(channel);
            }
        }
    }

    /** Connects to a listener; for {@link Connection#connect}. */
    static SocketChannel connect(ConnectionAddress to) throws IOException {
        SocketChannel channel = to.at() instanceof UnixDomainSocketAddress
                ? SocketChannel.open(StandardProtocolFamily.UNIX)
                : SocketChannel.open();
        boolean kept = false;
        try {
            Future<?> limit = Timers.after(GREETING_LIMIT, () -> Quietly.close(channel));
            try {
                channel.connect(to.at());
                ConnectionGreeting.greetListener(Channels.newInputStream(channel), Channels.newOutputStream(channel),
                        to.key());
            } finally {
                limit.cancel(false);
            }
            kept = true;
            return channel;
        } finally {
            if (!kept) {
                Quietly.close(channel);
            }
        }
    }

    private void log(String message) {
        System.getLogger("dev.sennit").log(Level.DEBUG, name + " - " + message);
    }
}
