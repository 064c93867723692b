package dev.sennit.pipe;

import dev.sennit.internal.Backend;
import dev.sennit.internal.ExitHooks;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Waits;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * This process's claim to an end of a pipe, from the moment when the end came here until it is connected; see
 * {@link MeetingPoint} for the protocol.
 *
 * <p>A virtual thread talks to the meeting point; nothing can interrupt it. It notices at once when the process of the
 * meeting point is gone, and removes the folder of a killed process.
 */
final class EndClaim {
    private static final Pattern MEETING_SOCKET = Pattern.compile("[0-9a-f]{8}");

    /** How many ends that came from elsewhere may wait for their other ends: each takes a file descriptor. */
    static final int MOST_RECEIVED = 1024;

    private static final Semaphore RECEIVED = new Semaphore(MOST_RECEIVED);

    /**
     * How long a claim tries to connect to a live meeting point that accepts no connection; then again for the first
     * answer.
     */
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(60);

    /** A meeting point that says nothing for so long may still live. */
    private static final Duration LOOK_LIMIT = Duration.ofSeconds(10);

    private static final Duration LONGEST_PAUSE = Duration.ofMillis(50);

    /** The claims that are neither connected nor over. */
    private static final Set<EndClaim> PENDING = ConcurrentHashMap.newKeySet();

    static {
        ExitHooks.addToShutdown(EndClaim::removeAbandoned, "sennit-pipe-ends");
        ExitHooks.add(EndClaim::removeAbandoned);
    }

    private final String pipe;
    private final Path folder;
    private final MeetingPoint.Token token;
    /** Does not wait, as it runs on the claim's own thread. */
    private final Runnable whenHurried;
    /** Runs once. */
    private final Runnable whenOver;
    private final CompletableFuture<SocketChannel> held = new CompletableFuture<>();
    private final CompletableFuture<SocketChannel> met = new CompletableFuture<>();

    private final Object lock = new Object();
    /** Guarded by lock. The connection to the meeting point, once the claim has been sent. */
    private @Nullable SocketChannel claimed;
    /** Guarded by lock. */
    private boolean released;

    EndClaim(String pipe, Path folder, MeetingPoint.Token token, Runnable whenHurried) {
        this(pipe, folder, token, whenHurried, () -> {});
    }

    private EndClaim(String pipe, Path folder, MeetingPoint.Token token, Runnable whenHurried, Runnable whenOver) {
        this.pipe = pipe;
        this.folder = folder;
        this.token = token;
        this.whenHurried = whenHurried;
        this.whenOver = whenOver;
    }

    /**
     * Returns a claim to an end that came from elsewhere.
     *
     * @throws InvalidObjectException if there are too many
     */
    static EndClaim received(String pipe, Path folder, MeetingPoint.Token token, Runnable whenHurried)
            throws InvalidObjectException {
        if (!RECEIVED.tryAcquire()) {
            throw new InvalidObjectException("this process has " + MOST_RECEIVED
                    + " ends of pipes whose other ends have not been used; use or close some first");
        }
        return new EndClaim(pipe, folder, token, whenHurried, RECEIVED::release);
    }

    /** Starts the claim's thread. */
    EndClaim start() {
        PENDING.add(this);
        try {
            Backend.start(Thread.ofVirtual().name("sennit-pipe-end").unstarted(this::run));
        } catch (Throwable e) { // no memory for the thread
            over();
            throw e;
        }
        return this;
    }

    private void over() {
        PENDING.remove(this);
        whenOver.run();
    }

    /** Returns how many claims are neither connected nor over. */
    static int pending() {
        return PENDING.size();
    }

    Path folder() {
        return folder;
    }

    MeetingPoint.Token token() {
        return token;
    }

    /** Waits until this process has the end. A later claim by another process then takes the end over. */
    void awaitHeld() throws IOException {
        try (var _ = Waits.outOfTurn()) {
            held.join();
        } catch (CompletionException e) {
            throw again(e.getCause());
        }
    }

    /** Returns the same failure for another caller, with the caller's stack. */
    static IOException again(@Nullable Throwable failure) {
        return failure instanceof ConnectionEndedException
                ? new ConnectionEndedException(String.valueOf(failure.getMessage()))
                : new IOException(failure == null ? "failed" : failure.getMessage(), failure);
    }

