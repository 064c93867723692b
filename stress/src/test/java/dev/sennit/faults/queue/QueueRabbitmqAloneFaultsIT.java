package dev.sennit.faults.queue;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.time.Duration;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Tasks in RabbitMQ, without a store. It takes a few seconds to start and to miss a worker that stands still, so only
 * {@code ./test full} runs this.
 *
 * <p>The broker keeps no ends and finds nothing by an id. So it is asserted that the submitter hears of an end of each
 * task, each time of the same one and with the right result; that each has run to its end by its own records; and that
 * nothing stands in the queues when all workers have ended, which give back what they had.
 */
@WithServer(value = ServerKind.RABBITMQ, configuration = "heartbeat = " + QueueRabbitmqAloneFaultsIT.HEARTBEAT)
@EnabledIfSystemProperty(named = "sennit.full", matches = "true")
class QueueRabbitmqAloneFaultsIT extends ServerFaultsContract {
    static final int HEARTBEAT = 5;
    /** A quorum queue that is younger does not outlive a kill of RabbitMQ 3.10. */
    private static final Duration YOUNG = Duration.ofMillis(4_500);

    private final TestServer server;

    QueueRabbitmqAloneFaultsIT(TestServer server) {
        super("QueueRabbitmqAloneFaultsIT, rabbitmq", server);
        this.server = server;
    }

    @Override
    String uri(int port, Space space) {
        return server.uri(port).toString().replaceFirst("amqp", "rabbitmq") + "?prefix=" + space;
    }

    @Override
    Promises promises() {
        return Promises.deliveries(Duration.ofSeconds(HEARTBEAT), YOUNG);
    }

    @Override
    Duration longestStill() {
        return Duration.ofSeconds(3 * HEARTBEAT);
    }
}
