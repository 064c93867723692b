package dev.sennit.faults.queue;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Tasks in PostgreSQL. */
@WithServer(ServerKind.POSTGRESQL)
class QueueServerFaultsIT extends ServerFaultsContract {
    QueueServerFaultsIT() {
        super("QueueServerFaultsIT, postgresql");
    }

    @Override
    String uri(TestServer server, int port, String space) {
        return server.uri(port) + "?connections=2&schema=" + space;
    }
}