    /**
     * Uses the end: from now on no other process can claim it.
     *
     * @return its connection to the other end; a failure is an {@link IOException}
     */
    CompletableFuture<SocketChannel> meet() {
        tell(MeetingPoint.USES);
        return met;
    }

    /** Asks for the other end to be used where it is: this process is about to end, and has messages to send. */
    void hurry() {
        tell(MeetingPoint.HURRIES);
    }

    /** Says a word on a virtual thread that nothing can interrupt: an interrupt would close the channel. */
    private void tell(byte word) {
        held.thenAccept(point -> {
            try {
                Backend.start(Thread.ofVirtual().unstarted(() -> {
                    try {
                        say(point, word);
                    } catch (IOException e) {
                        // the claim's thread reads why
                    }
                }));
            } catch (Throwable e) { // no memory for the thread
                if (word == MeetingPoint.USES) { // without this word the end would wait for ever
                    met.completeExceptionally(
                            new IOException("pipe " + pipe + " cannot be used: " + e.getMessage(), e));
                    release();
                }
            }
        });
    }

    /**
     * Gives the end up, unless another process has claimed it, or it is connected. A claim that has not been sent yet
     * is sent first: the meeting point has to end the pipe for the other end.
     */
    void release() {
        SocketChannel point;
        synchronized (lock) {
            released = true;
            point = claimed;
        }
        if (point != null) {
            close(point);
        }
    }

    private void run() {
        try (SocketChannel point = connect()) {
            SocketChannel other = converse(point);
            if (!met.complete(other)) {
                close(other);
            }
        } catch (Throwable e) { // also without memory for a thread: waiting threads have to be told
            IOException failure = e instanceof ConnectionEndedException known
                    ? known
                    : e instanceof EOFException || e instanceof SocketException
                            || e instanceof ClosedChannelException
                                    ? new ConnectionEndedException(
                                            "pipe " + pipe
                                                    + " has ended: its other end, or the process that "
                                                    + "opened it, is gone")
                                    : new IOException(e.getMessage(), e);
            held.completeExceptionally(failure);
            met.completeExceptionally(failure);
            removeIfAbandoned();
        } finally {
            over();
        }
    }

