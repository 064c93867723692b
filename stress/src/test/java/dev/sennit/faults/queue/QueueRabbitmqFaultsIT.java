package dev.sennit.faults.queue;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Tasks in a file, and the news of them in RabbitMQ, which is killed and started again. */
@WithServer(ServerKind.RABBITMQ)
class QueueRabbitmqFaultsIT extends ServerFaultsContract {
    private final TestServer server;

    QueueRabbitmqFaultsIT(TestServer server) {
        super("QueueRabbitmqFaultsIT, rabbitmq with a store", server);
        this.server = server;
    }

    @Override
    String uri(int port, Space space) {
        return server.uri(port).toString().replaceFirst("amqp", "rabbitmq") + "?prefix=" + space + "&store=sqlite:"
                + folder.resolve(space + ".db");
    }
}
