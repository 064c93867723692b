package dev.sennit.queue.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.sql.NextSchema;
import dev.sennit.queue.sql.Schema;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What can be wrong with a file is said in one line. */
class SqliteFileTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    private static QueuedTask task() {
        return QueuedTask.of("greet", "1".getBytes(StandardCharsets.UTF_8)).build();
    }

    private static int claim(Broker broker) {
        return broker.claim(new ClaimRequest("w", List.of("default"), Set.of("greet"), 10, Duration.ofSeconds(30)))
                .claims().size();
    }

    private void assertRefused(Path file, Kind kind, String message) {
        Throwable thrown = catchThrowable(() -> Broker.open("sqlite:" + file).close());
        assertThat(thrown).isInstanceOf(BrokerException.class).hasMessage("sqlite:" + file + " " + message);
        assertThat(((BrokerException) thrown).kind()).isEqualTo(kind);
        assertThat(((BrokerException) thrown).isDoubtful()).isFalse();
    }

    @Test
    void aFolderThatIsNotThere() {
        Path file = folder.resolve("none/jobs.db");
        assertRefused(file, Kind.REFUSED,
                "has no folder " + file.getParent() + ": create it, or name another file");
    }

    @Test
    void aDirectory() {
        assertRefused(folder, Kind.REFUSED, "is a directory: name a file in it");
    }

    @Test
    void aFileOfSomethingElse() throws Exception {
        Path file = folder.resolve("notes.txt");
        Files.writeString(file, "These are my notes, and none of a database. ".repeat(100));
        assertRefused(file, Kind.UNUSABLE, "is not a database of SQLite: name another file");
        assertThat(file).content().startsWith("These are my notes");
    }

    @Test
    void aFileOfANewerVersion() throws Exception {
        Path file = folder.resolve("jobs.db");
        Broker.open("sqlite:" + file).close();
        sql(file, "UPDATE sennit_meta SET version = 7, readable = 5");
        assertRefused(file, Kind.UNUSABLE, "has tables of version 7, of a newer Sennit: this one knows them up to"
                + " version 1, so update it");
    }

    @Test
    void aFileOfANewerVersionThatOnlyAddsSomething() throws Exception {
        Path file = folder.resolve("jobs.db");
        try (Broker broker = Broker.open("sqlite:" + file)) {
            sql(file, "ALTER TABLE sennit_task ADD COLUMN mood TEXT; UPDATE sennit_meta SET version = 2");
            broker.enqueue(Batch.of(task()));
            try (Broker second = Broker.open("sqlite:" + file)) {
                assertThat(claim(second)).isEqualTo(1);
            }
        }
    }

    @Test
    void anUpgradeWhileAnOlderProgramWorks() throws Exception {
        Path file = folder.resolve("jobs.db");
        Schema next = NextSchema.of(1, "ALTER TABLE {task} ADD COLUMN mood {text}");
        try (Broker old = Broker.open("sqlite:" + file)) {
            old.enqueue(Batch.of(task()));
            try (Broker upgraded = SqliteBroker.open(file, "new", false, true, InstantSource.system(), next)) {
                old.enqueue(Batch.of(task()));
                upgraded.enqueue(Batch.of(task()));
                assertThat(claim(old)).isEqualTo(3);
                Broker.open("sqlite:" + file).close();
            }
            SqliteBroker.open(file, "again", false, true, InstantSource.system(), next).close();
        }
    }

    @Test
    void anUpgradeThatFailsChangesNothing() throws Exception {
        Path file = folder.resolve("jobs.db");
        try (Broker old = Broker.open("sqlite:" + file)) {
            old.enqueue(Batch.of(task()));
            Schema wrong = NextSchema.of(2, "DELETE FROM {task}", "ALTER TABLE {nothing} ADD COLUMN mood {text}");
            assertThatThrownBy(() -> SqliteBroker.open(file, "new", false, true, InstantSource.system(), wrong))
                    .isInstanceOf(BrokerException.class).hasMessageContaining("no such table");
            Broker.open("sqlite:" + file).close();
            assertThat(claim(old)).isEqualTo(1);
        }
    }

    @Test
    void aFileThatHoldsTablesOfOthers() throws Exception {
        Path file = folder.resolve("shop.db");
        sql(file, "CREATE TABLE orders (id INTEGER)");
        try (Broker broker = Broker.open("sqlite:" + file)) {
            broker.enqueue(Batch.of(task()));
        }
        sql(file, "INSERT INTO orders VALUES (1)");
    }

    @Test
    void aRelativePathAndALink() throws Exception {
        Path link = folder.resolve("link");
        Files.createSymbolicLink(link, folder);
        try (Broker one = Broker.open("sqlite:" + folder.resolve("jobs.db"));
                Broker two = Broker.open("sqlite:" + link.resolve("../link/jobs.db") + "?sync=full")) {
            one.enqueue(Batch.of(task()));
            assertThat(claim(two)).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite:", "sqlite:a.db?sync=perhaps", "sqlite:a.db?snyc=full", "sqlite:a.db?network=yes"})
    void aWrongAddress(String address) {
        assertThatThrownBy(() -> Broker.open(address)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("sqlite (needs|has) .*");
    }

    @Test
    void fileSystemsOfNetworks() {
        assertThat(List.of("nfs4", "cifs", "9p", "fuse.sshfs", "NFS")).allMatch(Database::isNetwork);
        assertThat(List.of("ext4", "xfs", "tmpfs", "overlay", "apfs", "NTFS")).noneMatch(Database::isNetwork);
    }

    @Test
    void aFileThatIsRemovedAndPutBackWhileItIsInUse() throws Exception {
        Path file = folder.resolve("jobs.db");
        try (Broker broker = Broker.open("sqlite:" + file)) {
            broker.enqueue(Batch.of(task()));
            Path moved = folder.resolve("moved.db");
            Files.move(file, moved);
            assertGone(broker, file, "removed");
            Files.createFile(file);
            assertGone(broker, file, "replaced");
            Files.move(moved, file, StandardCopyOption.REPLACE_EXISTING);
            assertThat(claim(broker)).isEqualTo(1);
        }
    }

    private static void assertGone(Broker broker, Path file, String how) {
        List<Callable<?>> calls = List.of(() -> broker.enqueue(Batch.of(task())), broker::counts);
        for (Callable<?> call : calls) {
            assertThatThrownBy(call::call).isInstanceOf(BrokerException.class)
                    .hasMessage("sqlite:" + file + " was " + how
                            + " while it was in use: what was done since is lost; restart, or put the file back");
        }
    }

    /** Whatever is damaged: each operation works or says in one line that the file is of no use, and nothing hangs. */
    @Test
    void aDamagedFile() throws Exception {
        Path whole = folder.resolve("whole.db");
        try (Broker broker = Broker.open("sqlite:" + whole)) {
            List<QueuedTask> tasks = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                tasks.add(task());
            }
            broker.enqueue(new Batch(tasks, List.of()));
            claim(broker);
        }
        int refused = 0;
        for (int seed = 0; seed < 40; seed++) {
            Path file = folder.resolve("damaged" + seed + ".db");
            Files.copy(whole, file);
            damage(file, new Random(seed));
            refused += use(file, "seed " + seed);
        }
        assertThat(refused).isPositive();
    }

    private static void damage(Path file, Random random) throws Exception {
        try (var bytes = new RandomAccessFile(file.toFile(), "rw")) {
            for (int i = 0; i < 20; i++) {
                byte[] garbage = new byte[1 + random.nextInt(200)];
                random.nextBytes(garbage);
                bytes.seek(random.nextLong(bytes.length() - garbage.length));
                bytes.write(garbage);
            }
        }
    }

    private static int use(Path file, String what) {
        int refused = 0;
        try (Broker broker = Broker.open("sqlite:" + file)) {
            List<Callable<?>> calls = List.of(() -> claim(broker), () -> broker.enqueue(Batch.of(task())),
                    broker::counts,
                    () -> broker.search(TaskFilter.ALL, 1000), () -> broker.upkeep(Upkeep.Limits.USUAL),
                    () -> broker.purge(TaskFilter.ALL.state(TaskState.READY)), broker::workers, broker::schedules);
            for (Callable<?> call : calls) {
                refused += refuses(call, what);
            }
        } catch (BrokerException e) {
            assertDamage(e, what);
            refused++;
        }
        return refused;
    }

    private static int refuses(Callable<?> call, String what) {
        try {
            call.call();
            return 0;
        } catch (BrokerException e) {
            assertDamage(e, what);
            return 1;
        } catch (Exception e) {
            throw new AssertionError(what, e);
        }
    }

    private static void assertDamage(BrokerException error, String what) {
        assertThat(error).as(what)
                .hasMessageMatching("sqlite:\\S+ (is damaged|is not a database|fails|holds what|cannot"
                        + " be (opened|read)).*");
        assertThat(error.getMessage()).as(what).doesNotContain("\n").hasSizeLessThan(400);
    }

    @Test
    void anAnswerThatWasGivenIsInTheFile() throws Exception {
        Path file = folder.resolve("jobs.db");
        try (Broker broker = Broker.open("sqlite:" + file)) {
            broker.enqueue(Batch.of(task()));
            var claim =
                    broker.claim(new ClaimRequest("w", List.of("default"), Set.of("greet"), 1, Duration.ofSeconds(9)))
                            .claims().getFirst();
            broker.complete(List.of(new Completion(claim.token(), new byte[] {'1'}, Batch.EMPTY)));
            try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                    Statement statement = connection.createStatement();
                    var rows = statement.executeQuery("SELECT count(*) FROM sennit_ended")) {
                assertThat(rows.getInt(1)).isEqualTo(1);
            }
        }
    }

    private static void sql(Path file, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }
}
