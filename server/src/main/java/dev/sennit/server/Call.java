package dev.sennit.server;

import dev.sennit.Action;
import dev.sennit.server.files.FileRegion;
import dev.sennit.server.files.Uploads;
import dev.sennit.server.jetty.JettyApplication;
import dev.sennit.server.traffic.LeastRate;
import dev.sennit.server.traffic.StallException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.BufferUtil;
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
 * A response that has begun may be in memory alone. Its head is made, and sent for the first time, under the lock of
 * this and with a look at the state, so that the thread that cuts the call knows whether it can still answer.
 *
 * <p>The thread that makes the step to ENDED or CUT completes Jetty's callback, nobody else does.
 */
final class Call {
    /** The length of a body that is sent in chunks. */
    static final long UNKNOWN_LENGTH = -1;

    private static final int LONGEST_NAME = 200;
    private static final String ATTRIBUTE = Call.class.getName();
    private static final Logger LOGGER = System.getLogger("dev.sennit.server");
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
    /** Jetty's, or of a held call what follows its cut. Written under the lock of this, while the call is open. */
    private volatile Callback callback;
    private final Lane lane;
    private final BooleanSupplier isLast;
    private final ServerSettings settings;
    private final long begunAt = System.nanoTime();
    private final AtomicReference<State> state = new AtomicReference<>(State.OPEN);
    /** Whether the handler runs. Written by its thread. */
    private volatile boolean isRunning;
    /** When the handler began; 0 if it has not. Written by its thread. */
    private volatile long startedAt;
    private final AtomicBoolean isTold = new AtomicBoolean();
    /** Null before the first request for it; one thread makes it, before the handler begins or in it. */
    private volatile @Nullable String id;
    private final Traffic traffic;
    /** The thread that waits to run the handler, or runs it; null if none does. Guarded by this. */
    private @Nullable Thread thread;
    /** When it was cut; 0 if it was not. */
    private volatile long cutAt;
    /** Which application has to answer; null if none of Jetty's. Only the handler's thread. */
    private @Nullable JettyApplication application;
    /** The call as that application has it; null before. */
    private volatile @Nullable HeldCall heldCall;
    /** Whether a part of the response may be with Jetty. Written by the handler's thread, under the lock of this. */
    private boolean isSent;
    /** Only the handler's thread. */
    private boolean isWhole;
    /** Only the handler's thread. */
    private @Nullable InputStream body;
    /** The answer that goes on without a place; null if none does. Written by the handler's thread. */
    private volatile @Nullable Detached detached;
    private final AfterResponse after;
    private final Uploads uploads;
    /** The tasks that run when the response was sent. Only the handler's thread. */
    private final List<Action> afterwards = new ArrayList<>();
    /** The resources that are closed when the handler has nothing more to do. Only the handler's thread. */
    private final List<Closeable> held = new ArrayList<>();

    /**
     * Makes a call.
     *
     * @param isLast whether its response is the last on its connection, asked when the response begins
     * @param settings the limits of its body
     * @param traffic hears of its end
     * @param after runs the tasks that come after its response
     * @param uploads has the files of its form
     */
    Call(
            Request request, Response response, Callback callback, Lane lane, BooleanSupplier isLast,
            ServerSettings settings, Traffic traffic, AfterResponse after, Uploads uploads) {
        this.request = request;
        this.response = response;
        this.callback = callback;
        this.lane = lane;
        this.isLast = isLast;
        this.settings = settings;
        this.traffic = traffic;
        this.after = after;
        this.uploads = uploads;
        request.setAttribute(ATTRIBUTE, this);
    }

    /** Returns the call of a request; null if it was refused before. */
    static @Nullable Call of(Request request) {
        return request.getAttribute(ATTRIBUTE) instanceof Call call ? call : null;
    }

    // ---- what is told of it ----

    /** Returns the id of the request. */
    String id() {
        String known = id;
        if (known == null) {
            known = traffic.id(this);
            id = known;
        }
        return known;
    }

    /** Has the response tell the id of the request. */
    void sendId() {
        response.getHeaders().put(Traffic.ID_FIELD, id());
    }

    /** Returns true once. */
    boolean isToBeTold() {
        return isTold.compareAndSet(false, true);
    }

    /** Returns when the handler began; 0 if it has not. */
    long startedAt() {
        return startedAt;
    }

    int status() {
        return response.getStatus();
    }

