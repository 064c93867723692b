package dev.sennit.server;

import dev.sennit.Action;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.server.files.Uploads;
import dev.sennit.server.jetty.JettyApplication;
import dev.sennit.server.traffic.FigureTeller;
import dev.sennit.server.traffic.StallException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.QuietException;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;

/**
 * The server in a worker: Jetty parses requests and frames responses, and all else is here.
 *
 * <p><b>A request.</b> Jetty calls {@link Answering#handle} in a virtual thread once the head is there. A place for it
 * is taken, or waited for if the queue is not full. Then the handler runs: in the same thread, or with {@code threads}
 * in one of the pool.
 *
 * <p><b>Limits.</b> One thread looks at all connections every 100 ms, and ends what has taken too long: heads, calls,
 * and, while the worker stops, connections without a request. Jetty itself ends connections that stall.
 *
 * <p><b>The end.</b> After {@link #drain} each response says {@code Connection: close}. A connection without a request
 * stays open for a while, as its client may be sending one. {@link #awaitDrained} waits until all are closed.
 */
final class Engine implements AutoCloseable {
    private static final Logger LOGGER = System.getLogger("dev.sennit.server");
    private static final long LOOK_MILLIS = 100;
    /** Platform threads of Jetty: its selector, and those that run what never blocks. */
    private static final int JETTY_THREADS = 8;

    private static final int MOST_CAUSES = 10;
    /** How long a connection may take to end in order. */
    private static final long END_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Routes routes;
    private final ServerSettings settings;
    private final LongConsumer worked;
    private final Consumer<String> onBroken;
    private final String retryAfter;
    private final Traffic traffic;
    private final Server server;
    private final WorkerConnector connector;
    private final ExecutorService virtual;
    /** Runs handlers; null if they run in virtual threads. */
    private final @Nullable Pool threads;
    private final @Nullable Certificates certificates;
    private final Semaphore places;
    private final AtomicInteger queued = new AtomicInteger();
    private final AfterResponse after;
    private final Uploads uploads = new Uploads();
    /** Started and stopped with the server. */
    private final Map<JettyApplication, Handler> applications = new HashMap<>();
    /** Connections that have left HTTP, and requests that are about to have them do so. */
    private final AtomicInteger upgraded = new AtomicInteger();
    /** Calls that were cut while their handler ran. Only the thread that looks. */
    private final Set<Call> unheeded = ConcurrentHashMap.newKeySet();
    private final Thread looks;
    /** When the drain began; 0 if it has not. */
    private volatile long drainingSince;
    private volatile boolean isClosed;
    /** Hears what handlers threw; null if nobody asks. */
    private volatile @Nullable Consumer<Throwable> onFailure;
    private volatile @Nullable FigureTeller figureTeller;

