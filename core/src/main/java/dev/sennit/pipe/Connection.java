package dev.sennit.pipe;

import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Movable;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
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
 * One end of a {@link Pipe}, or of a connection to a {@link ConnectionListener}: sends objects and bytes to the other end, and receives them from it.
 *
 * <h2>Giving it away</h2>
 *
 * <p>A connection that has not been used yet can be given to another process: the main of a {@link WorkerProcess} or a task of a
 * {@link ProcessPool} captures it, or it is sent over another connection. There it is the end, and here it is not any more; a use
 * of it here fails. One that has been used stays where it is, and a task that captures it is refused.
 *
 * <p>The process that gets it has it from when it reads it. Until then it belongs to who gave it away, who should close it only
 * when the receiver has it, or will not get it. Given to a {@code WorkerProcess}, it may be closed here at once, and is gone if
 * that process ends without having read it.
 *
 * <h2>Waiting</h2>
 *
 * <p>Every wait ends: with a message; with a {@link ConnectionEndedException} when the other end has been closed or its process has
 * ended, however it ended, and all it had sent has been received; with an {@link InterruptedException}, after which the connection is as
 * good as before; or with an {@link IOException} when it is closed here meanwhile.
 *
 * <p>The system keeps some hundred kilobytes between two ends. A larger message is sent as it is received. If both ends send large
 * messages and neither receives, both wait, until one is closed or interrupted ({@link dev.sennit.CancelScope#within} limits the
 * time): let another thread receive. Before the ends have connected, 64 KiB are kept for an end, and 16 MiB for all ends of a process
 * together; what is more waits until its ends have connected. A process that ends, though not one that is killed, sends what it
 * keeps first, wherever the other end is by then.
 *
 * <p>An end that was neither given away nor connected is closed when nobody can use it any more, that is when the garbage collector finds it;
 * what was kept for it is dropped. A process may have 1,024 ends that came from others and are not connected; the next is
 * refused where it is read.
 *
 * <p><b>Threads.</b> All methods may be called by any threads at any time. One may send while another receives; messages of two that
 * send do not mix, and of two that receive each gets whole ones. Virtual threads do not hold up others.
 *
 * <h2>What may be received</h2>
 *
 * <p>Objects are read behind an allow-list: the JDK's values and exceptions, classes that lie in the same jar or folder as the one that
 * opened the pipe, and what {@link #allow} names. Another class is a {@link dev.sennit.TaskSerializationException} that says what to
 * allow; the connection can be used on.
 *
 * <p>An end that a process gives to a worker or {@link WorkerProcess} that it started takes its list along. An end that comes any other
 * way - in a task's result, or over a connection, queue or manager - has the list of the reader that received it: a sender cannot
 * choose what its receiver reads. One that a program reads from a stream of its own has the JDK's values alone.
 *
 * <p><b>Memory effects.</b> What a thread did before it sent a message is seen by the one that received it, if it is in the same
 * process; another gets copies.
 */
public final class Connection implements Serializable, AutoCloseable {
    /*
     * Overview
     *
     * What a message looks like on its way: PipeMessage.
     *
     * States, as seen by one process:
     *
     *   FREE -> USED -> CONNECTED -> CLOSED        and from each to CLOSED
     *
     * FREE is all that can be given away. An end that was opened here is claimed at its first use; one that came from elsewhere when it
     * came (EndClaim). USED waits for the other end. Until CONNECTED, sent messages are kept in `waiting`.
     *
     * The channel is non-blocking, so that no interrupt can close it; who has to wait waits in a Readiness, with no lock held. So a
     * wait for input goes: try, under `receiving`; nothing there: join the connection's waits, try again, select. Whoever reads bytes
     * that another thread may be waiting for wakes it up, as its selector will not.
     *
     * A message that is being sent holds `sending` until it is out, waits included. If its thread is interrupted half-way, the rest
     * goes to the head of `waiting`, and is sent by an anonymous virtual thread, or by the next sender: that thread may have no
     * carrier.
     *
     * Only `KEEPING` holds a connection that its user has lost; timers, claims and the meeting point know it weakly. So a Hold, which
     * is the end without the connection, is told of the loss, and gives the end up.
     */

    @Serial
    private static final long serialVersionUID = 1L;

    /** What is kept until the ends have connected: as much as the system takes at once, so that a process can leave it behind. */
    private static final int MOST_WAITING = 1 << 16;
    /** What a process that ends gives to what it keeps. */
    private static final Duration EXIT_LIMIT = Duration.ofSeconds(2);

    /** The most bytes that all connections of this process keep; a connection without room waits until its ends have met. */
    static final int MOST_WAITING_IN_ALL = 1 << 24;

    private static final AtomicInteger WAITING_IN_ALL = new AtomicInteger();

    /** Those that keep messages, so that these are sent although nobody has the connection any more. */
    private static final Set<Connection> KEEPING = ConcurrentHashMap.newKeySet();

    private static final Unreachable LOST = new Unreachable("sennit-connections");

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(Connection::sendWhatIsKept, "sennit-pipes"));
    }

    private final transient String name;
    private final transient boolean sends;
    private final transient boolean receives;
    private final transient ClassLoader loader;
    /** Whether its other end is in this process's {@code Family}. */
    private final transient boolean ofFamily;
    /** Its end; also the lock of this connection. */
    private final transient Hold hold;

    private transient volatile AllowList allowed;

    private transient volatile boolean closed;
    /** Written once, when the ends have met. */
    private transient volatile @Nullable SocketChannel channel;
    /** Done when the ends have met, or will not. */
    private final transient CompletableFuture<SocketChannel> met = new CompletableFuture<>();

    private final transient Set<Readiness> waits = ConcurrentHashMap.newKeySet();

    /** Whoever has the permit sends. Not a lock, as a message may be begun by one thread and ended by another. */
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
        EndClaim claim = EndClaim.received(ticket.pipe, folder, new MeetingPoint.Token(ticket.high, ticket.low), useLater());
        synchronized (hold) { // its thread may come back at once
            hold.claim = claim.start();
        }
        hold.giveUpWithout(this);
    }

    /** One whose ends have met at a {@link ConnectionListener}. */
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
     * @param address what {@link ConnectionListener#address} returned, or was made of the same parts
     * @return a connection, whose other end has the key; it stays in this process
     * @throws IOException if nobody listens there, or has another key, or has too many connections
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

    /** For threads that outlive the connection where nobody has it any more. */
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
     * The end that a connection is of. Does not know the connection: one that nobody can use any more is found by that, and its end given up.
     */
    private static final class Hold implements Movable {
        /** Where it was opened; null where it came from elsewhere. */
        final MeetingPoint.@Nullable End opened;
        /** Guarded by this. Null where it was opened, until it is used. */
        @Nullable EndClaim claim;
        /** Guarded by this. */
        boolean used;
        /** Guarded by this. How often it was sent somewhere, and may arrive. */
        int given;
        /** Guarded by this. The ends have connected. */
        boolean connected;
        /** Guarded by this. The processes that are about to get it. */
        int receivers;
        /** Guarded by this. Nobody here has the connection any more. */
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

        /** Guarded by this. */
        private void giveUpIfNobodys() {
            if (lost && !connected && given == 0 && receivers == 0) {
                giveUp();
            }
        }

        /** Guarded by this. If nobody else has the end, the pipe has ended. */
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
     * @throws ConnectionEndedException if nobody can receive it any more
     * @throws IOException if the connection is closed here, or belongs to another process by now
     * @throws InterruptedException if the thread is interrupted before or meanwhile. A message of which some has gone out by then
     *     is sent to its end all the same; otherwise it is not sent
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
                    writeWaiting(to); // the thread that is to do it may have no carrier
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

    /** Only with the permit. Keeps a message until the ends have met; false if that is too much. */
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

    /** Only with the permit: nothing is kept any more. */
    private void clearWaiting() {
        waiting.clear();
        WAITING_IN_ALL.addAndGet(-waitingBytes.getAndSet(0));
        KEEPING.remove(this);
    }

    /** How many bytes all connections of this process keep. */
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
    private void writeOrLeaveTheRest(OutgoingMessage message, SocketChannel to) throws IOException, InterruptedException {
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
                    e.addSuppressed(none); // the next sender sends it, or this process when it ends
                }
            }
            throw e;
        }
    }

    /** Sends what was kept; in a thread that nobody can interrupt. What cannot be sent any more is dropped. */
    private void sendWaiting(SocketChannel to) {
        sending.acquireUninterruptibly();
        try {
            writeWaiting(to);
        } catch (IOException | InterruptedException e) {
            // nobody receives it
        } finally {
            clearWaiting();
            sending.release();
        }
        synchronized (hold) {
            closeIfOver(to);
        }
    }

    /** Only with the permit. Sends what is kept; an interrupt leaves the rest of it. */
    private void writeWaiting(SocketChannel to) throws IOException, InterruptedException {
        writeWaiting(to, false, 0);
    }

    /** Only with the permit. The same, until a deadline if there is one. */
    private void writeWaiting(SocketChannel to, boolean limited, long deadline) throws IOException, InterruptedException {
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

    /** Nobody will receive what is kept. */
    private void dropWaiting() {
        sending.acquireUninterruptibly();
        try {
            clearWaiting();
        } finally {
            sending.release();
        }
    }

    /** When this process ends. The other end may not have been used yet, as by a parent that joins before it receives. */
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
                SocketChannel to = one.met.get(Math.max(0, deadline - Backend.current().nanoTime()), TimeUnit.NANOSECONDS);
                one.sendWaitingBefore(deadline, to);
            } catch (IOException | InterruptedException | ExecutionException | TimeoutException e) {
                // it cannot be sent
            }
        }
    }

    /** Waits for the thread that sends; where there is none, this one does it. */
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

    /** Only with the permit. False if a deadline has passed, and some is left. */
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
     * Receives the next message, and waits for it.
     *
     * @return the object that was sent, or a {@code byte[]} if bytes were
     * @throws dev.sennit.TaskSerializationException if the message is of a class that is not allowed, or cannot be read; it is dropped
     * @throws ConnectionEndedException if nothing more will come
     * @throws StreamCorruptedException if what came is no message; the connection is closed then
     * @throws IOException if the connection is closed here, or belongs to another process by now
     * @throws InterruptedException if the thread is interrupted before or meanwhile; nothing is lost then
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
     * Receives the next message, and waits for it.
     *
     * @param <T> the type of the message
     * @param type its class
     * @return the object that was sent
     * @throws ClassCastException if it is something else, or null; it is dropped
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
     * Receives the next message, which has to be bytes, and waits for it.
     *
     * @return the bytes
     * @throws IllegalStateException if the next message is an object; it is still there
     * @throws ConnectionEndedException as {@link #receive()}
     * @throws IOException as {@link #receive()}
     * @throws InterruptedException as {@link #receive()}
     */
    public byte[] receiveBytes() throws IOException, InterruptedException {
        return next((kind, length) -> ensureBytes(kind)).bytes();
    }

    /**
     * Receives the next message, which has to be bytes, into an array, and waits for it.
     *
     * @param into where to
     * @param offset where its first byte goes
     * @return how many bytes there were
     * @throws IllegalArgumentException if there is no room for all; the message is still there
     * @throws IllegalStateException if the next message is an object; it is still there
     * @throws ConnectionEndedException as {@link #receive()}
     * @throws IOException as {@link #receive()}
     * @throws InterruptedException as {@link #receive()}
     */
    public int receiveBytes(byte[] into, int offset) throws IOException, InterruptedException {
        int room = into.length - Objects.checkFromIndexSize(offset, 0, into.length);
        byte[] bytes = next((kind, length) -> {
            ensureBytes(kind);
            if (length > room) {
                throw new IllegalArgumentException("the message has " + length + " bytes, and there is room for " + room);
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
     * @param longest how long; zero or less only looks
     * @return whether one would not wait
     * @throws IOException if the connection is closed here
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws UnsupportedOperationException if this end only sends
     */
    public boolean poll(Duration longest) throws IOException, InterruptedException {
        return !waitAny(List.of(this), longest).isEmpty();
    }

    /**
     * Waits until at least one of some connections would not make a {@code receive} wait: a whole message has come, or the end.
     *
     * @param those some connections that receive
     * @param longest how long; zero or less only looks
     * @return those, in their order; empty when the time is over
     * @throws IOException if one of them is closed here
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     * @throws UnsupportedOperationException if one of them only sends
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
            wakeOthers(self); // there may be more
            return taken;
        }
    }

    /** Reads what has come; whether that is a whole message, or the end. Guarded by receiving. */
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
            from.close(); // no use to send any more
        } catch (IOException e) { // the other end was closed with something left to receive
            ensureOpen();
            incoming.end(ended());
        }
        wakeOthers(self);
        return true;
    }

    private ConnectionEndedException ended() {
        return new ConnectionEndedException("pipe " + name + " has ended: its other end was closed, or its process has ended"
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
     * Lets messages of more classes be received here, and in a worker or {@link WorkerProcess} of this process that this end is given
     * to.
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

    /** From now on it stays here. */
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

    private static void met(@Nullable Connection connection, @Nullable SocketChannel other, @Nullable Throwable failure) {
        if (connection != null) {
            connection.met(other, failure);
        } else if (other != null) { // nobody has it any more
            Quietly.close(other);
        }
    }

    /** The other end's process is about to end: what it has sent is to come here, and may not be given away any more. */
    private void useNow() {
        try {
            use();
        } catch (IOException e) {
            // it is closed here, or somebody else's
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
        } catch (OutOfMemoryError e) { // no memory for it
            if (!Thread.holdsLock(hold)) { // the claim's own thread; else the next sender does it, or this process when it ends
                rest.run();
            }
        }
    }

    /** Guarded by hold. */
    private void closeIfOver(SocketChannel connected) {
        if (closed && waitingBytes.get() == 0) {
            Quietly.close(connected);
        }
    }

    /**
     * Closes this end: the other receives what was sent, and then hears of it. What has come and was not received is lost. A thread that
     * waits here gets an {@link IOException}. Messages that are kept until the ends have connected are sent nevertheless, if this
     * process lives that long. On one that another process has by now, this has no effect there.
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
     * Whether it was closed here. That the other end was closed is told by {@link #receive()} alone.
     *
     * @return true after {@link #close}
     */
    public boolean isClosed() {
        return closed;
    }

    @Override
    public String toString() {
        String state = closed ? "closed" : channel != null ? "connected" : met.isDone() ? "ended" : "not connected";
        return "Connection[pipe " + name + (receives ? "" : ", only sends") + (sends ? "" : ", only receives") + ", " + state
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
                    name, folder.toString(), token.high(), token.low(), sends, receives, list.named(), list.locations());
            if (Movable.WRITTEN.isBound()) {
                Movable.WRITTEN.get().add(hold); // from here on that is who takes it back
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

    /** What travels in its place. */
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
