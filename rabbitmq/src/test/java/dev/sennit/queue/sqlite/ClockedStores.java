package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.sql.Schema;
import java.nio.file.Path;
import java.time.InstantSource;

/** Files that go by a clock of tests, as stores beside RabbitMQ. */
public final class ClockedStores {
    private ClockedStores() {}

    public static Broker open(Path file, InstantSource clock) {
        return SqliteBroker.open(file, "sqlite:" + file.getFileName(), false, true, clock, new Schema());
    }
}
