package dev.sennit.queue.postgresql;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;

/** Opens {@code postgresql://USER:PASSWORD@HOST[:PORT]/DATABASE}, see {@link PostgresqlBroker}. */
public final class PostgresqlBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public PostgresqlBrokerProvider() {}

    @Override
    public String scheme() {
        return "postgresql";
    }

    @Override
    public String syntax() {
        return Address.SYNTAX;
    }

    @Override
    public Broker open(BrokerUri uri) {
        return PostgresqlBroker.open(new Address(uri));
    }
}
