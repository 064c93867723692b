package dev.sennit.queue.sqlite;

import dev.sennit.queue.QueueSchedulesTest;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.sql.Schema;
import dev.sennit.testing.VirtualClock;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.io.TempDir;

/** The same in a file. */
class SqliteSchedulesTest extends QueueSchedulesTest {
    private static final AtomicInteger FILES = new AtomicInteger();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path folder;

    @Override
    protected Broker open(VirtualClock time) {
        Path file = folder.resolve(FILES.incrementAndGet() + ".db");
        return SqliteBroker.open(file, "sqlite:jobs.db", false, true, time, new Schema());
    }
}
