package dev.sennit.faults.queue;

import dev.sennit.faults.queue.Promises.Kind;
import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Tasks in Celery's messages in Redis. Its keys have no prefix, so each space is a database. */
@WithServer(ServerKind.REDIS)
class QueueCeleryRedisFaultsIT extends ServerFaultsContract {
    private final TestServer server;

    QueueCeleryRedisFaultsIT(TestServer server) {
        super("QueueCeleryRedisFaultsIT, celery on redis", server);
        this.server = server;
    }

    @Override
    String uri(int port, Space space) {
        return "celery+" + server.uri(port).toString().replaceFirst("/0$", "/" + space.ordinal())
                + "?priority_steps=0,1,2,3,4,5,6,7,8,9";
    }

    @Override
    Promises promises() {
        return Promises.exactly(Kind.PRIORITY, Kind.DELAY, Kind.PAUSE, Kind.CHORD);
    }
}
