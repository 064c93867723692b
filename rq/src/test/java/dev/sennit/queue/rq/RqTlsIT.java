package dev.sennit.queue.rq;

import dev.sennit.queue.conformance.BrokerTlsContract;
import dev.sennit.queue.conformance.OwnCertificate;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;

/** A broker over TLS checks whom it talks to. */
class RqTlsIT extends BrokerTlsContract {
    @Override
    protected TestServer start(int port, OwnCertificate own) throws IOException, InterruptedException {
        return TestServer.redis().password(SECRET).configuration("tls-port " + port,
                "tls-cert-file " + own.certificate(), "tls-key-file " + own.key(), "tls-auth-clients no").open();
    }

    @Override
    protected String address(String host, int port) {
        return "rq+rediss://:" + SECRET + "@" + host + ":" + port + "/0";
    }
}
