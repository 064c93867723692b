package dev.sennit.queue.rabbitmq;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.testing.server.TestServer;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** What tests do to servers beside the broker. */
final class Servers {
    /** After which time RabbitMQ 3.10 has written to its disk that there is a queue, and more. */
    private static final long QUEUES_WRITTEN_MILLIS = 4_500;

    private Servers() {}

    /** By way of a port, which may be that of a proxy. */
    static String uri(TestServer server, int port) {
        return server.uri(port).toString().replace("amqp://", "rabbitmq://");
    }

    static Connection connect(TestServer server) {
        try {
            var factory = new ConnectionFactory();
            factory.setUri(server.uri());
            factory.setAutomaticRecoveryEnabled(false);
            return factory.newConnection();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Makes the queues that a test needs, and waits until they outlive a kill of the server: one that is younger than
     * about three seconds comes back without a leader, and takes no message any more.
     */
    static void makeQueues(TestServer server, Collection<String> prefixes, String queue, String type, String replyTo) {
        prefixes.forEach(prefix -> makeQueues(server, prefix, queue, type, replyTo));
        try {
            Thread.sleep(QUEUES_WRITTEN_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void makeQueues(TestServer server, String prefix, String queue, String type, String replyTo) {
        String uri = uri(server, server.port()) + "?prefix=" + prefix;
        try (Broker broker = Broker.open(uri); Connection connection = connect(server)) {
            broker.enqueue(Batch.of(QueuedTask.of(type, new byte[] {'1'}).queue(queue).build()));
            var request = new ClaimRequest("w", List.of(queue), Set.of(type), 1, Duration.ofMinutes(1));
            var claim = broker.claim(request).claims().getFirst();
            broker.complete(List.of(new Completion(claim.token(), new byte[] {'1'},
                    Batch.EMPTY)));
            Channel channel = connection.createChannel();
            channel.queueDeclare(new Address(BrokerUri.parse(uri)).ends(replyTo), true, false, false, News.ENDS);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
