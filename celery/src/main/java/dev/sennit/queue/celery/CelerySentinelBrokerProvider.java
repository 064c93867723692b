package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/**
 * Opens {@code celery+redis+sentinel://[:PASSWORD@]HOST[:PORT][,HOST...]/[DB]?master=NAME}, see {@link CeleryBroker}.
 * The service loader finds it.
 *
 * {@snippet :
 * import dev.sennit.queue.celery.CelerySentinelBrokerProvider;
 *
 * System.out.println(new CelerySentinelBrokerProvider().scheme()); // celery+redis+sentinel
 * }
 */
public final class CelerySentinelBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public CelerySentinelBrokerProvider() {}

    @Override
    public String scheme() {
        return RedisAddress.SENTINEL_SCHEME;
    }

    @Override
    public String syntax() {
        return RedisAddress.SENTINEL_SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return CeleryBroker.of(uri);
    }
}
