package dev.sennit.queue.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.sql.Lookup;
import dev.sennit.queue.sql.Schema;
import dev.sennit.queue.sql.Session;
import dev.sennit.queue.sql.Step;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What goes wrong with one caller, or in the thread that writes, does not take the others with it. */
class SqliteWriterTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    private Path file() {
        return folder.resolve("jobs.db");
    }

    private static Batch batch(String id) {
        return Batch.of(QueuedTask.of("greet", "1".getBytes(StandardCharsets.UTF_8)).id(id).build());
    }

    /** A clock on which the thread that writes hangs. */
    private static final class HangingClock implements InstantSource {
        final CountDownLatch hanging = new CountDownLatch(1);
        private final CountDownLatch released = new CountDownLatch(1);
        volatile boolean hangs;

        @Override
        public Instant instant() {
            if (hangs && Thread.currentThread().getName().equals("sennit-sqlite-writer")) {
                hanging.countDown();
                try {
                    released.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            return Instant.parse("2026-03-01T12:00:00Z");
        }
    }

    @Test
    void opensInAThreadThatIsInterruptedAndHarmsNobody() {
        try (Broker first = Broker.open("sqlite:" + file())) {
            Thread.currentThread().interrupt();
            try (Broker second = Broker.open("sqlite:" + file())) {
                second.enqueue(batch("a"));
                assertThat(Thread.interrupted()).isTrue();
            }
            first.enqueue(batch("b"));
            assertThat(first.find("a")).isPresent();
        }
    }

    @Test
    void takesTurnsAfterAnInterrupt() throws IOException {
        var count = new AtomicInteger();
        try (WriteLock lock = WriteLock.of(file()); WriteLock other = WriteLock.of(file())) {
            Thread.currentThread().interrupt();
            lock.run(count::incrementAndGet);
            assertThat(Thread.interrupted()).isTrue();
            other.run(count::incrementAndGet);
        }
        assertThat(count).hasValue(2);
    }

    @Test
    void aTurnThatEndsWithAnInterruptWasATurn() throws IOException {
        try (WriteLock lock = WriteLock.of(file())) {
            lock.run(() -> Thread.currentThread().interrupt());
            assertThat(Thread.interrupted()).isTrue();
            var count = new AtomicInteger();
            lock.run(count::incrementAndGet);
            assertThat(count).hasValue(1);
        }
    }

    @Test
    void tellsCallersThatNothingMovesAndClosesNevertheless() throws Exception {
        var clock = new HangingClock();
        try (Broker broker = SqliteBroker.open(file(), "sqlite:jobs.db", false, true, clock, new Schema(),
                Duration.ofMillis(200))) {
            clock.hangs = true;
            CompletableFuture<?> first = CompletableFuture.runAsync(() -> broker.enqueue(batch("a")), task -> {
                Thread.ofPlatform().daemon().start(task);
            });
            clock.hanging.await();
            assertThatThrownBy(() -> broker.enqueue(batch("b"))).isInstanceOfSatisfying(BrokerException.class,
                    e -> {
                        assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
                        assertThat(e.isDoubtful()).isFalse();
                        assertThat(e).hasMessageContaining("did not begin an operation within");
                    });
            assertThatThrownBy(first::get).isInstanceOf(ExecutionException.class)
                    .cause().isInstanceOfSatisfying(BrokerException.class, e -> assertThat(e.kind())
                            .isEqualTo(BrokerException.Kind.UNAVAILABLE));
        } // and closing ends
        assertThat(clock.released.getCount()).isEqualTo(1);
        clock.released.countDown();
        try (Broker again = Broker.open("sqlite:" + file())) {
            again.enqueue(batch("c"));
            assertThat(again.find("b")).isEmpty();
        }
    }

    private static final class Deaf implements Writer.Teller {
        int undone;

        @Override
        public void prepare(Session session, Step step) {
            // nobody
        }

        @Override
        public void tell(Step step) {
            throw new OutOfMemoryError("of the test");
        }

        @Override
        public void undone() {
            undone++;
        }
    }

    @Test
    void goesOnAfterAnErrorInTelling() throws Exception {
        var dialect = new SqliteDialect(InstantSource.system());
        var database = new Database(file(), "sqlite:jobs.db", false, true);
        Connection connection = database.create(dialect, new Schema());
        var teller = new Deaf();
        try (WriteLock lock = WriteLock.of(file());
                Writer writer = new Writer(database, dialect, lock, connection, teller, Writer.LIMIT)) {
            assertThat(writer.<Integer>run(_ -> 1)).isEqualTo(1);
            assertThatThrownBy(() -> writer.run(_ -> {
                throw new SQLException("of the test");
            })).isInstanceOf(BrokerException.class);
            assertThat(teller.undone).isEqualTo(1);
            assertThat(writer.<Integer>run(_ -> 2)).isEqualTo(2);
        }
    }

    @Test
    void tellsAllThatTheThreadHasEnded() throws Exception {
        var dialect = new SqliteDialect(InstantSource.system());
        var database = new Database(file(), "sqlite:jobs.db", false, true);
        Connection connection = database.create(dialect, new Schema());
        try (WriteLock lock = WriteLock.of(file());
                Writer writer = new Writer(database, dialect, lock, connection, new Deaf(), Writer.LIMIT)) {
            Thread thread = writer.run(_ -> Thread.currentThread());
            thread.interrupt();
            thread.join();
            assertThatThrownBy(() -> writer.<Integer>run(_ -> 1)).isInstanceOf(BrokerException.class)
                    .hasMessageContaining("its thread has ended");
        }
    }

    @Test
    void whatHasBegunIsInDoubtAndWhatHasNotIsNeverDone() throws Exception {
        var dialect = new SqliteDialect(InstantSource.system());
        var database = new Database(file(), "sqlite:jobs.db", false, true);
        Connection connection = database.create(dialect, new Schema());
        var released = new CountDownLatch(1);
        var done = new AtomicInteger();
        try (WriteLock lock = WriteLock.of(file());
                Writer writer = new Writer(database, dialect, lock, connection, new Deaf(), Writer.LIMIT)) {
            boolean hasBegun = false;
            while (!hasBegun) { // a busy machine may not begin it in time
                hasBegun = isDoubtful(writer, _ -> {
                    try {
                        released.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    return true;
                });
            }
            assertThat(isDoubtful(writer, _ -> done.incrementAndGet() > 0)).isFalse();
            released.countDown();
            assertThat(writer.<Integer>run(_ -> 3)).isEqualTo(3);
            assertThat(done).hasValue(0);
        }
    }

    private static boolean isDoubtful(Writer writer, Writer.Operation<Boolean> operation) {
        var error = catchThrowableOfType(BrokerException.class,
                () -> writer.run(operation, Duration.ofMillis(50)));
        assertThat(error).hasMessageMatching("sqlite:jobs.db did not (begin|finish) an operation within .*");
        assertThat(error.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
        return error.isDoubtful();
    }

    private static BrokerException error(SQLiteErrorCode code) {
        return SqliteErrors.of("sqlite:jobs.db", new SQLiteException("of the test", code), false);
    }

    @Test
    void waitsOnceOnlyForALockOfAnotherProgram() {
        assertThat(SqliteErrors.isOfOperation(error(SQLiteErrorCode.SQLITE_BUSY))).isFalse();
        assertThat(SqliteErrors.isOfOperation(error(SQLiteErrorCode.SQLITE_IOERR_READ))).isFalse();
        assertThat(SqliteErrors.isOfOperation(error(SQLiteErrorCode.SQLITE_FULL))).isTrue();
        assertThat(SqliteErrors.isOfOperation(error(SQLiteErrorCode.SQLITE_TOOBIG))).isTrue();
        assertThat(SqliteErrors.isOfOperation(new IllegalArgumentException())).isTrue();
    }

    @Test
    void saysWhatToDoAboutASnapshotThatIsOld() {
        assertThat(error(SQLiteErrorCode.SQLITE_BUSY_SNAPSHOT)).hasMessageContaining("begin it IMMEDIATE");
    }

    @Test
    void leavesOutARequestThatCannotBeRead() throws SQLException {
        try (Broker broker = Broker.open("sqlite:" + file());
                Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file())) {
            broker.control(new ControlMessage(null, "stop", Map.of()));
            try (Statement statement = connection.createStatement()) {
                statement.execute("UPDATE sennit_control SET arguments = x'7b22'");
            }
            broker.control(new ControlMessage(null, "pause", Map.of()));
            var dialect = new SqliteDialect(InstantSource.system());
            try (var session = new Session(connection, dialect)) {
                assertThat(Lookup.controls(new Step(session, dialect), "w1", -1))
                        .extracting(control -> control.message().command()).containsExactly("pause");
            }
        }
    }
}
