package dev.sennit.queue.redis;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/** Opens {@code rediss://:PASSWORD@HOST[:PORT]/[DB]}, which is Redis over TLS, see {@link RedisBroker}. */
public final class RedissBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public RedissBrokerProvider() {}

    @Override
    public String scheme() {
        return Address.TLS;
    }

    @Override
    public String syntax() {
        return "rediss://HOST... (TLS)";
    }

    @Override
    public Broker open(BrokerUri uri) {
        return RedisBroker.open(new Address(uri), null);
    }
}
