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
 * Takes connections, for coroutines.
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
 * <p>It belongs to the loop whose coroutine opened it; only that one's coroutines may use it, but anybody may close it. One
 * accepts at a time.
 */
public final class Listener implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Listener.class.getName());

    /** How many the operating system may hold that nobody has accepted; it has its own bound too. */
    private static final int BACKLOG = 1024;

    /** How long to do nothing when the system has no more files for us: until some may have been closed. */
    private static final Duration PAUSE = Duration.ofMillis(100);

    /** After how long without a failure it is over: while there are too many, one that closes lets another one in. In nanoseconds. */
    private static final long QUIET = TimeUnit.MINUTES.toNanos(1);

    private final EventLoop loop;
    private final LoopSelector selector;
    private final ServerSocketChannel channel;
    private final LoopSelector.Watch watch;
    private final String name;
    private final SocketAddress address;
    /** Of those that speak TLS. Written once, before anybody else knows this. */
    private @Nullable SSLContext context;
    /** What to ask of clients; nobody changes it. Written once, before anybody else knows this. */
    private @Nullable SSLParameters parameters;

    // Only coroutines of the loop, in a turn:
    private @Nullable Thread accepting;
    /** Whether there may be more already, so that it is worth to look before waiting. */
    private boolean mayHaveMore;

    /** What is done with each connection. */
    @FunctionalInterface
    public interface Handler {
        /**
         * Talks to one client. The stream is closed when this ends.
         *
         * @param client the connection
         * @throws Exception whatever goes wrong; it ends this connection only
         */
        void handle(ByteStream client) throws Exception;
    }

    private Listener(
            LoopSelector selector, ServerSocketChannel channel, LoopSelector.Watch watch, String name, SocketAddress address) {
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
     * @param port a port; 0 is any that is free
     * @return an open listener
     * @throws java.net.BindException if the port is taken
     * @throws IOException if there are too many open files, and the like
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static Listener open(int port) throws IOException {
        return open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }

    /**
     * Listens.
     *
     * @param address a port of an address of this machine, which a host's name must have been resolved to; or a path for a
     *     socket in the file system, where no file may be, and whoever listens deletes it afterwards
     * @return an open listener
     * @throws java.net.BindException if it is taken, or not of this machine
     * @throws IOException if there are too many open files, and the like
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
     * Listens for clients that speak TLS. Hands are shaken when a connection is first read from or written to, which takes at most
     * 30 seconds: so a client that is silent holds nobody but its own coroutine.
     *
     * @param address as for {@link #open(SocketAddress)}
     * @param context who we are
     * @return an open listener
     * @throws java.net.BindException if it is taken, or not of this machine
     * @throws IOException if there are too many open files, and the like
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static Listener openTls(SocketAddress address, SSLContext context) throws IOException {
        Objects.requireNonNull(context, "context");
        Listener listener = open(address);
        listener.context = context;
        return listener;
    }

    /**
     * Listens for clients that speak TLS, as {@link #openTls(SocketAddress, SSLContext)} does, and asks more of them: a certificate,
     * for example, which the context has to trust.
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
     * @param context who we are, and whom to trust
     * @param parameters {@code setNeedClientAuth(true)}: a client without a certificate is refused; {@code setWantClientAuth(true)}:
     *     a client may show a certificate; and whatever else they say. Changing them afterwards changes nothing
     * @return an open listener
     * @throws java.net.BindException if it is taken, or not of this machine
     * @throws IOException if there are too many open files, and the like
     * @throws IllegalStateException if the caller is not a coroutine, or the context was not initialized
     */
    public static Listener openTls(SocketAddress address, SSLContext context, SSLParameters parameters) throws IOException {
        SSLParameters copy = TlsTransport.serverEngine(context, Objects.requireNonNull(parameters, "parameters")).getSSLParameters();
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
     * Takes the next connection; waits until there is one.
     *
     * @return an open stream
     * @throws StreamClosedException if this listener is closed, also by somebody else meanwhile
     * @throws IOException if there are too many open files, and the like; the connection stays with the system, so pause
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
                mayHaveMore = true; // if this fails, too
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

    /** Null if the client has gone already. */
    private @Nullable ByteStream open(SocketChannel accepted) throws StreamClosedException {
        try {
            String connection = "connection from " + accepted.getRemoteAddress();
            return ByteStream.over(selector, accepted, selector.watch(accepted, connection), connection, newEngine());
        } catch (StreamClosedException e) {
            throw e;
        } catch (RuntimeException | Error e) { // of a TLS context that was not initialized, say
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
            // nor could the client see it
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
     * Serves until this is closed: each connection has a coroutine of its own. While there are as many as the limit, the
     * others wait at the system.
     *
     * <p>Returns when this was closed and the handlers have ended. When the calling coroutine is cancelled, so are they. A handler
     * that fails ends its connection; the log tells, for an {@code IOException}, which is mostly the client's doing, at level
     * {@code DEBUG}. When the system has no more files for us, it goes on after a pause; the log tells, and again
     * only when it had files for us for a minute.
     *
     * @param limit how many connections there may be at a time
     * @param handler what is done with each
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
        long failedAt = Backend.current().nanoTime() - QUIET; // to say so once, until it is over
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

    /** The JDK's log opens files when it first has something to say - settings, time zones -, and is of no use ever after if it cannot. */
    private static void prepareLog() {
        if (LOG.isLoggable(System.Logger.Level.WARNING)) {
            TimeZone.getDefault();
        }
    }

    private void warn(IOException e) {
        try {
            LOG.log(System.Logger.Level.WARNING, "{0} - {1}; accepts again when that is over", loop.name(), e.getMessage());
        } catch (RuntimeException | Error ofTheLogger) {
            // which may need a file, too; that is no reason to serve nobody any more
        }
    }

    /**
     * A file that is open so that it can be closed when no more can be opened: to tell of it, the log may want one, for a class
     * say.
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
                // then there is none to be had
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

    /** Those that are served. In a turn. */
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

        /** It runs at once, if the loop does not stop just now. */
        void start(ByteStream client) {
            var self = new Connection(client);
            TaskFuture<?> future;
            try {
                future = loop.startNow(() -> {
                    self.run();
                    return null;
                });
            } catch (Throwable e) { // the loop takes no more
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
            /** Whether it has begun, or been cancelled before that. */
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
            throw new IllegalStateException(name + " is of " + loop.name() + ": " + Thread.currentThread() + " is not a coroutine of it");
        }
    }

    /**
     * Where it listens.
     *
     * @return the address, with the port that was free
     */
    public SocketAddress localAddress() {
        return address;
    }

    /**
     * The port at which it listens.
     *
     * @return the port
     * @throws IllegalStateException if it is a socket in the file system
     */
    public int port() {
        if (address instanceof InetSocketAddress internet) {
            return internet.getPort();
        }
        throw new IllegalStateException(name + " has no port");
    }

    /**
     * Whether it was closed.
     *
     * @return whether
     */
    public boolean isClosed() {
        return watch.isClosed();
    }

    /**
     * Takes no more connections; those that are open stay. A coroutine that accepts is woken with a {@link
     * StreamClosedException}. From any thread, and without waiting.
     */
    @Override
    public void close() {
        watch.close("close() was called");
        selector.letGo();
    }

    /**
     * Where it listens, and whether it is closed.
     *
     * @return such as {@code listener at /127.0.0.1:7}
     */
    @Override
    public String toString() {
        return name + (isClosed() ? ", closed" : "");
    }
}
