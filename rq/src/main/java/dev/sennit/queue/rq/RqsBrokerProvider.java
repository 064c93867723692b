package dev.sennit.queue.rq;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/** Opens {@code rq+rediss://:PASSWORD@HOST[:PORT]/[DB]}, which is RQ's Redis over TLS, see {@link RqBroker}. */
public final class RqsBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public RqsBrokerProvider() {}

    @Override
    public String scheme() {
        return Address.TLS;
    }

    @Override
    public String syntax() {
        return Address.TLS_SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return new RqBroker(new Address(uri));
    }
}
