package dev.sennit.queue.postgresql;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.conformance.BrokerFaultsContract;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** The broker in PostgreSQL beside a server that fails. */
@WithServer(value = ServerKind.POSTGRESQL, fsync = false) // the server is killed, and not the machine
class PostgresqlFaultsIT extends BrokerFaultsContract {
    PostgresqlFaultsIT(TestServer server) {
        super(server);
    }

    @Override
    protected String uri(TestServer to, int port, String named) {
        return to.uri(port) + "?schema=" + named;
    }
}