    /** Called by Jetty's thread when the request was read, before the next one is. */
    void completed() {
        if (!lane.isMultiplexed()) {
            lane.completed();
        }
    }

    /** Returns the other end of the connection, whatever proxies say. */
    @Nullable SocketAddress peer() {
        return lane.getRemoteSocketAddress();
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

    /** Returns {@code http} or {@code https}. */
    String scheme() {
        return request.isSecure() ? "https" : "http";
    }

    /** Returns the host and the port that the client has asked for; empty if it has named none. */
    String host() {
        String authority = request.getHttpURI().getAuthority();
        String field = authority == null ? header("Host") : authority;
        return field == null ? "" : field;
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
    static InetSocketAddress address(@Nullable SocketAddress of) {
        return of instanceof InetSocketAddress known ? known : InetSocketAddress.createUnresolved("localhost", 0);
    }

    InputStream body() {
        InputStream known = body;
        if (known == null) {
            known = new RequestBody(Content.Source.asInputStream(request), settings.bodySize(),
                    new LeastRate(settings.bodyRate(), settings.bodyGrace()), () -> state.get() == State.CUT);
            body = known;
        }
        return known;
    }

    /** Returns the folder for the files of its form. */
    Path uploads() throws IOException {
        return uploads.folder();
    }

    // ---- what goes on without a place, and what comes after the response ----

    /** Has the rest of the answer go on in another thread. */
    void detach(Detached rest) {
        if (state.get() == State.OPEN && detached != null) {
            throw new IllegalStateException("the response to " + this + " is detached already");
        }
        detached = rest;
    }

    @Nullable Detached detached() {
        return detached;
    }

    /** Whether nobody has begun the response or cut the call. */
    boolean isOpen() {
        return state.get() == State.OPEN;
    }

    /** After how many nanoseconds it is cut. */
    long limit(Duration deadline) {
        Detached rest = detached;
        return rest == null ? deadline.toNanos() : rest.limitFrom(begunAt);
    }

    /** How long the other thread may go on after the cut is counted from here; 0 before. */
    long cutAt() {
        return cutAt;
    }

    /** Has a task run when the response was sent. Takes a place for it. */
    void afterwards(Action task) throws RefusedException {
        after.reserve();
        afterwards.add(task);
    }

    List<Action> afterwards() {
        return afterwards;
    }

    /** Closes something when the handler has nothing more to do. */
    void holds(Closeable resource) {
        held.add(resource);
    }

    /** Closes what it holds. */
    void closeHeld() {
        for (Closeable each : held) {
            try {
                each.close();
            } catch (IOException | RuntimeException e) {
                LOGGER.log(Level.WARNING, "{0}: {1} was not closed: {2}", this, each, e);
            }
        }
        held.clear();
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
    synchronized ResponseOutput begin(int status, List<WebResponse.Field> fields, long length) throws IOException {
        start(status, fields, length);
        if (detached != null) { // whatever comes next goes to another worker, if this one ends
            response.getHeaders().put(HttpHeader.CONNECTION, "close");
        }
        return new ResponseOutput(this, length);
    }

    private synchronized void start(int status, List<WebResponse.Field> fields, long length) throws IOException {
        if (!state.compareAndSet(State.OPEN, State.SENDING)) {
            if (state.get() == State.CUT) {
                throw WebResponse.cut();
            }
            throw new IllegalStateException("the response to " + this + " has begun already");
        }
        HttpFields.Mutable head = response.getHeaders();
        for (WebResponse.Field field : fields) {
            if (field.name().equalsIgnoreCase(Traffic.ID_FIELD)) { // the handler knows better
                head.remove(Traffic.ID_FIELD);
            }
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
        synchronized (this) {
            if (state.get() == State.CUT) {
                throw WebResponse.cut();
            }
            isSent = true;
        }
        if (!response.isCommitted()) {
            if (isLastOfBody && response.getStatus() == HttpStatus.NOT_MODIFIED_304
                    && !response.getHeaders().contains(HttpHeader.CONTENT_LENGTH)) {
                sendHead();
            } else if (!isLastOfBody && mayHaveBody()) {
                chunkIfUnknown();
            }
        }
        try {
            Content.Sink.write(response, isLastOfBody, bytes);
        } catch (ClosedChannelException e) { // over HTTP/2, the client has gone
            throw new EofException(e);
        } catch (IOException e) {
            throw StallException.of(e);
        }
        isWhole |= isLastOfBody;
    }

    /** Sends the head alone. If the end came with it, Jetty would add a length of 0. */
    void sendHead() throws IOException {
        write(false, BufferUtil.EMPTY_BUFFER);
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

    private boolean mayHaveBody() {
        return !HttpStatus.hasNoBody(response.getStatus()) && !method().equals("HEAD");
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

    /** Returns whether the response may be the last of HTTP on its connection: other upgrades, as to h2c, are not. */
    boolean asksForUpgrade() {
        return request.getHeaders().contains(HttpHeader.UPGRADE, "websocket");
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
        var call = new HeldCall(this, by, request, response, callback, settings, virtual, onEnd);
        heldCall = call;
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
        lane.ended(this);
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
        HeldCall others = heldCall;
        if (others != null) {
            others.interrupt();
        }
    }

    /** Called by the handler's thread before anything else. Returns whether there still is something to do. */
    boolean starts() {
        startedAt = System.nanoTime() | 1;
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
        /** Nothing of a response of the handler was sent, and the client has another. */
        ANSWERED,
        /** A part of the response was sent; its connection is closed. */
        BROKEN,
        /** Another thread had ended it before. */
        CUT
    }

    /**
     * Ends the call; called by the handler's thread once it has nothing more to do.
     *
     * @param status what to answer if nothing of a response was sent
     */
    End end(int status, String text, WebResponse.Field... fields) {
        isRunning = false;
        if (state.compareAndSet(State.OPEN, State.ENDED)) {
            lane.ended(this);
            for (WebResponse.Field field : fields) {
                response.getHeaders().put(field.name(), field.value());
            }
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
        if (!response.isCommitted()) {
            clearHead();
            for (WebResponse.Field field : fields) {
                response.getHeaders().put(field.name(), field.value());
            }
            answer(status, text);
            return End.ANSWERED;
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
            if (status == 503) {
                traffic.figures().overloaded();
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
        boolean mayAnswer;
        synchronized (this) { // a call becomes a held one, and a response is sent, before or after this
            boolean isOpen = state.compareAndSet(State.OPEN, State.CUT);
            if (!isOpen && !state.compareAndSet(State.SENDING, State.CUT)) {
                return false;
            }
            mayAnswer = isOpen || !isSent && heldCall == null;
        }
        cutAt = System.nanoTime() | 1;
        traffic.figures().late();
        try {
            interrupt();
        } finally {
            lane.ended(this);
            if (mayAnswer) {
                answerCut(retryAfter);
            } else {
                callback.failed(new TimeoutException("the request took too long"));
                lane.breakOff();
            }
        }
        return true;
    }

    /** Throws nothing: whoever cut the call counts on it. */
    private void answerCut(String retryAfter) {
        try {
            clearHead();
            response.getHeaders().put(HttpHeader.CONNECTION, "close"); // the handler may be reading the body
            response.getHeaders().put(HttpHeader.RETRY_AFTER, retryAfter);
            answer(503, "the request took too long\n");
        } catch (RuntimeException e) {
            LOGGER.log(Level.ERROR, () -> this + " was not answered at its deadline", e);
            callback.failed(e);
            lane.breakOff();
        }
    }

    /** Tells an application of Jetty's that the call was cut, while it has not ended the call. */
    void remind() {
        HeldCall others = heldCall;
        if (others != null) {
            others.tellListeners();
        }
    }

    /** Closes the connection of a call that was cut: Jetty does not while the handler holds its thread. */
    void abandon() {
        lane.breakOff();
        traffic.abandoned(this);
    }

    /** Removes the fields of a response that is not sent, but for those of the server. */
    private void clearHead() {
        HttpFields.Mutable head = response.getHeaders();
        for (String name : Set.copyOf(head.getFieldNamesCollection())) {
            if (!name.equalsIgnoreCase("Date") && !name.equalsIgnoreCase(Traffic.ID_FIELD)) {
                head.remove(name);
            }
        }
    }

    private void answer(int status, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        HttpFields.Mutable head = response.getHeaders();
        head.put(HttpHeader.CONTENT_TYPE, "text/plain; charset=utf-8");
        head.put(HttpHeader.CONTENT_LENGTH, bytes.length);
        response.setStatus(status);
        closeIfLast();
        if (status == 408) { // the rest of the body would be read as a request
            head.put(HttpHeader.CONNECTION, "close");
        }
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
