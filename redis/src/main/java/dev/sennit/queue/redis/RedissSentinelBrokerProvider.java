package dev.sennit.queue.redis;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.redis.foreign.Sentinels;

/** Opens {@code rediss+sentinel://}, which is {@code redis+sentinel://} over TLS, see {@link RedisBroker}. */
public final class RedissSentinelBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public RedissSentinelBrokerProvider() {}

    @Override
    public String scheme() {
        return Address.TLS + Sentinels.SCHEME;
    }

    @Override
    public String syntax() {
        return "rediss+sentinel://HOST... (TLS)";
    }

    @Override
    public Broker open(BrokerUri uri) {
        return RedisBroker.open(new Address(uri), null);
    }
}
