package dev.sennit.queue.postgresql;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.conformance.BrokerContract;
import dev.sennit.queue.sql.Schema;
import dev.sennit.testing.VirtualClock;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/** The broker in PostgreSQL keeps the contract of brokers: all tests have one schema, which each finds empty. */
@WithServer(value = ServerKind.POSTGRESQL, fsync = false)
class PostgresqlBrokerIT extends BrokerContract {
    private final TestServer server;
    private VirtualClock clock = VirtualClock.standing(VirtualClock.START);

    PostgresqlBrokerIT(TestServer server) {
        this.server = server;
    }

    @Override
    protected Broker open() throws SQLException {
        clock = VirtualClock.standing(VirtualClock.START);
        Broker broker = again();
        Stores.clear(address());
        return broker;
    }

    @Override
    protected Broker again() {
        return PostgresqlBroker.open(address(), clock::now, new Schema());
    }

    private Address address() {
        return new Address(BrokerUri.parse(server.uri() + "?schema=contract" + options()));
    }

    /** For subclasses: more options. */
    String options() {
        return "";
    }

    @Override
    protected Set<BrokerFeature> features() {
        return EnumSet.allOf(BrokerFeature.class);
    }

    @Override
    protected void pass(Duration time) {
        clock.advance(time);
    }

    @Override
    protected boolean damage(String id) throws Exception {
        try (Connection connection = Connector.to(address()).connect(false);
                PreparedStatement update =
                        connection.prepareStatement("UPDATE contract.task SET message = '\\x7b22' WHERE id = ?")) {
            update.setString(1, id);
            return update.executeUpdate() == 1;
        }
    }
}