    /**
     * Starts a server without connections.
     *
     * @param tls where its certificates are; null if nothing is encrypted
     * @param worked called for each request
     * @param onBroken called with the reason if the process has to be replaced; may be called more than once
     * @throws IOException if a certificate cannot be used; its message is one line
     */
    Engine(
            Routes routes, ServerSettings settings, FrontSettings front, @Nullable TlsSettings tls,
            LongConsumer worked, Consumer<String> onBroken)
            throws Exception {
        certificates = tls == null ? null : new Certificates(tls);
        this.routes = routes.copy();
        this.settings = settings;
        this.worked = worked;
        this.onBroken = onBroken;
        retryAfter = Long.toString(Math.max(1, settings.retryAfter().toSeconds()));
        places = new Semaphore(settings.atOnce(), true);
        virtual = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("sennit-request-", 0).factory());
        after = new AfterResponse(settings.atOnce(), settings.queue() + settings.atOnce(), settings.deadline(),
                virtual);
        looks = Thread.ofPlatform().daemon().name("sennit-server-limits").unstarted(this::look);
        server = new Server(new RequestThreads(virtual));
        traffic = new Traffic(front); // from here on there are threads
        @Nullable Pool opened = null;
        @Nullable WorkerConnector connects = null;
        boolean isStarted = false;
        try {
            opened = settings.on().startsWith("virtual") ? null : Pools.open(settings.on());
            threads = opened;
            connects = connector();
            connector = connects;
            open();
            looks.start();
            isStarted = true;
        } finally {
            if (!isStarted) {
                close(connects, opened);
            }
        }
    }

    /** Returns a connector that the server has. */
    private WorkerConnector connector() throws IOException {
        var jettyThreads = new QueuedThreadPool(JETTY_THREADS);
        jettyThreads.setName("sennit-server");
        jettyThreads.setDaemon(true);
        jettyThreads.setVirtualThreadsExecutor(virtual);
        var made = new WorkerConnector(server, jettyThreads, settings.connections(),
                Protocols.of(configuration(), settings, certificates));
        made.setIdleTimeout(ServerSettings.millis(settings.keepAlive()));
        server.addConnector(made);
        server.setHandler(new Answering());
        server.setErrorHandler(Engine::error);
        server.setRequestLog(traffic);
        return made;
    }

    /** Starts the server, with the applications of Jetty's. */
    private void open() throws Exception {
        for (Map.Entry<String, JettyApplication> one : routes.applications().entrySet()) {
            Handler handler = one.getValue().open(one.getKey());
            handler.setServer(server);
            server.addBean(handler, true);
            applications.put(one.getValue(), handler);
        }
        try {
            server.start();
        } catch (Exception e) {
            Exception failure = e;
            for (JettyApplication one : applications.keySet()) {
                failure = one.startFailure(failure);
            }
            throw failure;
        }
    }

    private HttpConfiguration configuration() {
        var http = new HttpConfiguration();
        http.setRequestHeaderSize(settings.headerSize());
        http.setSendServerVersion(false);
        http.setIdleTimeout(ServerSettings.millis(settings.stallLimit()));
        http.addCustomizer(traffic.customizer());
        return http;
    }

    // ---- connections ----

    /** Waits until there is room for one more connection, or the drain has begun. */
    void awaitRoom() throws InterruptedException {
        connector.awaitRoom();
    }

    /** Serves a connection that was accepted. If it cannot, the connection is closed. */
    void serve(SocketChannel channel) {
        try {
            traffic.figures().connection();
            connector.adopt(channel);
        } catch (Exception e) { // the client has gone, for example
            LOGGER.log(Level.DEBUG, "a connection was lost", e);
        }
    }

    /** Makes each further response the last of its connection. */
    void drain() {
        if (drainingSince == 0) {
            drainingSince = System.nanoTime() | 1;
        }
        connector.close();
    }

    /** Waits until there is no connection any more, for a limited time. Returns how many there are. */
    int awaitDrained(Duration longest) throws InterruptedException {
        long begun = System.nanoTime();
        int left = connector.awaitNone(longest.toNanos());
        int tasks = after.awaitNone(longest.toNanos() - (System.nanoTime() - begun));
        if (tasks > 0) {
            LOGGER.log(Level.WARNING, "{0} tasks that come after responses were not done in time", tasks);
        }
        return left;
    }

    /** Tells what handlers throw from now on; called by their threads. */
    void onFailure(Consumer<Throwable> hears) {
        onFailure = hears;
    }

    /**
     * Reads the certificates again, for connections that come later.
     *
     * @throws IOException if one cannot be used; its message is one line, and all stays as it was
     */
    void reloadCertificates() throws IOException {
        if (certificates != null) {
            certificates.reload();
        }
    }

    int connections() {
        return connector.connections();
    }

    /** How many requests wait for their turn. */
    int queued() {
        return queued.get();
    }

    /** Sets what takes figures from now on, about once a second, and tells whether it has. */
    void tellFigures(BiPredicate<Map<String, Long>, Map<String, Long>> takes) {
        figureTeller = new FigureTeller(takes, this::figures);
    }

    /** Tells the figures as they are at the end. */
    void tellLastFigures() {
        FigureTeller tells = figureTeller;
        if (tells != null) {
            tells.tell();
        }
    }

    private FigureTeller.Figures figures() {
        return new FigureTeller.Figures(traffic.figures().sums(), Map.of(
                "http.in_flight", traffic.figures().inFlight(),
                "http.running", (long) (settings.atOnce() - places.availablePermits()),
                "http.places", (long) settings.atOnce(),
                "http.queued", (long) queued(),
                "http.open", (long) connections()));
    }

    /** How many lines of the access log were dropped. */
    long droppedLines() {
        return traffic.droppedLines();
    }

    /** Ends all at once. */
    @Override
    public void close() {
        close(connector, threads);
    }

    /** Ends what there is, also of an engine that did not start. */
    private void close(@Nullable WorkerConnector connects, @Nullable Pool pool) {
        isClosed = true;
        if (connects != null) {
            connects.close();
        }
        try (Closing _ = traffic::close;
                Closing _ = uploads::close;
                Closing _ = () -> {
                    if (pool != null) {
                        pool.shutdownNow();
                    }
                };
                Closing _ = () -> routes.applications().values().forEach(JettyApplication::close);
                Closing _ = virtual::shutdownNow) { // from the last to the first, whatever one throws
            server.stop();
        } catch (Exception e) {
            LOGGER.log(Level.WARNING, "the server did not stop in order", e);
        }
    }

    /** One of the things that are closed. */
    private interface Closing extends AutoCloseable {
        @Override
        void close();
    }

    // ---- limits ----

    private void look() {
        while (!isClosed) {
            long now = System.nanoTime();
            tried(() -> {
                for (EndPoint one : connector.getConnectedEndPoints()) {
                    tried(() -> look((Lane) one, now));
                }
            });
            tried(() -> lookAtUnheeded(now));
            tried(() -> after.look(now, settings.heedLimit().toNanos(), onBroken));
            FigureTeller tells = figureTeller;
            if (tells != null) {
                tried(() -> tells.tellIfDue(now));
            }
            try {
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                return; // nobody interrupts it
            }
        }
    }

    /** Makes a look that may fail: all others still have limits. */
    private static void tried(Runnable look) {
        try {
            look.run();
        } catch (RuntimeException | Error e) {
            try {
                LOGGER.log(Level.ERROR, "the limits of a connection failed", e);
            } catch (RuntimeException | Error unlogged) { // there is no memory for that either
                e.addSuppressed(unlogged);
            }
        }
    }

    private void look(Lane lane, long now) {
        if (lane.isShaking()) {
            if (now - lane.openedAt() >= settings.headerLimit().toNanos() && lane.isShaking()) {
                lane.close();
            }
            return;
        }
        for (Call call : lane.calls()) {
            Detached rest = call.detached();
            if (rest != null) {
                rest.look(now, drainingSince != 0, virtual);
            }
            long limit = call.limit(settings.deadline());
            if (now - call.begunAt() >= limit && call.cut(retryAfter)) {
                LOGGER.log(Level.WARNING, "{0} has not ended by its deadline, {1}", call,
                        Duration.ofMillis(limit / 1_000_000));
                unheeded.add(call);
            }
        }
        if (lane.endingSince() != 0) {
            if (now - Math.max(lane.endingSince(), lane.idleSince()) >= END_NANOS && !lane.isBusy()) {
                lane.close(); // the client does not take its end
            }
        } else if (lane.isMultiplexed()) {
            lookAtStreams(lane, now);
        } else {
            lookAtHead(lane, now);
        }
    }

    /**
     * Ends a connection of HTTP/2 that has no requests, or whose worker stops. Other frames do not keep it open; and a
     * client whose streams overlap is told which of them is the last, as it may never be without one.
     */
    private void lookAtStreams(Lane lane, long now) {
        if (drainingSince != 0
                || !lane.isBusy() && now - lane.idleSince() >= settings.keepAlive().toNanos()) {
            lane.goAway(now);
        }
        long told = lane.toldSince();
        if (told != 0 && now - told >= settings.lastRequest().toNanos()) {
            lane.end(now); // the streams that there are go on
        }
    }

    private void lookAtHead(Lane lane, long now) {
        long head = lane.headSince();
        long draining = drainingSince;
        JettyApplication application = lane.application();
        if (application != null) {
            if (draining != 0) {
                goAway(lane, application, now - draining);
            }
        } else if (head != 0) {
            if (now - head >= settings.headerLimit().toNanos() && lane.headSince() == head) {
                lane.close();
            }
        } else if (draining != 0 && !lane.isBusy()) {
            long idle = Math.min(now - lane.idleSince(), now - draining);
            if (idle >= settings.lastRequest().toNanos() && !lane.isBusy() && lane.headSince() == 0) {
                lane.end(now);
            }
        }
    }

    /**
     * Ends a connection that has left HTTP: its peer is told when nothing of the peer's is being answered, at the
     * latest at half of the limit, so that the peer still has time to end it.
     */
    private void goAway(Lane lane, JettyApplication application, long nanos) {
        long most = application.goingAwayLimit().toNanos();
        if (nanos >= most) {
            lane.close();
            return;
        }
        Connection connection = lane.untold();
        if (connection != null && (lane.isFillInterested() || nanos >= most / 2)) {
            virtual.execute(() -> application.goAway(connection));
            lane.told(); // else another look tries again
        }
    }

    private void lookAtUnheeded(long now) {
        long most = settings.heedLimit().toNanos();
        unheeded.removeIf(call -> !call.isRunning());
        for (Call call : unheeded) {
            if (call.cutAt() != 0 && now - call.cutAt() >= most) {
                try {
                    onBroken.accept(call + " goes on, although it was interrupted at its deadline of "
                            + Duration.ofNanos(call.limit(settings.deadline())).toMillis() + " ms");
                } finally {
                    call.abandon();
                }
            } else {
                call.remind();
            }
        }
    }

    // ---- requests ----

    private final class Answering extends Handler.Abstract {
        @Override
        public boolean handle(Request request, Response response, Callback callback) {
            Lane lane = Lane.of(request.getConnectionMetaData().getConnection().getEndPoint());
            Call call = new Call(
                    request, response, callback, lane, () -> drainingSince != 0, settings, traffic, after,
                    uploads);
            lane.began(call);
            traffic.began(call);
            request.addIdleTimeoutListener(_ -> false); // a handler may compute for longer than a client may stall
            worked.accept(1);
            if (refuses(call, request)) {
                return true;
            }
            if (Thread.currentThread().isVirtual()) {
                take(call);
            } else { // after TLS, for example: of Jetty's own threads there are few, and none may wait
                handOver(call);
            }
            return true;
        }

        private void handOver(Call call) {
            try {
                virtual.execute(() -> take(call));
            } catch (RuntimeException | Error e) { // the server is closed, or there is no memory for a thread
                call.refuse(503, "the server stops\n", new WebResponse.Field("Retry-After", retryAfter));
                heedExhaustion(call, e);
            }
        }

        private void take(Call call) {
            call.enters();
            try {
                place(call);
            } finally {
                call.leaves();
            }
        }
    }

    private boolean refuses(Call call, Request request) {
        if (call.method().equals("CONNECT")) {
            call.refuse(501, "this server is no proxy\n", new WebResponse.Field("Connection", "close"));
            return true;
        }
        HttpField coding = request.getHeaders().getField(HttpHeader.TRANSFER_ENCODING);
        if (coding != null && !"chunked".equalsIgnoreCase(coding.getValue())) {
            call.refuse(501, "the only transfer coding is chunked\n", new WebResponse.Field("Connection", "close"));
            return true;
        }
        if (request.getLength() > settings.bodySize()) {
            tooLarge(call);
            return true;
        }
        return false;
    }

    private void tooLarge(Call call) {
        call.refuse(413, "the body has more than " + settings.bodySize() + " bytes\n",
                new WebResponse.Field("Connection", "close"));
    }

    /** Takes a place, or waits for one, and has the handler run. */
    private void place(Call call) {
        if (queued.get() > 0 || !places.tryAcquire()) { // whoever waits goes first
            if (queued.incrementAndGet() > settings.queue()) {
                queued.decrementAndGet();
                call.refuse(503, "too many requests wait\n", new WebResponse.Field("Retry-After", retryAfter));
                return;
            }
            try {
                // a call that still waits at its deadline is cut, which interrupts this thread
                if (!places.tryAcquire(settings.deadline().toNanos() * 2, TimeUnit.NANOSECONDS)) {
                    return;
                }
            } catch (InterruptedException e) {
                call.refuse(503, "the server stops\n", new WebResponse.Field("Retry-After", retryAfter));
                return;
            } finally {
                queued.decrementAndGet();
            }
        }
        Pool pool = threads;
        if (pool == null) {
            run(call);
            return;
        }
        boolean isSubmitted = false;
        try {
            pool.execute(() -> {
                call.enters();
                try {
                    run(call);
                } finally {
                    call.leaves();
                }
            });
            isSubmitted = true;
        } finally {
            if (!isSubmitted) {
                places.release();
                call.refuse(503, "the server stops\n", new WebResponse.Field("Retry-After", retryAfter));
            }
        }
    }

    private void run(Call call) {
        int status = 500;
        String text = "the server failed\n";
        Throwable failure = null;
        Detached rest = call.detached(); // null at first
        try {
            if (rest != null) {
                rest.answer(call);
            } else if (call.starts()) {
                routes.answer(call);
            }
        } catch (RefusedException e) {
            status = e.status();
            text = e.getMessage() + "\n";
            failure = e;
        } catch (RequestBody.TooLargeException e) {
            status = 413;
            text = e.getMessage() + "\n";
            failure = e;
        } catch (SunExchange.TargetException e) {
            status = 400;
            text = e.getMessage() + "\n";
            failure = e;
        } catch (Throwable e) { // code of users
            failure = e;
            HttpException refused = cause(e, HttpException.class);
            if (refused != null && refused.getCode() >= 400 && refused.getCode() < 500) { // a body that is framed wrong
                status = refused.getCode();
                text = "the request is refused\n";
            } else if (cause(e, StallException.class) != null) {
                status = 408;
                text = "the body of the request did not come\n";
            }
        } finally {
            JettyApplication application = call.application();
            if (application != null && failure == null) {
                leave(call, application);
            } else {
                if (rest == null) {
                    places.release();
                }
                if (rest != null || failure != null || !goesOn(call)) {
                    end(call, status, text, failure);
                }
            }
        }
    }

    /** Leaves a call to an application of Jetty's, which has its place until it completes the call. */
    private void leave(Call call, JettyApplication application) {
        boolean mayUpgrade = call.asksForUpgrade();
        if (mayUpgrade && upgraded.incrementAndGet() > application.mostUpgraded()) {
            upgraded.decrementAndGet();
            places.release();
            call.refuse(503, "too many connections\n", new WebResponse.Field("Retry-After", retryAfter));
            return;
        }
        HeldCall held;
        try {
            held = call.hold(application, virtual, failure -> ended(call, mayUpgrade, failure));
        } catch (RuntimeException | Error e) { // memory, for example
            call.end(500, "the server failed\n");
            ended(call, mayUpgrade, e);
            return;
        }
        if (held == null) { // cut a moment ago
            call.end(503, "the request took too long\n");
            ended(call, mayUpgrade, null);
            return;
        }
        Callback callback = held.callback();
        try {
            Handler handler = Objects.requireNonNull(applications.get(application), "an application that was opened");
            if (!handler.handle(held, held.response(), callback)) {
                callback.failed(new HttpException.RuntimeException(404));
            }
        } catch (Throwable e) { // code of users
            callback.failed(e);
        }
    }

    private void ended(Call call, boolean mayUpgrade, @Nullable Throwable failure) {
        places.release();
        if (mayUpgrade) {
            if (call.hasLeftHttp()) {
                call.whenClosed(upgraded::decrementAndGet);
            } else {
                upgraded.decrementAndGet();
            }
        }
        if (failure != null) {
            boolean isOfClient = call.isCut() || cause(failure, QuietException.class) != null
                    || cause(failure, StallException.class) != null || cause(failure, HttpException.class) != null;
            LOGGER.log(isOfClient ? Level.DEBUG : Level.ERROR, () -> call + " failed", failure);
        }
        if (cause(failure, OutOfMemoryError.class) != null) {
            onBroken.accept("the memory was exhausted by " + call);
        }
    }

    /** Has a detached answer go on in a thread of its own; returns whether it does. */
    private boolean goesOn(Call call) {
        if (call.detached() == null) {
            return false;
        }
        try {
            virtual.execute(() -> {
                call.enters();
                try {
                    run(call);
                } finally {
                    call.leaves();
                }
            });
            return true;
        } catch (RuntimeException | Error e) { // the server is closed, or there is no memory for a thread
            heedExhaustion(call, e);
            return false;
        }
    }

    private void end(Call call, int status, String text, @Nullable Throwable failure) {
        call.closeHeld();
        List<Action> tasks = List.copyOf(call.afterwards());
        Call.End end = Call.End.BROKEN;
        try {
            note(call, failure); // before the client can know
            end = status == 503
                    ? call.end(status, text, new WebResponse.Field("Retry-After", retryAfter))
                    : call.end(status, text);
            tell(call, end, status, failure);
        } finally {
            after.run(call.toString(), tasks, end == Call.End.WHOLE && failure == null);
        }
    }

    /** Tells what a handler has thrown, unless that is the client's fault, or a limit of the server. */
    private void note(Call call, @Nullable Throwable failure) {
        Consumer<Throwable> hears = onFailure;
        if (hears != null && failure != null && !isClosed && call.cutAt() == 0 && !isOfClient(failure)) {
            hears.accept(failure);
        }
    }

    /** Whether the client has gone, stalls, or has sent what is refused. */
    private static boolean isOfClient(Throwable failure) {
        return failure instanceof RefusedException || failure instanceof RequestBody.TooLargeException
                || failure instanceof SunExchange.TargetException || cause(failure, HttpException.class) != null
                || cause(failure, QuietException.class) != null || cause(failure, StallException.class) != null;
    }

    /** Returns the first cause of a type; null if there is none. */
    private static <T> @Nullable T cause(@Nullable Throwable failure, Class<T> type) {
        Throwable cause = failure;
        for (int depth = 0; cause != null && depth < MOST_CAUSES; depth++) { // a chain may have a circle
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
            cause = cause.getCause();
        }
        return null;
    }

    private void tell(Call call, Call.End end, int status, @Nullable Throwable failure) {
        boolean isOfClient = failure != null
                && (cause(failure, QuietException.class) != null || cause(failure, StallException.class) != null);
        boolean isExpected = end == Call.End.WHOLE && failure == null || end == Call.End.CUT
                || end == Call.End.ANSWERED && status != 500 || isOfClient // it has gone, or stalls
                || isClosed && cause(failure, InterruptedException.class) != null;
        if (failure != null || !isExpected) {
            LOGGER.log(isExpected ? Level.DEBUG : Level.ERROR,
                    () -> call + (failure == null && !isExpected ? " was not answered by its handler" : " failed"),
                    failure);
        }
        heedExhaustion(call, failure);
    }

    private void heedExhaustion(Call call, @Nullable Throwable failure) {
        if (failure instanceof OutOfMemoryError) {
            onBroken.accept("the memory was exhausted by " + call);
        }
    }

    /** Answers what Jetty refuses: a line of text, not a page. */
    private static boolean error(Request request, Response response, Callback callback) {
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, "text/plain; charset=utf-8");
        String text = response.getStatus() < 500 ? "the request is refused\n" : "the server failed\n";
        response.write(true, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), callback);
        return true;
    }
}
