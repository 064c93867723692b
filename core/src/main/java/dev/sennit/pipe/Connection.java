package dev.sennit.pipe;

import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Movable;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.internal.ExitHooks;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Unreachable;
import dev.sennit.internal.Waits;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerProcess;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.ObjectStreamException;
import java.io.Serial;
import java.io.Serializable;
import java.io.StreamCorruptedException;
import java.lang.ref.WeakReference;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One end of a {@link Pipe}, or of a connection to a {@link ConnectionListener}: sends objects and bytes to the other
 * end, and receives them from it.
 *
 * <h2>Giving it away</h2>
 *
 * <p>A connection that has not been used yet can be given to another process: the main of a {@link WorkerProcess} or a
 * task of a {@link ProcessPool} captures it, or it is sent over another connection. The receiver then has the end, and
 * using it here fails. A connection that has been used stays where it is, and a task that captures it is refused.
 *
 * <p>The receiver has the end from the moment when it reads it. Until then the end belongs to the giver, which should
 * close it only when the receiver has it, or will not get it. If it was given to a {@code WorkerProcess}, it may be
 * closed here at once, and is gone if that process ends without having read it.
 *
 * <h2>Waiting</h2>
 *
 * <p>No hung waits: every wait ends with a message; with a {@link ConnectionEndedException} when the other end was
 * closed or its process has ended, however it ended, and all its messages have been received; with an
 * {@link InterruptedException}, after which the connection is as good as before; or with an {@link IOException} when it
 * is closed here meanwhile.
 *
 * <p>The system buffers some hundred kilobytes between two ends. A larger message is sent while it is received. If both
 * ends send large messages and neither receives, both wait, until one is closed or interrupted
 * ({@link dev.sennit.CancelScope#within} limits the time): let another thread receive. Before the ends have connected,
 * 64 KiB are kept for an end, and 16 MiB for all ends of a process together; a send beyond that waits until its ends
 * have connected. A process that ends, but not one that is killed, first sends the messages that it keeps, wherever the
 * other end is by then.
 *
 * <p>An end that was neither given away nor connected is closed when the garbage collector finds it unreachable;
 * messages that were kept for it are dropped. A process may have 1,024 ends that came from others and are not
 * connected; the next end is refused where it is read.
 *
 * <p><b>Threads.</b> Any thread may call any method at any time. A thread may send while another receives; messages of
 * two sending threads do not mix, and two receiving threads each get whole messages. Waiting virtual threads do not
 * hold their carriers.
 *
 * <h2>What may be received</h2>
 *
 * <p>Objects are read behind an allow-list: the JDK's values and exceptions, classes in the same jar or folder as the
 * class that opened the pipe, and those that {@link #allow} names. Another class causes a
 * {@link dev.sennit.TaskSerializationException} that says what to allow; the connection remains usable.
 *
 * <p>An end that a process gives to a worker or {@link WorkerProcess} that it started takes its list along. An end that
 * comes any other way - in a task's result, or over a connection, queue or manager - has the list of the reader that
 * received it: a sender cannot choose what its receiver reads. An end that a program reads from a stream of its own
 * accepts the JDK's values alone.
 *
 * <p><b>Memory effects.</b> Actions of a thread before it sends a message are visible to the thread that receives it,
 * if both are in the same process; another process gets copies.
 */
public final class Connection implements Serializable, AutoCloseable {
    /*
     * Overview
     *
     * A message travels as described in PipeMessage.
     *
     * States, as seen by one process:
     *
     *   FREE -> USED -> CONNECTED -> CLOSED        and from each to CLOSED
     *
     * Only a FREE end can be given away. An end whose pipe was opened here is claimed at its first use; an end from
     * elsewhere is claimed when it arrives (EndClaim). A USED end waits for the other end. Until CONNECTED, sent
     * messages are kept in `waiting`.
     *
     * The channel is non-blocking, so that no interrupt can close it; a waiting thread waits in a Readiness, and holds
     * no lock. So a thread waits for input like this: try, under `receiving`; if there is nothing, join the
     * connection's waits, try again, select. A thread that reads bytes that another thread may be waiting for wakes
     * that thread, as the selector will not.
     *
     * A thread that sends a message holds `sending` until the message is out, waits included. If it is interrupted
     * half-way, the rest of the message goes to the head of `waiting`. An anonymous virtual thread sends it, or the
     * next sender, as the virtual thread may have no carrier.
     *
     * If the user has lost a connection, only `KEEPING` holds it strongly; timers, claims and the meeting point hold it
     * weakly. So a Hold, which is the end without the connection, learns of the loss and gives the end up.
     */

    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * How many bytes an end keeps until the ends have connected: as many as the system takes at once, so that a process
     * can leave them behind when it ends.
     */
    private static final int MOST_WAITING = 1 << 16;
    /** How long a process that ends waits to send the messages that it keeps. */
    private static final Duration EXIT_LIMIT = Duration.ofSeconds(2);

    /**
     * The most bytes that all connections of this process keep; a connection without room waits until its ends have
     * met.
     */
    static final int MOST_WAITING_IN_ALL = 1 << 24;

    private static final AtomicInteger WAITING_IN_ALL = new AtomicInteger();

    /**
     * The connections that keep messages: referenced here, so that these are sent even if the user has lost the
     * connection.
     */
    private static final Set<Connection> KEEPING = ConcurrentHashMap.newKeySet();

    private static final Unreachable LOST = new Unreachable("sennit-connections");

    static {
        ExitHooks.addToShutdown(Connection::sendWhatIsKept, "sennit-pipes");
    }

    private final transient String name;
    private final transient boolean sends;
    private final transient boolean receives;
    private final transient ClassLoader loader;
    /** Whether the other end is in this process's {@code Family}. */
    private final transient boolean ofFamily;
    /** The end of this connection; also its lock. */
    private final transient Hold hold;

    private transient volatile AllowList allowed;

    private transient volatile boolean closed;
    /** Written once, when the ends have met. */
    private transient volatile @Nullable SocketChannel channel;
    /** Completed when the ends have met, or will not meet. */
    private final transient CompletableFuture<SocketChannel> met = new CompletableFuture<>();

    private final transient Set<Readiness> waits = ConcurrentHashMap.newKeySet();

    /** The thread with the permit sends. Not a lock, as one thread may begin a message and another may finish it. */
    private final transient Semaphore sending = new Semaphore(1, true);
    /** Only with the permit. */
    private final transient Deque<OutgoingMessage> waiting = new ArrayDeque<>();
    /** Written only with the permit. How many bytes wait. */
    private final transient AtomicInteger waitingBytes = new AtomicInteger();

    private final transient Object receiving = new Object();
    /** Guarded by receiving. */
    private final transient IncomingMessages incoming;

    Connection(MeetingPoint.End opened, boolean sends, boolean receives, Class<?> opener) {
        name = opened.pipe();
        incoming = new IncomingMessages(name);
        hold = new Hold(opened);
        ofFamily = true;
        this.sends = sends;
        this.receives = receives;
        allowed = new AllowList(List.of());
        allowed.allowBeside(opener);
        ClassLoader openers = opener.getClassLoader();
        loader = openers != null ? openers : ClassLoader.getSystemClassLoader();
        opened.whenHurried(useLater());
        hold.giveUpWithout(this);
    }

    private Connection(Ticket ticket, Path folder) throws InvalidObjectException {
        name = ticket.pipe;
        incoming = new IncomingMessages(name);
        hold = new Hold(null);
        ofFamily = true;
        sends = ticket.sends;
        receives = ticket.receives;
        allowed = Reading.listFor(ticket.allowed, ticket.locations);
        loader = Reading.currentLoader();
        EndClaim claim =
                EndClaim.received(ticket.pipe, folder, new MeetingPoint.Token(ticket.high, ticket.low), useLater());
        synchronized (hold) { // the claim's thread may call back at once
            hold.claim = claim.start();
        }
        hold.giveUpWithout(this);
    }

    /** Makes a connection whose ends have met at a {@link ConnectionListener}. */
    Connection(SocketChannel connected, String name, Class<?> opener) throws IOException {
        this.name = name;
        incoming = new IncomingMessages(name);
        hold = new Hold(null);
        ofFamily = false;
        sends = true;
        receives = true;
        allowed = new AllowList(List.of());
        allowed.allowBeside(opener);
        ClassLoader openers = opener.getClassLoader();
        loader = openers != null ? openers : ClassLoader.getSystemClassLoader();
        if (connected.supportedOptions().contains(StandardSocketOptions.TCP_NODELAY)) {
            connected.setOption(StandardSocketOptions.TCP_NODELAY, true);
        }
        connected.configureBlocking(false);
        synchronized (hold) {
            hold.used = true;
            hold.connected = true;
            channel = connected;
            met.complete(connected);
        }
    }

    /**
     * Connects to a {@link ConnectionListener}, within ten seconds.
     *
     * @param address the result of {@link ConnectionListener#address}, or made of the same parts
     * @return a connection whose other end has the key; it stays in this process
     * @throws IOException if there is no listener, or it has another key, or too many connections
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     */
    public static Connection connect(ConnectionAddress address) throws IOException, InterruptedException {
        Class<?> caller = CALLER.getCallerClass();
        try (var _ = Waits.outOfTurn()) {
            return ConnectionListener.connection(ConnectionListener.connect(address), "to " + address.where(), caller);
        } catch (ClosedByInterruptException e) {
            Thread.interrupted();
            var interrupted = new InterruptedException();
            interrupted.initCause(e);
            throw interrupted;
        } catch (IOException e) {
            throw new IOException("cannot connect to the listener at " + address.where() + ": " + e.getMessage(), e);
        }
    }

    private static final StackWalker CALLER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    /** Returns {@link #useNow} for threads that may outlive the connection: they hold it weakly. */
    private Runnable useLater() {
        var self = new WeakReference<>(this);
        return () -> {
            Connection connection = self.get();
            if (connection != null) {
                connection.useNow();
            }
        };
    }

    /**
     * The end of a pipe, without its connection: so a connection that its user has lost becomes unreachable, and its
     * end is given up.
     */
    private static final class Hold implements Movable {
        /** The end where the pipe was opened here; null if it came from elsewhere. */
        final MeetingPoint.@Nullable End opened;
        /** Guarded by this. Null until its first use where the pipe was opened here. */
        @Nullable EndClaim claim;
        /** Guarded by this. */
        boolean used;
        /** Guarded by this. How many times it was sent, and may still arrive. */
        int given;
        /** Guarded by this. Whether the ends have connected. */
        boolean connected;
        /** Guarded by this. How many started processes are about to get it. */
        int receivers;
        /** Guarded by this. Whether the user here has lost the connection. */
        private boolean lost;

        Hold(MeetingPoint.@Nullable End opened) {
            this.opened = opened;
        }

        void giveUpWithout(Connection connection) {
            LOST.register(connection, this::lost);
        }

        private synchronized void lost() {
            lost = true;
            giveUpIfNobodys();
        }

        @Override
        public synchronized void isNotSent() {
            given--;
            giveUpIfNobodys();
        }

        @Override
        public synchronized void receiverStarted() {
            receivers++;
        }

        @Override
        public synchronized void receiverEnded() {
            receivers--;
            if (receivers == 0 && !used) {
                giveUp();
            }
        }

        /** Guarded by this. Gives the end up if no process can use it. */
        private void giveUpIfNobodys() {
            if (lost && !connected && given == 0 && receivers == 0) {
                giveUp();
            }
        }

        /** Guarded by this. Gives the end up; if no other process has it, the pipe has ended. */
        void giveUp() {
            if (claim != null) {
                claim.release();
            } else if (opened != null) {
                MeetingPoint.HERE.release(opened);
            }
        }
    }

    // ---- sending ----

    /**
     * Sends an object, by serialization. Waits only while the other end has too much to receive.
     *
     * @param message any serializable object, or null
     * @throws dev.sennit.TaskSerializationException naming what cannot be serialized; nothing is sent then
     * @throws ConnectionEndedException if no process can receive it any more
     * @throws IOException if the connection is closed here, or belongs to another process by now
     * @throws InterruptedException if the thread is interrupted before or meanwhile. If a part of the message has gone
     *     out by then, the rest is still sent; otherwise the message is not sent
     * @throws UnsupportedOperationException if this end only receives
     */
    public void send(@Nullable Object message) throws IOException, InterruptedException {
        ensureSends();
        MessageBuffer encoded = TaskCodec.encodeValue(message, "message cannot be sent");
        put(new OutgoingMessage(PipeMessage.OBJECT, encoded.bytes(), 0, encoded.length(), false));
    }

    /**
     * Sends bytes, as one message.
     *
     * @param message the bytes
     * @throws ConnectionEndedException as {@link #send}
     * @throws IOException as {@link #send}
     * @throws InterruptedException as {@link #send}
     */
    public void sendBytes(byte[] message) throws IOException, InterruptedException {
        sendBytes(message, 0, message.length);
    }

    /**
     * Sends bytes, as one message.
     *
     * @param message where they are
     * @param offset where they begin
     * @param length how many
     * @throws IndexOutOfBoundsException if they are not all there
     * @throws ConnectionEndedException as {@link #send}
     * @throws IOException as {@link #send}
     * @throws InterruptedException as {@link #send}
     */
    public void sendBytes(byte[] message, int offset, int length) throws IOException, InterruptedException {
        Objects.checkFromIndexSize(offset, length, message.length);
        ensureSends();
        put(new OutgoingMessage(PipeMessage.BYTES, message, offset, length, true));
    }

    private void ensureSends() {
        if (!sends) {
            throw new UnsupportedOperationException("this end of pipe " + name + " only receives");
        }
    }

    private void put(OutgoingMessage message) throws IOException, InterruptedException {
        use();
        while (true) {
            try (var _ = Waits.outOfTurn()) {
                sending.acquire();
            }
            try {
                ensureOpen();
                SocketChannel to = channel;
                if (to != null) {
                    writeWaiting(to); // the thread that should send them may have no carrier
                    writeOrLeaveTheRest(message, to);
                    return;
                }
                if (tryKeep(message)) {
                    return;
                }
            } finally {
                sending.release();
            }
            awaitMet();
        }
    }

    /** Only with the permit. Keeps a message until the ends have met; returns false if there is no room. */
    private boolean tryKeep(OutgoingMessage message) {
        synchronized (hold) {
            if (met.isDone() || waitingBytes.get() + message.size() > MOST_WAITING) {
                return false;
            }
            if (WAITING_IN_ALL.addAndGet(message.size()) > MOST_WAITING_IN_ALL) {
                WAITING_IN_ALL.addAndGet(-message.size());
                return false;
            }
            waitingBytes.addAndGet(message.size());
            message.own();
            waiting.addLast(message);
            KEEPING.add(this);
            return true;
        }
    }

    /** Only with the permit. Forgets all kept messages. */
    private void clearWaiting() {
        waiting.clear();
        WAITING_IN_ALL.addAndGet(-waitingBytes.getAndSet(0));
        KEEPING.remove(this);
    }

    /** Returns how many bytes all connections of this process keep. */
    static int waitingInAll() {
        return WAITING_IN_ALL.get();
    }

    private void awaitMet() throws IOException, InterruptedException {
        try (Readiness wait = Readiness.of(List.of(this), 0)) {
            while (!met.isDone()) {
                ensureOpen();
                wait.await(false, 0);
            }
            met.get();
        } catch (ExecutionException e) {
            ensureOpen();
            throw EndClaim.again(e.getCause());
        }
    }

    /** Only with the permit. */
    private void writeOrLeaveTheRest(OutgoingMessage message, SocketChannel to)
            throws IOException, InterruptedException {
        try {
            write(message, to, false, 0);
        } catch (InterruptedException e) {
            if (message.hasBegun()) {
                message.own();
                waiting.addFirst(message);
                waitingBytes.addAndGet(message.size());
                WAITING_IN_ALL.addAndGet(message.size());
                KEEPING.add(this);
                try {
                    Backend.start(Thread.ofVirtual().name("sennit-pipe-rest").unstarted(() -> sendWaiting(to)));
                } catch (OutOfMemoryError none) {
                    e.addSuppressed(none); // the next sender sends the rest, or this process when it ends
                }
            }
            throw e;
        }
    }

    /** Sends the kept messages, in a thread that nothing interrupts. Drops them if they cannot be sent any more. */
    private void sendWaiting(SocketChannel to) {
        sending.acquireUninterruptibly();
        try {
            writeWaiting(to);
        } catch (IOException | InterruptedException e) {
            // no end receives them
        } finally {
            clearWaiting();
            sending.release();
        }
        synchronized (hold) {
            closeIfOver(to);
        }
    }

    /** Only with the permit. Sends the kept messages; after an interrupt the rest stays. */
    private void writeWaiting(SocketChannel to) throws IOException, InterruptedException {
        writeWaiting(to, false, 0);
    }

    /** Only with the permit. Sends the kept messages, until a deadline if there is one. */
    private void writeWaiting(SocketChannel to, boolean limited, long deadline)
            throws IOException, InterruptedException {
        if (waiting.isEmpty()) {
            return;
        }
        OutgoingMessage joined = OutgoingMessage.joined(waiting);
        waiting.clear();
        waiting.add(joined);
        if (write(joined, to, limited, deadline)) {
            clearWaiting();
        }
    }

    /** Drops the kept messages, as no end will receive them. */
    private void dropWaiting() {
        sending.acquireUninterruptibly();
        try {
            clearWaiting();
        } finally {
            sending.release();
        }
    }

    /**
     * Sends the kept messages when this process ends. The other end may be unused, as in a parent that joins before it
     * receives.
     */
    static void sendWhatIsKept() {
        long deadline = Backend.current().nanoTime() + EXIT_LIMIT.toNanos();
        for (Connection one : KEEPING) {
            synchronized (one.hold) {
                if (one.hold.claim != null && one.channel == null) {
                    one.hold.claim.hurry();
                }
            }
        }
        for (Connection one : KEEPING) {
            try {
                SocketChannel to =
                        one.met.get(Math.max(0, deadline - Backend.current().nanoTime()), TimeUnit.NANOSECONDS);
                one.sendWaitingBefore(deadline, to);
            } catch (IOException | InterruptedException | ExecutionException | TimeoutException e) {
                // they cannot be sent
            }
        }
    }

    /** Waits for the thread that sends, or sends in this thread if there is none. */
    private void sendWaitingBefore(long deadline, SocketChannel to) throws IOException, InterruptedException {
        long left = deadline - Backend.current().nanoTime();
        if (left > 0 && waitingBytes.get() > 0 && sending.tryAcquire(left, TimeUnit.NANOSECONDS)) {
            try {
                writeWaiting(to, true, deadline);
            } finally {
                sending.release();
            }
        }
    }

    /** Only with the permit. Returns false if a deadline has passed, and a part is left. */
    private boolean write(OutgoingMessage message, SocketChannel to, boolean limited, long deadline)
            throws IOException, InterruptedException {
        if (tryWrite(message, to)) {
            return true;
        }
        try (Readiness wait = Readiness.of(List.of(this), SelectionKey.OP_WRITE)) {
            while (!tryWrite(message, to)) {
                if (!wait.await(limited, deadline)) {
                    return false;
                }
            }
        }
        return true;
    }

    private boolean tryWrite(OutgoingMessage message, SocketChannel to) throws IOException {
        try {
            while (message.hasRemaining()) {
                if (to.write(message.piece()) == 0) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            ensureOpen();
            throw new ConnectionEndedException("pipe " + name
                    + " has ended: nobody receives the message, as the other end was closed, or its process has ended");
        }
    }

    // ---- receiving ----

    /**
     * Waits for the next message and receives it.
     *
     * @return the object that was sent, or a {@code byte[]} if bytes were sent
     * @throws dev.sennit.TaskSerializationException if the message is of a class that is not allowed, or cannot be
     *     read; it is dropped
     * @throws ConnectionEndedException if nothing more will come
     * @throws StreamCorruptedException if the other end sent something other than a message; the connection is closed
     *     then
     * @throws IOException if the connection is closed here, or belongs to another process by now
     * @throws InterruptedException if the thread is interrupted before or meanwhile; no message is lost then
     * @throws UnsupportedOperationException if this end only sends
     */
    public @Nullable Object receive() throws IOException, InterruptedException {
        PipeMessage message = next((kind, length) -> {});
        return message.kind() == PipeMessage.BYTES
                ? message.bytes()
                : TaskCodec.decodeValue(message.bytes(), message.bytes().length, reading(), "message refused");
    }

    private Reading reading() {
        AllowList list = allowed;
        return ofFamily ? Reading.behind(list, loader) : Reading.ofKeyHolder(list, loader);
    }

    /**
     * Waits for the next message and receives it.
     *
     * @param <T> the type of the message
     * @param type its class
     * @return the object that was sent
     * @throws ClassCastException if the message is of another class, or null; it is dropped
     * @throws dev.sennit.TaskSerializationException as {@link #receive()}
     * @throws ConnectionEndedException as {@link #receive()}
     * @throws IOException as {@link #receive()}
     * @throws InterruptedException as {@link #receive()}
     */
    public <T> T receive(Class<T> type) throws IOException, InterruptedException {
        Object message = receive();
        if (message == null) {
            throw new ClassCastException("received null, expected a " + type.getName());
        }
        return type.cast(message);
    }

    /**
     * Waits for the next message, which has to be bytes, and receives it.
     *
     * @return the bytes
     * @throws IllegalStateException if the next message is an object, which can still be received
     * @throws ConnectionEndedException as {@link #receive()}
     * @throws IOException as {@link #receive()}
     * @throws InterruptedException as {@link #receive()}
     */
    public byte[] receiveBytes() throws IOException, InterruptedException {
        return next((kind, length) -> ensureBytes(kind)).bytes();
    }

    /**
     * Waits for the next message, which has to be bytes, and receives it into an array.
     *
     * @param into the array
     * @param offset where the first byte goes
     * @return how many bytes there were
     * @throws IllegalArgumentException if there is no room for all; the message can still be received
     * @throws IllegalStateException if the next message is an object, which can still be received
     * @throws ConnectionEndedException as {@link #receive()}
     * @throws IOException as {@link #receive()}
     * @throws InterruptedException as {@link #receive()}
     */
    public int receiveBytes(byte[] into, int offset) throws IOException, InterruptedException {
        int room = into.length - Objects.checkFromIndexSize(offset, 0, into.length);
        byte[] bytes = next((kind, length) -> {
            ensureBytes(kind);
            if (length > room) {
                throw new IllegalArgumentException(
                        "the message has " + length + " bytes, and there is room for " + room);
            }
        }).bytes();
        System.arraycopy(bytes, 0, into, offset, bytes.length);
        return bytes.length;
    }

    private void ensureBytes(byte kind) {
        if (kind != PipeMessage.BYTES) {
            throw new IllegalStateException("the next message of pipe " + name + " is an object: receive() it");
        }
    }

    /**
     * Waits until a {@code receive} would not wait: a whole message has come, or the end.
     *
     * @param longest how long; zero or less does not wait
     * @return whether a {@code receive} would not wait
     * @throws IOException if the connection is closed here
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws UnsupportedOperationException if this end only sends
     */
    public boolean poll(Duration longest) throws IOException, InterruptedException {
        return !waitAny(List.of(this), longest).isEmpty();
    }

    /**
     * Waits until a {@code receive} of at least one of some connections would not wait: a whole message has come, or
     * the end.
     *
     * @param those some connections that receive
     * @param longest how long; zero or less does not wait
     * @return the ready connections, in order; empty if the time is over
     * @throws IOException if one of the connections is closed here
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws UnsupportedOperationException if one of the connections only sends
     */
    public static List<Connection> waitAny(Collection<Connection> those, Duration longest)
            throws IOException, InterruptedException {
        long nanos = Math.min(Timers.nanos(longest), Long.MAX_VALUE / 2);
        long deadline = Backend.current().nanoTime() + nanos;
        for (Connection one : those) {
            one.aboutToReceive();
        }
        List<Connection> ready = readyOf(those, null);
        if (!ready.isEmpty() || nanos <= 0) {
            return ready;
        }
        try (Readiness wait = Readiness.of(those, SelectionKey.OP_READ)) {
            do {
                ready = readyOf(those, wait);
            } while (ready.isEmpty() && wait.await(true, deadline));
        }
        return ready;
    }

    private static List<Connection> readyOf(Collection<Connection> those, @Nullable Readiness self) throws IOException {
        List<Connection> ready = new ArrayList<>();
        for (Connection one : those) {
            synchronized (one.receiving) {
                if (one.isReady(self)) {
                    ready.add(one);
                }
            }
        }
        return ready;
    }

    private void aboutToReceive() throws IOException, InterruptedException {
        if (!receives) {
            throw new UnsupportedOperationException("this end of pipe " + name + " only sends");
        }
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        use();
    }

    private PipeMessage next(IncomingMessages.Check check) throws IOException, InterruptedException {
        aboutToReceive();
        PipeMessage message = tryTake(check, null);
        if (message != null) {
            return message;
        }
        try (Readiness wait = Readiness.of(List.of(this), SelectionKey.OP_READ)) {
            for (message = tryTake(check, wait); message == null; message = tryTake(check, wait)) {
                wait.await(false, 0);
            }
        }
        return message;
    }

    private @Nullable PipeMessage tryTake(IncomingMessages.Check check, @Nullable Readiness self) throws IOException {
        synchronized (receiving) {
            if (!isReady(self)) {
                return null;
            }
            PipeMessage taken = incoming.take(check);
            wakeOthers(self); // there may be another message
            return taken;
        }
    }

    /** Guarded by receiving. Reads the bytes that have come. Returns whether a {@code receive} would not wait. */
    private boolean isReady(@Nullable Readiness self) throws IOException {
        ensureOpen();
        if (incoming.isOver()) {
            return true;
        }
        if (met.isCompletedExceptionally()) {
            incoming.end(EndClaim.again(met.exceptionNow()));
            return true;
        }
        SocketChannel from = channel;
        if (from == null) {
            return false;
        }
        try {
            while (!incoming.isComplete()) {
                int count = incoming.read(from);
                if (count <= 0) {
                    if (count < 0) {
                        incoming.end(ended());
                        wakeOthers(self);
                    }
                    return count < 0;
                }
            }
        } catch (StreamCorruptedException e) {
            incoming.end(e);
            from.close(); // sending is of no use any more
        } catch (IOException e) { // the other end was closed with messages left to receive
            ensureOpen();
            incoming.end(ended());
        }
        wakeOthers(self);
        return true;
    }

    private ConnectionEndedException ended() {
        return new ConnectionEndedException(
                "pipe " + name + " has ended: its other end was closed, or its process has ended"
                        + (incoming.hasBegun() ? ", in the middle of a message" : ""));
    }

    // ---- waiting, for this class and Readiness ----

    void join(Readiness wait) {
        waits.add(wait);
    }

    void leave(Readiness wait) {
        waits.remove(wait);
    }

    @Nullable SocketChannel channel() {
        return channel;
    }

    private void wakeOthers(@Nullable Readiness self) {
        for (Readiness wait : waits) {
            if (wait != self) {
                wait.wakeUp();
            }
        }
    }

    // ---- its life ----

    /**
     * Allows classes of messages that are received here, and in a worker or {@link WorkerProcess} of this process that
     * gets this end.
     *
     * @param patterns class names, {@code package.*}, or {@code package.**} for the packages below it as well
     * @return this
     */
    public Connection allow(String... patterns) {
        allowed = allowed.and(patterns);
        return this;
    }

    private void ensureOpen() throws IOException {
        if (closed) {
            throw new IOException("this end of pipe " + name + " is closed");
        }
    }

    /** Uses the end: from now on it stays in this process. */
    private void use() throws IOException {
        if (channel != null) {
            return;
        }
        synchronized (hold) {
            ensureOpen();
            if (hold.used) {
                return;
            }
            EndClaim mine = hold.claim;
            if (mine == null) {
                mine = claimHere();
                hold.claim = mine;
            }
            hold.used = true;
            var self = new WeakReference<>(this);
            mine.meet().whenComplete((other, failure) -> met(self.get(), other, failure));
        }
    }

    private EndClaim claimHere() throws IOException {
        MeetingPoint.End end = Objects.requireNonNull(hold.opened);
        return new EndClaim(name, MeetingPoint.HERE.offer(end), end.token(), useLater()).start();
    }

    private static void met(@Nullable Connection connection, @Nullable SocketChannel other,
            @Nullable Throwable failure) {
        if (connection != null) {
            connection.met(other, failure);
        } else if (other != null) { // the user has lost the connection
            Quietly.close(other);
        }
    }

    /**
     * Uses the end as the other end's process is about to end: its messages come here, and the end cannot be given away
     * any more.
     */
    private void useNow() {
        try {
            use();
        } catch (IOException e) {
            // it is closed here, or another process has it
        }
    }

    /** Package-private for a test in which no virtual thread can run. */
    void met(@Nullable SocketChannel other, @Nullable Throwable failure) {
        Runnable rest;
        try {
            if (other == null) {
                throw EndClaim.again(failure);
            }
            other.configureBlocking(false);
            synchronized (hold) {
                hold.connected = true;
                channel = other;
                closeIfOver(other);
                met.complete(other);
            }
            rest = () -> sendWaiting(other);
        } catch (Throwable e) {
            synchronized (hold) {
                met.completeExceptionally(e);
            }
            if (other != null) {
                Quietly.close(other);
            }
            rest = this::dropWaiting;
        } finally {
            wakeOthers(null);
        }
        try {
            Backend.start(Thread.ofVirtual().name("sennit-pipe-rest").unstarted(rest));
        } catch (OutOfMemoryError e) { // no memory for the thread
            // the claim's thread; if not, the next sender sends, or this process when it ends
            if (!Thread.holdsLock(hold)) {
                rest.run();
            }
        }
    }

    /** Guarded by hold. Closes the channel if the connection is closed, and keeps no messages. */
    private void closeIfOver(SocketChannel connected) {
        if (closed && waitingBytes.get() == 0) {
            Quietly.close(connected);
        }
    }

    /**
     * Closes this end: the other end receives the messages that were sent, and then learns of the close. Messages that
     * have come here and were not received are lost. A thread that waits here gets an {@link IOException}. Messages
     * that are kept until the ends have connected are sent nevertheless, if this process lives that long. If another
     * process has this end by now, its end stays open.
     */
    @Override
    public void close() {
        synchronized (hold) {
            if (closed) {
                return;
            }
            closed = true;
            SocketChannel connected = channel;
            if (connected != null) {
                closeIfOver(connected);
            } else if (waitingBytes.get() == 0 && hold.receivers == 0) {
                hold.giveUp();
            }
        }
        wakeOthers(null);
    }

    /**
     * Returns whether this end was closed here. Only {@link #receive()} tells whether the other end was closed.
     *
     * @return true after {@link #close}
     */
    public boolean isClosed() {
        return closed;
    }

    @Override
    public String toString() {
        String state = closed ? "closed" : channel != null ? "connected" : met.isDone() ? "ended" : "not connected";
        return "Connection[pipe " + name + (receives ? "" : ", only sends") + (sends ? "" : ", only receives") + ", "
                + state
                + "]";
    }

    // ---- giving it away ----

    @Serial
    private Object writeReplace() throws ObjectStreamException {
        EndClaim mine;
        synchronized (hold) {
            if (closed) {
                throw new InvalidObjectException("this end of pipe " + name + " is closed");
            }
            if (hold.used) {
                throw new InvalidObjectException("this end of pipe " + name
                        + " has been used in this process and stays here; give it away before its first use");
            }
            mine = hold.claim;
            hold.given++; // before it can be read
        }
        boolean sent = false;
        try {
            Path folder;
            MeetingPoint.Token token;
            if (mine != null) {
                mine.awaitHeld();
                folder = mine.folder();
                token = mine.token();
            } else {
                MeetingPoint.End end = Objects.requireNonNull(hold.opened);
                folder = MeetingPoint.HERE.offer(end);
                token = end.token();
            }
            AllowList list = allowed;
            var ticket = new Ticket(
                    name, folder.toString(), token.high(), token.low(), sends, receives, list.named(),
                    list.locations());
            if (Movable.WRITTEN.isBound()) {
                Movable.WRITTEN.get().add(hold); // from here on the sender of the message takes it back if need be
            }
            sent = true;
            return ticket;
        } catch (IOException e) {
            throw new InvalidObjectException(e.getMessage(), e);
        } finally {
            if (!sent) {
                synchronized (hold) {
                    hold.given--;
                }
            }
        }
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("comes as its ticket");
    }

    /** The form in which an end travels. */
    private record Ticket(
            String pipe,
            String folder,
            long high,
            long low,
            boolean sends,
            boolean receives,
            List<String> allowed,
            List<String> locations)
            implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;

        @Serial
        private Object readResolve() throws ObjectStreamException {
            return new Connection(this, MeetingFolder.named(folder));
        }
    }
}
