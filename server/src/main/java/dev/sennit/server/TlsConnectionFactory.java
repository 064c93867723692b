package dev.sennit.server;

import java.io.IOException;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.io.ssl.SslHandshakeListener;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.SslConnectionFactory;

/** Encrypts connections, and tells their lanes of the handshake and of bytes that were decrypted. */
final class TlsConnectionFactory extends SslConnectionFactory {
    /** @param next the protocol that is spoken after the handshake */
    TlsConnectionFactory(Certificates certificates, String next) {
        super(certificates.factory(), next);
        setEnsureSecureRequestCustomizer(false); // a certificate need not have the name by which a proxy asks
    }

    @Override
    protected SslConnection newSslConnection(Connector connector, EndPoint endPoint, SSLEngine engine) {
        Lane lane = (Lane) endPoint;
        lane.shakes();
        var connection = new SslConnection(
                connector.getByteBufferPool(), connector.getExecutor(), getSslContextFactory(), endPoint, engine,
                isDirectBuffersForEncryption(), isDirectBuffersForDecryption()) {
            @Override
            protected SslEndPoint newSslEndPoint() {
                return new SslEndPoint() {
                    @Override
                    public int fill(ByteBuffer buffer) throws IOException {
                        int n = super.fill(buffer);
                        if (n > 0) {
                            lane.filled();
                        }
                        return n;
                    }

                    @Override
                    public void upgrade(Connection next) {
                        super.upgrade(next);
                        lane.hasBecome(next);
                    }
                };
            }
        };
        connection.addHandshakeListener(new SslHandshakeListener() {
            @Override
            public void handshakeSucceeded(Event event) {
                lane.hasShaken();
            }
        });
        return connection;
    }
}
