package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.conformance.BrokerContract;
import dev.sennit.queue.sql.Schema;
import dev.sennit.testing.VirtualClock;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;

/** The broker in an SQLite file keeps the contract of brokers; its listeners hear of it by datagrams. */
class SqliteBrokerIT extends BrokerContract {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    private VirtualClock clock = VirtualClock.standing(VirtualClock.START);

    @Override
    protected Broker open() {
        clock = VirtualClock.standing(VirtualClock.START);
        return again();
    }

    @Override
    protected Broker again() {
        return SqliteBroker.open(file(), "sqlite:jobs.db", false, true, clock::now, new Schema());
    }

    private Path file() {
        return folder.resolve("jobs.db");
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
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
                PreparedStatement update = connection.prepareStatement(
                        "UPDATE sennit_task SET message = x'7b22' WHERE id = ?")) {
            update.setString(1, id);
            return update.executeUpdate() == 1;
        }
    }
}
