package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.sql.Lookup;
import dev.sennit.queue.sql.Session;
import dev.sennit.queue.sql.Step;
import dev.sennit.queue.sql.Wakes;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Tells the listeners of a file, in all processes of the machine, what was committed.
 *
 * <p><b>Telling.</b> Each broker object that has listeners has a UDP socket on the loopback address, and a row in the
 * table {@code listener}: its port, a random token, and what its listeners are interested in. Whoever commits something
 * that concerns one of them reads the rows in the same transaction (again only if their version has changed), and sends
 * a datagram after the commit: the token, and a byte that says what kind of thing it is about.
 *
 * <p><b>Hearing.</b> One thread waits for datagrams. What they say is a hint: it looks into the database, and tells the
 * listeners what is there. A datagram without the token is nothing. Once a second it looks whether the database has
 * changed, in case a datagram was lost, or was sent from where this address is another one, as in a container.
 *
 * <p><b>Rows of the dead</b> are removed by the others: if the process is gone, or if it has not renewed its row.
 */
final class Wakeups implements Writer.Teller, AutoCloseable {
    private static final int WORK = 1;
    private static final int ENDS = 2;
    private static final int WORKER = 4;
    private static final int ALL = WORK | ENDS | WORKER;
    private static final int TOKEN = 16;
    private static final int POLL = 1000;
    /** How often a row is renewed, in milliseconds. */
    private static final long RENEWED = 20_000;
    /** After how long without that it is removed. */
    private static final long DEAD = 90_000;
    /** How long closing waits for others to hear of it. */
    private static final Duration SHORT = Duration.ofSeconds(5);
    /** How many ends are read at a time. */
    private static final int PAGE = 200;

    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final System.Logger LOG = System.getLogger("dev.sennit");

    /** What the listeners of a broker object want to hear of. */
    record Interests(Set<String> queues, Set<String> addresses, Set<String> workers) {
        boolean isEmpty() {
            return queues.isEmpty() && addresses.isEmpty() && workers.isEmpty();
        }
    }

    private record Target(int port, byte[] token, Interests interests) {
        int concern(Wakes wakes) {
            return (wakes.hasWork(interests.queues) ? WORK : 0)
                    | (interests.addresses.stream().anyMatch(wakes::hasEnds) ? ENDS : 0)
                    | (interests.workers.stream().anyMatch(wakes::concerns) ? WORKER : 0);
        }
    }

    private final class Listening implements Broker.Subscription {
        final BrokerListener.Interest interest;
        private final BrokerListener listener;
        private final ReentrantLock calling = new ReentrantLock();
        // guarded by calling
        private boolean isClosed;
        // only the thread that listens, once it is in the list
        private long lastEnd;
        private long lastControl;
        private Map<String, Integer> told = Map.of();

        Listening(BrokerListener.Interest interest, BrokerListener listener) {
            this.interest = interest;
            this.listener = listener;
        }

        void call(java.util.function.Consumer<BrokerListener> what) {
            calling.lock();
            try {
                if (!isClosed) {
                    what.accept(listener);
                }
            } catch (Throwable e) { // the thread of all listeners
                LOG.log(System.Logger.Level.WARNING, database.name + " - a listener failed", e);
            } finally {
                calling.unlock();
            }
        }

        @Override
        public void close() {
            calling.lock();
            try {
                if (isClosed) {
                    return;
                }
                isClosed = true;
            } finally {
                calling.unlock();
            }
            listenings.remove(this);
            try {
                register();
            } catch (BrokerException | IllegalStateException e) {
                // The row says too much, which costs datagrams only.
            }
        }
    }

    private final Database database;
    private final SqliteDialect dialect;
    private final String id = UUID.randomUUID().toString();
    private final byte[] token = new byte[TOKEN];
    private final List<Listening> listenings = new CopyOnWriteArrayList<>();
    /** Written once, before the first call. */
    private @Nullable Writer writer;

