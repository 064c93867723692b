package dev.sennit.server;

import org.eclipse.jetty.http2.HTTP2Connection;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.WindowRateControl;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;

/**
 * Makes connections of HTTP/2, and tells their lanes. Acts that cost a client nothing are bounded for each connection:
 * streams at a time, bytes that no handler has read yet, and frames that call for no response, such as resets,
 * pings, settings and empty frames. A connection that goes beyond is closed.
 */
final class Http2ConnectionFactory extends HTTP2ServerConnectionFactory {
    /** The least that RFC 9113 recommends; a page has fewer parts at a time. */
    static final int MOST_STREAMS = 100;
    /** A page that is left resets all of its streams at once. */
    static final int MOST_EVENTS_PER_SECOND = 128;

    private static final int MOST_SETTINGS = 16;
    /** Bytes of bodies that wait for their handlers: of one connection, and so of one stream. */
    private static final int WINDOW = 128 << 10;

    /** Longer than a connection without requests stays open, as it is ended in order. */
    private final long idleMillis;

    Http2ConnectionFactory(HttpConfiguration configuration, ServerSettings settings) {
        super(configuration);
        idleMillis = settings.keepAlive().plus(settings.lastRequest().multipliedBy(2)).toMillis();
        setMaxConcurrentStreams(MOST_STREAMS);
        setRateControlFactory(new WindowRateControl.Factory(MOST_EVENTS_PER_SECOND));
        setMaxSettingsKeys(MOST_SETTINGS);
        setInitialSessionRecvWindow(WINDOW);
        setInitialStreamRecvWindow(WINDOW);
        setStreamIdleTimeout(ServerSettings.millis(settings.stallLimit()));
        setConnectProtocolEnabled(false);
    }

    @Override
    public Connection newConnection(Connector connector, EndPoint endPoint) {
        Connection connection = super.newConnection(connector, endPoint);
        endPoint.setIdleTimeout(idleMillis);
        Lane.of(endPoint).multiplexes(((HTTP2Connection) connection).getSession());
        return connection;
    }
}
