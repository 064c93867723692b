package dev.sennit.queue.redis;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.conformance.BrokerFaultsContract;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** The broker in Redis beside a server that fails. */
@WithServer(ServerKind.REDIS)
class RedisFaultsIT extends BrokerFaultsContract {
    RedisFaultsIT(TestServer server) {
        super(server);
    }

    @Override
    protected String uri(TestServer to, int port, String named) {
        return to.uri(port) + "?prefix=" + named;
    }

    @Override
    protected boolean losesPushes() {
        return true;
    }
}
