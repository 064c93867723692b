package dev.sennit.faults.queue;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Tasks in Redis, which writes each change to the disk before it answers. */
@WithServer(ServerKind.REDIS)
class QueueRedisFaultsIT extends ServerFaultsContract {
    QueueRedisFaultsIT() {
        super("QueueRedisFaultsIT, redis");
    }

    @Override
    String uri(TestServer server, int port, String space) {
        return server.uri(port) + "?prefix=" + space;
    }
}
