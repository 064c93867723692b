package dev.sennit.server;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * One request, from the end of its head to the end of its response.
 *
 * <pre>
 * OPEN -> SENDING -> ENDED     the handler's thread begins the response, and ends it
 *   |        |
 *   +--------+-> CUT           another thread ends the request: at its deadline, or as it cannot run
 * </pre>
 *
 * The thread that makes the step to ENDED or CUT completes Jetty's callback, nobody else does.
 */
final class Call {
    /** The length of a body that is sent in chunks. */
    static final long UNKNOWN_LENGTH = -1;

    private static final int LONGEST_NAME = 200;
    /** How much of a file is in memory at a time, for each request. */
    private static final int COPIED_BYTES = 32 << 10;

    private enum State {
        OPEN,
        SENDING,
        ENDED,
        CUT
    }

    private final Request request;
    private final Response response;
    private final Callback callback;
    private final Lane lane;
    private final BooleanSupplier isLast;
    private final long bodySize;
    private final long begunAt = System.nanoTime();
    private final AtomicReference<State> state = new AtomicReference<>(State.OPEN);
    /** Whether the handler runs. Written by its thread. */
    private volatile boolean isRunning;
    /** The thread that waits to run the handler, or runs it; null if none does. Guarded by this. */
    private @Nullable Thread thread;
    /** Only the handler's thread. */
    private boolean isWhole;
    /** Only the handler's thread. */
    private @Nullable InputStream body;

    /**
     * Makes a call.
     *
     * @param isLast whether its response is the last on its connection, asked when the response begins
     * @param bodySize the most bytes of its body
     */
    Call(Request request, Response response, Callback callback, Lane lane, BooleanSupplier isLast, long bodySize) {
        this.request = request;
        this.response = response;
        this.callback = callback;
        this.lane = lane;
        this.isLast = isLast;
        this.bodySize = bodySize;
    }

    // ---- the request ----

    long begunAt() {
        return begunAt;
    }

    String method() {
        return request.getMethod();
    }

    /** Returns the path, decoded and without dots; Jetty has refused what could be read in two ways. */
    String path() {
        String path = request.getHttpURI().getDecodedPath();
        return path == null ? "/" : path.startsWith("/") ? path : "/" + path; // * of OPTIONS
    }

    String target() {
        return request.getHttpURI().getPathQuery();
    }

    String protocol() {
        return request.getConnectionMetaData().getProtocol();
    }

    @Nullable String query(String name) {
        return Request.extractQueryParameters(request, StandardCharsets.UTF_8).getValue(name);
    }

    @Nullable String header(String name) {
        return request.getHeaders().get(name);
    }

    List<String> headers(String name) {
        return request.getHeaders().getValuesList(name);
    }

    /** Returns the values of a field as they came, one for each line. */
    List<String> fieldValues(String name) {
        return request.getHeaders().getFields(name).stream()
                .map(field -> Objects.requireNonNullElse(field.getValue(), ""))
                .toList();
    }

    HttpFields headers() {
        return request.getHeaders();
    }

    InetSocketAddress remoteAddress() {
        return address(request.getConnectionMetaData().getRemoteSocketAddress());
    }

    InetSocketAddress localAddress() {
        return address(request.getConnectionMetaData().getLocalSocketAddress());
    }

    /** A connection over a Unix socket has no address: it comes from this machine. */
    private static InetSocketAddress address(SocketAddress of) {
        return of instanceof InetSocketAddress known ? known : InetSocketAddress.createUnresolved("localhost", 0);
    }

    InputStream body() {
        InputStream known = body;
        if (known == null) {
            known = new RequestBody(Content.Source.asInputStream(request), bodySize, () -> state.get() == State.CUT);
            body = known;
        }
        return known;
    }

    // ---- the response, by the handler's thread ----

    /** Sends a whole response. */
    void send(int status, List<WebResponse.Field> fields, byte[] bytes) throws IOException {
        start(status, fields, bytes.length);
        write(true, ByteBuffer.wrap(bytes));
    }

    /**
     * Begins a response; its head goes out with the first bytes.
     *
     * @param length how many bytes it has; {@link #UNKNOWN_LENGTH} if nobody knows
     */
    ResponseOutput begin(int status, List<WebResponse.Field> fields, long length) throws IOException {
        start(status, fields, length);
        return new ResponseOutput(this, length);
    }

    private void start(int status, List<WebResponse.Field> fields, long length) throws IOException {
        if (!state.compareAndSet(State.OPEN, State.SENDING)) {
            if (state.get() == State.CUT) {
                throw WebResponse.cut();
            }
            throw new IllegalStateException("the response to " + this + " has begun already");
        }
        HttpFields.Mutable head = response.getHeaders();
        for (WebResponse.Field field : fields) {
            head.add(new HttpField(field.name(), field.value()));
        }
        boolean hasNoBody = status == 204 || status == 304;
        if (length >= 0 && !hasNoBody && !head.contains(HttpHeader.CONTENT_LENGTH)) {
            head.put(HttpHeader.CONTENT_LENGTH, length);
        }
        response.setStatus(status);
        closeIfLast();
    }

    private void closeIfLast() {
        if (isLast.getAsBoolean()) {
            response.getHeaders().put(HttpHeader.CONNECTION, "close");
        }
    }

    /** Writes bytes, and waits until they are with the system. */
    void write(boolean isLastOfBody, ByteBuffer bytes) throws IOException {
        if (state.get() == State.CUT) {
            throw WebResponse.cut();
        }
        if (!isLastOfBody && !response.isCommitted()) {
            chunkIfUnknown();
        }
        Content.Sink.write(response, isLastOfBody, bytes);
        isWhole |= isLastOfBody;
    }

