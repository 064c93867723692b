package dev.sennit.testing.server;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import dev.sennit.internal.SignalSender;
import dev.sennit.internal.machine.FolderOwner;
import dev.sennit.internal.machine.ProcessIdentity;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * A real server for tests: PostgreSQL, Redis or RabbitMQ, as it is installed on this machine, on a port of the loopback
 * interface and with its data in a temporary folder.
 *
 * {@snippet :
 * import dev.sennit.testing.server.TestServer;
 *
 * try (TestServer server = TestServer.postgresql().configuration("max_connections = 20").open()) {
 *     System.out.println(server.uri().getPort()); // and more, for a client
 *     server.kill();  // as kill -9 would
 *     server.start(); // again, on the same port and with the same data
 * }
 * }
 *
 * <p>{@link Builder#open} returns when the server answers. {@link #close} ends it and removes its folder; so does the
 * end of this JVM, however it comes: a small shell outlives the JVM for that. The server listens to 127.0.0.1 alone. It
 * gets none of the environment of this JVM, and reads no configuration of the machine.
 *
 * <p>Programs are looked for in {@code PATH} and the usual folders; the system property {@code sennit.servers.path}
 * names others, such as those of another version.
 *
 * <p>For tests of faults, {@link #suspend} and {@link #resume} have the server stand still as a machine without power
 * would; {@link dev.sennit.testing.FaultProxy} spoils connections to it.
 *
 * <p>Threads may share a server; their calls wait for each other. Needs a POSIX shell; on Linux whole families of
 * processes are ended, elsewhere the main process is.
 */
public final class TestServer implements Closeable {
    private static final int PORT_TRIES = 5;
    private static final Duration PAUSE = Duration.ofMillis(20);
    private static final Duration KILL_LIMIT = Duration.ofSeconds(30);
    private static final int TAIL_LINES = 40;
    private static final int TAIL_BYTES = 1 << 16;

    private final ServerSettings settings;
    private final Path folder;
    private final ServerProgram program;
    private final Caretaker caretaker;
    private final ReentrantLock lock = new ReentrantLock();
    /** Written once, before others know this object. */
    private int port;
    /** Guarded by lock. The main process, which may have ended. */
    private @Nullable ProcessHandle main;
    /** Guarded by lock for writing. */
    private volatile boolean suspended;
    /** Guarded by lock for writing. */
    private volatile boolean closed;

    private TestServer(ServerSettings settings) throws IOException, InterruptedException {
        this.settings = settings;
        ServerProgram.ensureInstalled(settings.kind());
        if (settings.port() != 0) {
            ensureFree(settings.port());
        }
        folder = newFolder(settings.kind());
        Caretaker started = null;
        try {
            program = ServerProgram.of(settings, folder);
            caretaker = started = new Caretaker(settings.kind().toString(), folder);
            program.prepare(caretaker);
            startAnywhere();
        } catch (Throwable e) {
            discard(started, e);
            throw e;
        }
    }

    /** In {@code /tmp} if the server runs as a user from whom the temporary folder of this JVM is hidden. */
    private static Path newFolder(ServerKind kind) throws IOException {
        Path among = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
        try {
            if (kind == ServerKind.POSTGRESQL && Account.instead() != null && !Account.canReach(among)) {
                among = Path.of("/tmp");
            }
            return Files.createTempDirectory(among, FolderOwner.namePrefix());
        } catch (FileSystemException e) {
            throw new IOException("cannot make a folder for " + kind.title() + " in " + among + ": start this JVM with"
                    + " -Djava.io.tmpdir=FOLDER, a folder in which this user may write", e);
        }
    }

    private void discard(@Nullable Caretaker started, Throwable why) {
        try {
            if (started == null) {
                Files.delete(folder);
            } else {
                started.close();
            }
        } catch (IOException e) {
            why.addSuppressed(e);
        }
    }

    /**
     * A PostgreSQL server, whose user {@code sennit} is its superuser and whose database is {@code postgres}. The
     * password is random. Started by root, it runs as the user {@code postgres} or {@code nobody}.
     *
     * @return its settings
     */
    public static Builder postgresql() {
        return of(ServerKind.POSTGRESQL);
    }

    /**
     * A Redis server, without a password unless one is {@linkplain Builder#password set}. It writes each change to its
     * disk before it answers, so that a test may kill it. Given configuration that begins with {@code sentinel}, such
     * as {@code sentinel monitor NAME 127.0.0.1 PORT QUORUM}, it is a sentinel.
     *
     * @return its settings
     */
    public static Builder redis() {
        return of(ServerKind.REDIS);
    }

    /**
     * A RabbitMQ node without plugins, whose user is {@code guest} and whose virtual host is {@code /}. It takes some
     * seconds to start.
     *
     * @return its settings
     */
    public static Builder rabbitmq() {
        return of(ServerKind.RABBITMQ);
    }

    /**
     * A server of a kind that is known only at run time.
     *
     * @param kind which
     * @return its settings
     */
    public static Builder of(ServerKind kind) {
        return new Builder(kind);
    }

    /** A port that was free may be taken before the server has it. */
    private void startAnywhere() throws IOException, InterruptedException {
        for (int tries = 1;; tries++) {
            port = settings.port() == 0 ? freePort() : settings.port();
            try {
                start();
                return;
            } catch (IOException e) {
                if (settings.port() != 0 || tries == PORT_TRIES || isFree(port)) {
                    throw e;
                }
            }
        }
    }

    static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.ofLiteral(ServerProgram.HOST))) {
            return socket.getLocalPort();
        }
    }

    private void ensureFree(int wanted) throws IOException {
        if (!isFree(wanted)) {
            throw new IOException(settings.kind().title() + " cannot start: port " + wanted + " of "
                    + ServerProgram.HOST + " is taken by another process; end that, or use another port");
        }
    }

    private static boolean isFree(int port) {
        try (var _ = new ServerSocket(port, 1, InetAddress.ofLiteral(ServerProgram.HOST))) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * The kind of server.
     *
     * @return the kind
     */
    public ServerKind kind() {
        return settings.kind();
    }

    /**
     * Where clients find it, with user and password: not for logs, in which {@link #toString} may stand.
     *
     * @return such as {@code postgresql://sennit:PASSWORD@127.0.0.1:41234/postgres}
     */
    public URI uri() {
        return program.uri(port);
    }

    /**
     * The same as {@link #uri}, by way of another port.
     *
     * @param other such as that of a {@link dev.sennit.testing.FaultProxy}
     * @return the URI
     */
    public URI uri(int other) {
        return program.uri(other);
    }

    /**
     * Its port, which stays the same.
     *
     * @return the port on 127.0.0.1
     */
    public int port() {
        return port;
    }

    /**
     * The folder with its data and its log, which is gone once it is closed.
     *
     * @return an absolute path
     */
    public Path folder() {
        return folder;
    }

    /**
     * The variables by which programs find it, its password among them.
     *
     * @return {@code SENNIT_POSTGRESQL_URI} and those of {@code psql} ({@code PGHOST} and others);
     *     {@code SENNIT_REDIS_URI} and {@code REDIS_URL}; or {@code SENNIT_RABBITMQ_URI} and {@code AMQP_URL}
     */
    public Map<String, String> environment() {
        return program.environment(port);
    }

    /**
     * The last lines that it wrote.
     *
     * @return at most 40, oldest first; none once it is closed
     */
    public List<String> log() {
        return lastLines(logFile(), TAIL_LINES);
    }

    private Path logFile() {
        return folder.resolve("server.log");
    }

    /**
     * Whether its main process is there; a suspended one is.
     *
     * @return false after {@link #stop}, {@link #kill} and {@link #close}, and when it has ended by itself
     */
    public boolean isRunning() {
        return !closed && caretaker.isRunning();
    }

    /**
     * Whether its processes stand still.
     *
     * @return true from {@link #suspend} on, until it is resumed, stopped or killed
     */
    public boolean isSuspended() {
        return suspended && isRunning();
    }

    /**
     * Starts it again, on the same port and with the same data. Returns when it answers.
     *
     * @throws IllegalStateException if it runs, or is closed
     * @throws IOException if it does not start within the {@linkplain Builder#startLimit limit}, or its port is taken;
     *     the message has the end of its log
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void start() throws IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            ensureOpen();
            if (caretaker.isRunning()) {
                throw new IllegalStateException(this + ", cannot be started");
            }
            ensureFree(port);
            suspended = false;
            long pid = caretaker.start(program.quickSignal(), logFile(), program.command(port));
            main = ProcessHandle.of(pid).orElse(null);
            awaitAnswer();
        } finally {
            lock.unlock();
        }
    }

    private void awaitAnswer() throws IOException, InterruptedException {
        Deadline deadline = Deadline.in(settings.startLimit());
        while (true) {
            Integer exitCode = caretaker.awaitExit(Deadline.in(PAUSE));
            if (exitCode != null) {
                throw new IOException(settings.kind().title() + " at " + ServerProgram.HOST + ":" + port
                        + " has ended while it started, with exit code " + exitCode + "; its log says: "
                        + tail(logFile(), 3));
            }
            if (program.answers(port)) {
                return;
            }
            if (deadline.isOver()) {
                kill();
                throw new IOException(settings.kind().title() + " at " + ServerProgram.HOST + ":" + port
                        + " does not answer after " + Durations.text(settings.startLimit()) + "; its log says: "
                        + tail(logFile(), 3));
            }
        }
    }

    /**
     * Stops it in order, without waiting for its clients. Kills it if it takes longer than the
     * {@linkplain Builder#stopLimit limit}. Does nothing if it does not run.
     *
     * @throws IllegalStateException if it is closed
     * @throws IOException if signals cannot be sent
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void stop() throws IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            ensureOpen();
            if (suspended) {
                resume();
            }
            ProcessHandle process = main;
            if (process == null || !caretaker.isRunning()) {
                return;
            }
            SignalSender.send(process, SignalSender.numberOf(program.stopSignal()));
            if (caretaker.awaitExit(Deadline.in(settings.stopLimit())) == null) {
                kill();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Kills all its processes at once, the main process first ({@code SIGKILL}): as if the machine had failed, but for
     * what the operating system has yet to write. Returns when they have ended. Does nothing if it does not run.
     *
     * @throws IllegalStateException if it is closed
     * @throws IOException if signals cannot be sent
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void kill() throws IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            ensureOpen();
            ProcessHandle process = main;
            if (process == null || !caretaker.isRunning()) {
                return;
            }
            List<ProcessHandle> children = process.descendants().toList();
            long[] identities = children.stream().flatMapToLong(TestServer::identity).toArray();
            process.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
            Deadline deadline = Deadline.in(KILL_LIMIT);
            if (caretaker.awaitExit(deadline) == null) {
                throw new IOException(
                        settings.kind().title() + " (process " + process.pid() + ") was killed, but has not"
                                + " ended after " + Durations.text(KILL_LIMIT) + "; see whether its disk answers");
            }
            for (long child : identities) {
                while (ProcessIdentity.isAlive(child) && !deadline.isOver()) {
                    caretaker.pause(PAUSE);
                }
            }
            suspended = false;
        } finally {
            lock.unlock();
        }
    }

    /** A process that has ended counts as alive for {@link ProcessHandle} until its new parent asks for its end. */
    private static LongStream identity(ProcessHandle process) {
        try {
            return LongStream.of(ProcessIdentity.of(process.pid()));
        } catch (IllegalStateException e) { // it has ended
            return LongStream.empty();
        }
    }

    /**
     * Has all its processes stand still ({@code SIGSTOP}): connections stay, and nobody answers. Does nothing if they
     * do already.
     *
     * @throws IllegalStateException if it does not run, or is closed
     * @throws IOException if signals cannot be sent
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void suspend() throws IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            ProcessHandle process = ensureRunning();
            suspended = true;
            int stop = SignalSender.numberOf("STOP");
            // The main process first, and children until there is none that is new.
            Set<ProcessHandle> stopped = new LinkedHashSet<>();
            List<ProcessHandle> next = List.of(process);
            while (!next.isEmpty()) {
                for (ProcessHandle each : next) {
                    SignalSender.send(each, stop);
                    stopped.add(each);
                }
                next = process.descendants().filter(each -> !stopped.contains(each)).toList();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets its processes go on after {@link #suspend}. Does nothing if they do already.
     *
     * @throws IllegalStateException if it does not run, or is closed
     * @throws IOException if signals cannot be sent
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void resume() throws IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            ProcessHandle process = ensureRunning();
            int goOn = SignalSender.numberOf("CONT");
            List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
            all.add(process);
            for (ProcessHandle each : all) {
                SignalSender.send(each, goOn);
            }
            suspended = false;
        } finally {
            lock.unlock();
        }
    }

    private void ensureOpen() {
        if (closed) {
            throw new IllegalStateException(this + ", so it cannot be used");
        }
    }

    private ProcessHandle ensureRunning() {
        ensureOpen();
        ProcessHandle process = main;
        if (process == null || !caretaker.isRunning()) {
            throw new IllegalStateException(this + ", does not run");
        }
        return process;
    }

    /**
     * Ends it and removes its folder. Does nothing if it is closed. An interrupt does not end the wait, which takes
     * half a minute at most.
     *
     * @throws IOException if its folder cannot be removed
     */
    @Override
    public void close() throws IOException {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            caretaker.close();
        } finally {
            lock.unlock();
        }
    }

    /** Returns the kind, address and state, without the password. */
    @Override
    public String toString() {
        String state = closed ? "closed" : !caretaker.isRunning() ? "stopped" : isSuspended() ? "suspended" : "running";
        return settings.kind() + " at " + ServerProgram.HOST + ":" + port + ", " + state;
    }

    /** The last lines of a log, in one. */
    static String tail(Path log, int most) {
        List<String> lines = lastLines(log, most);
        return lines.isEmpty() ? "nothing" : String.join("; ", lines);
    }

    private static List<String> lastLines(Path log, int most) {
        try (var file = new RandomAccessFile(log.toFile(), "r")) {
            long start = Math.max(0, file.length() - TAIL_BYTES);
            file.seek(start);
            var bytes = new byte[(int) Math.min(TAIL_BYTES, file.length() - start)];
            file.readFully(bytes);
            List<String> lines = new String(bytes, StandardCharsets.UTF_8)
                    .lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
            return lines.subList(Math.max(0, lines.size() - most), lines.size());
        } catch (IOException e) {
            return List.of(); // there is none yet
        }
    }

    /** Settings of a {@link TestServer}. */
    public static final class Builder {
        private static final int LAST_PORT = 65_535;

        private final ServerKind kind;
        private final List<String> configuration = new ArrayList<>();
        private int port;
        private @Nullable String password;
        private boolean fsync = true;
        private Duration startLimit = Duration.ofMinutes(1);
        private Duration stopLimit = Duration.ofSeconds(10);

        private Builder(ServerKind kind) {
            this.kind = Objects.requireNonNull(kind, "kind");
        }

        /**
         * More lines for its configuration, in its own form. They are stronger than what Sennit sets, but for the
         * address and the port.
         *
         * @param lines such as {@code max_connections = 20} (PostgreSQL), {@code maxmemory 100mb} (Redis) or
         *     {@code channel_max = 64} (RabbitMQ)
         * @return this
         */
        public Builder configuration(String... lines) {
            configuration.addAll(List.of(lines));
            return this;
        }

        /**
         * Its port; the default is one that is free.
         *
         * @param number from 1 to 65535
         * @return this
         * @throws IllegalArgumentException if it is none of these
         */
        public Builder port(int number) {
            if (number < 1 || number > LAST_PORT) {
                throw new IllegalArgumentException("port must be from 1 to " + LAST_PORT + ", was " + number);
            }
            port = number;
            return this;
        }

        /**
         * The password of its user; the default is a random one for PostgreSQL, none for Redis, and {@code guest} for
         * RabbitMQ.
         *
         * @param text of letters, digits and {@code - . _}
         * @return this
         * @throws IllegalArgumentException if it has other characters, or none
         */
        public Builder password(String text) {
            if (!text.matches("[A-Za-z0-9._-]+")) {
                throw new IllegalArgumentException("password must be of letters, digits and - . _");
            }
            password = text;
            return this;
        }

        /**
         * Whether the server waits for the disk before it says that something is written; the default is true. Without
         * that it is faster, and loses nothing when it is killed, but some of the last when the machine fails. RabbitMQ
         * decides for each message, so this has no effect on it.
         *
         * @param waits whether it does
         * @return this
         */
        public Builder fsync(boolean waits) {
            fsync = waits;
            return this;
        }

        /**
         * How long a start may take until it answers; the default is a minute.
         *
         * @param limit more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder startLimit(Duration limit) {
            startLimit = ensurePositive("startLimit", limit);
            return this;
        }

        /**
         * How long {@link TestServer#stop} waits before it kills; the default is ten seconds.
         *
         * @param limit more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder stopLimit(Duration limit) {
            stopLimit = ensurePositive("stopLimit", limit);
            return this;
        }

        private static Duration ensurePositive(String name, Duration limit) {
            if (!limit.isPositive()) {
                throw new IllegalArgumentException(name + " must be > 0, was " + Durations.text(limit));
            }
            return limit;
        }

        /**
         * Starts the server. Returns when it answers.
         *
         * @return the server, which is to be closed
         * @throws ServerNotInstalledException if it is not installed
         * @throws IOException if it does not start; then nothing of it is left
         * @throws InterruptedException if the calling thread is interrupted; then nothing of it is left
         */
        public TestServer open() throws IOException, InterruptedException {
            return new TestServer(new ServerSettings(
                    kind, port, password, List.copyOf(configuration), fsync, startLimit, stopLimit));
        }
    }
}
