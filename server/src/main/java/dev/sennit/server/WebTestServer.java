package dev.sennit.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * A server in this JVM, on a free port of the loopback interface: for tests of an application, without worker
 * processes.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 * import java.net.http.*;
 *
 * WebApplication greeter = () -> Routes.create()
 *         .get("/hello/{name}", request -> WebResponse.text("hello " + request.parameter("name")));
 * try (WebTestServer server = WebTestServer.start(greeter); HttpClient client = HttpClient.newHttpClient()) {
 *     var answer = client.send(HttpRequest.newBuilder(server.uri("/hello/ann")).build(),
 *             HttpResponse.BodyHandlers.ofString());
 *     System.out.println(answer.body());
 * }
 * }
 *
 * <p>It is the engine of the workers, with the same limits. A handler that throws is answered with 500, as in
 * production; {@link #failures} has the exceptions, and with {@link #failingOnClose} the test fails.
 */
public final class WebTestServer implements AutoCloseable {
    private static final int MOST_FAILURES = 100;

    private final LoopbackServer server;
    private final List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    private volatile boolean failsOnClose;

    private WebTestServer(Routes routes, ServerSettings settings) throws Exception {
        server = new LoopbackServer(routes, settings, FrontSettings.DEFAULTS, null, _ -> {},
                reason -> note(new IllegalStateException(reason)), this::note);
    }

    /**
     * Starts a server with the settings for production.
     *
     * @param application what it serves
     * @return the server, which answers
     * @throws Exception if the application cannot make its routes
     */
    public static WebTestServer start(WebApplication application) throws Exception {
        return start(application, ServerSettings.DEFAULTS);
    }

    /**
     * Starts a server.
     *
     * @param application what it serves
     * @param settings its limits
     * @return the server, which answers
     * @throws Exception if the application cannot make its routes
     */
    public static WebTestServer start(WebApplication application, ServerSettings settings) throws Exception {
        return new WebTestServer(application.routes(), Objects.requireNonNull(settings, "settings"));
    }

    /**
     * Has {@link #close} throw an {@link AssertionError} if a handler has thrown.
     *
     * @return this
     */
    public WebTestServer failingOnClose() {
        failsOnClose = true;
        return this;
    }

    private void note(Throwable failure) {
        if (failures.size() < MOST_FAILURES) {
            failures.add(failure);
        }
    }

    /**
     * The port.
     *
     * @return a port of the loopback interface
     */
    public int port() {
        return server.port();
    }

    /**
     * The address of a path.
     *
     * @param path the path and perhaps a query, encoded; it begins with a slash
     * @return {@code http://127.0.0.1:4711/path}, for example
     */
    public URI uri(String path) {
        if (!path.startsWith("/")) {
            throw new IllegalArgumentException("path must begin with /, was \"" + path + "\"");
        }
        return URI.create("http://" + InetAddress.getLoopbackAddress().getHostAddress() + ":" + port()).resolve(path);
    }

    /**
     * The failures that handlers have thrown and the server has answered with 500 or more; the first hundred.
     *
     * @return a copy
     */
    public List<Throwable> failures() {
        synchronized (failures) {
            return List.copyOf(failures);
        }
    }

    /**
     * Has the server end as a worker does: it accepts no more connections, each response is the last of its connection,
     * streams are asked to end, tasks after responses are waited for.
     *
     * @param longest how long to wait
     * @return how many connections there still are
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public int drain(Duration longest) throws InterruptedException {
        try {
            server.drain();
        } catch (IOException e) {
            throw new IllegalStateException("the test server did not stop accepting", e);
        }
        return server.engine().awaitDrained(longest);
    }

    /**
     * Ends the server at once, with all connections.
     *
     * @throws AssertionError if a handler has thrown, and the test is to fail then
     */
    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new IllegalStateException("the test server was not closed", e);
        }
        List<Throwable> all = failures();
        if (failsOnClose && !all.isEmpty()) {
            AssertionError error =
                    new AssertionError(all.size() + " requests failed in their handlers", all.getFirst());
            all.stream().skip(1).forEach(error::addSuppressed);
            throw error;
        }
    }

    /** Returns the port, and how many connections there are. */
    @Override
    public String toString() {
        return "test server on port " + port() + ", " + server.engine().connections() + " connections";
    }
}
