package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/**
 * Opens {@code celery+rediss://[:PASSWORD@]HOST[:PORT]/[DB][?sslrootcert=FILE]}, which speaks TLS, see
 * {@link CeleryBroker}. The service loader finds it.
 *
 * {@snippet :
 * import dev.sennit.queue.celery.CeleryRedissBrokerProvider;
 *
 * System.out.println(new CeleryRedissBrokerProvider().scheme()); // celery+rediss
 * }
 */
public final class CeleryRedissBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public CeleryRedissBrokerProvider() {}

    @Override
    public String scheme() {
        return RedisAddress.SECURE_SCHEME;
    }

    @Override
    public String syntax() {
        return RedisAddress.SECURE_SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return CeleryBroker.of(uri);
    }
}
