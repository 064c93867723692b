package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/**
 * Opens {@code celery+amqp://[USER:PASSWORD@]HOST[:PORT]/[VHOST]}, see {@link CeleryBroker}. The service loader finds
 * it.
 *
 * {@snippet :
 * import dev.sennit.queue.celery.CeleryAmqpBrokerProvider;
 *
 * System.out.println(new CeleryAmqpBrokerProvider().scheme()); // celery+amqp
 * }
 */
public final class CeleryAmqpBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public CeleryAmqpBrokerProvider() {}

    @Override
    public String scheme() {
        return AmqpAddress.SCHEME;
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
