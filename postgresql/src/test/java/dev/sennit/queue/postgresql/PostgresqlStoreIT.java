package dev.sennit.queue.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TransactionalEnqueue;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postgresql.ds.PGSimpleDataSource;

/** What PostgreSQL adds to the contract of brokers: transactions of callers, many writers, tables, addresses. */
@WithServer(value = ServerKind.POSTGRESQL, fsync = false)
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PostgresqlStoreIT {
    private static final AtomicInteger SCHEMAS = new AtomicInteger();
    private static final String SECRET = "Hunter2-horse";
    private static final Duration LEASE = Duration.ofMinutes(5);

    private final TestServer server;
    private final String schema = "store_" + SCHEMAS.incrementAndGet();

    PostgresqlStoreIT(TestServer server) {
        this.server = server;
    }

    private String uri(String options) {
        return server.uri() + "?schema=" + schema + options;
    }

    private Address address() {
        return new Address(BrokerUri.parse(uri("")));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static QueuedTask.Builder task(String id) {
        return QueuedTask.of("work", bytes("1")).id(id);
    }

    private static List<Claim> claim(Broker broker, int most) {
        return broker.claim(new ClaimRequest("w", List.of("default"), Set.of("work"), most, LEASE)).claims();
    }

    private static boolean complete(Broker broker, Claim claim) {
        return broker.complete(List.of(new Completion(claim.token(), bytes("2"), Batch.EMPTY))).getFirst();
    }

    // ---- the caller's transaction ----

    @Test
    void enqueuesInTheTransactionOfTheCaller() throws Exception {
        try (Broker broker = Broker.open(uri("")); Connection connection = Connector.to(address()).connect(false)) {
            var enqueue = (TransactionalEnqueue) broker;
            Batch batch = Batch.of(task("a").build());
            assertThatThrownBy(() -> enqueue.enqueue(connection, batch)).isInstanceOf(IllegalStateException.class);
            connection.setAutoCommit(false);
            BlockingQueue<String> heard = new LinkedBlockingQueue<>();
            broker.subscribe(new BrokerListener.Interest(Set.of("default"), null, null), new BrokerListener() {
                @Override
                public void workMayBeReady() {
                    heard.add("work");
                }
            });
            assertThat(enqueue.enqueue(connection, batch)).containsExactly(new Enqueued("a", false));
            assertThat(claim(broker, 1)).isEmpty();
            connection.rollback();
            assertThat(broker.find("a")).isEmpty();
            enqueue.enqueue(connection, batch);
            heard.clear();
            connection.commit();
            assertThat(heard.poll(30, TimeUnit.SECONDS)).isEqualTo("work");
            assertThat(claim(broker, 1)).hasSize(1);
        }
    }

    @Test
    void leavesTheSettingsOfTheCallersTransaction() throws Exception {
        try (Broker broker = Broker.open(uri("")); Connection connection = Connector.to(address()).connect(true)) {
            ((TransactionalEnqueue) broker).enqueue(connection, Batch.of(task("a").build()));
            try (var statement = connection.createStatement();
                    var row = statement.executeQuery(
                            "SELECT current_setting('enable_seqscan'), current_setting('lock_timeout')")) {
                row.next();
                assertThat(row.getString(1)).isEqualTo("on");
                assertThat(row.getString(2)).isEqualTo("0");
            }
        }
    }

    @Test
    void refusesConnectionsToAnotherStoreAndLeavesTheirTransactionAlone() throws Exception {
        Stores.run(address(), "CREATE DATABASE other_" + schema);
        var other = new Address(BrokerUri.parse(uri("").replace("/postgres?", "/other_" + schema + "?")));
        try (Broker broker = Broker.open(uri(""));
                Connection connection = Connector.to(other).connect(true);
                var statement = connection.createStatement()) {
            statement.execute("CREATE TABLE mine (id INTEGER)");
            assertThatThrownBy(() -> ((TransactionalEnqueue) broker).enqueue(connection, Batch.of(task("a").build())))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("not one to the database of");
            statement.execute("INSERT INTO mine VALUES (1)");
            connection.commit();
        }
    }

    // ---- data sources ----

    @Test
    void runsOverADataSourceAndGivesItsConnectionsBack() throws Exception {
        var source = new PGSimpleDataSource();
        Address address = address();
        source.setUrl("jdbc:postgresql://" + address.host() + ":" + address.port() + "/" + address.database());
        source.setUser(address.user());
        source.setPassword(address.password());
        source.setApplicationName("of " + schema);
        String open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'of " + schema + "'";
        try (PostgresqlBroker broker = PostgresqlBroker.over(source, schema)) {
            BlockingQueue<EndedTask> ends = new LinkedBlockingQueue<>();
            broker.subscribe(new BrokerListener.Interest(Set.of(), "me", null), new BrokerListener() {
                @Override
                public void ended(EndedTask end) {
                    ends.add(end);
                }
            });
            broker.enqueue(Batch.of(task("a").replyTo("me").build()));
            assertThat(complete(broker, claim(broker, 1).getFirst())).isTrue();
            assertThat(ends.poll(30, TimeUnit.SECONDS)).extracting(EndedTask::id).isEqualTo("a");
            await(() -> Stores.number(address, open) == 1);
            assertThat(broker.find("a")).isPresent();
        }
        await(() -> Stores.number(address, open) == 0);
        assertThatThrownBy(() -> PostgresqlBroker.over(source, "no\"name")).isInstanceOf(
                IllegalArgumentException.class);
    }

    @Test
    void holdsNoMoreConnectionsThanItSays() throws Exception {
        Address address = new Address(BrokerUri.parse(uri("&connections=3")));
        try (Broker broker = Broker.open(uri("&connections=3"))) {
            broker.subscribe(new BrokerListener.Interest(Set.of("default"), "me", "w"), new BrokerListener() {});
            long before = connections(address);
            inThreads(16, thread -> {
                for (int i = 0; i < 20; i++) {
                    broker.enqueue(Batch.of(task(thread + "-" + i).build()));
                    broker.counts();
                }
                return true;
            });
            assertThat(connections(address)).isLessThanOrEqualTo(before - 1 + 3);
        }
    }

    private static long connections(Address address) throws SQLException {
        return Stores.number(address, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sennit'"
                + " AND pid <> pg_backend_pid()");
    }

    // ---- tables ----

    @Test
    void manyBrokersMakeTheTablesAtOnce() throws Exception {
        inThreads(8, thread -> {
            try (Broker broker = Broker.open(uri(""))) {
                broker.enqueue(Batch.of(task("t" + thread).build()));
            }
            return true;
        });
        assertThat(Stores.number(address(), "SELECT count(*) FROM " + schema + ".task")).isEqualTo(8);
        assertThat(Stores.number(address(), "SELECT count(*) FROM " + schema + ".meta")).isEqualTo(1);
    }

    @Test
    void refusesTablesOfANewerVersionAlsoWhileItRuns() throws Exception {
        try (Broker broker = Broker.open(uri(""))) {
            Stores.run(address(), "UPDATE " + schema + ".meta SET version = 99, readable = 99");
            assertThatThrownBy(() -> Broker.open(uri(""))).satisfies(PostgresqlStoreIT::isNewer);
            assertThatThrownBy(() -> broker.enqueue(Batch.of(task("a").build())))
                    .satisfies(PostgresqlStoreIT::isNewer);
            Stores.run(address(), "UPDATE " + schema + ".meta SET readable = 1");
            assertThat(broker.enqueue(Batch.of(task("a").build()))).hasSize(1);
            Broker.open(uri("")).close();
        }
    }

    private static void isNewer(Throwable error) {
        assertThat(error).isInstanceOf(BrokerException.class).hasMessageContaining("of a newer Sennit")
                .hasMessageNotContaining("\n");
        assertThat(((BrokerException) error).kind()).isEqualTo(BrokerException.Kind.UNUSABLE);
    }

    @Test
    void keepsTextsWithTheCharacterZero() throws Exception {
        try (Broker broker = Broker.open(uri(""))) {
            broker.enqueue(Batch.of(task("a").replyTo("me\0").headers(Map.of("h\0", "\0")).build()));
            assertThat(claim(broker, 1).getFirst().task().headers()).containsEntry("h\0", "\0");
        }
    }

    // ---- many writers ----

    /** Chords, keys, unique tasks and cancels of 16 threads: each task ends once, and no two wait for each other. */
    @Test
    void sixteenThreadsOnFourConnectionsDoNotWaitForEachOther() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("sixteenThreadsOnFourConnectionsDoNotWaitForEachOther: seed " + seed);
        int threads = 16;
        int rounds = Integer.getInteger("sennit.postgresqlRounds", 12);
        Map<String, Integer> completed = new ConcurrentHashMap<>();
        Set<String> enqueued = ConcurrentHashMap.newKeySet();
        long before = deadlocks();
        try (Broker one = Broker.open(uri("")); Broker two = Broker.open(uri(""))) {
            inThreads(threads, thread -> {
                var random = new SplittableRandom(seed + thread);
                Broker broker = thread % 2 == 0 ? one : two;
                for (int round = 0; round < rounds; round++) {
                    broker.enqueue(batch(random, thread + "-" + round, enqueued));
                    for (Claim claim : claim(broker, 1 + random.nextInt(8))) {
                        if (complete(broker, claim)) {
                            completed.merge(claim.token().id(), 1, Integer::sum);
                        }
                    }
                    if (random.nextInt(4) == 0) {
                        broker.upkeep(Upkeep.Limits.USUAL);
                    }
                }
                return true;
            });
            await(() -> {
                List<Claim> claims = claim(one, 50);
                for (Claim claim : claims) {
                    assertThat(complete(two, claim)).isTrue();
                    completed.merge(claim.token().id(), 1, Integer::sum);
                }
                return claims.isEmpty() && one.counts().isEmpty();
            });
        }
        assertThat(completed.keySet()).isEqualTo(enqueued);
        assertThat(completed.values()).containsOnly(1);
        for (String table : List.of("turn", "chord", "part", "unique", "body", "checkpoint")) {
            assertThat(Stores.number(address(), "SELECT count(*) FROM " + schema + "." + table)).as(table).isZero();
        }
        assertThat(deadlocks() - before).isZero();
    }

    /** The server counts them too, but some time later. */
    private long deadlocks() throws IOException {
        try (Stream<String> lines = Files.lines(server.folder().resolve("server.log"))) {
            return lines.filter(line -> line.contains("deadlock detected")).count();
        }
    }

    private static Batch batch(SplittableRandom random, String name, Set<String> enqueued) {
        List<QueuedTask> tasks = new ArrayList<>();
        List<Join> joins = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            tasks.add(task(name + "-k" + i).key(new KeyLimit("key" + random.nextInt(5), 1 + random.nextInt(2)))
                    .priority(random.nextInt(10)).build());
            tasks.add(task(name + "-p" + i).part(new PartOf(name, i)).root(name + "-p0").build());
        }
        tasks.add(task(name + "-u").unique(new Unique("unique " + name, Unique.Until.ENDED, null)).build());
        tasks.add(task(name + "-b").after(name).root(name + "-p0").payload(new byte[5000]).build());
        joins.add(new Join(name, 3, List.of()));
        tasks.forEach(task -> enqueued.add(task.id()));
        return new Batch(tasks, joins);
    }

    // ---- without notices ----

    @Test
    void hearsWithoutNoticesToo() throws Exception {
        try (Broker broker = Broker.open(uri("&notify=off")); Broker other = Broker.open(uri("&notify=off"))) {
            BlockingQueue<String> heard = new LinkedBlockingQueue<>();
            broker.subscribe(new BrokerListener.Interest(Set.of("default"), "me", "w"), new BrokerListener() {
                @Override
                public void workMayBeReady() {
                    heard.add("work");
                }

                @Override
                public void ended(EndedTask end) {
                    heard.add("ended " + end.id() + " " + end.state());
                }

                @Override
                public void cancelRequested(String id) {
                    heard.add("cancel " + id);
                }

                @Override
                public void control(ControlMessage message) {
                    heard.add("control " + message.command());
                }
            });
            other.enqueue(Batch.of(task("a").replyTo("me").build(), task("b").build()));
            awaitHeard(heard, "work");
            List<Claim> claims = claim(broker, 2);
            complete(other, claims.getFirst());
            awaitHeard(heard, "ended a SUCCEEDED");
            assertThat(other.cancel("b")).isEqualTo(TaskState.RUNNING);
            awaitHeard(heard, "cancel b");
            other.control(new ControlMessage("w", "quiet", Map.of()));
            awaitHeard(heard, "control quiet");
        }
    }

    private static void awaitHeard(BlockingQueue<String> heard, String wanted) throws InterruptedException {
        String next;
        do {
            next = heard.poll(30, TimeUnit.SECONDS);
            assertThat(next).as("instead of " + wanted).isNotNull();
        } while (!wanted.equals(next));
    }

    // ---- what is wrong ----

    @Test
    void saysInOneLineWhatIsWrongAndNeverThePassword() throws Exception {
        Stores.run(address(), "CREATE ROLE poor_" + schema + " LOGIN PASSWORD '" + SECRET + "'");
        String host = "postgresql://sennit:" + SECRET + "@127.0.0.1:";
        BrokerException.Kind unavailable = BrokerException.Kind.UNAVAILABLE;
        BrokerException.Kind refused = BrokerException.Kind.REFUSED;
        assertThat(wrong(host + server.port() + "/postgres", refused)).contains("refuses this user");
        assertThat(wrong(host + "1/postgres", unavailable)).contains("cannot be reached");
        assertThat(wrong("postgresql://sennit:" + SECRET + "@nowhere.invalid/postgres", unavailable))
                .contains("nowhere.invalid", "cannot be reached");
        assertThat(wrong(host.replace("sennit:", "poor_" + schema + ":") + server.port() + "/postgres?schema="
                + schema, refused)).contains("grant this user the rights");
        String nowhere = uri("").replace("/postgres?", "/nowhere?");
        assertThat(wrong(nowhere, refused)).contains("no such database");
        for (String bad : List.of(host + "x/postgres", host + "70000/postgres", host + "5432", host + "5432/",
                host + "5432/postgres?schema=A", host + "5432/postgres?notify=maybe",
                host + "5432/postgres?connections=1", host + "5432/postgres?nothing=1",
                "postgresql:" + SECRET + "@x/y", "postgresql://u:" + SECRET + "@/y",
                "postgresql://u:" + SECRET + "%@h/y", "postgresql://u:" + SECRET + "@h%/y")) {
            wrong(bad, null);
        }
    }

    /** Opens a broker in vain, and returns the message. */
    private String wrong(String uri, BrokerException.@Nullable Kind kind) {
        Throwable error = catchThrowable(() -> Broker.open(uri).close());
        assertThat(error).as(uri).isInstanceOf(
                kind == null ? IllegalArgumentException.class : BrokerException.class);
        if (error instanceof BrokerException broker) {
            assertThat(broker.kind()).isEqualTo(kind);
            assertThat(broker.isDoubtful()).isFalse();
        }
        var all = new StringWriter();
        error.printStackTrace(new PrintWriter(all, true));
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            all.append(thread.getName()).append('\n');
        }
        assertThat(all.toString()).doesNotContain(SECRET).doesNotContain(String.valueOf(address().password()));
        assertThat(error.getMessage()).doesNotContain("\n");
        return error.getMessage();
    }

    @Test
    void showsNoPasswordWhileItRuns() throws Exception {
        String secret = String.valueOf(address().password());
        try (Broker broker = Broker.open(uri(""))) {
            broker.subscribe(new BrokerListener.Interest(Set.of("default"), "me", "w"), new BrokerListener() {});
            broker.now();
            var shown = new StringBuilder(broker.name() + broker + address());
            Thread.getAllStackTraces().keySet().forEach(thread -> shown.append(thread));
            assertThat(shown.toString()).contains("sennit-postgresql-1").doesNotContain(secret);
            Stores.run(address(), "DROP SCHEMA " + schema + " CASCADE");
            Throwable error = catchThrowable(() -> broker.enqueue(Batch.of(task("a").build())));
            assertThat(error).isInstanceOf(BrokerException.class).hasMessageContaining("has lost its tables");
            var trace = new StringWriter();
            error.printStackTrace(new PrintWriter(trace, true));
            assertThat(trace.toString()).doesNotContain(secret);
        }
    }

    // ---- help ----

    private interface InThread {
        boolean run(int thread) throws Exception;
    }

    private static void inThreads(int count, InThread body) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
            List<Future<Boolean>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int thread = i;
                all.add(threads.submit(() -> body.run(thread)));
            }
            for (Future<Boolean> each : all) {
                each.get();
            }
        }
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.call()) {
            assertThat(System.nanoTime() - start).as("nanoseconds").isLessThan(60_000_000_000L);
            Thread.sleep(5);
        }
    }
}
