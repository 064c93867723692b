package dev.sennit.server;

import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.jspecify.annotations.Nullable;

/** The protocols on the connections of a server, from the outside in. */
final class Protocols {
    private Protocols() {}

    /** @param certificates null if nothing is encrypted */
    static ConnectionFactory[] of(
            HttpConfiguration configuration, ServerSettings settings, @Nullable Certificates certificates) {
        var http = new HttpConnectionFactory(configuration);
        if (certificates == null) {
            return new ConnectionFactory[] {http};
        }
        // first, so that a proxy may tell another scheme
        configuration.getCustomizers().addFirst(new SecureRequestCustomizer(false));
        if (!certificates.isHttp2()) {
            return new ConnectionFactory[] {
                new TlsConnectionFactory(certificates, HttpVersion.HTTP_1_1.asString()), http
            };
        }
        var http2 = new Http2ConnectionFactory(configuration, settings);
        var chosen = new ALPNServerConnectionFactory(http2.getProtocol(), http.getProtocol());
        chosen.setDefaultProtocol(http.getProtocol());
        return new ConnectionFactory[] {
            new TlsConnectionFactory(certificates, chosen.getProtocol()), chosen, http2, http
        };
    }
}
