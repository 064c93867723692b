package dev.sennit.queue.rq;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/**
 * Opens {@code rq+redis://[:PASSWORD@]HOST[:PORT]/[DB]}, see {@link RqBroker}. The service loader finds it.
 *
 * {@snippet :
 * import dev.sennit.queue.rq.RqBrokerProvider;
 *
 * System.out.println(new RqBrokerProvider().scheme()); // rq+redis
 * }
 */
public final class RqBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public RqBrokerProvider() {}

    @Override
    public String scheme() {
        return Address.SCHEME;
    }

    @Override
    public String syntax() {
        return Address.SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return new RqBroker(new Address(uri));
    }
}
