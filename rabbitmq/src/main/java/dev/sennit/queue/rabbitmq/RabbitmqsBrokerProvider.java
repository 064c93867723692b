package dev.sennit.queue.rabbitmq;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/** Opens {@code rabbitmqs://USER:PASSWORD@HOST[:PORT]/[VHOST]}, over TLS, see {@link RabbitmqBroker}. */
public final class RabbitmqsBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public RabbitmqsBrokerProvider() {}

    @Override
    public String scheme() {
        return Address.TLS;
    }

    @Override
    public String syntax() {
        return "rabbitmqs://HOST... (TLS)";
    }

    @Override
    public Broker open(BrokerUri uri) {
        return RabbitmqBroker.open(new Address(uri), null);
    }
}
