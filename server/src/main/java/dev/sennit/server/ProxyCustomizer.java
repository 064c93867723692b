package dev.sennit.server;

import dev.sennit.server.traffic.Proxies;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpScheme;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.server.ConnectionMetaData;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.HostPort;
import org.jspecify.annotations.Nullable;

/**
 * Has a request come from where trusted proxies say, for all kinds of handlers. Its scheme is theirs, or that of its
 * connection, and never that of a target such as {@code GET https://shop/}, which is the client's word.
 */
final class ProxyCustomizer implements HttpConfiguration.Customizer {
    private final Proxies proxies;
    private final FrontSettings.ProxyFields kind;

    ProxyCustomizer(Proxies proxies, FrontSettings.ProxyFields kind) {
        this.proxies = proxies;
        this.kind = kind;
    }

    @Override
    public Request customize(Request request, HttpFields.Mutable ofResponse) {
        Request seen = withSchemeOfConnection(request);
        if (!proxies.hasPeer(request.getConnectionMetaData().getRemoteSocketAddress())) {
            return seen;
        }
        Origin origin = Origin.of(request.getHeaders()::getValuesList, kind, proxies);
        return origin == null ? seen : new Proxied(seen, origin);
    }

    private static Request withSchemeOfConnection(Request request) {
        HttpScheme scheme = request.getConnectionMetaData().isSecure() ? HttpScheme.HTTPS : HttpScheme.HTTP;
        if (request.getHttpURI().getScheme() == null || scheme.is(request.getHttpURI().getScheme())) {
            return request;
        }
        HttpURI uri = HttpURI.build(request.getHttpURI()).scheme(scheme).asImmutable();
        return new Request.Wrapper(request) {
            @Override
            public HttpURI getHttpURI() {
                return uri;
            }

            @Override
            public boolean isSecure() {
                return scheme == HttpScheme.HTTPS;
            }
        };
    }

    /** A request by way of a proxy. */
    private static final class Proxied extends Request.Wrapper {
        private final Connection connection;
        private final HttpURI uri;
        /** With the same host, as Jetty refuses requests with two. */
        private final HttpFields fields;

        Proxied(Request request, Origin origin) {
            super(request);
            connection = new Connection(request.getConnectionMetaData(), origin);
            uri = uri(request.getHttpURI(), origin);
            String host = origin.host();
            fields = host == null
                    ? request.getHeaders()
                    : HttpFields.build(request.getHeaders()).put(HttpHeader.HOST, host).asImmutable();
        }

        private static HttpURI uri(HttpURI seen, Origin origin) {
            HttpURI.Mutable told = HttpURI.build(seen);
            String scheme = origin.scheme();
            String host = origin.host();
            if (scheme != null) {
                told.scheme(scheme);
            }
            if (host != null) {
                HostPort parts = new HostPort(host);
                told.authority(parts.getHost(), parts.getPort());
            }
            return told.asImmutable();
        }

        @Override
        public HttpFields getHeaders() {
            return fields;
        }

        @Override
        public HttpURI getHttpURI() {
            return uri;
        }

        @Override
        public boolean isSecure() {
            return connection.isSecure();
        }

        @Override
        public ConnectionMetaData getConnectionMetaData() {
            return connection;
        }
    }

    private static final class Connection extends ConnectionMetaData.Wrapper {
        private final SocketAddress client;
        private final @Nullable String scheme;
        private final @Nullable String host;

        Connection(ConnectionMetaData seen, Origin origin) {
            super(seen);
            client = address(origin);
            scheme = origin.scheme();
            host = origin.host();
        }

        private static SocketAddress address(Origin origin) {
            InetAddress address = Proxies.address(origin.client());
            if (address == null) {
                return InetSocketAddress.createUnresolved(origin.client(), origin.port());
            }
            try { // without the text that it was read from, which getHostString would show
                return new InetSocketAddress(InetAddress.getByAddress(address.getAddress()), origin.port());
            } catch (UnknownHostException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public SocketAddress getRemoteSocketAddress() {
            return client;
        }

        @Override
        public boolean isSecure() {
            return scheme == null ? super.isSecure() : scheme.equals("https");
        }

        @Override
        public HostPort getServerAuthority() {
            return host == null ? super.getServerAuthority() : new HostPort(host);
        }
    }
}
