package dev.sennit.cli.command;

import dev.sennit.internal.Backend;
import dev.sennit.internal.BackgroundExecutor;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.Uninterruptibles;
import java.io.Closeable;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Serves pages of figures over HTTP, such as {@code /metrics} for Prometheus, and {@code /healthz} for those who
 * restart a process. It answers GET and HEAD, one request a connection.
 *
 * <p>No client can stop others, or make this process grow. One thread serves all connections and waits for none of
 * them, so a client that sends nothing, or reads nothing, costs a connection and no thread. A connection ends after 10
 * s. There are no more than 64: when one more comes, the oldest goes that is not waiting for its answer. What may take
 * time, a question to a service manager for example, runs in the background: once for all who wait for the same page,
 * and no longer than 2 s, after which they hear that there is no answer. The JDK's own HTTP server has such limits for
 * the whole JVM only, set by system properties before its first use, and a thread for each request that has begun.
 */
public final class PageServer implements AutoCloseable {
    /**
     * A page.
     *
     * @param status of HTTP
     * @param type of the content
     */
    public record Page(int status, String type, byte[] content) {
        /** A page for people. */
        public static Page of(int status, String text) {
            return new Page(status, "text/plain; charset=utf-8", (text + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }

    /**
     * How much a client may have.
     *
     * @param connections how many at once, of all clients
     * @param connection how long one lives
     * @param page how long its page may take
     */
    public record Limits(int connections, Duration connection, Duration page) {
        public static final Limits USUAL = new Limits(64, Duration.ofSeconds(10), Duration.ofSeconds(2));
    }

    /** {@code READING -> MAKING -> WRITING -> ENDING}; {@code READING -> WRITING} for what is refused. */
    private enum State {
        /** The request has not come whole. */
        READING,
        /** The page is being made. */
        MAKING,
        /** The answer has not gone whole. */
        WRITING,
        /** The client has not closed: what it still sends is read, as it would lose the answer otherwise. */
        ENDING
    }

    private static final System.Logger LOG = System.getLogger("dev.sennit");
    private static final int BACKLOG = 64;
    private static final int LONGEST_HEAD = 1 << 13;
    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);
    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT);
    private static final Map<Integer, String> REASONS = Map.of(
            200, "OK", 400, "Bad Request", 404, "Not Found", 405, "Method Not Allowed",
            431, "Request Header Fields Too Large", 500, "Internal Server Error", 503, "Service Unavailable");

    private final ServerSocketChannel listener;
    private final InetSocketAddress address;
    private final Selector selector;
    private final Limits limits;
    private final Map<String, Callable<Page>> pages;
    private final Thread thread;
    private volatile boolean isClosed;

    // The fields below are of the serving thread.
    /** The oldest first. */
    private final Set<Connection> connections = new LinkedHashSet<>();
    /** The pages that were made last, or are being made, by path. */
    private final Map<String, CompletableFuture<Page>> made = new HashMap<>();
    /** When connections are accepted again, after one could not be. */
    private Deadline acceptAgain = Deadline.NEVER;

    private PageServer(ServerSocketChannel listener, Selector selector, Map<String, Callable<Page>> pages,
            Limits limits)
            throws IOException {
        this.listener = listener;
        this.selector = selector;
        this.limits = limits;
        address = (InetSocketAddress) listener.getLocalAddress();
        this.pages = pages;
        thread = Thread.ofPlatform().daemon().name("sennit-figures").unstarted(this::serve);
    }

    /**
     * Binds an address and begins to serve.
     *
     * @param address where; port 0 is any free port
     * @param setting what names the address, for messages
     * @param pages what makes a page, by its path; called by one thread at a time for each page
     * @return the server, which is to be closed
     * @throws IOException if that cannot be; its message is one line that says why, and what to do
     */
    public static PageServer open(InetSocketAddress address, String setting, Map<String, Callable<Page>> pages,
            Limits limits) throws IOException {
        String where = where(address);
        if (address.isUnresolved()) {
            throw new IOException("cannot serve figures at " + where + ": there is no host of that name; "
                    + "correct " + setting);
        }
        ServerSocketChannel listener = null;
        Selector selector = null;
        boolean isOpen = false;
        try {
            listener = ServerSocketChannel.open();
            listener.bind(address, BACKLOG);
            listener.configureBlocking(false);
            selector = Selector.open();
            listener.register(selector, SelectionKey.OP_ACCEPT);
            var server = new PageServer(listener, selector, pages, limits);
            Backend.start(server.thread);
            isOpen = true;
            return server;
        } catch (IOException e) {
            throw new IOException("cannot serve figures at " + where + ": " + advice(e, address.getPort(), setting), e);
        } finally {
            if (!isOpen) {
                close(listener, selector);
            }
        }
    }