    private final ReentrantLock starting = new ReentrantLock();
    // guarded by starting
    private @Nullable Thread thread;
    private boolean isClosed;
    private volatile @Nullable DatagramSocket socket;

    // only the writer's thread
    private List<Target> targets = List.of();
    private long targetsVersion = -1;
    private @Nullable DatagramSocket sending;

    Wakeups(Database database, SqliteDialect dialect) {
        this.database = database;
        this.dialect = dialect;
        new SecureRandom().nextBytes(token);
    }

    void writer(Writer newWriter) {
        writer = newWriter;
    }

    private Writer writer() {
        return java.util.Objects.requireNonNull(writer);
    }

    // ---- telling: the writer's thread ----

    @Override
    public void prepare(Session session, Step step) throws SQLException {
        if (step.wakes().isEmpty()) {
            return;
        }
        Long version = session.query("SELECT listeners FROM {meta}").first(row -> row.getLong(1));
        if (version != null && version != targetsVersion) {
            targetsVersion = -1; // until it is read
            List<Target> read = new ArrayList<>();
            session.query("SELECT port, token, interest FROM {listener}").list(row -> {
                try {
                    return read.add(new Target(row.getInt(1), row.getBytes(2),
                            MAPPER.readValue(row.getBytes(3), Interests.class)));
                } catch (JacksonException e) { // of another version, which looks by itself
                    return false;
                }
            });
            targets = List.copyOf(read);
            targetsVersion = version;
        }
    }

    @Override
    public void undone() {
        targetsVersion = -1; // it may be one that was not committed
    }

    @Override
    public void tell(Step step) {
        Wakes wakes = step.wakes();
        if (wakes.isEmpty()) {
            return;
        }
        for (Target target : targets) {
            int concern = target.concern(wakes);
            if (concern != 0) {
                send(target, concern);
            }
        }
    }

