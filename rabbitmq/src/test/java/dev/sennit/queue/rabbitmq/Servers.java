package dev.sennit.queue.rabbitmq;

import dev.sennit.testing.server.TestServer;

/** The addresses of brokers on servers of tests. */
final class Servers {
    private Servers() {}

    /** By way of a port, which may be that of a proxy. */
    static String uri(TestServer server, int port) {
        return server.uri(port).toString().replace("amqp://", "rabbitmq://");
    }
}
