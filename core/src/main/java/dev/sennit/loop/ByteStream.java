package dev.sennit.loop;

import dev.sennit.TaskFuture;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Bytes to and from somebody else, for coroutines: a connection over a socket, in plain or over TLS, the standard streams
 * of a {@link Subprocess}, or a file, which is a {@link FileStream}. What would wait suspends only the coroutine, with both mechanisms of the loop.
 *
 * {@snippet :
 * import dev.sennit.loop.ByteStream;
 *
 * try (ByteStream server = ByteStream.connect("localhost", 7)) {
 *     server.write("hello\n");
 *     System.out.println(server.readLine(1000));
 * }
 * }
 *
 * <p>It belongs to the loop whose coroutine opened it; only that one's coroutines may use it, but anybody may close it. One reads
 * at a time; of several that write each goes on when those before it have written all of theirs.
 *
 * <h2>What ends a wait</h2>
 *
 * <ul>
 *   <li>Cancelling the coroutine, with an {@link InterruptedException}, and a time-out that was set, with a {@link
 *       java.net.SocketTimeoutException}. Both leave the stream open. What had come by then stays in it for the next to
 *       read, so nothing is lost; of what was being written, a part may have gone.
 *   <li>{@link #close}, and the end of the loop, with a {@link StreamClosedException}.
 *   <li>The other side, when it breaks the connection, with a {@link java.net.SocketException}. That it sends no more is
 *       no error: {@code read} returns -1, {@link #readLine} null.
 * </ul>
 */
public sealed class ByteStream implements AutoCloseable permits FileStream {
    /** What is kept for the next message rather than made anew: most messages are small. */
    private static final int KEPT = 4096;

    private static final byte[] NONE = {};

    private static final ByteBuffer NOTHING = ByteBuffer.wrap(NONE).asReadOnlyBuffer();

    private final EventLoop loop;
    private final String name;
    private final @Nullable SocketAddress localAddress;
    private final @Nullable SocketAddress remoteAddress;

    private final FairLock writing = new FairLock();
    /** Replaced when TLS starts, by a coroutine that holds both directions. */
    private volatile Transport transport;

    // Only coroutines of the loop, in a turn:
    private @Nullable Duration readTimeout;
    private @Nullable Duration writeTimeout;
    private @Nullable Thread reader;
    /** What has come and was not read: from head to tail. */
    private byte[] unread = NONE;
    private int head;
    private int tail;
    /** Whether there may be more already, so that it is worth to look before waiting. */
    private boolean mayHaveMore;

    ByteStream(
            EventLoop loop,
            Transport transport,
            String name,
            @Nullable SocketAddress localAddress,
            @Nullable SocketAddress remoteAddress) {
        this.loop = loop;
        this.transport = transport;
        this.name = name;
        this.localAddress = localAddress;
        this.remoteAddress = remoteAddress;
    }

    // ---- opening ----

    /**
     * Connects to a server, trying the host's addresses one after another.
     *
     * @param host a name or an address
     * @param port its port
     * @return an open stream
     * @throws UnknownHostException if the name has no address
     * @throws ConnectException if no address takes the connection; the message says which were tried
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IOException if there are too many open files, and the like
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static ByteStream connect(String host, int port) throws IOException, InterruptedException {
        return connectBefore(InetSocketAddress.createUnresolved(host, port), null, Deadline.NEVER);
    }

    /**
     * Connects to a server.
     *
     * @param address a host and port, resolved or not, or a socket in the file system
     * @param timeout how long it may take, the look-up of the host's name included; null is as long as the system tries
     * @return an open stream
     * @throws java.net.SocketTimeoutException if it takes longer
     * @throws UnknownHostException if the name has no address
     * @throws ConnectException if no address takes the connection; the message says which were tried
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IOException if there are too many open files, and the like
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static ByteStream connect(SocketAddress address, @Nullable Duration timeout)
            throws IOException, InterruptedException {
        return connectBefore(address, null, Deadline.in(Durations.checkedTimeout(timeout)));
    }

    private static ByteStream connectBefore(
            SocketAddress address, @Nullable SSLEngine engine, Deadline deadline)
            throws IOException, InterruptedException {
        EventLoop loop = EventLoop.current();
        LoopSelector selector = loop.selector();
        var failures = new StringBuilder();
        for (SocketAddress one : resolve(loop, address, deadline)) {
            try {
                return connectTo(selector, one, engine, deadline);
            } catch (SocketException e) { // nobody listens there, no route to there, ...
                failures.append(failures.isEmpty() ? "" : ", ").append(one).append(": ").append(e.getMessage());
            }
        }
        throw new ConnectException("cannot connect to " + failures);
    }

    private static ByteStream connectTo(
            LoopSelector selector, SocketAddress address, @Nullable SSLEngine engine, Deadline deadline)
            throws IOException, InterruptedException {
        SocketChannel channel = address instanceof UnixDomainSocketAddress
                ? SocketChannel.open(StandardProtocolFamily.UNIX)
                : SocketChannel.open();
        String name = "connection to " + address;
        LoopSelector.Watch watch = selector.watch(channel, name);
        try {
            boolean connected = channel.connect(address);
            while (!connected) {
                watch.await(SelectionKey.OP_CONNECT, deadline);
                connected = channel.finishConnect();
            }
            return over(selector, channel, watch, name, engine);
        } catch (Throwable e) {
            watch.close("it was not connected");
            throw e;
        }
    }

    /**
     * A stream over a connected socket.
     *
     * @param engine for TLS, with a handshake to come; null is none
     */
    static ByteStream over(
            LoopSelector selector,
            SocketChannel channel,
            LoopSelector.Watch watch,
            String name,
            @Nullable SSLEngine engine)
            throws IOException {
        SocketAddress remote = channel.getRemoteAddress();
        if (remote instanceof InetSocketAddress) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        }
        var socket = new SocketTransport(channel, watch, name);
        Transport transport = engine == null ? socket : new TlsTransport(socket, engine, name, selector.loop(), NOTHING);
        return new ByteStream(selector.loop(), transport, name, channel.getLocalAddress(), remote);
    }

    /**
     * Connects to a server, and speaks TLS with it. The server's certificate has to be one that the context trusts, and be
     * made out to the host.
     *
     * @param host a name or an address
     * @param port its port
     * @param context whom to trust, and who we are
     * @param timeout how long it may take, the look-up of the host's name and the handshake included; null is as long as
     *     the system tries, and 30 seconds for the handshake
     * @return an open stream
     * @throws javax.net.ssl.SSLHandshakeException if they cannot agree, or the certificate is not good; the message says why
     * @throws java.net.SocketTimeoutException if it takes longer
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IOException as {@link #connect(SocketAddress, Duration)} says
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static ByteStream connectTls(String host, int port, SSLContext context, @Nullable Duration timeout)
            throws IOException, InterruptedException {
        Deadline deadline = Deadline.in(Durations.checkedTimeout(timeout));
        SSLEngine engine = TlsTransport.clientEngine(context, host, port);
        ByteStream stream = connectBefore(InetSocketAddress.createUnresolved(host, port), engine, deadline);
        try {
            stream.transport.shakeHands(deadline);
            return stream;
        } catch (Throwable e) {
            stream.close();
            throw e;
        }
    }

    static SocketAddress[] resolve(EventLoop loop, SocketAddress address, Deadline deadline)
            throws IOException, InterruptedException {
        if (!(address instanceof InetSocketAddress internet) || !internet.isUnresolved()) {
            return new SocketAddress[] {address};
        }
        String host = internet.getHostString();
        InetAddress[] found = lookUp(loop, host, deadline);
        return Arrays.stream(found)
                .map(one -> new InetSocketAddress(one, internet.getPort()))
                .toArray(SocketAddress[]::new);
    }

    private static InetAddress[] lookUp(EventLoop loop, String host, Deadline deadline)
            throws IOException, InterruptedException {
        try {
            return new InetAddress[] {InetAddress.ofLiteral(host)};
        } catch (IllegalArgumentException e) {
            // a name, then
        }
        TaskFuture<InetAddress[]> lookUp = loop.offload(() -> InetAddress.getAllByName(host));
        try {
            return deadline.get(lookUp);
        } catch (TimeoutException e) {
            throw deadline.missed("looking up " + host);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownHostException) {
                throw new UnknownHostException("host " + host + " has no address: check the name");
            }
            throw new IOException("cannot look up " + host + ": " + e.getCause(), e.getCause());
        } finally {
            lookUp.cancel(true);
        }
    }

    // ---- reading ----

    /**
     * Bounds each call that reads: one that takes longer ends with a {@link java.net.SocketTimeoutException}.
     *
     * @param timeout for each call as a whole, be it a line that comes byte by byte; null is no bound, which is the default
     */
    public void setReadTimeout(@Nullable Duration timeout) {
        readTimeout = Durations.checkedTimeout(timeout);
    }

    /**
     * Reads what has come; waits until something has.
     *
     * @param target where to put it, from its position to its limit
     * @return how many bytes, at least 1 if there is room; -1 if the other side sends no more
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public int read(ByteBuffer target) throws IOException, InterruptedException {
        beginReading();
        try {
            if (!target.hasRemaining()) {
                return 0;
            }
            if (head == tail) {
                ByteBuffer come = receive(Deadline.in(readTimeout));
                if (come == null) {
                    return -1;
                }
                int count = Math.min(come.remaining(), target.remaining());
                target.put(target.position(), come, come.position(), count);
                target.position(target.position() + count);
                come.position(come.position() + count);
                keep(come);
                return count;
            }
            int count = Math.min(tail - head, target.remaining());
            target.put(unread, head, count);
            taken(count);
            return count;
        } finally {
            endReading();
        }
    }

    /**
     * Reads what has come; waits until something has.
     *
     * @param target where to put it
     * @return how many bytes, at least 1 if it is not empty; -1 if the other side sends no more
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public int read(byte[] target) throws IOException, InterruptedException {
        return read(ByteBuffer.wrap(target));
    }

    /**
     * Reads so many bytes.
     *
     * @param count how many; memory is taken as they come, not before
     * @return an array of that length
     * @throws EOFException if the other side sends no more, which says how many there were; they can still be read
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public byte[] readExactly(int count) throws IOException, InterruptedException {
        if (count < 0) {
            throw new IllegalArgumentException("count must be >= 0, was " + count);
        }
        beginReading();
        try {
            Deadline deadline = Deadline.in(readTimeout);
            while (tail - head < count) {
                ByteBuffer come = receive(deadline);
                if (come == null) {
                    throw new EOFException(name + " ended after " + (tail - head) + " of " + count + " bytes");
                }
                keep(come);
            }
            return take(count);
        } finally {
            endReading();
        }
    }

    /**
     * Reads a line of UTF-8, up to {@code \n} or {@code \r\n}. What is not UTF-8 becomes U+FFFD.
     *
     * @param limit how many bytes it may have, its end not counted
     * @return the line without its end; also a last one that has no end; null if the other side sends no more
     * @throws InputTooLongException if it has more; it stays unread
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public @Nullable String readLine(int limit) throws IOException, InterruptedException {
        ensureLimit(limit);
        beginReading();
        try {
            Deadline deadline = null;
            int scanned = 0;
            while (true) {
                int end = indexOfNewline(head + scanned);
                if (end >= 0) {
                    int length = end - head;
                    String line = line(length > 0 && unread[end - 1] == '\r' ? length - 1 : length, limit);
                    taken(length + 1);
                    return line;
                }
                scanned = tail - head;
                if (scanned > limit + 1L) { // one more may be the first of two that end it
                    throw tooLong("line", limit);
                }
                if (deadline == null) {
                    deadline = Deadline.in(readTimeout);
                }
                ByteBuffer come = receive(deadline);
                if (come == null) {
                    if (scanned == 0) {
                        return null;
                    }
                    String line = line(scanned, limit);
                    taken(scanned);
                    return line;
                }
                keep(come);
            }
        } finally {
            endReading();
        }
    }

    private int indexOfNewline(int from) {
        byte[] bytes = unread;
        for (int i = from; i < tail; i++) {
            if (bytes[i] == '\n') {
                return i;
            }
        }
        return -1;
    }

    private String line(int length, int limit) throws InputTooLongException {
        if (length > limit) {
            throw tooLong("line", limit);
        }
        return new String(unread, head, length, StandardCharsets.UTF_8);
    }

    /**
     * Reads up to a separator of any bytes. Where several are given, the first that comes counts, and of two that end at the same
     * byte the longer one.
     *
     * {@snippet :
     * import dev.sennit.loop.ByteStream;
     * import java.nio.charset.StandardCharsets;
     *
     * try (ByteStream server = ByteStream.connect("localhost", 80)) {
     *     server.write("GET / HTTP/1.0\r\n\r\n");
     *     byte[] head = server.readUntil(8192, "\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
     * }
     * }
     *
     * @param limit how many bytes may come before the separator
     * @param separators one at least, none of them empty
     * @return the bytes, the separator at their end; null if the other side sends no more
     * @throws InputTooLongException if there is no separator within the limit; all that came stays unread
     * @throws EOFException if the other side sends no more after bytes without a separator; they can still be read
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public byte @Nullable [] readUntil(int limit, byte[]... separators) throws IOException, InterruptedException {
        ensureLimit(limit);
        int longest = ensureSeparators(separators);
        beginReading();
        try {
            Deadline deadline = null;
            int scanned = 0;
            while (true) {
                for (; scanned < tail - head; scanned++) {
                    int length = lengthOfSeparator(head + scanned + 1, separators);
                    if (length > 0) {
                        if (scanned + 1 - length > limit) {
                            throw tooLong("input before a separator", limit);
                        }
                        return take(scanned + 1);
                    }
                }
                if ((long) scanned - longest >= limit) { // a separator that ends with the next byte comes too late
                    throw tooLong("input before a separator", limit);
                }
                if (deadline == null) {
                    deadline = Deadline.in(readTimeout);
                }
                ByteBuffer come = receive(deadline);
                if (come == null) {
                    if (scanned == 0) {
                        return null;
                    }
                    throw new EOFException(name + " ended after " + scanned + " bytes without a separator");
                }
                keep(come);
            }
        } finally {
            endReading();
        }
    }

    /** Returns the length of the longest. */
    private static int ensureSeparators(byte[][] separators) {
        int longest = 0;
        for (byte[] one : separators) {
            if (one.length == 0) {
                throw new IllegalArgumentException("a separator must have 1 byte at least, had none");
            }
            longest = Math.max(longest, one.length);
        }
        if (longest == 0) {
            throw new IllegalArgumentException("one separator must be given at least, none was");
        }
        return longest;
    }

    /** The length of the longest separator that ends before an index of what was not read; 0 if none does. */
    private int lengthOfSeparator(int end, byte[][] separators) {
        int longest = 0;
        for (byte[] one : separators) {
            int start = end - one.length;
            if (one.length > longest && start >= head && unread[end - 1] == one[one.length - 1] && Arrays.equals(unread, start, end, one, 0, one.length)) {
                longest = one.length;
            }
        }
        return longest;
    }

    /**
     * Reads until the other side sends no more.
     *
     * @param limit how many bytes that may be
     * @return the bytes
     * @throws InputTooLongException if there are more; they stay unread
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public byte[] readAll(int limit) throws IOException, InterruptedException {
        ensureLimit(limit);
        beginReading();
        try {
            Deadline deadline = Deadline.in(readTimeout);
            while (tail - head <= limit) {
                ByteBuffer come = receive(deadline);
                if (come == null) {
                    return take(tail - head);
                }
                keep(come);
            }
            throw tooLong("input", limit);
        } finally {
            endReading();
        }
    }

    /**
     * Writes all that comes to another stream of this loop, until this one sends no more. Not more than a piece is held here, so a
     * slow receiver slows down a fast sender. The time-outs of both streams bound each wait, not the whole.
     *
     * {@snippet :
     * import dev.sennit.loop.ByteStream;
     * import dev.sennit.loop.FileStream;
     * import java.nio.file.Path;
     *
     * try (FileStream file = FileStream.open(Path.of("page.html")); ByteStream server = ByteStream.connect("localhost", 7)) {
     *     file.transferTo(server);
     * }
     * }
     *
     * @param target where to write
     * @return how many bytes were written
     * @throws IOException as this class says, of either stream; bytes that came and were not written stay unread
     * @throws InterruptedException if the coroutine is cancelled; bytes that came and were not written stay unread
     */
    public long transferTo(ByteStream target) throws IOException, InterruptedException {
        return transferTo(target, Long.MAX_VALUE);
    }

    /**
     * Writes bytes that come to another stream, as {@link #transferTo(ByteStream)} does, but not more than so many.
     *
     * @param target where to write
     * @param most how many bytes at most; more stay unread
     * @return how many bytes were written: fewer if this stream sends no more
     * @throws IOException as this class says, of either stream; bytes that came and were not written stay unread
     * @throws InterruptedException if the coroutine is cancelled; bytes that came and were not written stay unread
     */
    public long transferTo(ByteStream target, long most) throws IOException, InterruptedException {
        if (most < 0) {
            throw new IllegalArgumentException("most must be >= 0, was " + most);
        }
        Objects.requireNonNull(target, "target");
        beginReading();
        try {
            long written = 0;
            while (written < most) {
                if (head == tail) {
                    ByteBuffer come = receive(Deadline.in(readTimeout));
                    if (come == null) {
                        break;
                    }
                    keep(come);
                }
                ByteBuffer piece = ByteBuffer.wrap(unread, head, (int) Math.min(tail - head, most - written));
                int start = piece.position();
                try {
                    target.write(piece);
                } finally {
                    written += piece.position() - start;
                    taken(piece.position() - start);
                }
            }
            return written;
        } finally {
            endReading();
        }
    }

    private static void ensureLimit(int limit) {
        if (limit < 0) {
            throw new IllegalArgumentException("limit must be >= 0, was " + limit);
        }
    }

    final InputTooLongException tooLong(String what, int limit) {
        return new InputTooLongException(name + ": the " + what + " is longer than " + limit + " bytes");
    }

    /** Takes the direction in which bytes come; each call is followed by one of {@link #endReading}. */
    void beginReading() throws StreamClosedException {
        ensureHere();
        if (reader != null) {
            throw new IllegalStateException(name + " is being read by " + reader.getName());
        }
        transport.ensureOpen();
        reader = Thread.currentThread();
    }

    final void endReading() {
        reader = null;
    }

    final @Nullable Thread reader() {
        return reader;
    }

    /** What comes next, to be dealt with in this turn; null if nothing will. */
    private @Nullable ByteBuffer receive(Deadline deadline) throws IOException, InterruptedException {
        while (true) {
            if (!mayHaveMore) {
                transport.awaitReadable(deadline);
            }
            ByteBuffer scratch = loop.scratch();
            int count = transport.readNow(scratch);
            mayHaveMore = count < 0 || !scratch.hasRemaining();
            if (count != 0) {
                return count < 0 ? null : scratch.flip();
            }
        }
    }

    /**
     * Keeps what has come, without waiting. The calling coroutine holds the direction.
     *
     * @return how many bytes; 0 if there are none yet; -1 if nothing more will come
     */
    final int receiveNow() throws IOException {
        transport.ensureOpen();
        ByteBuffer scratch = loop.scratch();
        int count = transport.readNow(scratch);
        if (count > 0) {
            keep(scratch.flip());
        }
        return count;
    }

    /** How many bytes have come and were not read. */
    final int unread() {
        return tail - head;
    }

    /** Takes all that has come and was not read. */
    final byte[] takeUnread() {
        return take(tail - head);
    }

    /** Drops all that has come and was not read; returns how many bytes. */
    final int dropUnread() {
        int count = tail - head;
        taken(count);
        mayHaveMore = false;
        return count;
    }

    private void keep(ByteBuffer come) {
        int count = come.remaining();
        if (count > unread.length - tail) {
            int size = Math.addExact(tail - head, count);
            byte[] to = size > unread.length ? new byte[grown(size)] : unread;
            System.arraycopy(unread, head, to, 0, tail - head);
            tail -= head;
            head = 0;
            unread = to;
        }
        come.get(unread, tail, count);
        tail += count;
    }

    private int grown(int size) {
        long twice = 2L * unread.length;
        return (int) Math.min(Math.max(Math.max(size, twice), 128), Integer.MAX_VALUE - 8);
    }

    private byte[] take(int count) {
        byte[] bytes = Arrays.copyOfRange(unread, head, head + count);
        taken(count);
        return bytes;
    }

    private void taken(int count) {
        head += count;
        if (head == tail) {
            head = 0;
            tail = 0;
            if (unread.length > KEPT) {
                unread = NONE;
            }
        }
    }

    // ---- writing ----

    /**
     * Bounds each call that writes: one that takes longer ends with a {@link java.net.SocketTimeoutException}, and a part may
     * have gone.
     *
     * @param timeout for each call as a whole; null is no bound, which is the default
     */
    public void setWriteTimeout(@Nullable Duration timeout) {
        writeTimeout = Durations.checkedTimeout(timeout);
    }

    /**
     * Writes bytes, and waits until the operating system has taken all: so a slow reader slows its writer down, and nothing
     * piles up here. That they have arrived is not said.
     *
     * @param source what to write, from its position to its limit; the position tells how much was taken, also when this fails
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public void write(ByteBuffer source) throws IOException, InterruptedException {
        ensureHere();
        Deadline deadline = Deadline.in(writeTimeout);
        lockForWriting(deadline);
        try {
            transport.ensureOpen();
            beforeWriting(deadline);
            transport.write(source, deadline);
        } finally {
            writing.unlock();
        }
    }

    /** With the lock of those who write, before the first byte. */
    void beforeWriting(Deadline deadline) throws IOException, InterruptedException {}

    /**
     * Writes bytes as {@link #write(ByteBuffer)} does.
     *
     * @param source what to write
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public void write(byte[] source) throws IOException, InterruptedException {
        write(ByteBuffer.wrap(source));
    }

    /**
     * Writes characters in UTF-8, as {@link #write(ByteBuffer)} does.
     *
     * @param text what to write
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public void write(String text) throws IOException, InterruptedException {
        write(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Says to the other side that nothing more will be written; it can still be read from.
     *
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled while another one writes
     */
    public void shutdownOutput() throws IOException, InterruptedException {
        ensureHere();
        Deadline deadline = Deadline.in(writeTimeout);
        lockForWriting(deadline);
        try {
            transport.ensureOpen();
            transport.shutdownOutput(deadline);
        } finally {
            writing.unlock();
        }
    }

    /**
     * Shakes hands now, over TLS, rather than with the first read or write: for a server that speaks only later. Does nothing
     * when it is done already, or the stream is plain. It takes at most 30 seconds, or as long as is set for reads.
     *
     * @throws javax.net.ssl.SSLHandshakeException if they cannot agree; the stream is closed then
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public void handshake() throws IOException, InterruptedException {
        ensureHere();
        transport.ensureOpen();
        transport.shakeHands(Deadline.in(readTimeout));
    }

    /**
     * Speaks TLS from now on, as the client, on a connection that was plain: after the answer to {@code STARTTLS}, for example. The
     * server's certificate has to be one that the context trusts, and be made out to the host. Hands are shaken as {@link #handshake}
     * says; a handshake that was cancelled or took too long can be gone on with.
     *
     * <p>Bytes that have come and were not read count as the beginning of the other side's TLS: so nothing that somebody slipped in
     * before it is ever taken for what the server has said.
     *
     * <p>With TLS 1.3 a client whose certificate the server refuses sees that with its first read, not here.
     *
     * @param context whom to trust; and who we are, if the server asks
     * @param host the name or address that the certificate has to be made out to
     * @throws javax.net.ssl.SSLHandshakeException if they cannot agree, or the certificate is not good; the stream is closed then
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if another coroutine reads, or if this is not a plain connection
     */
    public void startTls(SSLContext context, String host) throws IOException, InterruptedException {
        int port = remoteAddress instanceof InetSocketAddress internet ? internet.getPort() : -1;
        startTls(TlsTransport.clientEngine(context, host, port));
    }

    /**
     * Speaks TLS from now on, as the server, on a connection that was plain; otherwise as {@link #startTls}.
     *
     * @param context who we are; and whom to trust, if clients have to show a certificate
     * @param parameters what else to ask for: {@code setNeedClientAuth(true)} for a client's certificate; null is nothing
     * @throws javax.net.ssl.SSLHandshakeException if they cannot agree; the stream is closed then
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if another coroutine reads, or if this is not a plain connection
     */
    public void acceptTls(SSLContext context, @Nullable SSLParameters parameters) throws IOException, InterruptedException {
        startTls(TlsTransport.serverEngine(context, parameters));
    }

    private void startTls(SSLEngine engine) throws IOException, InterruptedException {
        Deadline deadline = Deadline.in(readTimeout);
        beginReading();
        try {
            lockForWriting(deadline);
            try {
                if (!(transport instanceof SocketTransport plain)) {
                    throw new IllegalStateException(name + " cannot start TLS: it speaks TLS already, or is no connection");
                }
                plain.ensureOpen();
                transport = new TlsTransport(plain, engine, name, loop, ByteBuffer.wrap(unread, head, tail - head));
                taken(tail - head);
                mayHaveMore = false;
            } finally {
                writing.unlock();
            }
            transport.shakeHands(deadline);
        } finally {
            endReading();
        }
    }

    /**
     * The TLS session of both sides: the protocol, the cipher, and the certificate of the other side.
     *
     * @return it; null if the stream is plain, or hands have not been shaken yet
     */
    public @Nullable SSLSession sslSession() {
        return transport.session();
    }

    private void lockForWriting(Deadline deadline) throws IOException, InterruptedException {
        writing.lockForWriting(deadline, name);
    }

    // ---- both ----

    final void ensureHere() {
        if (EventLoop.currentOrNull() != loop) {
            throw new IllegalStateException(name + " is of " + loop.name() + ": " + Thread.currentThread() + " is not a coroutine of it");
        }
    }

    /**
     * Closes it. Coroutines that read or write are woken with a {@link StreamClosedException}. What was written still goes
     * out; what has come and was not read is dropped, and then the other side may see its connection reset. From any
     * thread, and without waiting.
     */
    @Override
    public void close() {
        transport.close("close() was called");
    }

    /**
     * Whether it was closed on this side.
     *
     * @return whether
     */
    public boolean isClosed() {
        return transport.isClosed();
    }

    /**
     * The address of the other side.
     *
     * @return it; null for a file, and for the streams of a {@link Subprocess}
     */
    public @Nullable SocketAddress remoteAddress() {
        return remoteAddress;
    }

    /**
     * The address of this side.
     *
     * @return it; null for a file, and for the streams of a {@link Subprocess}
     */
    public @Nullable SocketAddress localAddress() {
        return localAddress;
    }

    /**
     * What it is connected to, and whether it is closed.
     *
     * @return such as {@code connection to /127.0.0.1:7}
     */
    @Override
    public String toString() {
        return name + (isClosed() ? ", closed" : "");
    }
}
