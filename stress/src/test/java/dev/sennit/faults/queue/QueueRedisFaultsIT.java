package dev.sennit.faults.queue;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Tasks in Redis, which writes each change to the disk before it answers. */
@WithServer(ServerKind.REDIS)
class QueueRedisFaultsIT extends ServerFaultsContract {
    private final TestServer server;

    QueueRedisFaultsIT(TestServer server) {
        super("QueueRedisFaultsIT, redis", server);
        this.server = server;
    }

    @Override
    String uri(int port, Space space) {
        return server.uri(port) + "?prefix=" + space;
    }
}
