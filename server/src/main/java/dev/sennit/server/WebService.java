package dev.sennit.server;

import dev.sennit.service.Service;
import dev.sennit.service.ServiceWorker;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A service that serves HTTP on the listener of its workers.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 * import dev.sennit.service.*;
 * import java.net.InetSocketAddress;
 *
 * WebApplication hello = () -> Routes.create()
 *         .get("/hello/{name}", request -> WebResponse.text("hello " + request.parameter("name") + "\n"));
 *
 * try (ServiceManager manager = ServiceManager.create("greetings")) {
 *     manager.listen("web", new InetSocketAddress("127.0.0.1", 8080));
 *     manager.add(ServiceSettings.of("hello", WebService.of(hello)).workers(2).listener("web").build());
 *     manager.start();
 *     manager.awaitEnd();
 * }
 * }
 *
 * <p>A worker that stops accepts no more connections, and answers all requests on those that it has accepted, with
 * {@code Connection: close}. Connections without a request stay open for {@link ServerSettings#lastRequest}. So a
 * reload, a smaller number of workers and the replacement of old workers fail no request.
 *
 * <p>The worker replaces itself if a handler does not heed the interrupt at its deadline, or if a request has exhausted
 * the memory: it stops in order, and then fails with the reason.
 */
public final class WebService implements Service {
    private static final long serialVersionUID = 1L;
    private static final Logger LOGGER = System.getLogger("dev.sennit.server");
    /** The time before a kill that is left for the end of the process. */
    private static final Duration MARGIN = Duration.ofSeconds(1);
    private static final Duration RETRY = Duration.ofMillis(100);

    private final WebApplication application;
    private final ServerSettings settings;
    private final FrontSettings front;
    /** Null if nothing is encrypted. */
    private final @Nullable TlsSettings tls;

    /** Written by the main thread. */
    private transient volatile @Nullable Engine engine;

    /** Made with the engine. */
    private transient volatile @Nullable Replacement replacement;

    /**
     * Whether the worker has to be replaced, and whether its main thread is to be interrupted for that: only while that
     * thread waits for connections, as the same interrupt would cut all requests in a drain.
     */
    private static final class Replacement {
        private final Thread main = Thread.currentThread();
        // guarded by this
        private @Nullable String reason;
        private boolean isAccepting;
        private boolean isInterrupted;

        /** Returns false if the worker has to be replaced. Else {@link #ends} follows. */
        synchronized boolean begins() {
            isAccepting = reason == null;
            return isAccepting;
        }

        /** Called by the main thread; from now on it is not interrupted. */
        synchronized void ends() {
            isAccepting = false;
            if (isInterrupted) {
                isInterrupted = false;
                Thread.interrupted();
            }
        }

        /** Ends the wait for connections; the first reason counts. */
        synchronized void asked(String because) {
            if (reason == null) {
                reason = because;
                isInterrupted = isAccepting;
                if (isAccepting) {
                    main.interrupt();
                }
            }
        }

        synchronized @Nullable String reason() {
            return reason;
        }
    }

    private WebService(
            WebApplication application, ServerSettings settings, FrontSettings front, @Nullable TlsSettings tls) {
        this.application = application;
        this.settings = settings;
        this.front = front;
        this.tls = tls;
    }

    /**
     * Makes a service with the default limits.
     *
     * @param application what it serves; travels to the workers
     * @return the service
     */
    public static WebService of(WebApplication application) {
        return of(application, ServerSettings.DEFAULTS);
    }

    /**
     * Makes a service.
     *
     * @param application what it serves; travels to the workers
     * @param settings its limits
     * @return the service
     */
    public static WebService of(WebApplication application, ServerSettings settings) {
        return new WebService(
                Objects.requireNonNull(application, "application"), Objects.requireNonNull(settings, "settings"),
                FrontSettings.DEFAULTS, null);
    }

    /**
     * Makes a service of a class, which only the workers load.
     *
     * @param className a {@link WebApplication}, or an {@link com.sun.net.httpserver.HttpHandler}, which gets all
     *     requests; with a constructor without parameters
     * @param settings its limits
     * @return the service
     */
    public static WebService ofClass(String className, ServerSettings settings) {
        return of(new NamedApplication(Objects.requireNonNull(className, "className")), settings);
    }

    /**
     * Makes a service of the files of a folder alone, at {@code /} and below.
     *
     * @param folder the folder, which the workers look for; as for {@link StaticFiles}
     * @param settings its limits
     * @return the service
     */
    public static WebService ofFiles(Path folder, ServerSettings settings) {
        String absolute = folder.toAbsolutePath().toString(); // a path does not travel
        return of(() -> Routes.create().files("/", Path.of(absolute)), settings);
    }

    /**
     * Returns this service with another access log and other proxies.
     *
     * @param newFront what it does between clients and the application
     * @return the service
     */
    public WebService front(FrontSettings newFront) {
        return new WebService(application, settings, Objects.requireNonNull(newFront, "newFront"), tls);
    }

    /**
     * Returns this service over TLS. Each worker reads the certificates when it starts, so a reload that replaces the
     * workers takes new ones; if one cannot be used, the new worker is not ready, says so in one line, and the old ones
     * go on. A reload in place has each worker read them again.
     *
     * @param settings where the certificates are
     * @return the service
     */
    public WebService tls(TlsSettings settings) {
        return new WebService(application, this.settings, front, Objects.requireNonNull(settings, "settings"));
    }

    /** Reads the certificates again. */
    @Override
    public void reload(ServiceWorker me) throws IOException {
        Engine server = engine;
        if (server != null) {
            server.reloadCertificates();
        }
    }

    /** Makes the routes, and starts the server. */
    @Override
    public void initialize(ServiceWorker me) throws Exception {
        Routes routes = application.routes();
        if (routes.isEmpty()) {
            throw new IllegalStateException("the application has no routes");
        }
        var asked = new Replacement();
        replacement = asked;
        engine = new Engine(routes, settings, front, tls, me::worked, asked::asked);
    }

    /** Accepts connections until the worker stops, and ends when they are closed. */
    @Override
    public void run(ServiceWorker me) throws Exception {
        Replacement asked = Objects.requireNonNull(replacement, "initialize was not called");
        try (Engine server = Objects.requireNonNull(engine)) {
            server.tellFigures(me::figures);
            accept(me, server, asked);
            server.drain();
            int left = server.awaitDrained(me.timeLeft()
                    .map(time -> time.minus(MARGIN))
                    .orElse(settings.lastRequest().plus(settings.deadline()).plus(settings.stallLimit())));
            if (left > 0) {
                LOGGER.log(Level.WARNING, "{0} connections were not closed in time, and are cut", left);
            }
            server.tellLastFigures();
        }
        String reason = asked.reason();
        if (reason != null) {
            throw new IllegalStateException(reason + "; so this worker is replaced");
        }
    }

    private static void accept(ServiceWorker me, Engine server, Replacement asked) throws InterruptedException {
        while (asked.begins()) {
            SocketChannel next;
            try {
                next = next(me, server);
            } catch (InterruptedException e) {
                if (asked.reason() == null) {
                    throw e;
                }
                return;
            } finally {
                asked.ends();
            }
            if (next == null) {
                return;
            }
            server.serve(next);
        }
    }

    /** Waits for a connection. Returns null once the worker is stopping. */
    private static @Nullable SocketChannel next(ServiceWorker me, Engine server) throws InterruptedException {
        while (true) {
            try {
                server.awaitRoom();
                return me.accept();
            } catch (IOException e) { // no descriptor is free, for example: that passes
                LOGGER.log(Level.WARNING, "cannot accept connections: {0}", e.getMessage());
                if (me.awaitStop(RETRY)) { // at once, as it stops and takes what waits at a socket of its own
                    Thread.sleep(RETRY);
                }
            }
        }
    }

    /** Has the worker end when its connections are closed. */
    @Override
    public void terminate(ServiceWorker me) {
        Engine server = engine;
        if (server == null) { // it is still being initialized
            me.interrupt();
        } else {
            server.drain();
        }
    }
}