    private void send(Target target, int concern) {
        byte[] data = Arrays.copyOf(target.token, TOKEN + 1);
        data[TOKEN] = (byte) concern;
        try {
            if (sending == null) {
                sending = new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            }
            sending.send(new DatagramPacket(data, data.length,
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), target.port)));
        } catch (IOException | IllegalArgumentException e) {
            // Whoever it was for looks by itself, within a second.
        }
    }

    // ---- subscriptions ----

    Broker.Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        var listening = new Listening(interest, listener);
        start();
        long last = writer().run(step -> {
            Long seq = step.session().query("SELECT seq FROM {meta}").first(row -> row.getLong(1));
            return seq == null ? 0 : seq - 1;
        });
        listening.lastEnd = last;
        listening.lastControl = last;
        listenings.add(listening);
        try {
            register();
        } catch (RuntimeException e) {
            listenings.remove(listening);
            throw e;
        }
        return listening;
    }

    private Interests interests() {
        Set<String> queues = new HashSet<>();
        Set<String> addresses = new HashSet<>();
        Set<String> workers = new HashSet<>();
        for (Listening each : listenings) {
            queues.addAll(each.interest.queues());
            Optional.ofNullable(each.interest.replyTo()).ifPresent(addresses::add);
            Optional.ofNullable(each.interest.worker()).ifPresent(workers::add);
        }
        return new Interests(queues, addresses, workers);
    }

    private void register() {
        register(Writer.LIMIT);
    }

    private void register(Duration most) {
        DatagramSocket own = socket;
        if (own != null) {
            int port = own.getLocalPort();
            writer().run(step -> write(step, port), most);
        }
    }

    private boolean write(Step step, int port) throws SQLException {
        Session session = step.session();
        Interests interests = interests();
        if (interests.isEmpty()) {
            session.query("DELETE FROM {listener} WHERE id = ?").text(id).update();
        } else {
            ProcessHandle own = ProcessHandle.current();
            session.query("""
                    INSERT INTO {listener} (id, port, space, pid, started, token, interest, seen)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET port = excluded.port,
                      interest = excluded.interest, seen = excluded.seen""").text(id).number(port).text(space())
                    .number(own.pid()).number(started(own)).bytes(token).bytes(MAPPER.writeValueAsBytes(interests))
                    .number(step.now()).update();
        }
        return changed(session);
    }

    private static boolean changed(Session session) throws SQLException {
        session.query("UPDATE {meta} SET listeners = listeners + 1").update();
        return true;
    }

    /** Renews the row, and removes those of the dead. */
    private boolean renew(Step step, int port) throws SQLException {
        Session session = step.session();
        if (session.query("UPDATE {listener} SET seen = ? WHERE id = ?").number(step.now()).text(id).update() == 0) {
            write(step, port);
        }
        List<String> dead = new ArrayList<>();
        session.query("SELECT id, space, pid, started, seen FROM {listener}").list(row -> {
            boolean isGone = row.getString(2).equals(space()) && !isAlive(row.getLong(3));
            return !isGone && row.getLong(5) > step.now() - DEAD || dead.add(row.getString(1));
        });
        if (!dead.isEmpty()) {
            session.query("DELETE FROM {listener} WHERE id {in}").texts(dead).update();
            changed(session);
        }
        return true;
    }

    /** Start times are not compared: after a step of the clock, processes see different ones of the same process. */
    private static boolean isAlive(long pid) {
        return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    }

    private static long started(ProcessHandle process) {
        return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
    }

    /** Returns where process ids are valid: in another container they mean other processes. */
    private static String space() {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
        } catch (IOException | UnsupportedOperationException e) {
            return "";
        }
    }

    // ---- hearing: one thread ----

    private void start() {
        starting.lock();
        try {
            if (isClosed) {
                throw new IllegalStateException("the broker " + database.name + " is closed");
            }
            if (thread == null) {
                var own = new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                try {
                    own.setSoTimeout(POLL);
                    thread = start(own, database.reader());
                    socket = own;
                } catch (SQLException e) {
                    throw SqliteErrors.of(database.name, e, false);
                } finally {
                    if (thread == null) {
                        own.close();
                    }
                }
            }
        } catch (SocketException e) {
            throw new BrokerException(BrokerException.Kind.UNAVAILABLE, false,
                    database.name + " cannot listen on the loopback address: " + e.getMessage(), e);
        } finally {
            starting.unlock();
        }
    }

    /** Starts the thread, which closes the connection. */
    private Thread start(DatagramSocket own, Connection connection) throws SQLException {
        Thread started = null;
        try {
            Thread listening = Thread.ofPlatform().daemon().name("sennit-sqlite-listener").unstarted(
                    () -> listen(own, connection));
            listening.start();
            started = listening;
            return listening;
        } finally {
            if (started == null) {
                connection.close();
            }
        }
    }

    private void listen(DatagramSocket own, Connection connection) {
        var packet = new DatagramPacket(new byte[TOKEN + 2], TOKEN + 2);
        long polled = System.nanoTime();
        long renewed = polled;
        long version = -1;
        String problem = ""; // the last one: it may come again each second
        try (connection; var session = new Session(connection, dialect)) {
            while (!own.isClosed()) {
                int about = receive(own, packet);
                try {
                    if (about != 0) {
                        look(session, about, false);
                    }
                    long now = System.nanoTime();
                    if (now - polled >= POLL * 1_000_000L) {
                        polled = now;
                        long newVersion = dataVersion(session);
                        if (newVersion != version) {
                            look(session, ALL, true);
                            version = newVersion;
                        }
                    }
                    if (now - renewed >= RENEWED * 1_000_000L && !listenings.isEmpty()) {
                        renewed = now;
                        writer().run(step -> renew(step, own.getLocalPort()));
                    }
                } catch (SQLException | BrokerException e) {
                    session.forget();
                    LOG.log(System.Logger.Level.DEBUG, database.name + " - cannot look for news", e);
                } catch (Throwable e) { // nobody else listens
                    session.forget();
                    if (!own.isClosed()) {
                        LOG.log(e.toString().equals(problem) ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING,
                                database.name + " - cannot look for news", e);
                        problem = e.toString();
                    }
                }
            }
        } catch (SQLException e) {
            // The connection was for reading.
        }
    }

    /** Waits for a datagram, at most until it is time to look; returns what it is about. */
    private int receive(DatagramSocket own, DatagramPacket packet) {
        try {
            packet.setLength(TOKEN + 2);
            own.receive(packet);
        } catch (SocketTimeoutException e) {
            return 0;
        } catch (IOException e) {
            if (!own.isClosed()) {
                LOG.log(System.Logger.Level.DEBUG, database.name + " - cannot receive", e);
                java.util.concurrent.locks.LockSupport.parkNanos(POLL * 1_000_000L);
            }
            return 0;
        }
        byte[] data = packet.getData();
        boolean isOurs = packet.getLength() == TOKEN + 1 && MessageDigest.isEqual(token, Arrays.copyOf(data, TOKEN));
        return isOurs ? data[TOKEN] & ALL : 0;
    }

    private static long dataVersion(Session session) throws SQLException {
        Long version = session.query("PRAGMA data_version").first(row -> row.getLong(1));
        return version == null ? -1 : version;
    }

    /**
     * Looks what is new, and tells the listeners.
     *
     * @param about of what kind
     * @param isUntold whether nobody has said that there is work
     */
    private void look(Session session, int about, boolean isUntold) throws SQLException {
        var step = new Step(session, dialect);
        for (Listening each : listenings) {
            BrokerListener.Interest interest = each.interest;
            if ((about & WORKER) != 0 && interest.worker() != null) {
                lookForWorker(step, each, interest.worker());
            }
            if ((about & WORK) != 0 && !interest.queues().isEmpty()
                    && (!isUntold || Lookup.hasReady(step, interest.queues()))) {
                each.call(BrokerListener::workMayBeReady);
            }
            if ((about & ENDS) != 0 && interest.replyTo() != null) {
                lookForEnds(step, each, interest.replyTo());
            }
        }
    }

    private static void lookForWorker(Step step, Listening each, String worker) throws SQLException {
        Map<String, Integer> toStop = Lookup.toStop(step, worker);
        Map<String, Integer> told = each.told;
        toStop.forEach((task, attempt) -> {
            if (!attempt.equals(told.get(task))) {
                each.call(listener -> listener.cancelRequested(task));
            }
        });
        each.told = toStop;
        for (Lookup.Control control : Lookup.controls(step, worker, each.lastControl)) {
            each.lastControl = control.seq();
            each.call(listener -> listener.control(control.message()));
        }
    }

    private static void lookForEnds(Step step, Listening each, String replyTo) throws SQLException {
        List<Lookup.Reply> replies;
        do {
            replies = Lookup.replies(step.session(), replyTo, each.lastEnd, PAGE);
            for (Lookup.Reply reply : replies) {
                each.lastEnd = reply.seq();
                EndedTask end = reply.task();
                each.call(listener -> listener.ended(end));
            }
        } while (replies.size() == PAGE);
    }

    /** Ends the thread. The row is removed by the writer before, if it can be. */
    @Override
    public void close() {
        Thread ending;
        starting.lock();
        try {
            if (isClosed) {
                return;
            }
            isClosed = true;
            ending = thread;
        } finally {
            starting.unlock();
        }
        for (Listening each : listenings) {
            each.calling.lock();
            each.isClosed = true;
            each.calling.unlock();
        }
        listenings.clear();
        if (ending == null) {
            return;
        }
        try {
            register(SHORT);
        } catch (BrokerException | IllegalStateException e) {
            // Others remove the row.
        }
        DatagramSocket own = socket;
        if (own != null) {
            own.close();
        }
        Writer.join(ending, Writer.LIMIT);
    }

    /** Closes the socket that sends, once the writer has ended. */
    void closeSending() {
        if (sending != null) {
            sending.close();
        }
    }
}
