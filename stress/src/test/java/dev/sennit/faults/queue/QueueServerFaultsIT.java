package dev.sennit.faults.queue;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Tasks in PostgreSQL. */
@WithServer(ServerKind.POSTGRESQL)
class QueueServerFaultsIT extends ServerFaultsContract {
    private final TestServer server;

    QueueServerFaultsIT(TestServer server) {
        super("QueueServerFaultsIT, postgresql", server);
        this.server = server;
    }

    @Override
    String uri(int port, Space space) {
        return server.uri(port) + "?connections=2&schema=" + space;
    }
}
