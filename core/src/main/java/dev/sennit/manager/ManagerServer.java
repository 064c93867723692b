package dev.sennit.manager;

import dev.sennit.codec.AllowList;
import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Keys;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.Timers;
import dev.sennit.internal.UnprovenConnections;
import dev.sennit.internal.Waits;
import dev.sennit.manager.wire.ManagerFolder;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.manager.wire.ManagerProtocol.Welcome;
import dev.sennit.manager.wire.ManagerSocket;
import dev.sennit.manager.wire.MethodTable;
import dev.sennit.manager.wire.PinnedCertificate;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Objects in this JVM that other processes use, through proxies with the same interfaces: on this machine, or on
 * another.
 *
 * {@snippet :
 * try (ManagerServer manager = ManagerServer.local();
 *         Pool pool = Pools.open("processes:2")) {
 *     ConcurrentMap<String, Integer> ages = manager.client().newMap();
 *     pool.submit(() -> ages.put("Ada", 36)).get();
 *     System.out.println(ages); // {Ada=36}
 * }
 * }
 *
 * <p>A task that captures a proxy has the object in its worker, connected to this server. A {@link ManagerClient} finds
 * and makes objects; {@link #register} adds objects of the program's own. Objects copy what is put in and what comes
 * out: to change an element of a list, put it back.
 *
 * <ul>
 *   <li><b>Security.</b> {@link #local} listens at a socket in a folder that only this user can enter.
 *       {@link Builder#tls} listens at a port, for TLS alone. Either way a client has to prove that it has the key
 *       before anything that it sends is interpreted, and the server proves it as well. A client with the key may do
 *       everything that the objects can. Its messages are read behind an allow-list: the JDK's values, classes beside a
 *       registered interface, and those that {@link Builder#allow} names.
 *   <li><b>A client that ends</b>, however it ends, leaves nothing behind: its locks and its permits of bounded
 *       semaphores are released, its waits are over, and objects without a name that no other client has are freed
 *       after the {@linkplain Builder#lease lease}. So an object that is on its way to another process has that long to
 *       get there.
 *   <li><b>When the server ends</b>, every waiting call ends with a {@link ManagerLostException}.
 * </ul>
 *
 * <p>A server can run in any JVM, also in a worker process: its {@link #address} travels.
 *
 * <p><b>Memory effects</b>: for objects in the manager, actions before a call are visible to a thread that sees the
 * call's effect, as with the {@code java.util.concurrent} class that the object stands for; nothing else is shared.
 */
public final class ManagerServer implements AutoCloseable {
    private static final Duration GREETING_LIMIT = Duration.ofSeconds(10);
    private static final Duration ACCEPT_PAUSE = Duration.ofMillis(10);
    private static final int KEY_SIZE = 32;
    private static final Duration END_LIMIT = Duration.ofSeconds(5);

    /** The open servers of this JVM. */
    private static final Map<Long, ManagerServer> HOSTED = new ConcurrentHashMap<>();
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final String name = "sennit-manager-" + NUMBERS.incrementAndGet();
    private final long id = ByteBuffer.wrap(Keys.random(Long.BYTES)).getLong() | 1; // never 0
    private final byte[] key;
    private final Duration lease;
    private final int longest;
    private final AllowList allowed;
    private final ClassLoader loader;
    private final Listener listener;
    /** Written once more, before the server is published. */
    private ManagerAddress address;
    private final Thread acceptor;

    private final Map<Long, HostedObject> objects = new ConcurrentHashMap<>();
    /** Objects that may be without proxies, and have no timer that frees them. */
    private final Set<HostedObject> unwanted = ConcurrentHashMap.newKeySet();
    private final AtomicLong objectNumbers = new AtomicLong(ManagerProtocol.DIRECTORY);
    /** Guarded by itself. */
    private final Map<String, HostedObject> named = new HashMap<>();

    private final UnprovenConnections<ManagerSocket> unproven = new UnprovenConnections<>();

    private final Object lock = new Object();
    /** Guarded by lock. */
    private final Map<ManagerSession, Thread> sessions = new HashMap<>();
    /** Guarded by lock. The client of this JVM. */
    private @Nullable ManagerClient client;
    /** Guarded by lock. */
    private boolean closed;
    /** Guarded by lock. Set if clients may be lost without notice, that is over TLS. */
    private @Nullable Future<?> leaseCheck;
    /** Guarded by lock. Whether no timer could be made for the lease check; then the next client schedules it. */
    private boolean leaseCheckIsDue;

    /** Accepts connections. */
    private interface Listener extends Closeable {
        ManagerSocket accept() throws IOException;
    }

    private ManagerServer(Builder builder) throws IOException {
        key = builder.key == null ? Keys.random(KEY_SIZE) : builder.key;
        lease = builder.lease;
        longest = builder.longest;
        allowed = new AllowList(builder.allowed);
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        loader = context != null ? context : ClassLoader.getSystemClassLoader();
        SSLContext tls = builder.tls;
        if (tls == null) {
            ManagerFolder.Listening listening = ManagerFolder.listen();
            listener = listenerOf(listening);
            address = new ManagerAddress(id, listening.socket().toString(), null, key, null,
                    new AllowList(builder.allowed));
        } else {
            var server = new ServerSocket();
            try {
                server.bind(builder.listen != null
                        ? builder.listen
                        : new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            } catch (IOException | RuntimeException e) {
                server.close();
                throw e;
            }
            listener = listenerOf(server, tls);
            InetAddress bound = server.getInetAddress();
            var reachable = new InetSocketAddress(
                    bound.isAnyLocalAddress() ? InetAddress.getLoopbackAddress() : bound, server.getLocalPort());
            address = new ManagerAddress(id, null, reachable, key, null, new AllowList(builder.allowed));
        }
        var directory = new HostedObject(
                ManagerProtocol.DIRECTORY, MethodTable.of(Directory.class), new ServerDirectory(), null, "");
        objects.put(ManagerProtocol.DIRECTORY, directory);
        acceptor = Thread.ofPlatform().daemon().name(name + "-accept").unstarted(this::accept);
    }

    private static Listener listenerOf(ManagerFolder.Listening listening) {
        return new Listener() {
            @Override
            public ManagerSocket accept() throws IOException {
                return new ManagerSocket.Local(listening.server().accept());
            }

            @Override
            public void close() throws IOException {
                listening.close();
            }
        };
    }

    private static Listener listenerOf(ServerSocket server, SSLContext tls) {
        return new Listener() {
            @Override
            public ManagerSocket accept() throws IOException {
                return ManagerSocket.Remote.accepted(server.accept(), tls);
            }

            @Override
            public void close() throws IOException {
                server.close();
            }
        };
    }

    /**
     * Opens a server for processes of this user on this machine, with a random key.
     *
     * @return an open server
     * @throws UncheckedIOException if no socket can be made
     */
    public static ManagerServer local() {
        return builder().open();
    }

    /**
     * Begins to set up a server: without {@link Builder#tls}, for this machine alone.
     *
     * @return a builder with the defaults
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The settings of a new server. */
    public static final class Builder {
        private static final Duration DEFAULT_LEASE = Duration.ofSeconds(30);
        private static final Duration SHORTEST_LEASE = Duration.ofMillis(100);
        private static final Duration LONGEST_LEASE = Duration.ofDays(365);
        private static final int DEFAULT_LONGEST = 64 << 20;
        private static final int SHORTEST_LONGEST = 1 << 10;

        private @Nullable InetSocketAddress listen;
        private @Nullable SSLContext tls;
        private byte @Nullable [] key;
        private Duration lease = DEFAULT_LEASE;
        private int longest = DEFAULT_LONGEST;
        private final List<String> allowed = new ArrayList<>();

        private Builder() {}

        /**
         * Listens at a port, for TLS, instead of at a socket of this machine.
         *
         * @param context has the server's certificate and its private key
         * @return this
         */
        public Builder tls(SSLContext context) {
            tls = Objects.requireNonNull(context, "context");
            return this;
        }

        /**
         * Sets where to listen for TLS. The default is any free port of the loopback address.
         *
         * @param at an address of this machine, and a port, or 0 for any
         * @return this
         */
        public Builder listen(InetSocketAddress at) {
            listen = Objects.requireNonNull(at, "at");
            return this;
        }

        /**
         * Sets the key that clients need. The default is a random key.
         *
         * @param secret at least 16 bytes that cannot be guessed
         * @return this
         */
        public Builder key(byte[] secret) {
            key = Keys.ensureLong(secret);
            return this;
        }

        /**
         * Sets how long an object without a name outlives its last proxy, and, over TLS, how long the other side may be
         * silent before it counts as lost. The default is 30 seconds.
         *
         * @param duration 100 ms or more
         * @return this
         */
        public Builder lease(Duration duration) {
            if (duration.compareTo(SHORTEST_LEASE) < 0 || duration.compareTo(LONGEST_LEASE) > 0) {
                throw new IllegalArgumentException(
                        "lease must be >= 100 ms and <= 365 days, was " + Durations.text(duration));
            }
            lease = duration;
            return this;
        }

        /**
         * Sets how long a message may be, either way. The default is 64 MiB. A longer message is refused, and its call
         * fails.
         *
         * @param bytes 1024 or more
         * @return this
         */
        public Builder longestMessage(int bytes) {
            if (bytes < SHORTEST_LONGEST) {
                throw new IllegalArgumentException("longestMessage must be >= " + SHORTEST_LONGEST + ", was " + bytes);
            }
            longest = bytes;
            return this;
        }

        /**
         * Allows classes beyond the JDK's values and those beside a registered interface.
         *
         * @param patterns class names, {@code package.*}, or {@code package.**} for the packages below it as well
         * @return this
         */
        public Builder allow(String... patterns) {
            AllowList.ensurePatterns(patterns);
            allowed.addAll(List.of(patterns));
            return this;
        }

        /**
         * Opens the server.
         *
         * @return an open server; close it
         * @throws IllegalStateException if it is to listen at a port without TLS
         * @throws UncheckedIOException if it cannot listen there
         */
        public ManagerServer open() {
            if (listen != null && tls == null) {
                throw new IllegalStateException(
                        "listen needs tls: a port without it would show the objects to everybody on the way");
            }
            ManagerServer server;
            try {
                server = new ManagerServer(this);
            } catch (IOException e) {
                throw new UncheckedIOException(
                        "no manager at " + (listen == null ? "a local socket" : listen) + ": " + e.getMessage(), e);
            }
            try {
                server.start();
                return server;
            } catch (IOException e) {
                server.close();
                throw new UncheckedIOException("no manager with this SSLContext: " + e.getMessage(), e);
            } catch (Throwable e) { // no thread or timer, say
                server.close();
                throw e;
            }
        }
    }

    private void start() throws IOException {
        HOSTED.put(id, this);
        Backend.start(acceptor);
        InetSocketAddress remote = address.remote();
        if (remote != null) {
            address = address.known(id, PinnedCertificate.ofServerAt(remote));
            scheduleLeaseCheck();
        }
        synchronized (lock) {
            // before any proxy can be here: the client would have the proxy's allow-list
            client = ManagerClient.shared(address);
        }
    }

    // ---- for users ----

    /**
     * Registers an object for {@link ManagerClient#get}. Threads of the server call its methods, several at the same
     * time: the object has to be thread-safe.
     *
     * @param objectName its name
     * @param type a public interface; only its abstract methods can be called by clients
     * @param object the implementation
     * @param <T> the interface
     * @throws IllegalArgumentException if the name is taken, or the type is not such an interface
     */
    public <T> void register(String objectName, Class<T> type, T object) {
        Objects.requireNonNull(object, "object");
        MethodTable methods = MethodTable.of(type);
        allowed.allowBeside(type);
        synchronized (named) {
            if (named.containsKey(objectName)) {
                throw new IllegalArgumentException("there is an object named \"" + objectName + "\" already");
            }
            named.put(objectName, host(methods, object, null, objectName));
        }
    }

    /**
     * Returns the client of this server in this JVM. It is always the same, and is closed with the server.
     *
     * @return a client
     * @throws ManagerLostException if the server is closed
     */
    public ManagerClient client() {
        synchronized (lock) {
            return Objects.requireNonNull(client, "open before it is given away");
        }
    }

    /**
     * Returns the address by which another process connects. It contains the key; see {@link ManagerAddress}.
     *
     * @return the address; a server that listens at all addresses of this machine returns the loopback address
     */
    public ManagerAddress address() {
        return address;
    }

    /**
     * Returns how many clients are connected at the moment.
     *
     * @return the count
     */
    public int clients() {
        synchronized (lock) {
            return sessions.size();
        }
    }

    /** Returns how many objects there are. */
    int objects() {
        return objects.size() - 1;
    }

    /**
     * Closes all connections and drops all objects. Waiting callers get a {@link ManagerLostException}; running methods
     * of registered objects are interrupted. Calling it again has no effect.
     */
    @Override
    public void close() {
        Map<ManagerSession, Thread> served;
        synchronized (lock) {
            if (closed) {
                return;
            }
            closed = true;
            served = Map.copyOf(sessions);
            if (leaseCheck != null) {
                leaseCheck.cancel(false);
            }
        }
        HOSTED.remove(id);
        Quietly.close(listener);
        unproven.close();
        served.keySet().forEach(ManagerSession::close);
        ManagerClient.closeShared(address);
        List<Thread> threads = new ArrayList<>(served.values());
        threads.add(acceptor);
        awaitEnd(threads);
        objects.values().forEach(HostedObject::forget);
        objects.clear();
        unwanted.clear();
    }

    private static void awaitEnd(List<Thread> threads) {
        boolean interrupted = false;
        long deadline = Backend.current().nanoTime() + END_LIMIT.toNanos();
        for (Thread thread : threads) {
            long left = deadline - Backend.current().nanoTime();
            while (left > 0 && thread != Thread.currentThread() && thread.isAlive()) {
                try (var _ = Waits.outOfTurn()) {
                    TimeUnit.NANOSECONDS.timedJoin(thread, left);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
                left = deadline - Backend.current().nanoTime();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        synchronized (lock) {
            return "ManagerServer[" + address.where() + ", "
                    + (closed ? "closed" : sessions.size() + " clients, " + objects() + " objects")
                    + "]";
        }
    }

    // ---- clients ----

    private void accept() {
        while (true) {
            ManagerSocket socket;
            try {
                socket = listener.accept();
            } catch (IOException e) {
                synchronized (lock) {
                    if (closed) {
                        return;
                    }
                }
                pause(e);
                continue;
            } catch (OutOfMemoryError e) {
                pause(e);
                continue;
            }
            try {
                welcome(socket);
            } catch (Throwable e) { // no thread for this client, say: the next client may get one
                Quietly.close(socket);
                unproven.remove(socket);
                pause(e);
            }
        }
    }

    private void pause(Throwable why) {
        log("cannot accept a client: " + why);
        LockSupport.parkNanos(ACCEPT_PAUSE.toNanos()); // perhaps no file descriptor or thread is free
    }

    private void welcome(ManagerSocket socket) {
        if (unproven.add(socket)) {
            Backend.start(Thread.ofVirtual().name(name + "-greeting").unstarted(() -> greet(socket)));
        } else {
            Quietly.close(socket);
        }
    }

    private void greet(ManagerSocket socket) {
        Future<?> limit = null;
        boolean served = false;
        try {
            limit = Timers.after(GREETING_LIMIT, () -> Quietly.close(socket));
            if (ManagerProtocol.greetClient(socket.in(), socket.out(), key,
                    new Welcome(id, lease.toMillis(), longest))) {
                served = serve(socket);
            } else {
                log("a client without the key was turned away");
            }
        } catch (IOException e) {
            log("a client that did not say who it is: " + e);
        } catch (OutOfMemoryError e) {
            log("a client that cannot be served: " + e);
        } finally {
            if (limit != null) {
                limit.cancel(false);
            }
            unproven.remove(socket);
            if (!served) {
                Quietly.close(socket);
            }
        }
    }

    private boolean serve(ManagerSocket socket) throws IOException {
        String sessionName = name + "-client-" + NUMBERS.incrementAndGet();
        synchronized (lock) {
            if (closed || !unproven.contains(socket)) {
                return false;
            }
            var session = new ManagerSession(this, socket.toWire(sessionName, true), sessionName);
            Thread thread = Thread.ofPlatform().daemon().name(sessionName).unstarted(session::serve);
            sessions.put(session, thread);
            boolean started = false;
            try {
                Backend.start(thread);
                started = true;
            } finally {
                if (!started) {
                    sessions.remove(session);
                    session.close();
                }
            }
            if (leaseCheckIsDue) {
                scheduleLeaseCheck();
            }
            return true;
        }
    }

    /** Forgets a session that is over. */
    void ended(ManagerSession session) {
        synchronized (lock) {
            sessions.remove(session);
        }
    }

    boolean isClosed() {
        synchronized (lock) {
            return closed;
        }
    }

    private void scheduleLeaseCheck() {
        synchronized (lock) {
            if (closed) {
                return;
            }
            try {
                leaseCheck = Timers.after(lease.dividedBy(3), this::checkLeases);
                leaseCheckIsDue = false;
            } catch (OutOfMemoryError e) {
                leaseCheckIsDue = true;
                log("no timer to find lost clients by, until the next one comes: " + e);
            }
        }
    }

    /** Closes sessions that have been silent for longer than the lease: a client sends three messages in that time. */
    private void checkLeases() {
        try {
            List<ManagerSession> connected;
            synchronized (lock) {
                connected = List.copyOf(sessions.keySet());
            }
            for (ManagerSession session : connected) {
                if (session.isSilent(lease)) {
                    log(session + " is lost: silent for more than the lease of " + Durations.text(lease));
                    session.close();
                }
            }
        } finally {
            scheduleLeaseCheck();
        }
    }

    void log(String message) {
        System.getLogger("dev.sennit").log(Level.DEBUG, name + " - " + message);
    }

    // ---- objects ----

    /**
     * Returns the server of that address, if it is open in this JVM. An id alone proves nothing: the sender of the
     * address has to have the key.
     */
    static @Nullable ManagerServer hosted(ManagerAddress address) {
        ManagerServer here = HOSTED.get(address.server());
        return here != null && MessageDigest.isEqual(here.key, address.key()) ? here : null;
    }

    int longest() {
        return longest;
    }

    AllowList allowed() {
        return allowed;
    }

    ClassLoader loader() {
        return loader;
    }

    @Nullable HostedObject find(long object) {
        return objects.get(object);
    }

    /** Uncounts proxies of an object, and frees objects without proxies after the lease. */
    void release(long object, int count) {
        HostedObject released = objects.get(object);
        if (released != null) {
            released.release(count);
            unwanted.add(released);
        }
        // Includes objects for which no timer could be made before. A copy: iterating over the set might see re-added
        // objects for ever.
        for (HostedObject each : List.copyOf(unwanted)) {
            if (unwanted.remove(each) && !each.freeIn(lease, () -> objects.remove(each.id))) {
                unwanted.add(each);
            }
        }
    }

    private HostedObject host(MethodTable methods, Object object, @Nullable ManagedKind kind,
            @Nullable String objectName) {
        var hosted = new HostedObject(objectNumbers.incrementAndGet(), methods, object, kind, objectName);
        objects.put(hosted.id, hosted);
        return hosted;
    }

    private final class ServerDirectory implements Directory {
        @Override
        public long find(String objectName, String interfaceName, long fingerprint) {
            HostedObject found;
            synchronized (named) {
                found = named.get(objectName);
            }
            if (found == null) {
                throw new NoSuchElementException("no object named \"" + objectName + "\" is registered");
            }
            String type = found.methods.type().getName();
            if (!type.equals(interfaceName)) {
                throw new IllegalArgumentException("\"" + objectName + "\" is a " + type + ", not a " + interfaceName);
            }
            if (found.methods.fingerprint() != fingerprint) {
                throw new IllegalArgumentException(type + " has other methods in the client than in the manager");
            }
            return retained(found);
        }

        @Override
        public long make(ManagedKind kind, @Nullable String objectName, int size, @Nullable Object[] initial) {
            if (objectName == null) {
                return retained(host(kind.methods(), kind.make(size, initial), kind, null));
            }
            synchronized (named) {
                HostedObject found = named.get(objectName);
                if (found == null) {
                    found = host(kind.methods(), kind.make(size, initial), kind, objectName);
                    named.put(objectName, found);
                } else if (found.kind != kind) {
                    throw new IllegalArgumentException("\"" + objectName + "\" is a "
                            + (found.kind == null ? found.methods.type().getName() : found.kind) + ", not a " + kind);
                }
                return retained(found);
            }
        }

        private long retained(HostedObject object) {
            ServerCall.current().session().retain(object.id);
            return object.id;
        }
    }
}