    /** Writes bytes of a file, and waits until they are with the system. */
    void transfer(FileChannel file, long from, long length) throws IOException {
        boolean canSystemSend = lane.isPlain();
        ByteBuffer copy = canSystemSend ? ByteBuffer.allocate(0) : ByteBuffer.allocate(COPIED_BYTES);
        for (long at = from, end = from + length; at < end;) {
            int count = (int) Math.min(canSystemSend ? FileRegion.MOST_BYTES : COPIED_BYTES, end - at);
            if (canSystemSend) {
                write(false, lane.send(new FileRegion(file, at, count)));
            } else {
                read(file, at, copy.clear().limit(count));
                write(false, copy.flip());
            }
            at += count;
        }
    }

    /** Fills a buffer with bytes of a file. */
    static void read(FileChannel file, long from, ByteBuffer into) throws IOException {
        long at = from;
        while (into.hasRemaining()) {
            int n = file.read(into, at);
            if (n < 0) {
                throw FileRegion.tooShort();
            }
            at += n;
        }
    }

    /**
     * Has a body without a length go out in chunks, also if its connection is then closed: if the close were its end, a
     * client could not tell a response that was cut from a whole one.
     */
    private void chunkIfUnknown() {
        HttpFields.Mutable head = response.getHeaders();
        if (!head.contains(HttpHeader.CONTENT_LENGTH) && protocol().equals("HTTP/1.1")) {
            head.put(HttpHeader.TRANSFER_ENCODING, "chunked");
        }
    }

    // ---- the end ----

    /** Called by a thread that is to be interrupted at the deadline; {@link #leaves} follows. */
    synchronized void enters() {
        thread = Thread.currentThread();
    }

    /** Called by that thread when it has nothing more to do with this call, so that it is interrupted no more. */
    synchronized void leaves() {
        if (thread == Thread.currentThread()) {
            thread = null;
            Thread.interrupted(); // it goes on with other work
        }
    }

    private synchronized void interrupt() {
        if (thread != null) {
            thread.interrupt();
        }
    }

    /** Called by the handler's thread before anything else. Returns whether there still is something to do. */
    boolean starts() {
        isRunning = true;
        return state.get() == State.OPEN;
    }

    boolean isRunning() {
        return isRunning;
    }

    /** How a call ended. */
    enum End {
        /** The client has the response of the handler. */
        WHOLE,
        /** The handler had not begun a response, and the client has another. */
        ANSWERED,
        /** The response had begun and is not whole; its connection is closed. */
        BROKEN,
        /** Another thread had ended it before. */
        CUT
    }

    /**
     * Ends the call; called by the handler's thread once it has nothing more to do.
     *
     * @param status what to answer if no response has begun
     */
    End end(int status, String text) {
        isRunning = false;
        if (state.compareAndSet(State.OPEN, State.ENDED)) {
            lane.ended(this);
            answer(status, text);
            return End.ANSWERED;
        }
        if (!state.compareAndSet(State.SENDING, State.ENDED)) {
            return End.CUT;
        }
        lane.ended(this);
        if (isWhole) {
            lane.stopReading(request.getId());
            callback.succeeded();
            return End.WHOLE;
        }
        callback.failed(new IOException("the response was not finished"));
        lane.breakOff(); // what was sent may look whole to the client, if the connection stayed open
        return End.BROKEN;
    }

    /** Ends a call that cannot run. Called by the thread that would have made it run. */
    void refuse(int status, String text, WebResponse.Field... fields) {
        if (state.compareAndSet(State.OPEN, State.CUT)) {
            lane.ended(this);
            for (WebResponse.Field field : fields) {
                response.getHeaders().put(field.name(), field.value());
            }
            answer(status, text);
        }
    }

    /**
     * Ends a call at its deadline, and interrupts its handler.
     *
     * @return false if it had ended before
     */
    boolean cut(String retryAfter) {
        boolean isOpen = state.compareAndSet(State.OPEN, State.CUT);
        if (!isOpen && !state.compareAndSet(State.SENDING, State.CUT)) {
            return false;
        }
        try {
            interrupt();
        } finally {
            lane.ended(this);
            if (isOpen) {
                response.getHeaders().put(HttpHeader.CONNECTION, "close"); // the handler may be reading the body
                response.getHeaders().put(HttpHeader.RETRY_AFTER, retryAfter);
                answer(503, "the request took too long\n");
            } else {
                callback.failed(new TimeoutException("the request took too long"));
                lane.breakOff();
            }
        }
        return true;
    }

    /** Closes the connection of a call that was cut: Jetty does not while the handler holds its thread. */
    void abandon() {
        lane.breakOff();
    }

    private void answer(int status, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        HttpFields.Mutable head = response.getHeaders();
        head.put(HttpHeader.CONTENT_TYPE, "text/plain; charset=utf-8");
        head.put(HttpHeader.CONTENT_LENGTH, bytes.length);
        response.setStatus(status);
        closeIfLast();
        response.write(true, ByteBuffer.wrap(bytes),
                Callback.from(() -> lane.stopReading(request.getId()), callback));
    }

    /** Returns the method and the path, as far as a log should have it. */
    @Override
    public String toString() {
        String path = request.getHttpURI().getPath();
        String name = method() + " " + (path == null ? "*" : path);
        StringBuilder shown = new StringBuilder();
        name.chars()
                .limit(LONGEST_NAME)
                .forEach(c -> shown.append(c < ' ' || c >= 127 ? '?' : (char) c));
        return shown.toString();
    }
}
