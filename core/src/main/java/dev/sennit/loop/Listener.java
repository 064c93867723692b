package dev.sennit.loop;

import dev.sennit.TaskFuture;
import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.Waits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TimeZone;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * Accepts connections, for coroutines.
 *
 * {@snippet :
 * import dev.sennit.loop.Listener;
 *
 * try (Listener listener = Listener.open(7)) {
 *     listener.serve(100, client -> {
 *         for (String line = client.readLine(1000); line != null; line = client.readLine(1000)) {
 *             client.write(line + "\n");
 *         }
 *     });
 * }
 * }
 *
 * <p>A listener belongs to the loop whose coroutine opened it. Only coroutines of that loop may use it; any thread may
 * close it. One coroutine accepts at a time.
 */
public final class Listener implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Listener.class.getName());

    /** How many connections the operating system may hold before they are accepted; it has a limit of its own too. */
    private static final int BACKLOG = 1024;

    /** The pause when too many files are open, until some may have been closed. */
    private static final Duration PAUSE = Duration.ofMillis(100);

    /**
     * The lack of files is over after this time without a failure: meanwhile each connection that closes lets another
     * one in. In nanoseconds.
     */
    private static final long QUIET = TimeUnit.MINUTES.toNanos(1);

    private final EventLoop loop;
    private final LoopSelector selector;
    private final ServerSocketChannel channel;
    private final LoopSelector.Watch watch;
    private final String name;
    private final SocketAddress address;
    /** For TLS. Written once, before the listener is published. */
    private @Nullable SSLContext context;
    /** The demands on clients; never changed. Written once, before the listener is published. */
    private @Nullable SSLParameters parameters;

    // Only coroutines of the loop, in a turn:
    private @Nullable Thread accepting;
    /** Whether connections may be there already, so that an accept is tried before waiting. */
    private boolean mayHaveMore;

    /** The code that serves a connection. */
    @FunctionalInterface
    public interface Handler {
        /**
         * Serves one client. The stream is closed when this returns.
         *
         * @param client the connection
         * @throws Exception any failure; it ends this connection only
         */
        void handle(ByteStream client) throws Exception;
    }

    private Listener(
            LoopSelector selector, ServerSocketChannel channel, LoopSelector.Watch watch, String name,
            SocketAddress address) {
        this.loop = selector.loop();
        this.selector = selector;
        this.channel = channel;
        this.watch = watch;
        this.name = name;
        this.address = address;
    }

    /**
     * Listens at a port of the loopback address, so that only this machine can connect.
     *
     * @param port a port; 0 for any free port
     * @return an open listener
     * @throws java.net.BindException if the port is taken
     * @throws IOException for instance if too many files are open
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static Listener open(int port) throws IOException {
        return open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }

    /**
     * Listens at an address.
     *
     * @param address a resolved address of this machine and a port; or a path for a socket in the file system, where no
     *     file may be yet: the caller deletes the file afterwards
     * @return an open listener
     * @throws java.net.BindException if the address is taken, or not of this machine
     * @throws IOException for instance if too many files are open
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static Listener open(SocketAddress address) throws IOException {
        Objects.requireNonNull(address, "address");
        LoopSelector selector = EventLoop.current().selector();
        ServerSocketChannel channel;
        if (address instanceof UnixDomainSocketAddress) {
            channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        } else {
            channel = ServerSocketChannel.open();
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        }
        try {
            channel.bind(address, BACKLOG);
        } catch (IOException e) {
            channel.close();
            throw named("cannot listen at " + address, e);
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
        SocketAddress bound = channel.getLocalAddress();
        String name = "listener at " + bound;
        return new Listener(selector, channel, selector.watch(channel, name), name, bound);
    }

    /**
     * Listens for clients with TLS. The handshake comes with the first read or write of a connection, and takes at most
     * 30 seconds: so a silent client holds up only its own coroutine.
     *
     * @param address as for {@link #open(SocketAddress)}
     * @param context this side's certificate
     * @return an open listener
     * @throws java.net.BindException if the address is taken, or not of this machine
     * @throws IOException for instance if too many files are open
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static Listener openTls(SocketAddress address, SSLContext context) throws IOException {
        Objects.requireNonNull(context, "context");
        Listener listener = open(address);
        listener.context = context;
        return listener;
    }

    /**
     * Listens for clients with TLS, as {@link #openTls(SocketAddress, SSLContext)} does, with further demands on them:
     * a certificate, for example, which the context must trust.
     *
     * {@snippet :
     * import dev.sennit.loop.Listener;
     * import java.net.InetSocketAddress;
     * import javax.net.ssl.SSLContext;
     * import javax.net.ssl.SSLParameters;
     *
     * SSLContext context = SSLContext.getDefault();
     * SSLParameters parameters = context.getDefaultSSLParameters();
     * parameters.setNeedClientAuth(true);
     * try (Listener listener = Listener.openTls(new InetSocketAddress("0.0.0.0", 7), context, parameters)) {
     *     listener.serve(100, client -> {
     *         client.handshake();
     *         client.write("hello " + client.sslSession().getPeerPrincipal() + "\n");
     *     });
     * }
     * }
     *
     * @param address as for {@link #open(SocketAddress)}
     * @param context this side's certificate, and the trusted ones
     * @param parameters {@code setNeedClientAuth(true)}: a client without a certificate is refused;
     *     {@code setWantClientAuth(true)}: a client may show a certificate; and other settings. They are copied: later
     *     changes have no effect
     * @return an open listener
     * @throws java.net.BindException if the address is taken, or not of this machine
     * @throws IOException for instance if too many files are open
     * @throws IllegalStateException if the caller is not a coroutine, or the context was not initialized
     */
    public static Listener openTls(SocketAddress address, SSLContext context, SSLParameters parameters)
            throws IOException {
        SSLParameters copy =
                TlsTransport.serverEngine(context, Objects.requireNonNull(parameters, "parameters")).getSSLParameters();
        Listener listener = openTls(address, context);
        listener.parameters = copy;
        return listener;
    }

    static IOException named(String what, IOException e) {
        IOException named = e instanceof java.net.BindException
                ? new java.net.BindException(what + ": " + e.getMessage())
                : new IOException(what + ": " + e.getMessage());
        named.initCause(e);
        return named;
    }

    /**
     * Accepts the next connection; waits until there is one.
     *
     * @return an open stream
     * @throws StreamClosedException if this listener is closed, also by another thread meanwhile
     * @throws IOException for instance if too many files are open; the system then keeps the connection, so pause
     *     before the next attempt
     * @throws InterruptedException if the coroutine is cancelled
     */
    public ByteStream accept() throws IOException, InterruptedException {
        ensureHere();
        if (accepting != null) {
            throw new IllegalStateException(accepting.getName() + " accepts at " + name);
        }
        accepting = Thread.currentThread();
        try {
            while (true) {
                if (!mayHaveMore) {
                    watch.await(SelectionKey.OP_ACCEPT, Deadline.NEVER);
                }
                mayHaveMore = true; // also if the accept fails
                SocketChannel accepted = acceptNow();
                mayHaveMore = accepted != null;
                ByteStream client = accepted == null ? null : open(accepted);
                if (client != null) {
                    return client;
                }
            }
        } finally {
            accepting = null;
        }
    }

    /** Returns null if the client has gone already. */
    private @Nullable ByteStream open(SocketChannel accepted) throws StreamClosedException {
        try {
            String connection = "connection from " + accepted.getRemoteAddress();
            return ByteStream.over(selector, accepted, selector.watch(accepted, connection), connection, newEngine());
        } catch (StreamClosedException e) {
            throw e;
        } catch (RuntimeException | Error e) { // for instance of a TLS context that was not initialized
            close(accepted);
            throw e;
        } catch (IOException e) {
            close(accepted);
            return null;
        }
    }

    private static void close(SocketChannel accepted) {
        try {
            accepted.close();
        } catch (IOException e) {
            // nothing can be done about it
        }
    }

    private @Nullable SSLEngine newEngine() {
        return context == null ? null : TlsTransport.serverEngine(context, parameters);
    }

    private @Nullable SocketChannel acceptNow() throws IOException {
        try {
            return channel.accept();
        } catch (ClosedChannelException e) {
            watch.ensureOpen();
            throw e;
        } catch (IOException e) {
            throw named(name, e);
        }
    }

    /**
     * Serves until this is closed: each connection has a coroutine of its own. At the limit, further connections wait
     * in the operating system.
     *
     * <p>Returns when this was closed and the handlers have ended. Cancelling the calling coroutine cancels the
     * handlers. A handler that fails ends its connection, and is logged; an {@code IOException}, mostly caused by the
     * client, at level {@code DEBUG}. When too many files are open, serving goes on after a pause; that is logged once,
     * and again only after a minute without such a failure.
     *
     * @param limit how many connections may be served at a time
     * @param handler the code that serves each connection
     * @throws InterruptedException if the coroutine is cancelled; the handlers have ended by then
     */
    public void serve(int limit, Handler handler) throws InterruptedException {
        if (limit < 1) {
            throw new IllegalArgumentException("limit must be >= 1, was " + limit);
        }
        Objects.requireNonNull(handler, "handler");
        ensureHere();
        var connections = new Connections(limit, handler);
        try {
            serve(connections);
            connections.awaitEnd();
        } catch (InterruptedException e) {
            connections.cancel();
            throw e;
        }
    }

    private void serve(Connections connections) throws InterruptedException {
        prepareLog();
        long failedAt = Backend.current().nanoTime() - QUIET; // to log a lack of files once
        try (var spare = new SpareFile()) {
            while (true) {
                connections.awaitRoom();
                ByteStream client;
                try {
                    client = accept();
                } catch (StreamClosedException e) {
                    connections.free();
                    return;
                } catch (IOException e) {
                    connections.free();
                    long before = failedAt;
                    failedAt = Backend.current().nanoTime();
                    if (failedAt - before >= QUIET) {
                        spare.giveAway();
                        warn(e);
                    }
                    EventLoop.sleep(PAUSE);
                    spare.take();
                    continue;
                } catch (Throwable e) {
                    connections.free();
                    throw e;
                }
                spare.take();
                connections.start(client);
            }
        }
    }

    /**
     * Has the JDK's log load its time zones now: it opens files with its first message, and if it cannot, it never
     * works again.
     */
    private static void prepareLog() {
        if (LOG.isLoggable(System.Logger.Level.WARNING)) {
            TimeZone.getDefault();
        }
    }

    private void warn(IOException e) {
        try {
            LOG.log(System.Logger.Level.WARNING, "{0} - {1}; accepts again when that is over", loop.name(),
                    e.getMessage());
        } catch (RuntimeException | Error ofTheLogger) {
            // a logger may need a file, too; serving goes on without the message
        }
    }

    /**
     * A descriptor held in reserve, and closed when no more files can be opened: the log may need one to report that,
     * for a class for instance.
     */
    private static final class SpareFile implements AutoCloseable {
        private @Nullable SocketChannel file;

        SpareFile() {
            take();
        }

        void take() {
            try {
                if (file == null) {
                    file = SocketChannel.open();
                }
            } catch (IOException e) {
                // no file can be opened now
            }
        }

        void giveAway() {
            if (file != null) {
                Listener.close(file);
                file = null;
            }
        }

        @Override
        public void close() {
            giveAway();
        }
    }

    /** The connections that are served. Only in a turn. */
    private final class Connections {
        private final int limit;
        private final Handler handler;
        private final Semaphore room;
        private final Set<TaskFuture<?>> running = new HashSet<>();

        Connections(int limit, Handler handler) {
            this.limit = limit;
            this.handler = handler;
            room = new Semaphore(limit);
        }

        void awaitRoom() throws InterruptedException {
            acquire(1);
        }

        void free() {
            room.release();
        }

        /** Starts a coroutine for a connection, which runs at once unless the loop is just being stopped. */
        void start(ByteStream client) {
            var self = new Connection(client);
            TaskFuture<?> future;
            try {
                future = loop.startNow(() -> {
                    self.run();
                    return null;
                });
            } catch (Throwable e) { // the loop takes no more tasks
                client.close();
                free();
                throw e;
            }
            if (!self.ended) {
                self.future = future;
                running.add(future);
            }
            future.onDone(cancelled -> self.endUnlessBegun());
        }

        void awaitEnd() throws InterruptedException {
            acquire(limit);
        }

        void cancel() {
            for (TaskFuture<?> one : List.copyOf(running)) {
                one.cancel(true);
            }
            Uninterruptibles.await(this::awaitEnd);
        }

        private void acquire(int permits) throws InterruptedException {
            if (room.tryAcquire(permits)) {
                return;
            }
            try (var _ = Waits.outOfTurn()) {
                room.acquire(permits);
            }
        }

        private final class Connection {
            private final ByteStream client;
            /** Whether the handler has begun, or the connection was cancelled before that. */
            private final AtomicBoolean claimed = new AtomicBoolean();
            private @Nullable TaskFuture<?> future;
            private boolean ended;

            Connection(ByteStream client) {
                this.client = client;
            }

            void endUnlessBegun() {
                if (claimed.compareAndSet(false, true)) {
                    client.close();
                    free();
                }
            }

            void run() {
                if (!claimed.compareAndSet(false, true)) {
                    return;
                }
                try (client) {
                    handler.handle(client);
                } catch (InterruptedException e) {
                    // cancelled
                } catch (IOException e) {
                    LOG.log(System.Logger.Level.DEBUG, "{0} - {1}", loop.name(), e.getMessage());
                } catch (Exception e) {
                    LOG.log(System.Logger.Level.WARNING, loop.name() + " - handler of " + client + " failed", e);
                } finally {
                    ended = true;
                    if (future != null) {
                        running.remove(future);
                    }
                    free();
                }
            }
        }
    }

    private void ensureHere() {
        if (EventLoop.currentOrNull() != loop) {
            throw new IllegalStateException(
                    name + " is of " + loop.name() + ": " + Thread.currentThread() + " is not a coroutine of it");
        }
    }

    /**
     * Returns the address at which this listens.
     *
     * @return the address, with the actual port
     */
    public SocketAddress localAddress() {
        return address;
    }

    /**
     * Returns the port at which this listens.
     *
     * @return the port
     * @throws IllegalStateException if this listens at a socket in the file system
     */
    public int port() {
        if (address instanceof InetSocketAddress internet) {
            return internet.getPort();
        }
        throw new IllegalStateException(name + " has no port");
    }

    /**
     * Returns whether this was closed.
     *
     * @return true once it is closed
     */
    public boolean isClosed() {
        return watch.isClosed();
    }

    /**
     * Stops accepting connections; open ones stay open. A coroutine that accepts is woken with a
     * {@link StreamClosedException}. May be called from any thread; does not wait.
     */
    @Override
    public void close() {
        watch.close("close() was called");
        selector.letGo();
    }

    /**
     * Returns the address at which this listens, and whether it is closed.
     *
     * @return such as {@code listener at /127.0.0.1:7}
     */
    @Override
    public String toString() {
        return name + (isClosed() ? ", closed" : "");
    }
}
