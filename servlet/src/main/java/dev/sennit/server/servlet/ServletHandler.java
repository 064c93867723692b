package dev.sennit.server.servlet;

import dev.sennit.server.files.WorkerFolder;
import dev.sennit.server.jetty.HeldRequest;
import dev.sennit.server.jetty.JettyApplication;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletRequestEvent;
import jakarta.servlet.ServletRequestListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.servlet.ServletContextRequest;
import org.eclipse.jetty.ee11.servlet.SessionHandler;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.server.Context;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.handler.ContextHandler;
import org.jspecify.annotations.Nullable;

/** A context of Servlets in a server of Sennit: what is the same for WARs and for classes. */
final class ServletHandler extends JettyApplication {
    private final @Nullable Path war;
    private final List<String> classNames;
    private final WebSocketSettings settings;
    private final OpenWebSockets webSockets;
    /** Written before the server starts. */
    private volatile @Nullable ServletContextHandler opened;
    /** Has the copy of a WAR, and what clients upload. Written before the server starts. */
    private volatile @Nullable WorkerFolder folder;

    ServletHandler(@Nullable Path war, List<String> classNames, WebSocketSettings settings) {
        this.war = war;
        this.classNames = classNames;
        this.settings = settings;
        webSockets = new OpenWebSockets(settings);
    }

    @Override
    public Handler open(String path) throws IOException {
        ServletContextHandler context = context();
        context.setContextPath(path);
        context.setLogger(new ContextLog(path));
        // No list of a folder's files, as nobody has asked for one.
        context.setInitParameter("org.eclipse.jetty.servlet.Default.dirAllowed", "false");
        context.setInitParameter("org.eclipse.jetty.servlet.Default.etags", "true");
        SessionHandler sessions = context.getSessionHandler();
        sessions.setHttpOnly(true);
        context.addEventListener(new Threads());
        context.addEventListener(new Dispatches());
        context.addEventListener(webSockets);
        opened = context;
        return context;
    }

    private ServletContextHandler context() throws IOException {
        Path file = war;
        if (file == null) {
            ServletContextHandler context = ClassContext.of(classNames);
            context.setTempDirectory(work("servlets").toFile());
            context.setTempDirectoryPersistent(true); // this removes it
            return context;
        }
        if (!Files.exists(file)) {
            throw new IOException("there is no WAR " + file);
        }
        return new WarContext(file, work("war"));
    }

    private Path work(String kind) throws IOException {
        WorkerFolder made = WorkerFolder.create(kind);
        folder = made;
        return made.work();
    }

    @Override
    public void close() {
        WorkerFolder made = folder;
        if (made != null) {
            made.close();
        }
    }

    @Override
    public Exception startFailure(Exception failure) {
        ServletContextHandler context = opened;
        return context == null || !context.isFailed()
                ? failure
                : new IllegalStateException(StartFailure.text(war, failure), failure);
    }

    @Override
    public @Nullable Throwable failureOf(Request request) {
        return request.getAttribute(RequestDispatcher.ERROR_EXCEPTION) instanceof Throwable failure ? failure : null;
    }

    @Override
    public int mostUpgraded() {
        return settings.most();
    }

    @Override
    public Duration goingAwayLimit() {
        return settings.goingAway();
    }

    @Override
    public void goAway(Connection connection) {
        webSockets.goAway(connection);
    }

    /** Tells the server which threads work on a request. */
    private static final class Threads implements ContextHandler.ContextScopeListener {
        @Override
        public void enterScope(Context context, @Nullable Request request) {
            HeldRequest held = request == null ? null : Request.as(request, HeldRequest.class);
            if (held != null) {
                held.enters();
            }
        }

        @Override
        public void exitScope(Context context, @Nullable Request request) {
            HeldRequest held = request == null ? null : Request.as(request, HeldRequest.class);
            if (held != null) {
                held.leaves();
            }
        }
    }

    /** Tells the server when a thread begins to work in a Servlet: the first time, and in each dispatch of later. */
    private static final class Dispatches implements ServletRequestListener {
        @Override
        public void requestInitialized(ServletRequestEvent event) {
            Request request = ServletContextRequest.getServletContextRequest(event.getServletRequest());
            HeldRequest held = Request.as(request, HeldRequest.class);
            if (held != null) {
                held.dispatches();
            }
        }
    }
}
