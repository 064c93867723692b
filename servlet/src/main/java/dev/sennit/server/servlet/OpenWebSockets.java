package dev.sennit.server.servlet;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.websocket.jakarta.common.JakartaWebSocketSession;
import org.eclipse.jetty.ee11.websocket.jakarta.common.JakartaWebSocketSessionListener;
import org.eclipse.jetty.ee11.websocket.jakarta.server.JakartaWebSocketServerContainer;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.component.LifeCycle;
import org.eclipse.jetty.websocket.core.CloseStatus;
import org.eclipse.jetty.websocket.core.CoreSession;
import org.eclipse.jetty.websocket.core.WebSocketCoreSession;

/** The WebSockets of one context: sets their limits, and tells them when the worker stops. */
final class OpenWebSockets implements LifeCycle.Listener, JakartaWebSocketSessionListener {
    private final WebSocketSettings settings;
    /** As many as there may be connections. */
    private final Map<Connection, CoreSession> open = new ConcurrentHashMap<>();
    private volatile boolean isGoingAway;

    OpenWebSockets(WebSocketSettings settings) {
        this.settings = settings;
    }

    @Override
    public void lifeCycleStarted(LifeCycle started) {
        var container = JakartaWebSocketServerContainer.getContainer(
                ((ServletContextHandler) started).getServletContext());
        if (container != null) { // the application may have none
            container.setDefaultMaxTextMessageBufferSize(settings.messageSize());
            container.setDefaultMaxBinaryMessageBufferSize(settings.messageSize());
            container.setDefaultMaxSessionIdleTimeout(settings.idle().toMillis());
            container.setAsyncSendTimeout(settings.sendLimit().toMillis());
            container.addSessionListener(this);
        }
    }

    /** Before the endpoint can send anything. */
    @Override
    public void onJakartaWebSocketSessionCreated(JakartaWebSocketSession session) {
        session.getCoreSession().setMaxOutgoingFrames(settings.unsent());
    }

    @Override
    public void onJakartaWebSocketSessionOpened(JakartaWebSocketSession session) {
        if (session.getCoreSession() instanceof WebSocketCoreSession core) {
            open.put(core.getConnection(), core);
            if (core.isClosed()) {
                open.remove(core.getConnection());
            }
            if (isGoingAway) { // the server knew the connection before this
                close(core);
            }
        }
    }

    @Override
    public void onJakartaWebSocketSessionClosed(JakartaWebSocketSession session) {
        if (session.getCoreSession() instanceof WebSocketCoreSession core) {
            open.remove(core.getConnection());
        }
    }

    /** Closes a WebSocket, as the worker stops. */
    void goAway(Connection connection) {
        isGoingAway = true;
        CoreSession core = open.get(connection);
        if (core != null) {
            close(core);
        }
    }

    private static void close(CoreSession core) {
        core.close(CloseStatus.SHUTDOWN, "going away", Callback.NOOP);
    }
}
