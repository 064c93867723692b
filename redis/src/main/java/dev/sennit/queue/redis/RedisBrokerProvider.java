package dev.sennit.queue.redis;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/** Opens {@code redis://:PASSWORD@HOST[:PORT]/[DB]}, see {@link RedisBroker}. */
public final class RedisBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public RedisBrokerProvider() {}

    @Override
    public String scheme() {
        return "redis";
    }

    @Override
    public String syntax() {
        return Address.SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return RedisBroker.open(new Address(uri), null);
    }
}
