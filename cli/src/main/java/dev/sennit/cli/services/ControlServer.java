package dev.sennit.cli.services;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.linux.InheritedListener;
import dev.sennit.internal.linux.ListeningSocket;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Answers the commands that speak to a manager of services, over a Unix socket that only this user can open. Each
 * connection has one request and a thread of its own. A client that says nothing, or reads nothing, is left after a
 * while, and there are no more than so many at once.
 */
final class ControlServer implements AutoCloseable {
    /** Does what is asked. */
    interface Handler {
        /**
         * Answers a request.
         *
         * @param words what to do, and its arguments
         * @param answer takes rows
         * @return how it ended
         * @throws IOException if the client has gone
         * @throws InterruptedException if the server is closed
         */
        Outcome handle(List<String> words, Answer answer) throws IOException, InterruptedException;
    }

    /** Where the rows of an answer go. */
    interface Answer {
        /**
         * Sends a row.
         *
         * @throws IOException if the client has gone
         */
        void row(String... cells) throws IOException;

        /** Whether the client still waits. */
        boolean isWanted();
    }

    private static final int MOST_CLIENTS = 64;
    private static final int BACKLOG = 64;
    private static final Duration REQUEST_LIMIT = Duration.ofSeconds(5);
    private static final Duration WRITE_LIMIT = Duration.ofSeconds(10);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);
    /** After a connection that could not be accepted. */
    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final System.Logger LOG = System.getLogger("dev.sennit");

    private final ListeningSocket socket;
    private final ServerSocketChannel listener;
    private final Selector selector;
    private final Handler handler;
    private final Thread thread;
    private final Semaphore places = new Semaphore(MOST_CLIENTS);
    private final Set<Client> clients = ConcurrentHashMap.newKeySet();
    private volatile boolean isClosed;

    private ControlServer(
            ListeningSocket socket, ServerSocketChannel listener, Selector selector, Handler handler) {
        this.socket = socket;
        this.listener = listener;
        this.selector = selector;
        this.handler = handler;
        thread = Thread.ofPlatform().daemon().name("sennit-control").unstarted(this::accept);
    }

    /**
     * Binds a socket, which nobody answers yet.
     *
     * @throws IOException if that cannot be, as when another manager listens there; its message says why
     */
    static ListeningSocket bind(Path path) throws IOException {
        return ListeningSocket.bind(path, BACKLOG, true);
    }

    /** Answers from now on; to be called once in a JVM. */
    static ControlServer open(ListeningSocket socket, Handler handler) throws IOException {
        ControlServer server = of(socket, handler);
        server.begin();
        return server;
    }

    /** Makes a server that answers nobody before it {@linkplain #begin begins}; to be called once in a JVM. */
    static ControlServer of(ListeningSocket socket, Handler handler) throws IOException {
        ServerSocketChannel listener = InheritedListener.takeCopy(socket);
        listener.configureBlocking(false); // a selector, as nothing else stops a thread that accepts
        Selector selector = Selector.open();
        listener.register(selector, SelectionKey.OP_ACCEPT);
        return new ControlServer(socket, listener, selector, handler);
    }

    /** Answers from now on. */
    void begin() {
        Backend.start(thread);
    }

    private void accept() {
        while (!isClosed) {
            places.acquireUninterruptibly(); // further clients wait to be accepted
            SocketChannel channel = null;
            try {
                channel = next();
                if (channel == null) {
                    return;
                }
                var client = new Client(channel);
                clients.add(client);
                try {
                    client.start();
                } catch (Throwable e) { // no thread available
                    client.end();
                }
            } catch (Throwable e) { // no descriptor available, for example, or no memory
                places.release();
                if (channel != null) {
                    Quietly.close(channel::close);
                }
                warn("a control connection cannot be accepted", e);
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        }
    }

    /** Returns the next connection; null if this is closed. */
    private @Nullable SocketChannel next() throws IOException {
        while (!isClosed) {
            selector.select();
            selector.selectedKeys().clear();
            SocketChannel channel = isClosed ? null : listener.accept();
            if (channel != null) {
                return channel;
            }
        }
        return null;
    }

    /** Without a free descriptor the JDK's log may throw an error, when it writes its first line. */
    private static void warn(String what, Throwable why) {
        try {
            LOG.log(System.Logger.Level.WARNING, what + ": " + why);
        } catch (Throwable e) {
            // the manager goes on
        }
    }

    /**
     * Accepts no more connections, and returns when that is so. Those that are accepted are answered. The path is
     * removed, unless the socket has left it.
     */
    void stopAccepting() {
        isClosed = true;
        selector.wakeup();
        Uninterruptibles.await(() -> thread.join(CLOSE_LIMIT.toMillis())); // which may not have begun
        try {
            socket.close();
        } catch (IOException e) {
            warn("the control socket cannot be removed", e);
        }
    }

    /** Stops answering. What is being answered has two seconds; the socket's path is removed. */
    @Override
    public void close() {
        stopAccepting();
        Deadline deadline = Deadline.in(CLOSE_LIMIT);
        for (Client client : clients) {
            Uninterruptibles.await(() -> client.await(deadline));
            client.end();
        }
        // The listener stays open: closing it would close standard output too. The process ends now.
    }

    /** One connection. */
    private final class Client implements Answer {
        private final SocketChannel channel;
        private final Thread thread;

        Client(SocketChannel channel) {
            this.channel = channel;
            thread = Thread.ofPlatform().daemon().name("sennit-control-client").unstarted(this::serve);
        }

        void start() {
            Backend.start(thread);
        }

        private void serve() {
            try {
                List<String> request;
                Future<?> limit = Timers.after(REQUEST_LIMIT, () -> Quietly.close(channel::close));
                try {
                    var reader = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
                    request = ControlMessage.read(reader);
                } finally {
                    limit.cancel(false);
                }
                if (request != null) {
                    Outcome outcome = answer(request);
                    send(ControlMessage.DONE, Integer.toString(outcome.exitCode()), outcome.why());
                }
            } catch (IOException | InterruptedException e) {
                // the client has gone, or the server is closed
            } catch (Throwable e) { // no memory, for example; the manager goes on
                warn("a control connection failed", e);
            } finally {
                end();
            }
        }

        private Outcome answer(List<String> request) throws IOException, InterruptedException {
            if (!request.getFirst().equals(ControlMessage.VERSION)) {
                return new Outcome(3, "the manager speaks another language: use its version of sennit");
            }
            try {
                return handler.handle(request.subList(1, request.size()), this);
            } catch (RuntimeException | Error e) {
                warn("a control request failed", e);
                return new Outcome(1, "the manager failed to do it: " + e);
            }
        }

        @Override
        public void row(String... cells) throws IOException {
            String[] all = new String[cells.length + 1];
            all[0] = ControlMessage.ROW;
            System.arraycopy(cells, 0, all, 1, cells.length);
            send(all);
        }

        private void send(String... cells) throws IOException {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(ControlMessage.line(List.of(cells)));
            Future<?> limit = Timers.after(WRITE_LIMIT, () -> Quietly.close(channel::close));
            try {
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
            } finally {
                limit.cancel(false);
            }
        }

        /** A client sends nothing after its request, so what can be read is its end. */
        @Override
        public boolean isWanted() {
            try {
                channel.configureBlocking(false);
                try {
                    return channel.read(ByteBuffer.allocate(1)) == 0;
                } finally {
                    channel.configureBlocking(true);
                }
            } catch (IOException e) {
                return false;
            }
        }

        void await(Deadline deadline) throws InterruptedException {
            long left = deadline.left();
            if (left > 0) {
                thread.join(Duration.ofNanos(left));
            }
        }

        void end() {
            if (clients.remove(this)) {
                Quietly.close(channel::close);
                places.release();
            }
        }
    }
}
