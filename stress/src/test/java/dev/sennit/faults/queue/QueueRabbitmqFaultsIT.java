package dev.sennit.faults.queue;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Tasks in a file, and the news of them in RabbitMQ, which is killed and started again. */
@WithServer(ServerKind.RABBITMQ)
class QueueRabbitmqFaultsIT extends ServerFaultsContract {
    QueueRabbitmqFaultsIT() {
        super("QueueRabbitmqFaultsIT, rabbitmq with a store");
    }

    @Override
    String uri(TestServer server, int port, String space) {
        return server.uri(port).toString().replaceFirst("amqp", "rabbitmq") + "?prefix=" + space + "&store=sqlite:"
                + folder.resolve(space + ".db");
    }
}
