package dev.sennit.queue.conformance;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/** The broker in memory keeps the contract of brokers. */
class MemoryBrokerTest extends BrokerContract {
    private VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private MemoryBroker first = new MemoryBroker(clock);

    @Override
    protected Broker open() {
        clock = VirtualClock.standing(VirtualClock.START);
        first = new MemoryBroker(clock);
        return first;
    }

    @Override
    protected Broker again() {
        return first.again();
    }

    @Override
    protected Set<BrokerFeature> features() {
        return EnumSet.complementOf(EnumSet.of(BrokerFeature.DURABLE, BrokerFeature.SHARED));
    }

    @Override
    protected void pass(Duration time) {
        clock.advance(time);
    }
}
