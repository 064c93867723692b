package dev.sennit.server.jetty;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.time.Duration;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.jspecify.annotations.Nullable;

/**
 * An application that a handler of Jetty answers, under a path of {@link dev.sennit.server.Routes}. It is an {@link
 * HttpHandler} for {@link dev.sennit.server.Routes#under} alone: the server recognizes it, and never calls {@link
 * #handle}.
 *
 * <p>All limits of the server hold for it. A request holds its place from the call of the handler until the handler has
 * completed its callback. At its deadline the threads in it are interrupted, its failure listeners are called, and
 * what the handler writes from then on fails. The handler's {@link Request} is a {@link HeldRequest}, or wraps one.
 *
 * <p>A connection may leave HTTP, by a response with the status 101. From then on only the limits of this application
 * hold for it.
 */
public abstract class JettyApplication implements HttpHandler {
    /**
     * Makes the handler. Called once, before the server starts, which starts and stops the handler.
     *
     * @param path under which it is, such as {@code /} or {@code /shop}
     * @return the handler
     * @throws Exception which ends the worker before it is ready
     */
    public abstract Handler open(String path) throws Exception;

    /**
     * Returns what to throw instead when the handler could not be started.
     *
     * @param failure what the handler threw
     * @return the same, or a failure that tells a person more
     */
    public Exception startFailure(Exception failure) {
        return failure;
    }

    /**
     * Returns why a response failed that the handler has ended in order, such as with an error page.
     *
     * @param request the request
     * @return the failure; null if there was none
     */
    public abstract @Nullable Throwable failureOf(Request request);

    /**
     * Returns how many connections of a server may have left HTTP at a time.
     *
     * @return the number; a request that asks for one more is answered with 503
     */
    public abstract int mostUpgraded();

    /**
     * Returns how long such a connection may live on when the worker stops.
     *
     * @return the time
     */
    public abstract Duration goingAwayLimit();

    /**
     * Tells the peer of such a connection that the worker stops, so that it ends the connection. Called once for each,
     * in a virtual thread.
     *
     * @param connection the connection
     */
    public abstract void goAway(Connection connection);

    /**
     * Closes what {@link #open} has made beside the handler. Called once the server has stopped, and also if it was
     * never started, or {@code open} has failed.
     */
    public void close() {
        // most have nothing
    }

    /** Never called. */
    @Override
    public final void handle(HttpExchange exchange) {
        throw new UnsupportedOperationException("this application runs in servers of Sennit only");
    }
}
