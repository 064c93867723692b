package dev.sennit.queue.rq;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/** Opens {@code rq+redis+sentinel://:PASSWORD@HOST[:PORT][,HOST...]/[DB]?master=NAME}, see {@link RqBroker}. */
public final class RqSentinelBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public RqSentinelBrokerProvider() {}

    @Override
    public String scheme() {
        return Address.SENTINEL;
    }

    @Override
    public String syntax() {
        return Address.SENTINEL_SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return new RqBroker(new Address(uri));
    }
}
