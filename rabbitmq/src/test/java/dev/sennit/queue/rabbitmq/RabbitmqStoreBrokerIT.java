package dev.sennit.queue.rabbitmq;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.conformance.BrokerContract;
import dev.sennit.queue.sqlite.ClockedStores;
import dev.sennit.testing.VirtualClock;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;

/** RabbitMQ with a file as its store keeps the whole contract of brokers, with the clock of that file. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
class RabbitmqStoreBrokerIT extends BrokerContract {
    private final TestServer server;
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    private VirtualClock clock = VirtualClock.standing(VirtualClock.START);

    RabbitmqStoreBrokerIT(TestServer server) {
        this.server = server;
    }

    @Override
    protected Broker open() {
        clock = VirtualClock.standing(VirtualClock.START);
        return again();
    }

    @Override
    protected Broker again() {
        var address = new Address(BrokerUri.parse(Servers.uri(server, server.port()) + "?store=sqlite:jobs.db&prefix="
                + folder.getFileName()));
        var errors = new RabbitmqErrors(address.toString(), address.password());
        return new StoreBroker(address, errors, new Connector(address, errors),
                ClockedStores.open(folder.resolve("jobs.db"), clock::now));
    }

    @Override
    protected Set<BrokerFeature> features() {
        return EnumSet.allOf(BrokerFeature.class);
    }

    @Override
    protected void pass(Duration time) {
        clock.advance(time);
    }
}
