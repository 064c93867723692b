package dev.sennit.testing;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Quietly;
import dev.sennit.testing.FaultPlan.Fault;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A TCP proxy on this machine that spoils the connections to a server: cuts and delays them, loses the second half of
 * what passes, has it come twice or as something else, and stands still.
 *
 * {@snippet :
 * import dev.sennit.testing.FaultProxy;
 * import java.net.Socket;
 * import java.time.Duration;
 *
 * try (FaultProxy proxy = FaultProxy.to("127.0.0.1", 5432)
 *         .seed(42)
 *         .delay(0.1, Duration.ofMillis(20))
 *         .cut(0.01)
 *         .open();
 *         Socket socket = new Socket("127.0.0.1", proxy.port())) {
 *     socket.getOutputStream().write(1); // and so on, until it is cut
 *     proxy.cutAll();
 *     System.out.println(proxy); // with the seed, and how often it did what
 * }
 * }
 *
 * <p><b>By chance:</b> the proxy divides each direction of a connection into chunks of random lengths, and draws for
 * each whether one of the faults happens to it. What it draws depends on the seed, the number of the connection in
 * the order in which they were accepted, the direction, and the place in the stream of bytes: the same seed does the
 * same to the same bytes, in whatever pieces they come. A fault happens when the first byte that it concerns comes
 * by. A reset may also lose bytes that have passed, if the receiving system has had no room for them.
 *
 * <p><b>By order:</b> {@link #cutAll}, {@link #standStill}, {@link #goOn} and {@link #refuse} act at once.
 *
 * <p>A side that closes its connection, or its output, has that passed on. Threads may share a proxy. {@link #close}
 * resets what there is; then all its threads have ended.
 */
public final class FaultProxy implements Closeable {
    private static final String SEED = "sennit.seed";
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);
    private static final Duration END_LIMIT = Duration.ofSeconds(30);
    private static final int BACKLOG = 1024;

    private final InetSocketAddress target;
    private final long seed;
    private final Settings settings;
    private final ServerSocket listener;
    private final Thread accepting;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Guarded by lock. Those whose threads may run. */
    private final List<FaultyLink> links = new ArrayList<>();
    /** Guarded by lock. */
    private boolean standing;
    /** Guarded by lock for writing. */
    private volatile boolean closed;

    private volatile boolean refusing;
    private volatile boolean spoiling = true;

    private final AtomicLongArray faults = new AtomicLongArray(Fault.values().length);
    private final AtomicLong connections = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();

    /** What a {@link Builder} was told. */
    private record Settings(
            Map<Fault, Double> chances, double refusal, Duration delay, Duration standstill, int chunk) {}

    private FaultProxy(InetSocketAddress target, long seed, Settings settings) throws IOException {
        this.target = target;
        this.seed = seed;
        this.settings = settings;
        listener = new ServerSocket(0, BACKLOG, InetAddress.ofLiteral("127.0.0.1"));
        accepting =
                Thread.ofPlatform().daemon().name("sennit-fault-proxy-" + port() + "-accept").unstarted(this::accept);
        try {
            Backend.start(accepting);
        } catch (Throwable e) {
            listener.close();
            throw e;
        }
    }

    /**
     * A proxy to a server on this machine.
     *
     * @param host a loopback address, or a name of one
     * @param port the server's
     * @return its settings; without any it passes everything on
     * @throws IllegalArgumentException if it is not on this machine, or not a port
     */
    public static Builder to(String host, int port) {
        return new Builder(host, port);
    }

    /**
     * Its port.
     *
     * @return the port on 127.0.0.1
     */
    public int port() {
        return listener.getLocalPort();
    }

    /**
     * The seed from which its faults come.
     *
     * @return the seed that {@link Builder#seed} takes
     */
    public long seed() {
        return seed;
    }

    /**
     * Its counts so far.
     *
     * @return counts that are exact while nothing passes
     */
    public FaultCounts counts() {
        return new FaultCounts(
                connections.get(),
                refused.get(),
                counted(Fault.CUT),
                counted(Fault.HALVE),
                counted(Fault.DUPLICATE),
                counted(Fault.GARBLE),
                counted(Fault.DELAY),
                counted(Fault.STAND_STILL),
                bytes.get());
    }

    /**
     * Resets all connections that there are: what is under way is lost, and both sides are told.
     *
     * @return how many
     */
    public int cutAll() {
        return (int) snapshot().stream().filter(link -> link.reset(Fault.CUT)).count();
    }

    private List<FaultyLink> snapshot() {
        lock.lock();
        try {
            return List.copyOf(links);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Passes nothing on any more until {@link #goOn}: connections stay, new ones are accepted, and nobody answers. Does
     * nothing if it stands still by order already.
     */
    public void standStill() {
        lock.lock();
        try {
            if (!standing) {
                standing = true;
                count(Fault.STAND_STILL);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Passes on again what came in meanwhile, and ends the standstills of single connections. */
    public void goOn() {
        lock.lock();
        try {
            standing = false;
            long now = Backend.current().nanoTime();
            links.forEach(link -> link.standUntil(now));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether new connections are reset as soon as they are made; at first they are not.
     *
     * @param wanted whether they are
     */
    public void refuse(boolean wanted) {
        refusing = wanted;
    }

    /**
     * Whether faults happen by chance; at first they do. Without them, it does only what it is ordered to: for the end
     * of a test, at which all has to come right.
     *
     * @param wanted whether they happen
     */
    public void spoil(boolean wanted) {
        spoiling = wanted;
    }

    /** Resets all connections, and ends its threads. Does nothing if it is closed. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        Quietly.close(listener);
        Deadline deadline = Deadline.in(END_LIMIT);
        boolean interrupted = join(accepting, deadline); // then there are no more new connections
        List<FaultyLink> all = snapshot();
        all.forEach(FaultyLink::abandon);
        for (FaultyLink link : all) {
            for (Thread thread : link.threads()) {
                interrupted |= join(thread, deadline);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns whether the wait was interrupted. */
    private static boolean join(Thread thread, Deadline deadline) {
        boolean interrupted = false;
        while (thread.isAlive() && !deadline.isOver()) {
            try {
                TimeUnit.NANOSECONDS.timedJoin(thread, deadline.left());
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        return interrupted;
    }

    /** Returns where it leads, its seed, and how often it did what. */
    @Override
    public String toString() {
        FaultCounts counts = counts();
        return "fault proxy 127.0.0.1:" + port() + " -> " + target.getAddress().getHostAddress() + ":"
                + target.getPort() + ", seed " + seed + (closed ? ", closed" : "") + ": " + counts.connections()
                + " connections (" + counts.refused() + " refused), " + counts.cut() + " cut, " + counts.halved()
                + " halved, " + counts.duplicated() + " duplicated, " + counts.garbled() + " garbled, "
                + counts.delayed() + " delayed, " + counts.standstills() + " standstills, " + counts.bytes()
                + " bytes";
    }

    // ---- for its connections ----

    FaultPlan plan(long connection, boolean toServer) {
        return new FaultPlan(seed, connection, toServer, settings.chances(), settings.chunk());
    }

    boolean spoils() {
        return spoiling;
    }

    private long counted(Fault fault) {
        return faults.get(fault.ordinal());
    }

    void count(Fault fault) {
        faults.incrementAndGet(fault.ordinal());
    }

    void countBytes(int more) {
        bytes.addAndGet(more);
    }

    /** Marks a connection as ended. Returns false if it was. */
    boolean ending(FaultyLink link) {
        lock.lock();
        try {
            changed.signalAll();
            return link.end();
        } finally {
            lock.unlock();
        }
    }

    /** Holds a direction of a connection up. */
    void delay(FaultyLink link, double share) throws InterruptedException {
        Deadline deadline = Deadline.in((long) (settings.delay().toNanos() * share));
        lock.lock();
        try {
            while (!deadline.isOver() && !link.hasEnded() && !closed) {
                changed.awaitNanos(deadline.left());
            }
        } finally {
            lock.unlock();
        }
    }

    /** Has both directions of a connection stand still. */
    void standStill(FaultyLink link, double share) {
        lock.lock();
        try {
            link.standUntil(Backend.current().nanoTime() + (long) (settings.standstill().toNanos() * share));
            count(Fault.STAND_STILL); // a goOn of a thread that sees the count has to end this standstill
        } finally {
            lock.unlock();
        }
    }

    /** Waits while the connection stands still, or all do. */
    void awaitPassage(FaultyLink link) throws IOException, InterruptedException {
        lock.lock();
        try {
            while (!closed && !link.hasEnded()) {
                long left = link.standsUntil() - Backend.current().nanoTime();
                if (standing) {
                    changed.await();
                } else if (left > 0) {
                    changed.awaitNanos(left);
                } else {
                    return;
                }
            }
            throw new IOException("cut");
        } finally {
            lock.unlock();
        }
    }

    // ---- its own thread ----

    private void accept() {
        while (!closed) {
            try {
                Socket client = listener.accept();
                long number = connections.getAndIncrement();
                boolean drawn = spoiling && FaultPlan.refuses(seed, number, settings.refusal());
                if (refusing || drawn) {
                    refused.incrementAndGet();
                    FaultyLink.reset(client);
                } else {
                    link(number, client);
                }
            } catch (IOException e) {
                if (listener.isClosed()) {
                    return;
                }
            } catch (OutOfMemoryError e) {
                // no thread for this connection, which is reset
            }
        }
    }

    private void link(long number, Socket client) throws IOException {
        var server = new Socket();
        FaultyLink link;
        try {
            server.connect(target, (int) CONNECT_LIMIT.toMillis());
            link = new FaultyLink(this, number, client, server);
        } catch (Throwable e) {
            FaultyLink.reset(client);
            FaultyLink.reset(server);
            throw e;
        }
        lock.lock();
        try {
            links.removeIf(FaultyLink::isGone);
            links.add(link);
            link.start();
        } finally {
            lock.unlock();
        }
    }

    /** Settings of a {@link FaultProxy}. All chances are from 0 to 1, and those for a chunk together at most 1. */
    public static final class Builder {
        private static final int LAST_PORT = 65_535;
        private static final double ROUNDING = 1e-9;

        private final InetSocketAddress target;
        private final Map<Fault, Double> chances = new EnumMap<>(Fault.class);
        private double refusal;
        private Duration delay = Duration.ZERO;
        private Duration standstill = Duration.ZERO;
        private int chunk = 1024;
        private long seed = Long.getLong(SEED, new SplittableRandom().nextLong(1_000_000_000));

        private Builder(String host, int port) {
            if (port < 1 || port > LAST_PORT) {
                throw new IllegalArgumentException("port must be from 1 to " + LAST_PORT + ", was " + port);
            }
            try {
                InetAddress address = InetAddress.getByName(host);
                if (!address.isLoopbackAddress()) {
                    throw new IllegalArgumentException(
                            "host must be a loopback address, as faults are for servers of this machine, was " + host);
                }
                target = new InetSocketAddress(address, port);
            } catch (UnknownHostException e) {
                throw new IllegalArgumentException("host must be a loopback address, was " + host, e);
            }
        }

        /**
         * From what the faults come; the default is the system property {@code sennit.seed}, or a number that
         * {@link FaultProxy#toString} tells.
         *
         * @param number any
         * @return this
         */
        public Builder seed(long number) {
            seed = number;
            return this;
        }

        /**
         * How long a chunk is at most, which is how finely faults lie; the default is 1024, so that one comes about
         * every 512 bytes.
         *
         * @param bytes at least 1
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder chunk(int bytes) {
            if (bytes < 1) {
                throw new IllegalArgumentException("chunk must be >= 1, was " + bytes);
            }
            chunk = bytes;
            return this;
        }

        /**
         * Resets the connection before a chunk.
         *
         * @param chance for each chunk
         * @return this
         * @throws IllegalArgumentException if it is no chance
         */
        public Builder cut(double chance) {
            return with(Fault.CUT, chance);
        }

        /**
         * Passes the first half of a chunk on, and then resets the connection.
         *
         * @param chance for each chunk
         * @return this
         * @throws IllegalArgumentException if it is no chance
         */
        public Builder halve(double chance) {
            return with(Fault.HALVE, chance);
        }

        /**
         * Passes a chunk on twice.
         *
         * @param chance for each chunk
         * @return this
         * @throws IllegalArgumentException if it is no chance
         */
        public Builder duplicate(double chance) {
            return with(Fault.DUPLICATE, chance);
        }

        /**
         * Makes one byte of a chunk another.
         *
         * @param chance for each chunk
         * @return this
         * @throws IllegalArgumentException if it is no chance
         */
        public Builder garble(double chance) {
            return with(Fault.GARBLE, chance);
        }

        /**
         * Passes a chunk on later.
         *
         * @param chance for each chunk
         * @param longest how much later at most; each time is drawn
         * @return this
         * @throws IllegalArgumentException if it is no chance, or not more than zero
         */
        public Builder delay(double chance, Duration longest) {
            delay = ensurePositive("delay", longest);
            return with(Fault.DELAY, chance);
        }

        /**
         * Has both directions of a connection stand still before a chunk.
         *
         * @param chance for each chunk
         * @param longest for how long at most; each time is drawn
         * @return this
         * @throws IllegalArgumentException if it is no chance, or not more than zero
         */
        public Builder standStill(double chance, Duration longest) {
            standstill = ensurePositive("standStill", longest);
            return with(Fault.STAND_STILL, chance);
        }

        /**
         * Resets new connections as soon as they are made.
         *
         * @param chance for each connection
         * @return this
         * @throws IllegalArgumentException if it is no chance
         */
        public Builder refuse(double chance) {
            refusal = ensureChance("refuse", chance);
            return this;
        }

        private Builder with(Fault fault, double chance) {
            chances.put(fault, ensureChance(fault.name().toLowerCase(Locale.ROOT), chance));
            double all = chances.values().stream().mapToDouble(each -> each).sum();
            if (all > 1 + ROUNDING) {
                throw new IllegalArgumentException("the chances for a chunk must be <= 1 together, were " + all);
            }
            return this;
        }

        private static double ensureChance(String name, double chance) {
            if (!(chance >= 0 && chance <= 1)) {
                throw new IllegalArgumentException("the chance of " + name + " must be from 0 to 1, was " + chance);
            }
            return chance;
        }

        private static Duration ensurePositive(String name, Duration longest) {
            if (!longest.isPositive()) {
                throw new IllegalArgumentException(name + " must be > 0, was " + Durations.text(longest));
            }
            return longest;
        }

        /**
         * Opens the proxy on a free port. The server need not be there yet.
         *
         * @return the proxy, which is to be closed
         * @throws IOException if there is no port
         */
        public FaultProxy open() throws IOException {
            return new FaultProxy(
                    target, seed, new Settings(new EnumMap<>(chances), refusal, delay, standstill, chunk));
        }
    }
}
