package dev.sennit.server;

import dev.sennit.server.jetty.JettyApplication;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
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

    private enum State {
        OPEN,
        SENDING,
        ENDED,
        CUT
    }

    private final Request request;
    private final Response response;
    /** Jetty's, or of a held call what follows its cut. Written under the lock of this, while the call is open. */
    private volatile Callback callback;
    private final Lane lane;
    private final BooleanSupplier isLast;
    private final long bodySize;
    private final long begunAt = System.nanoTime();
    private final AtomicReference<State> state = new AtomicReference<>(State.OPEN);
    /** Whether the handler runs. Written by its thread. */
    private volatile boolean isRunning;
    /** The thread that waits to run the handler, or runs it; null if none does. Guarded by this. */
    private @Nullable Thread thread;
    /** Which application has to answer; null if none of Jetty's. Only the handler's thread. */
    private @Nullable JettyApplication application;
    /** The call as that application has it; null before. */
    private volatile @Nullable HeldCall held;
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

    void closeIfLast() {
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

    // ---- calls that a handler of Jetty answers ----

    /** Has an application of Jetty's answer, once the routes have returned. */
    void leaveTo(JettyApplication other) {
        application = other;
    }

    /** Returns which application of Jetty's has to answer; null if the call was answered otherwise. */
    @Nullable JettyApplication application() {
        return application;
    }

    /** Returns whether the response may be the last of HTTP on its connection. */
    boolean asksForUpgrade() {
        return request.getHeaders().contains(HttpHeader.UPGRADE);
    }

    /**
     * Returns the call for an application of Jetty's, which ends it from now on.
     *
     * @param onEnd called with the failure, or null, when it has ended the call
     * @return null if the call was cut
     */
    synchronized @Nullable HeldCall hold(
            JettyApplication by, Executor virtual, Consumer<@Nullable Throwable> onEnd) {
        if (state.get() != State.OPEN) { // the cut has completed Jetty's callback, or will
            return null;
        }
        var call = new HeldCall(this, by, request, response, callback, bodySize, virtual, onEnd);
        held = call;
        callback = call.afterCut();
        return call;
    }

    boolean isCut() {
        return state.get() == State.CUT;
    }

    /** Returns whether the application may write; called before each time. */
    boolean heldWrites() {
        return state.compareAndSet(State.OPEN, State.SENDING) || state.get() == State.SENDING;
    }

    /**
     * Completes the head of a response.
     *
     * @param isLonger whether a body follows whose length may not be known
     */
    void beforeHead(boolean isLonger) {
        closeIfLast();
        if (isLonger) {
            chunkIfUnknown();
        }
    }

    /**
     * Ends a held call.
     *
     * @param left which application has the connection from now on; null if it stays with HTTP
     * @return false if another thread had ended it before
     */
    boolean heldEnds(@Nullable JettyApplication left) {
        isRunning = false;
        if (!state.compareAndSet(State.OPEN, State.ENDED) && !state.compareAndSet(State.SENDING, State.ENDED)) {
            return false;
        }
        if (left != null) {
            lane.leaveHttp(left);
        }
        lane.ended();
        return true;
    }

    boolean hasLeftHttp() {
        return lane.application() != null;
    }

    /** Has an action run when the connection is closed; at once if it is. */
    void whenClosed(Runnable action) {
        lane.whenClosed(action);
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

    private void interrupt() {
        synchronized (this) {
            if (thread != null) {
                thread.interrupt();
            }
        }
        HeldCall others = held;
        if (others != null) {
            others.interrupt();
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
            lane.ended();
            answer(status, text);
            return End.ANSWERED;
        }
        if (!state.compareAndSet(State.SENDING, State.ENDED)) {
            return End.CUT;
        }
        lane.ended();
        if (isWhole) {
            callback.succeeded();
            return End.WHOLE;
        }
        callback.failed(new IOException("the response was not finished"));
        lane.close(); // what was sent may look whole to the client, if the connection stayed open
        return End.BROKEN;
    }

    /** Ends a call that cannot run. Called by the thread that would have made it run. */
    void refuse(int status, String text, WebResponse.Field... fields) {
        if (state.compareAndSet(State.OPEN, State.CUT)) {
            lane.ended();
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
        boolean isOpen;
        synchronized (this) { // a call becomes a held one before or after this
            isOpen = state.compareAndSet(State.OPEN, State.CUT);
            if (!isOpen && !state.compareAndSet(State.SENDING, State.CUT)) {
                return false;
            }
        }
        try {
            interrupt();
        } finally {
            lane.ended();
            if (isOpen) {
                response.getHeaders().put(HttpHeader.CONNECTION, "close"); // the handler may be reading the body
                response.getHeaders().put(HttpHeader.RETRY_AFTER, retryAfter);
                answer(503, "the request took too long\n");
            } else {
                callback.failed(new TimeoutException("the request took too long"));
                lane.close();
            }
        }
        return true;
    }

    /** Tells an application of Jetty's that the call was cut, while it has not ended the call. */
    void remind() {
        HeldCall others = held;
        if (others != null) {
            others.tellListeners();
        }
    }

    /** Closes the connection of a call that was cut: Jetty does not while the handler holds its thread. */
    void abandon() {
        lane.close();
    }

    private void answer(int status, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        HttpFields.Mutable head = response.getHeaders();
        head.put(HttpHeader.CONTENT_TYPE, "text/plain; charset=utf-8");
        head.put(HttpHeader.CONTENT_LENGTH, bytes.length);
        response.setStatus(status);
        closeIfLast();
        response.write(true, ByteBuffer.wrap(bytes), callback);
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
