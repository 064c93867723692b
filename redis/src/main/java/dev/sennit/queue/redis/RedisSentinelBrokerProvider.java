package dev.sennit.queue.redis;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.redis.foreign.Sentinels;

/** Opens {@code redis+sentinel://:PASSWORD@HOST[:PORT][,HOST...]/[DB]?master=NAME}, see {@link RedisBroker}. */
public final class RedisSentinelBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public RedisSentinelBrokerProvider() {}

    @Override
    public String scheme() {
        return Address.PLAIN + Sentinels.SCHEME;
    }

    @Override
    public String syntax() {
        return Address.SENTINEL_SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return RedisBroker.open(new Address(uri), null);
    }
}
