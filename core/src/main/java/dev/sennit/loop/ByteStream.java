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
 * A stream of bytes for coroutines: a connection over a socket, plain or with TLS; the standard streams of a
 * {@link Subprocess}; or a file, as {@link FileStream}. A method that waits suspends only its coroutine, with both
 * mechanisms of the loop.
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
 * <p>A stream belongs to the loop whose coroutine opened it. Only coroutines of that loop may use it; any thread may
 * close it. One coroutine reads at a time. Several may write: each waits until those before it have written all of
 * their bytes.
 *
 * <h2>What ends a wait</h2>
 *
 * <ul>
 *   <li>Cancelling the coroutine, with an {@link InterruptedException}, and a time-out that was set, with a
 *       {@link java.net.SocketTimeoutException}. Both leave the stream open. Bytes received by then stay in the stream
 *       for the next read, so no input is lost; a write may have sent a part of its bytes.
 *   <li>{@link #close}, and the end of the loop, with a {@link StreamClosedException}.
 *   <li>A broken connection, with a {@link java.net.SocketException}. The end of the other side's output is no error:
 *       {@code read} returns -1, {@link #readLine} null.
 * </ul>
 */
public sealed class ByteStream implements AutoCloseable permits FileStream {
    /** A buffer up to this size is kept for the next message: most messages are small. */
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
    /** Received bytes that were not read: from head to tail. */
    private byte[] unread = NONE;
    private int head;
    private int tail;
    /** Whether more bytes may be there already, so that a read is tried before waiting. */
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
     * @throws IOException for instance if too many files are open
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static ByteStream connect(String host, int port) throws IOException, InterruptedException {
        return connectBefore(InetSocketAddress.createUnresolved(host, port), null, Deadline.NEVER);
    }

    /**
     * Connects to a server.
     *
     * @param address a host and port, resolved or not, or a socket in the file system
     * @param timeout the limit, the look-up of the host's name included; null leaves it to the operating system
     * @return an open stream
     * @throws java.net.SocketTimeoutException if connecting takes longer
     * @throws UnknownHostException if the name has no address
     * @throws ConnectException if no address takes the connection; the message says which were tried
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IOException for instance if too many files are open
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
     * Returns a stream over a connected socket.
     *
     * @param engine for TLS, before its handshake; null for a plain stream
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
        Transport transport =
                engine == null ? socket : new TlsTransport(socket, engine, name, selector.loop(), NOTHING);
        return new ByteStream(selector.loop(), transport, name, channel.getLocalAddress(), remote);
    }

    /**
     * Connects to a server with TLS. The context must trust the server's certificate, and the certificate must be for
     * the host.
     *
     * @param host a name or an address
     * @param port its port
     * @param context the trusted certificates, and this side's own
     * @param timeout the limit, the look-up of the host's name and the handshake included; null leaves connecting to
     *     the operating system, and limits the handshake to 30 seconds
     * @return an open stream
     * @throws javax.net.ssl.SSLHandshakeException if the two sides cannot agree, or the certificate is refused; the
     *     message says why
     * @throws java.net.SocketTimeoutException if connecting and the handshake take longer
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
            // not a literal address but a name
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
     * Limits the time of each read call: a call that takes longer fails with a {@link java.net.SocketTimeoutException}.
     *
     * @param timeout for each call as a whole, also for a line that comes byte by byte; null, the default, for no limit
     */
    public void setReadTimeout(@Nullable Duration timeout) {
        readTimeout = Durations.checkedTimeout(timeout);
    }

    /**
     * Reads the bytes that are there; waits until there is one.
     *
     * @param target the buffer to fill, from its position to its limit
     * @return the number of bytes, at least 1 if there is room; -1 if the other side sends no more
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
     * Reads the bytes that are there; waits until there is one.
     *
     * @param target the array to fill
     * @return the number of bytes, at least 1 if the array is not empty; -1 if the other side sends no more
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public int read(byte[] target) throws IOException, InterruptedException {
        return read(ByteBuffer.wrap(target));
    }

    /**
     * Reads exactly this number of bytes.
     *
     * @param count how many; memory is allocated as they arrive, not before
     * @return an array of that length
     * @throws EOFException if the other side sends fewer; the message says how many, and they can still be read
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
     * Reads a line of UTF-8, up to {@code \n} or {@code \r\n}. Malformed bytes become U+FFFD.
     *
     * @param limit how many bytes the line may have, its end not counted
     * @return the line without its end; the last line may have none; null if the other side sends no more
     * @throws InputTooLongException if the line has more bytes, which stay unread
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
                if (scanned > limit + 1L) { // one more byte may be the \r of \r\n
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
     * Reads up to a separator of any bytes. Of several separators the first to appear counts; of two that end at the
     * same byte, the longer.
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
     * @param separators at least one, none of them empty
     * @return the bytes, the separator at their end; null if the other side sends no more
     * @throws InputTooLongException if there is no separator within the limit; the bytes stay unread
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

    /** Returns the length of the longest separator. */
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

    /** Returns the length of the longest separator that ends before an index of the unread bytes; 0 if none does. */
    private int lengthOfSeparator(int end, byte[][] separators) {
        int longest = 0;
        for (byte[] one : separators) {
            int start = end - one.length;
            if (one.length > longest && start >= head && unread[end - 1] == one[one.length - 1]
                    && Arrays.equals(unread, start, end, one, 0, one.length)) {
                longest = one.length;
            }
        }
        return longest;
    }

    /**
     * Reads until the other side sends no more.
     *
     * @param limit how many bytes there may be
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
     * Copies all bytes to another stream of this loop, until this stream has no more. At most one piece is held in
     * memory, so a slow receiver slows down a fast sender. The time-outs of both streams limit each wait, not the whole
     * transfer.
     *
     * {@snippet :
     * import dev.sennit.loop.ByteStream;
     * import dev.sennit.loop.FileStream;
     * import java.nio.file.Path;
     *
     * try (FileStream file = FileStream.open(Path.of("page.html"));
     *         ByteStream server = ByteStream.connect("localhost", 7)) {
     *     file.transferTo(server);
     * }
     * }
     *
     * @param target the stream to write to
     * @return the number of bytes written
     * @throws IOException as this class says, of either stream; bytes received but not written stay unread
     * @throws InterruptedException if the coroutine is cancelled; bytes received but not written stay unread
     */
    public long transferTo(ByteStream target) throws IOException, InterruptedException {
        return transferTo(target, Long.MAX_VALUE);
    }

    /**
     * Copies up to a number of bytes to another stream, as {@link #transferTo(ByteStream)} does.
     *
     * @param target the stream to write to
     * @param most how many bytes at most; the rest stays unread
     * @return the number of bytes written: fewer if this stream has no more
     * @throws IOException as this class says, of either stream; bytes received but not written stay unread
     * @throws InterruptedException if the coroutine is cancelled; bytes received but not written stay unread
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

    /** Makes the calling coroutine the only reader; {@link #endReading} ends that. */
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

    /** Returns the next bytes, in a buffer that is valid in this turn only; null at the end of input. */
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
     * Keeps the bytes that are there, without waiting. The calling coroutine is the reader.
     *
     * @return the number of bytes; 0 if there are none yet; -1 at the end of input
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

    /** Returns the number of bytes received but not read. */
    final int unread() {
        return tail - head;
    }

    /** Returns all bytes received but not read, and removes them. */
    final byte[] takeUnread() {
        return take(tail - head);
    }

    /** Drops all bytes received but not read, and returns their number. */
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
     * Limits the time of each write call: a call that takes longer fails with a
     * {@link java.net.SocketTimeoutException}, and may have sent a part of its bytes.
     *
     * @param timeout for each call as a whole; null, the default, for no limit
     */
    public void setWriteTimeout(@Nullable Duration timeout) {
        writeTimeout = Durations.checkedTimeout(timeout);
    }

    /**
     * Writes bytes, and waits until the operating system has taken all of them: so a slow reader slows its writer down,
     * and nothing piles up here. The return does not mean that the bytes have arrived.
     *
     * @param source what to write, from its position to its limit; the position tells how much was taken, also after a
     *     failure
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

    /** Called with the writers' lock, before the first byte. */
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
     * Tells the other side that nothing more will be written. The stream can still be read.
     *
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled while another coroutine writes
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
     * Does the TLS handshake now rather than with the first read or write: for a server that sends its first bytes
     * late. Does nothing if the handshake is done already, or if the stream is plain. The limit is 30 seconds, or the
     * read time-out if that is shorter.
     *
     * @throws javax.net.ssl.SSLHandshakeException if the two sides cannot agree; the stream is closed then
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public void handshake() throws IOException, InterruptedException {
        ensureHere();
        transport.ensureOpen();
        transport.shakeHands(Deadline.in(readTimeout));
    }

    /**
     * Switches a plain connection to TLS, as the client: after the answer to {@code STARTTLS}, for example. The context
     * must trust the server's certificate, and the certificate must be for the host. The handshake has the limit that
     * {@link #handshake} has; after a cancellation or time-out, {@link #handshake} or the next read or write continues
     * it.
     *
     * <p>Bytes received but not read count as the beginning of the other side's TLS. So plain text that an attacker has
     * inserted before is never taken for the server's.
     *
     * <p>With TLS 1.3, a client learns only from its first read, not here, that the server refuses its certificate.
     *
     * @param context the trusted certificates; and this side's own, if the server asks
     * @param host the name or address that the certificate must be for
     * @throws javax.net.ssl.SSLHandshakeException if the two sides cannot agree, or the certificate is refused; the
     *     stream is closed then
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if another coroutine reads, or if this is not a plain connection
     */
    public void startTls(SSLContext context, String host) throws IOException, InterruptedException {
        int port = remoteAddress instanceof InetSocketAddress internet ? internet.getPort() : -1;
        startTls(TlsTransport.clientEngine(context, host, port));
    }

    /**
     * Switches a plain connection to TLS, as the server; otherwise as {@link #startTls}.
     *
     * @param context this side's certificate; and the trusted ones, if clients must show a certificate
     * @param parameters further demands, such as {@code setNeedClientAuth(true)} for a client's certificate; null for
     *     none
     * @throws javax.net.ssl.SSLHandshakeException if the two sides cannot agree; the stream is closed then
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if another coroutine reads, or if this is not a plain connection
     */
    public void acceptTls(SSLContext context, @Nullable SSLParameters parameters)
            throws IOException, InterruptedException {
        startTls(TlsTransport.serverEngine(context, parameters));
    }

    private void startTls(SSLEngine engine) throws IOException, InterruptedException {
        Deadline deadline = Deadline.in(readTimeout);
        beginReading();
        try {
            lockForWriting(deadline);
            try {
                if (!(transport instanceof SocketTransport plain)) {
                    throw new IllegalStateException(
                            name + " cannot start TLS: it speaks TLS already, or is no connection");
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
     * Returns the TLS session: the protocol, the cipher, and the certificate of the other side.
     *
     * @return the session; null if the stream is plain, or before the handshake
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
            throw new IllegalStateException(
                    name + " is of " + loop.name() + ": " + Thread.currentThread() + " is not a coroutine of it");
        }
    }

    /**
     * Closes the stream. Coroutines that read or write are woken with a {@link StreamClosedException}. Bytes written
     * are still sent. Bytes not read are dropped; then the other side may see its connection reset. May be called from
     * any thread; does not wait.
     */
    @Override
    public void close() {
        transport.close("close() was called");
    }

    /**
     * Returns whether the stream was closed on this side.
     *
     * @return true once it is closed
     */
    public boolean isClosed() {
        return transport.isClosed();
    }

    /**
     * Returns the address of the other side.
     *
     * @return the address; null for a file, and for the streams of a {@link Subprocess}
     */
    public @Nullable SocketAddress remoteAddress() {
        return remoteAddress;
    }

    /**
     * Returns the address of this side.
     *
     * @return the address; null for a file, and for the streams of a {@link Subprocess}
     */
    public @Nullable SocketAddress localAddress() {
        return localAddress;
    }

    /**
     * Returns the name of the connection, and whether it is closed.
     *
     * @return such as {@code connection to /127.0.0.1:7}
     */
    @Override
    public String toString() {
        return name + (isClosed() ? ", closed" : "");
    }
}
