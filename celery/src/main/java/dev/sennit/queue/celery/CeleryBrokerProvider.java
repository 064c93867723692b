package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/**
 * Opens {@code celery+redis://[:PASSWORD@]HOST[:PORT]/[DB]}, see {@link CeleryBroker}. The service loader finds it.
 *
 * {@snippet :
 * import dev.sennit.queue.celery.CeleryBrokerProvider;
 *
 * System.out.println(new CeleryBrokerProvider().scheme()); // celery+redis
 * }
 */
public final class CeleryBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public CeleryBrokerProvider() {}

    @Override
    public String scheme() {
        return RedisAddress.SCHEME;
    }

    @Override
    public String syntax() {
        return RedisAddress.SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return CeleryBroker.of(uri);
    }
}
