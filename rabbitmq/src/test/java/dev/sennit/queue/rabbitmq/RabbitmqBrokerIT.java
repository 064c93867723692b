package dev.sennit.queue.rabbitmq;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.conformance.BrokerContract;
import dev.sennit.testing.VirtualClock;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** The broker in RabbitMQ keeps the contract of brokers: each test has a prefix of its own. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
class RabbitmqBrokerIT extends BrokerContract {
    private static final AtomicInteger PREFIXES = new AtomicInteger();

    private final TestServer server;
    private VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private String prefix = "";

    RabbitmqBrokerIT(TestServer server) {
        this.server = server;
    }

    @Override
    protected Broker open() {
        prefix = "contract" + PREFIXES.incrementAndGet();
        clock = VirtualClock.standing(VirtualClock.START);
        return again();
    }

    @Override
    protected Broker again() {
        // leases of the suite last for hours
        return RabbitmqBroker.open(new Address(BrokerUri.parse(
                Servers.uri(server, server.port()) + "?consumerTimeout=PT10H&prefix=" + prefix)), clock::now);
    }

    @Override
    protected Set<BrokerFeature> features() {
        return EnumSet.of(BrokerFeature.DURABLE, BrokerFeature.SHARED);
    }

    @Override
    protected void pass(Duration time) {
        clock.advance(time);
    }
}
