package dev.sennit.manager;

import dev.sennit.codec.MessageBuffer;
import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import dev.sennit.internal.ExitHooks;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.Waits;
import dev.sennit.manager.wire.CallsUnderWay;
import dev.sennit.manager.wire.CallsUnderWay.Call;
import dev.sennit.manager.wire.ChannelWire;
import dev.sennit.manager.wire.ManagerFolder;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.manager.wire.ManagerProtocol.Message;
import dev.sennit.manager.wire.ManagerProtocol.Welcome;
import dev.sennit.manager.wire.ManagerSocket;
import dev.sennit.manager.wire.PinnedCertificate;
import dev.sennit.manager.wire.Wire;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection to a manager's server, with many calls under way.
 *
 * <p>The calling thread sends its call itself. Within a machine it also reads, if no other thread does, see
 * {@link ReadingRole}; over TLS the connection's own thread reads all answers. That thread also connects. So a thread
 * of the user, which may be interrupted, is never in a system call that would close the connection upon an interrupt.
 *
 * <p>An interrupted call is cancelled at the server, and still waits for its answer: only the answer tells whether the
 * call had its effect before. If it had, the call returns as if the interrupt had come afterwards; so no element that
 * was taken is lost. A thread that is interrupted already makes its call all the same, by an interrupted thread of the
 * server: only the object knows what that means, as a barrier breaks then.
 */
