package dev.sennit.queue.redis;

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

/** The broker in Redis keeps the contract of brokers: each test finds the database empty. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class RedisBrokerIT extends BrokerContract {
    private final TestServer server;
    private VirtualClock clock = VirtualClock.standing(VirtualClock.START);

    RedisBrokerIT(TestServer server) {
        this.server = server;
    }

    @Override
    protected Broker open() {
        try (var console = new Console(server)) {
            console.run("FLUSHALL");
        }
        clock = VirtualClock.standing(VirtualClock.START);
        return again();
    }

    @Override
    protected Broker again() {
        return RedisBroker.open(address(), clock::now);
    }

    private Address address() {
        return new Address(BrokerUri.parse(server.uri() + "?prefix=contract"));
    }

    @Override
    protected Set<BrokerFeature> features() {
        return EnumSet.allOf(BrokerFeature.class);
    }

    @Override
    protected void pass(Duration time) {
        clock.advance(time);
    }

    @Override
    protected boolean damage(String id) {
        try (var console = new Console(server)) {
            return console.run("HSET", address().keys() + "t:" + id, "m", "{\"") instanceof Long added && added == 0;
        }
    }
}