    private static String where(InetSocketAddress address) {
        String host = address.getHostString();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    private static String advice(IOException e, int port, String setting) {
        String why = String.valueOf(e.getMessage());
        if (e instanceof BindException && why.contains("in use")) {
            return "the port is taken; end what listens there (see: ss -ltnp 'sport = :" + port
                    + "'), or set another " + setting;
        }
        return why + "; set another " + setting;
    }

    private static void close(@Nullable Closeable... opened) {
        for (Closeable each : opened) {
            if (each != null) {
                Quietly.close(each);
            }
        }
    }

    /**
     * Returns where it is served.
     *
     * @return the bound address, with a port that is not 0
     */
    public InetSocketAddress address() {
        return address;
    }

    /** Stops serving: closes all connections, and frees the port. */
    @Override
    public void close() {
        isClosed = true;
        selector.wakeup();
        Deadline deadline = Deadline.in(CLOSE_LIMIT);
        Uninterruptibles.await(() -> thread.join(Duration.ofNanos(Math.max(0, deadline.left()))));
    }

    // ---- the serving thread ----

    private void serve() {
        try {
            while (!isClosed) {
                try {
                    selector.select(this::handle, millisToNextLimit());
                    tend();
                } catch (IOException | RuntimeException | Error e) { // no memory, for example
                    warn("figures could not be served", e);
                    LockSupport.parkNanos(PAUSE.toNanos());
                }
            }
        } finally {
            connections.forEach(connection -> Quietly.close(connection.channel));
            close(listener, selector);
        }
    }

    private void handle(SelectionKey key) {
        if (!(key.attachment() instanceof Connection connection)) {
            accept(key);
            return;
        }
        try {
            connection.goOn();
        } catch (IOException | RuntimeException e) { // the client has gone
            end(connection);
        }
    }

    private void accept(SelectionKey key) {
        SocketChannel channel;
        try {
            channel = listener.accept();
        } catch (IOException e) { // no descriptor available, for example
            warn("a connection for figures cannot be accepted: " + e.getMessage(), null);
            key.interestOps(0);
            acceptAgain = Deadline.in(PAUSE);
            return;
        }
        if (channel == null) {
            return;
        }
        try {
            channel.configureBlocking(false);
            connections.add(new Connection(channel, channel.register(selector, SelectionKey.OP_READ)));
        } catch (IOException | RuntimeException | Error e) {
            Quietly.close(channel);
            throw new IllegalStateException("a connection cannot be served", e);
        }
        if (connections.size() > limits.connections()) {
            end(connections.stream()
                    .filter(one -> one.state != State.MAKING)
                    .findFirst()
                    .orElseThrow()); // the new one is among them
        }
    }

    private void end(Connection connection) {
        connections.remove(connection);
        Quietly.close(connection.channel);
    }

    /**
     * Never throws: the JDK's log opens a file before its first line, which is impossible without a free descriptor.
     */
    private static void warn(String text, @Nullable Throwable cause) {
        try {
            LOG.log(System.Logger.Level.WARNING, text, cause);
        } catch (RuntimeException | Error e) {
            // a lost line harms less than a server that ends
        }
    }

    /** Does what is due without a client: answers with pages that are made, and ends what takes too long. */
    private void tend() {
        for (Connection connection : List.copyOf(connections)) {
            if (connection.limit.isOver()) {
                end(connection);
            } else if (connection.state == State.MAKING) {
                connection.answerIfMade();
            }
        }
        if (acceptAgain.isOver()) {
            acceptAgain = Deadline.NEVER;
            listener.keyFor(selector).interestOps(SelectionKey.OP_ACCEPT);
        }
    }

    /** Returns 0 for none. */
    private long millisToNextLimit() {
        List<Deadline> all = new ArrayList<>(List.of(acceptAgain));
        for (Connection connection : connections) {
            all.add(connection.limit);
            if (connection.state == State.MAKING) {
                all.add(connection.pageLimit);
            }
        }
        return all.stream()
                .filter(Deadline::isLimited)
                .mapToLong(limit -> Math.max(1, TimeUnit.NANOSECONDS.toMillis(limit.left()) + 1))
                .min()
                .orElse(0);
    }

    /** Returns a page that is being made now, or has it made. */
    private CompletableFuture<Page> page(String path, Callable<Page> maker) {
        CompletableFuture<Page> last = made.get(path);
        if (last != null && !last.isDone()) {
            return last;
        }
        var next = new CompletableFuture<Page>();
        made.put(path, next);
        BackgroundExecutor.execute(() -> {
            Page page;
            try {
                page = maker.call();
            } catch (Throwable e) {
                warn("no figures for " + path, e);
                page = Page.of(500, "figures could not be had: see the log of the process");
            }
            next.complete(page);
            selector.wakeup();
        });
        return next;
    }

    /** One connection; of the serving thread. */
    private final class Connection {
        private final SocketChannel channel;
        private final SelectionKey key;
        private final Deadline limit = Deadline.in(limits.connection());
        private final ByteBuffer received = ByteBuffer.allocate(LONGEST_HEAD);
        private State state = State.READING;
        /** Whether the client wants to have no content. */
        private boolean isHead;
        private CompletableFuture<Page> page = new CompletableFuture<>();
        private Deadline pageLimit = Deadline.NEVER;
        private ByteBuffer[] answer = {};

        Connection(SocketChannel channel, SelectionKey key) {
            this.channel = channel;
            this.key = key;
            key.attach(this);
        }

        /** Reads or writes what can be without waiting. */
        void goOn() throws IOException {
            switch (state) {
                case READING -> read();
                case MAKING -> {}
                case WRITING -> write();
                case ENDING -> {
                    if (channel.read(received.clear()) < 0) {
                        end(this);
                    }
                }
            }
        }

        private void read() throws IOException {
            if (channel.read(received) < 0) {
                end(this);
                return;
            }
            String text = new String(received.array(), 0, received.position(), StandardCharsets.ISO_8859_1);
            if (text.contains("\n\r\n") || text.contains("\n\n")) {
                take(text.lines().findFirst().orElse(""));
            } else if (!received.hasRemaining()) {
                answer(Page.of(431, "the request is longer than " + LONGEST_HEAD + " bytes"));
            }
        }

        private void take(String request) throws IOException {
            String[] words = request.split(" ");
            if (words.length != 3 || !words[2].startsWith("HTTP/1.")) {
                answer(Page.of(400, "this is no request of HTTP 1"));
                return;
            }
            isHead = words[0].equals("HEAD");
            String path = words[1].replaceFirst("^(?i:http)://[^/?]*", "").replaceFirst("[?].*", "");
            Callable<Page> maker = pages.get(path);
            if (maker == null) {
                answer(Page.of(404, "there is nothing here: try " + String.join(", ", new TreeSet<>(pages.keySet()))));
            } else if (!isHead && !words[0].equals("GET")) {
                answer(Page.of(405, "only GET and HEAD are understood"));
            } else {
                state = State.MAKING;
                key.interestOps(0);
                pageLimit = Deadline.in(limits.page());
                page = page(path, maker);
            }
        }

        void answerIfMade() {
            try {
                if (page.isDone()) {
                    answer(page.join());
                } else if (pageLimit.isOver()) {
                    answer(Page.of(503, "there was no answer within " + Durations.text(limits.page())));
                }
            } catch (IOException | RuntimeException e) { // the client has gone
                end(this);
            }
        }

        private void answer(Page page) throws IOException {
            String head = "HTTP/1.1 " + page.status() + " " + REASONS.get(page.status()) + "\r\n"
                    + "Date: " + DATE.format(ZonedDateTime.now(ZoneOffset.UTC)) + "\r\n"
                    + "Content-Type: " + page.type() + "\r\n"
                    + "Content-Length: " + page.content().length + "\r\n"
                    + (page.status() == 405 ? "Allow: GET, HEAD\r\n" : "")
                    + "Cache-Control: no-store\r\n"
                    + "Connection: close\r\n\r\n";
            answer = new ByteBuffer[] {
                ByteBuffer.wrap(head.getBytes(StandardCharsets.ISO_8859_1)),
                ByteBuffer.wrap(isHead ? new byte[0] : page.content())
            };
            state = State.WRITING;
            write();
        }

        private void write() throws IOException {
            channel.write(answer);
            if (answer[answer.length - 1].hasRemaining() || answer[0].hasRemaining()) {
                key.interestOps(SelectionKey.OP_WRITE);
                return;
            }
            answer = new ByteBuffer[0];
            channel.shutdownOutput();
            state = State.ENDING;
            key.interestOps(SelectionKey.OP_READ);
        }
    }
}
