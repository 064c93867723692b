package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/**
 * Opens {@code celery+amqps://[USER:PASSWORD@]HOST[:PORT]/[VHOST]}, see {@link CeleryBroker}. The service loader finds
 * it.
 *
 * {@snippet :
 * import dev.sennit.queue.celery.CeleryAmqpsBrokerProvider;
 *
 * System.out.println(new CeleryAmqpsBrokerProvider().scheme()); // celery+amqps
 * }
 */
public final class CeleryAmqpsBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public CeleryAmqpsBrokerProvider() {}

    @Override
    public String scheme() {
        return AmqpAddress.SECURE_SCHEME;
    }

    @Override
    public String syntax() {
        return AmqpAddress.SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return CeleryBroker.of(uri);
    }
}