final class ManagerConnection {
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);

    private static final AtomicLong NUMBERS = new AtomicLong();

    /** The connections to servers of this machine that are neither closed nor lost. */
    private static final Set<ManagerConnection> LOCAL = ConcurrentHashMap.newKeySet();

    static {
        ExitHooks.add(ManagerConnection::removeDying);
    }

    private final ManagerAddress given;
    private final Runnable whenLost;
    private final Thread reader;
    /** Completed by the reading thread. */
    private final CompletableFuture<Opened> opened = new CompletableFuture<>();

    private final AtomicLong callNumbers = new AtomicLong();
    private final CallsUnderWay calls = new CallsUnderWay();
    /** Written once, before the waiting calls are ended. */
    private volatile @Nullable ManagerLostException lost;

    /** Guarded by this. */
    private @Nullable Future<?> heartbeat;

    /** The result of connecting. */
    record Opened(Wire wire, @Nullable ReadingRole role, ManagerAddress address, Welcome welcome) {
        void send(ByteBuffer message) {
            wire.send(message, null);
            if (role != null) {
                role.sent();
            }
        }
    }

    private ManagerConnection(ManagerAddress address, @Nullable SSLContext tls, Runnable whenLost) {
        given = address;
        this.whenLost = whenLost;
        String name = "sennit-manager-client-" + NUMBERS.incrementAndGet();
        reader = Thread.ofPlatform().daemon().name(name).unstarted(() -> run(address, tls, name));
    }

    /**
     * Connects, within ten seconds.
     *
     * @throws ManagerLostException if that fails; the message says why
     */
    static ManagerConnection open(ManagerAddress address, @Nullable SSLContext tls, Runnable whenLost) {
        var connection = new ManagerConnection(address, tls, whenLost);
        Backend.start(connection.reader);
        try (var _ = Waits.outOfTurn()) {
            connection.opened.join(); // ignores interrupts, and is limited in time
            return connection;
        } catch (CompletionException e) {
            IOException cause = e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
            throw new ManagerLostException(
                    "cannot connect to the manager at " + address.where() + ": " + cause.getMessage(), cause);
        }
    }

    /**
     * Removes the files of killed servers, in a process that is about to be halted: its reading threads may not get to
     * it.
     */
    private static void removeDying() {
        LOCAL.forEach(ManagerConnection::removeIfDying);
    }

    private void removeIfDying() {
        ManagerFolder.removeIfDying(Path.of(Objects.requireNonNull(given.socket())));
    }

    /** Returns the address, completed by what the server said. */
    ManagerAddress address() {
        return opened.join().address();
    }

    // ---- the reading thread ----

    private void run(ManagerAddress address, @Nullable SSLContext tls, String name) {
        Opened line;
        try {
            line = connect(address, tls, name);
            if (address.socket() != null) {
                LOCAL.add(this);
            }
        } catch (Throwable e) { // no timer, say: the opening thread waits for the outcome
            opened.completeExceptionally(e);
            return;
        }
        opened.complete(line);
        IOException cause = new IOException(ManagerProtocol.ENDED);
        try {
            if (address.remote() != null) {
                beat(line, Duration.ofMillis(line.welcome().leaseMillis()));
            }
            if (line.role() != null) {
                line.role().keep();
            } else {
                read(line);
            }
        } catch (SocketException | ClosedChannelException e) { // it ended with bytes of ours unread, or while we sent
            cause = new IOException(ManagerProtocol.ENDED, e);
        } catch (IOException e) {
            cause = e;
        } catch (OutOfMemoryError e) {
            cause = new IOException("no memory for its answer", e);
        } catch (Throwable e) {
            cause = new IOException("its answers cannot be read: " + e, e);
        } finally {
            try {
                boolean unexpected =
                        lose("the manager at " + address.where() + " is lost: " + cause.getMessage(), cause);
                if (unexpected && address.socket() != null) {
                    removeIfDying();
                }
            } finally {
                LOCAL.remove(this);
            }
        }
    }

    private void read(Opened line) throws IOException {
        var messages = new ManagerProtocol.Reader(line.wire(), line.welcome().longest());
        for (Message message = messages.next(); message != null; message = messages.next()) {
            calls.answer(message);
        }
    }

    private Opened connect(ManagerAddress address, @Nullable SSLContext tls, String name) throws IOException {
        InetSocketAddress remote = address.remote();
        if (remote == null) {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            try (var limit = new TimeLimit(channel)) {
                channel.connect(UnixDomainSocketAddress.of(Objects.requireNonNull(address.socket())));
                return limit.keep(greet(new ManagerSocket.Local(channel), address, name));
            }
        }
        var below = new Socket();
        try (var limit = new TimeLimit(below)) {
            byte[] pinned = address.certificate();
            SSLContext context =
                    pinned != null ? PinnedCertificate.contextFor(pinned) : tls != null ? tls : defaultContext();
            below.connect(new InetSocketAddress(remote.getHostString(), remote.getPort()));
            return limit.keep(
                    greet(ManagerSocket.Remote.connected(below, remote, context, pinned == null), address, name));
        }
    }

    private static SSLContext defaultContext() throws IOException {
        try {
            return SSLContext.getDefault();
        } catch (NoSuchAlgorithmException e) {
            throw new IOException("no SSLContext: " + e.getMessage(), e);
        }
    }

    private Opened greet(ManagerSocket socket, ManagerAddress address, String name) throws IOException {
        Welcome welcome = ManagerProtocol.greetServer(socket.in(), socket.out(), address.key());
        ManagerAddress known = address.known(welcome.server(), socket.certificate());
        Wire wire = socket.toWire(name, false);
        ReadingRole role =
                wire instanceof ChannelWire channel ? new ReadingRole(channel, welcome.longest(), calls) : null;
        return new Opened(wire, role, known, welcome);
    }

    /** Closes the socket if connecting takes too long, or ends without success. */
    private static final class TimeLimit implements AutoCloseable {
        private final Closeable socket;
        private final Future<?> timer;
        /** Only the connecting thread. */
        private boolean kept;

        TimeLimit(Closeable socket) {
            this.socket = socket;
            try {
                timer = Timers.after(CONNECT_LIMIT, this::abort);
            } catch (Throwable e) {
                abort();
                throw e;
            }
        }

        private void abort() {
            try {
                socket.close();
            } catch (IOException e) {
                // it is gone either way
            }
        }

        Opened keep(Opened line) {
            kept = true;
            return line;
        }

        @Override
        public void close() {
            timer.cancel(false);
            if (!kept) {
                abort();
            }
        }
    }

    /**
     * Sends a message now and then, so that the server knows that this client lives, and checks that the server does.
     */
    private synchronized void beat(Opened line, Duration lease) {
        if (lost != null) {
            return;
        }
        if (Backend.current().nanoTime() - line.wire().lastMoved() > lease.toNanos()) {
            String silent = "it has been silent for more than the lease of " + Durations.text(lease);
            lose("the manager at " + line.address().where() + " is lost: " + silent, new IOException(silent));
            return;
        }
        try {
            line.send(ManagerProtocol.message(ManagerProtocol.PING, 0, 0));
            heartbeat = Timers.after(lease.dividedBy(3), () -> beat(line, lease));
        } catch (Throwable e) { // without a timer neither side would notice the end of the other
            var cause = new IOException("there is no timer to keep the connection by: " + e.getMessage(), e);
            lose("the manager at " + line.address().where() + " is lost: " + cause.getMessage(), cause);
        }
    }

    // ---- calls ----

    /**
     * Calls a method, and waits for the answer.
     *
     * @return a VALUE or FAILURE message
     * @throws InterruptedException if an interrupt ended the call before it had an effect
     * @throws ManagerLostException if there will be no answer
     */
    Message call(long object, int method, @Nullable MessageBuffer arguments, boolean interruptible)
            throws InterruptedException {
        Opened line = opened.join();
        int length = arguments == null ? 0 : arguments.length();
        if (length > line.welcome().longest()) {
            throw new IllegalArgumentException("arguments have " + length + " bytes, and a message at most "
                    + line.welcome().longest() + "; see ManagerServer.Builder.longestMessage");
        }
        var call = new Call(callNumbers.incrementAndGet());
        calls.add(call);
        if (lost != null) { // checked after add: a thread that loses the manager later ends the call
            calls.remove(call);
            throw lostAgain();
        }
        boolean interrupted = interruptible && Thread.interrupted();
        long thread = Thread.currentThread().threadId();
        try (var _ = Waits.outOfTurn()) {
            line.send(interrupted
                    ? ManagerProtocol.interruptedCall(call.number(), object, method, thread, arguments)
                    : ManagerProtocol.call(call.number(), object, method, thread, arguments));
            while (!call.isOver()) {
                if (line.role() != null) {
                    line.role().await(call);
                } else {
                    LockSupport.park(this);
                }
                if (Thread.interrupted()) {
                    if (interruptible && !interrupted) {
                        line.send(ManagerProtocol.message(ManagerProtocol.CANCEL, call.number(), 0));
                    }
                    interrupted = true;
                }
            }
        } catch (Throwable e) { // no stack or memory left: this thread cannot read for others
            calls.remove(call);
            if (line.role() != null) {
                line.role().wantKeeper();
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            throw e;
        }
        Message answer = call.answer();
        if (answer != null && answer.kind() == ManagerProtocol.CANCELLED && interrupted) {
            throw new InterruptedException();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (answer == null) {
            throw lostAgain();
        }
        return answer;
    }

    /** Returns the same failure with the stack of the calling thread. */
    private ManagerLostException lostAgain() {
        ManagerLostException first = Objects.requireNonNull(lost);
        return new ManagerLostException(String.valueOf(first.getMessage()), Objects.requireNonNull(first.getCause()));
    }

    void retain(long object) {
        opened.join().send(ManagerProtocol.message(ManagerProtocol.RETAIN, 0, object));
    }

    void release(long object) {
        opened.join().send(ManagerProtocol.message(ManagerProtocol.RELEASE, 0, object));
    }

    boolean isLost() {
        return lost != null;
    }

    /** Ends the connection and all calls; returns false if it had been lost before. */
    private boolean lose(String message, IOException cause) {
        synchronized (this) {
            if (lost != null) {
                return false;
            }
            lost = new ManagerLostException(message, cause);
            if (heartbeat != null) {
                heartbeat.cancel(false);
            }
        }
        Opened line = opened.join();
        line.wire().close();
        if (line.role() != null) {
            line.role().wantKeeper();
        }
        whenLost.run();
        calls.endAll();
        return true;
    }

    /** Ends all calls, the connection, and its thread. */
    void close() {
        lose("the client was closed", new IOException("the client was closed"));
        if (reader != Thread.currentThread()) {
            try (var _ = Waits.outOfTurn()) {
                Uninterruptibles.await(reader::join);
            }
        }
    }
}
