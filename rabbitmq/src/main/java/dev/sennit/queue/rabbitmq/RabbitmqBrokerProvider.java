package dev.sennit.queue.rabbitmq;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/** Opens {@code rabbitmq://USER:PASSWORD@HOST[:PORT]/[VHOST]}, see {@link RabbitmqBroker}. */
public final class RabbitmqBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public RabbitmqBrokerProvider() {}

    @Override
    public String scheme() {
        return "rabbitmq";
    }

    @Override
    public String syntax() {
        return Address.SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return RabbitmqBroker.open(new Address(uri), null);
    }
}
