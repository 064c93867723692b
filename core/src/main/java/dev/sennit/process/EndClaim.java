package dev.sennit.process;

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
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * This process's claim to an end of a pipe, from when the end came here until it is connected; see {@link MeetingPoint} for
 * what is said.
 *
 * <p>One virtual thread, which nobody can interrupt, talks to the meeting point. It notices at once when that is gone, and removes
 * what a process that was killed could not remove.
 */
final class EndClaim {
    private static final Pattern FOLDER = Pattern.compile("sennit-\\d+");
    private static final Pattern MEETING_SOCKET = Pattern.compile("[0-9a-f]{8}");

    /**
     * A platform thread waits while more connect than the system lets wait in line. For a virtual thread the JDK makes the socket
     * non-blocking, and to connect it then fails.
     */
    private static final ExecutorService CONNECTING = Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("sennit-connect-", 1).factory());

    /** Claims that have not come to their end. */
    private static final Set<EndClaim> PENDING = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(EndClaim::removeAbandoned, "sennit-pipe-ends"));
    }

    private final String pipe;
    private final Path folder;
    private final MeetingPoint.Token token;
    private final Runnable whenHurried;
    private final CompletableFuture<SocketChannel> held = new CompletableFuture<>();
    private final CompletableFuture<SocketChannel> met = new CompletableFuture<>();

    EndClaim(String pipe, Path folder, MeetingPoint.Token token, Runnable whenHurried) {
        this.pipe = pipe;
        this.folder = folder;
        this.token = token;
        this.whenHurried = whenHurried;
        PENDING.add(this);
        Thread.ofVirtual().name("sennit-pipe-end").start(this::run);
    }

    /** A folder as a ticket names it. Whoever wrote the ticket may not have us connect to any socket, or delete any file. */
    static Path folder(String text) throws InvalidObjectException {
        Path folder = Path.of(text);
        if (!folder.isAbsolute() || !FOLDER.matcher(String.valueOf(folder.getFileName())).matches()) {
            throw new InvalidObjectException("\"" + text + "\" is no place to connect a pipe in");
        }
        return folder;
    }

    Path folder() {
        return folder;
    }

    MeetingPoint.Token token() {
        return token;
    }

    /** Waits until the end is this process's; from then on who claims it later is its next holder. */
    void awaitHeld() throws IOException {
        try {
            held.join();
        } catch (CompletionException e) {
            throw again(e.getCause());
        }
    }

    /** The same failure for another caller, with its stack. */
    static IOException again(@Nullable Throwable failure) {
        return failure instanceof ConnectionEndedException
                ? new ConnectionEndedException(String.valueOf(failure.getMessage()))
                : new IOException(failure == null ? "failed" : failure.getMessage(), failure);
    }

    /**
     * Uses the end, which nobody else can claim any more.
     *
     * @return its connection to the other end; a failure is an {@link IOException}
     */
    CompletableFuture<SocketChannel> meet() {
        tell(MeetingPoint.USES);
        return met;
    }

    /** Has the other end used where it is now: this process is about to end, and has something to send. */
    void hurry() {
        tell(MeetingPoint.HURRIES);
    }

    /** On a thread that nobody can interrupt: an interrupt would close the channel. */
    private void tell(byte word) {
        held.thenAccept(point -> Thread.ofVirtual().start(() -> {
            try {
                say(point, word);
            } catch (IOException e) {
                // the other thread reads why
            }
        }));
    }

    /** Gives the end up, unless somebody else has claimed it, or it is connected. */
    void release() {
        held.thenAccept(EndClaim::close);
    }

    private void run() {
        try (SocketChannel point = connect()) {
            met.complete(converse(point));
        } catch (IOException | RuntimeException e) {
            removeIfAbandoned();
            IOException failure = e instanceof ConnectionEndedException known
                    ? known
                    : e instanceof EOFException || e instanceof SocketException
                            || e instanceof ClosedChannelException
                    ? new ConnectionEndedException(
                            "pipe " + pipe + " has ended: its other end, or the process that opened it, is gone")
                    : new IOException(e.getMessage(), e);
            held.completeExceptionally(failure);
            met.completeExceptionally(failure);
        } finally {
            PENDING.remove(this);
        }
    }

    /** A process that ends may end before the threads of its claims have come to it. Takes a second at most. */
    static void removeAbandoned() {
        List<EndClaim> pending = List.copyOf(PENDING);
        var looked = new CountDownLatch(pending.size());
        for (EndClaim claim : pending) {
            Thread.ofVirtual().name("sennit-pipe-exit").start(() -> {
                claim.removeIfAbandoned();
                looked.countDown();
            });
        }
        try {
            looked.await(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            // then at once
        }
    }

    /** One that lives answers; one that is about to be gone may still let connect. */
    private boolean isAbandoned() {
        SocketChannel point;
        try {
            point = connect();
        } catch (ConnectException e) {
            return true; // there is a socket, and nobody listens
        } catch (IOException e) {
            return false; // the folder is gone
        }
        try (point) {
            claim(point, MeetingPoint.Token.random());
            return point.read(ByteBuffer.allocate(1)) < 0;
        } catch (IOException e) {
            return true;
        }
    }

    private SocketChannel connect() throws IOException {
        var address = UnixDomainSocketAddress.of(folder.resolve(WorkerFolder.SOCKET));
        try {
            return CONNECTING.submit(() -> SocketChannel.open(address)).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IOException(e.getCause());
        } catch (InterruptedException e) {
            throw new AssertionError("nobody knows this thread", e);
        }
    }

    private SocketChannel converse(SocketChannel point) throws IOException {
        claim(point, token);
        var in = new DataInputStream(Channels.newInputStream(point));
        while (true) {
            byte word = in.readByte();
            switch (word) {
                case MeetingPoint.HELD -> held.complete(point);
                case MeetingPoint.HURRY -> Thread.ofVirtual().start(whenHurried);
                case MeetingPoint.LISTEN -> {
                    return listen(point, in);
                }
                case MeetingPoint.CONNECT -> {
                    SocketChannel connected = SocketChannel.open(meetingSocket(in.readInt()));
                    say(point, MeetingPoint.CONNECTED);
                    return connected;
                }
                case MeetingPoint.TAKEN ->
                    throw new IOException("this end of pipe " + pipe + " belongs to process " + in.readLong());
                default ->
                    throw new ConnectionEndedException(
                            "this end of pipe " + pipe + " is gone: another process has had it, or its other end was closed");
            }
        }
    }

    private static void claim(SocketChannel point, MeetingPoint.Token token) throws IOException {
        point.write(ByteBuffer.allocate(3 * Long.BYTES)
                .putLong(token.high())
                .putLong(token.low())
                .putLong(ProcessHandle.current().pid())
                .flip());
    }

    private SocketChannel listen(SocketChannel point, DataInputStream in) throws IOException {
        UnixDomainSocketAddress address = meetingSocket(in.readInt());
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(address, 1);
            say(point, MeetingPoint.LISTENS);
            if (in.readByte() != MeetingPoint.ACCEPT) {
                throw new EOFException("has ended");
            }
            return server.accept(); // does not wait: the other end has connected
        } finally {
            Files.deleteIfExists(address.getPath());
        }
    }

    private UnixDomainSocketAddress meetingSocket(int name) {
        return UnixDomainSocketAddress.of(folder.resolve(HexFormat.of().toHexDigits(name)));
    }

    private static void say(SocketChannel point, byte word) throws IOException {
        point.write(ByteBuffer.wrap(new byte[] {word}));
    }

    private static void close(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // it is gone either way
        }
    }

    /** A process that opened pipes and was killed has left its folder. */
    private void removeIfAbandoned() {
        if (!isAbandoned()) {
            return;
        }
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.equals(WorkerFolder.SOCKET) || MEETING_SOCKET.matcher(name).matches()) {
                    Files.deleteIfExists(file);
                }
            }
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            // another end removes it at this moment
        }
    }
}
