package dev.sennit.faults.queue;

import dev.sennit.faults.queue.Promises.Kind;
import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Tasks in RQ's jobs in Redis. Its keys have no prefix, so each space is a database. */
@WithServer(ServerKind.REDIS)
class QueueRqFaultsIT extends ServerFaultsContract {
    private final TestServer server;

    QueueRqFaultsIT(TestServer server) {
        super("QueueRqFaultsIT, rq", server);
        this.server = server;
    }

    @Override
    String uri(int port, Space space) {
        return "rq+" + server.uri(port).toString().replaceFirst("/0$", "/" + space.ordinal());
    }

    @Override
    Promises promises() {
        return Promises.exactly(Kind.DELAY, Kind.PAUSE, Kind.CHORD);
    }
}
