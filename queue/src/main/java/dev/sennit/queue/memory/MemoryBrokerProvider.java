package dev.sennit.queue.memory;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;
import java.util.Set;

/** Opens {@link MemoryBroker}s: {@code memory:}, or {@code memory:NAME} for one that others share. */
public final class MemoryBrokerProvider implements BrokerProvider {
    /** For {@link java.util.ServiceLoader}. */
    public MemoryBrokerProvider() {}

    @Override
    public String scheme() {
        return "memory";
    }

    @Override
    public String syntax() {
        return "memory:[NAME]";
    }

    @Override
    public Broker open(BrokerUri uri) {
        uri.ensureOnly(Set.of());
        return uri.rest().isEmpty() ? new MemoryBroker() : MemoryBroker.named(uri.rest());
    }
}
