package dev.sennit.queue.rq;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.conformance.BrokerFaultsContract;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** The broker for RQ beside a server that fails. RQ's keys have no prefix, so each test has a database of its own. */
@WithServer(ServerKind.REDIS)
class RqFaultsIT extends BrokerFaultsContract {
    private static final int DATABASES = 16;

    RqFaultsIT(TestServer server) {
        super(server);
    }

    @Override
    protected String uri(TestServer to, int port, String named) {
        int number = Integer.parseInt(named.substring(named.lastIndexOf('_') + 1)) % DATABASES;
        return "rq+" + to.uri(port).toString().replaceFirst("/0$", "/" + number);
    }

    @Override
    protected boolean losesPushes() {
        return true;
    }
}