    /**
     * Checks all pending claims at the end of this process, as their threads may not get to it. Takes a second at most.
     */
    static void removeAbandoned() {
        List<EndClaim> pending = List.copyOf(PENDING);
        var looked = new CountDownLatch(pending.size());
        for (EndClaim claim : pending) {
            try {
                Backend.start(Thread.ofVirtual().name("sennit-pipe-exit").unstarted(() -> {
                    try {
                        claim.removeIfAbandoned();
                    } finally {
                        looked.countDown();
                    }
                }));
            } catch (Throwable e) { // no memory for the thread: the next sweep removes that folder
                looked.countDown();
            }
        }
        try {
            looked.await(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            // ends without waiting
        }
    }

    /**
     * Returns whether the process of the meeting point is gone. A live one answers; a dying one may still accept a
     * connection.
     */
    private boolean isAbandoned() {
        SocketChannel point;
        try {
            point = SocketChannel.open(pointSocket());
        } catch (ConnectException e) {
            return true; // there is a socket, but no listener
        } catch (IOException e) {
            return false; // the folder is gone, or the backlog is full
        }
        try (point) {
            Future<?> limit = Timers.after(LOOK_LIMIT, () -> close(point));
            try {
                claim(point, MeetingPoint.Token.random());
                return point.read(ByteBuffer.allocate(1)) < 0;
            } finally {
                limit.cancel(false);
            }
        } catch (ClosedChannelException e) {
            return false; // it lives, and says nothing
        } catch (IOException e) {
            return true;
        } catch (OutOfMemoryError e) {
            return false; // without a timer this might wait for ever
        }
    }

    private UnixDomainSocketAddress pointSocket() {
        return UnixDomainSocketAddress.of(folder.resolve(MeetingFolder.SOCKET));
    }

    /**
     * Connects, and tries again while the backlog is full: for a virtual thread the JDK makes the socket non-blocking,
     * and Linux then neither waits nor tells when there is room.
     */
    private SocketChannel connect() throws IOException {
        UnixDomainSocketAddress address = pointSocket();
        long deadline = Backend.current().nanoTime() + CONNECT_LIMIT.toNanos();
        long pause = 1_000_000;
        while (true) {
            try {
                return SocketChannel.open(address);
            } catch (ConnectException e) {
                throw e; // no listener
            } catch (SocketException e) {
                if (deadline - Backend.current().nanoTime() < 0 || Files.notExists(address.getPath())) {
                    throw e;
                }
            }
            LockSupport.parkNanos(pause);
            pause = Math.min(2 * pause, LONGEST_PAUSE.toNanos());
        }
    }

    private SocketChannel converse(SocketChannel point) throws IOException {
        claim(point, token);
        synchronized (lock) {
            if (released) {
                throw new EOFException("was given up");
            }
            claimed = point;
        }
        // A program may wait until the end is held, so the wait does not depend on the meeting point's answer.
        Future<?> limit = Timers.after(CONNECT_LIMIT, () -> close(point));
        try {
            return hear(point, limit);
        } finally {
            limit.cancel(false);
        }
    }

    private SocketChannel hear(SocketChannel point, Future<?> limit) throws IOException {
        var in = new DataInputStream(Channels.newInputStream(point));
        boolean hurried = false;
        while (true) {
            byte word = in.readByte();
            switch (word) {
                case MeetingPoint.HELD -> {
                    limit.cancel(false);
                    held.complete(point);
                }
                case MeetingPoint.HURRY -> {
                    if (!hurried) {
                        hurried = true;
                        whenHurried.run();
                    }
                }
                case MeetingPoint.LISTEN -> {
                    return listen(point, in);
                }
                case MeetingPoint.CONNECT -> {
                    SocketChannel connected = SocketChannel.open(meetingSocket(in.readInt()));
                    try {
                        say(point, MeetingPoint.CONNECTED);
                    } catch (Throwable e) {
                        close(connected);
                        throw e;
                    }
                    return connected;
                }
                case MeetingPoint.TAKEN ->
                    throw new IOException("this end of pipe " + pipe + " belongs to process " + in.readLong());
                default ->
                    throw new ConnectionEndedException(
                            "this end of pipe " + pipe
                                    + " is gone: another process has had it, or its other end was closed");
            }
        }
    }

    private static void claim(SocketChannel point, MeetingPoint.Token token) throws IOException {
        write(point, ByteBuffer.allocate(3 * Long.BYTES)
                .putLong(token.high())
                .putLong(token.low())
                .putLong(ProcessHandle.current().pid())
                .flip());
    }

    private SocketChannel listen(SocketChannel point, DataInputStream in) throws IOException {
        UnixDomainSocketAddress address = meetingSocket(in.readInt());
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(address, 1);
            server.configureBlocking(false);
            say(point, MeetingPoint.LISTENS);
            if (in.readByte() != MeetingPoint.ACCEPT) {
                throw new EOFException("has ended");
            }
            SocketChannel other = server.accept(); // an honest other end has connected before its claim said so
            if (other == null) {
                throw new EOFException("nobody has connected");
            }
            return other;
        } finally {
            Files.deleteIfExists(address.getPath());
        }
    }

    private UnixDomainSocketAddress meetingSocket(int name) {
        return UnixDomainSocketAddress.of(folder.resolve(HexFormat.of().toHexDigits(name)));
    }

    private static void say(SocketChannel point, byte word) throws IOException {
        write(point, ByteBuffer.wrap(new byte[] {word}));
    }

    /** Says that the connection has ended where a channel says "Broken pipe", in a plain {@link IOException}. */
    private static void write(SocketChannel point, ByteBuffer bytes) throws IOException {
        try {
            point.write(bytes);
        } catch (ClosedChannelException e) {
            throw e;
        } catch (IOException e) {
            var ended = new EOFException("the meeting point has ended: " + e.getMessage());
            ended.initCause(e);
            throw ended;
        }
    }

    private static void close(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // it is gone either way
        }
    }

    /** Removes the folder of a process that opened pipes and was killed. */
    private void removeIfAbandoned() {
        if (!isAbandoned()) {
            return;
        }
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.equals(MeetingFolder.SOCKET) || MEETING_SOCKET.matcher(name).matches()) {
                    Files.deleteIfExists(file);
                }
            }
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            // another end is removing it
        }
    }
}
