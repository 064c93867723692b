package dev.sennit.queue.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.When;
import dev.sennit.queue.sql.Schema;
import dev.sennit.queue.sql.Session;
import dev.sennit.queue.sql.Shortcuts;
import dev.sennit.queue.sql.Wakes;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The short way of enqueuing, claiming and completing: it does all or nothing, and leaves what needs more. */
@WithServer(value = ServerKind.POSTGRESQL, fsync = false)
@Timeout(value = 2, unit = java.util.concurrent.TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ShortcutsIT {
    private static final AtomicInteger SCHEMAS = new AtomicInteger();
    private static final byte[] ONE = {'1'};
    private static final byte[] TWO = {'2'};

    private final String uri;
    private final Address address;
    private final Shortcuts shortcuts;
    private final PostgresqlDialect dialect;
    private Broker broker;
    private Connection connection;
    private Session session;

    ShortcutsIT(TestServer server) {
        uri = server.uri() + "?schema=short_" + SCHEMAS.incrementAndGet();
        address = new Address(BrokerUri.parse(uri));
        dialect = PostgresqlDialect.of(address.schema(), null, null, new Schema(), "test");
        shortcuts = dialect.shortcuts(Notices::payload);
    }

    @BeforeEach
    void open() throws SQLException {
        broker = Broker.open(uri);
        connection = Connector.to(address).connect(true);
        session = new Session(connection, dialect);
    }

    @AfterEach
    void close() throws SQLException {
        session.close();
        connection.close();
        broker.close();
    }

    private static QueuedTask.Builder task(String id) {
        return QueuedTask.of("work", ONE).id(id);
    }

    private static ClaimRequest request(int most, String... queues) {
        return new ClaimRequest("w", List.of(queues), Set.of("work", "other"), most, Duration.ofMinutes(5));
    }

    private static Completion completion(Token token) {
        return new Completion(token, TWO, Batch.EMPTY);
    }

    private static List<String> ids(Claimed claimed) {
        return claimed.claims().stream().map(claim -> claim.task().id()).toList();
    }

    private void enqueue(QueuedTask... tasks) throws SQLException {
        List<Batch> batches = List.of(Batch.of(tasks));
        assertThat(Shortcuts.fit(batches)).isTrue();
        assertThat(shortcuts.enqueue(session, batches, new Wakes())).isNotNull();
    }

    @Test
    void enqueuesClaimsAndCompletes() throws SQLException {
        var wakes = new Wakes();
        List<Batch> batches = List.of(
                Batch.of(task("a").build(), task("b").priority(9).replyTo("me").build()),
                Batch.of(task("c").queue("second").build(), task("d").build(), task("a").build()));
        assertThat(shortcuts.enqueue(session, batches, wakes)).containsExactly(
                List.of(new Enqueued("a", false), new Enqueued("b", false)),
                List.of(new Enqueued("c", false), new Enqueued("d", false), new Enqueued("a", false)));
        assertThat(wakes.queues()).containsExactlyInAnyOrder("default", "second");
        Claimed claimed = shortcuts.claim(session, request(3, "second", "default"));
        connection.commit();
        assertThat(claimed).isNotNull();
        assertThat(ids(claimed)).containsExactly("c", "b", "a");
        assertThat(claimed.lookAgainIn()).isNull();
        assertThat(broker.find("d").orElseThrow().state()).isEqualTo(TaskState.READY);
        assertThat(broker.find("b").orElseThrow().state()).isEqualTo(TaskState.RUNNING);
        var told = new Wakes();
        assertThat(shortcuts.complete(session,
                claimed.claims().stream().map(claim -> completion(claim.token())).toList(), told)).isTrue();
        connection.commit();
        assertThat(told.addresses()).containsExactly("me");
        List<EndedTask> ended = broker.ended(List.of("a", "b", "c", "d"));
        assertThat(ended).hasSize(3).allMatch(end -> end.state() == TaskState.SUCCEEDED && end.attempts() == 1);
        assertThat(ended).allSatisfy(end -> assertThat(end.result()).isEqualTo(TWO));
    }

    @Test
    void knowsTasksThatAreThere() throws SQLException {
        enqueue(task("a").build());
        assertThat(shortcuts.enqueue(session, List.of(Batch.of(task("a").build(), task("b").build())), new Wakes()))
                .isNull(); // what is there is looked up in the long way
        assertThat(broker.enqueue(Batch.of(task("a").build(), task("b").build())))
                .containsExactly(new Enqueued("a", false), new Enqueued("b", false));
        Claimed claimed = shortcuts.claim(session, request(5, "default"));
        assertThat(claimed).isNotNull();
        assertThat(ids(claimed)).containsExactly("a", "b");
        assertThat(shortcuts.complete(session, List.of(completion(new Token("a", 1))), new Wakes())).isTrue();
        connection.commit();
        assertThat(shortcuts.enqueue(session, List.of(Batch.of(task("x").build(), task("a").build())), new Wakes()))
                .isNull(); // what has ended is looked up in the long way
        assertThat(broker.find("x")).isEmpty();
        assertThat(broker.enqueue(Batch.of(task("a").build()))).containsExactly(new Enqueued("a", false));
        assertThat(broker.find("a").orElseThrow().state()).isEqualTo(TaskState.SUCCEEDED);
    }

    /** A transaction that ends the task has not committed yet when the repeated call begins. */
    @Test
    void knowsTasksThatEndMeanwhile() throws Exception {
        enqueue(task("a").build());
        assertThat(broker.claim(request(1, "default")).claims()).hasSize(1);
        assertThat(shortcuts.complete(session, List.of(completion(new Token("a", 1))), new Wakes())).isTrue();
        try (Connection second = Connector.to(address).connect(true);
                var other = new Session(second, dialect);
                Connection third = Connector.to(address).connect(false);
                var looking = third.createStatement()) {
            var repeating = new FutureTask<>(
                    () -> shortcuts.enqueue(other, List.of(Batch.of(task("a").build())), new Wakes()));
            Thread thread = Thread.ofPlatform().daemon().start(repeating);
            long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
            for (boolean waits = false; !waits && thread.isAlive() && System.nanoTime() < end;) {
                try (var rows = looking.executeQuery("SELECT count(*) FROM pg_locks WHERE NOT granted")) {
                    waits = rows.next() && rows.getInt(1) > 0;
                }
            }
            connection.commit();
            assertThat(repeating.get(1, TimeUnit.MINUTES)).as("it takes the long way").isNull();
        }
        assertThat(broker.find("a").orElseThrow().state()).isEqualTo(TaskState.SUCCEEDED);
        assertThat(broker.claim(request(1, "default")).claims()).isEmpty();
    }

    /** A transaction has a thousand numbers. */
    @Test
    void givesNoNumbersOfOtherTransactions() throws SQLException {
        enqueue(IntStream.range(0, 1000).mapToObj(i -> task("a" + i).replyTo("me").build())
                .toArray(QueuedTask[]::new));
        assertThat(distinct("task", "seq % 1000")).as("the last digits of tasks").isEqualTo(1000);
        assertThat(distinct("task", "seq / 1000")).as("the ranges of tasks").isOne();
        Claimed claimed = shortcuts.claim(session, request(1000, "default"));
        connection.commit();
        assertThat(claimed).isNotNull();
        assertThat(shortcuts.complete(session,
                claimed.claims().stream().map(claim -> completion(claim.token())).toList(), new Wakes())).isTrue();
        connection.commit();
        assertThat(distinct("ended", "reply_seq % 1000")).as("the last digits of ends").isEqualTo(1000);
        assertThat(distinct("ended", "reply_seq / 1000")).as("the ranges of ends").isOne();
    }

    private int distinct(String table, String what) throws SQLException {
        try (var statement = connection.createStatement();
                var rows = statement
                        .executeQuery("SELECT count(DISTINCT " + what + ") FROM " + address.schema() + "." + table)) {
            return rows.next() ? rows.getInt(1) : 0;
        } finally {
            connection.rollback();
        }
    }

    private void ensureClaimTakesTheLongWay(Consumer<Broker> obstacle) throws SQLException {
        obstacle.accept(broker);
        assertThat(shortcuts.claim(session, request(5, "default"))).isNull();
        connection.rollback();
    }

    @Test
    void leavesClaimsThatNeedMore() throws SQLException {
        enqueue(task("a").build());
        ensureClaimTakesTheLongWay(some -> some.pause(Scope.type("other")));
        broker.resume(Scope.type("other"));
        ensureClaimTakesTheLongWay(some -> some.pause(Scope.queue("default")));
        broker.resume(Scope.queue("default"));
        ensureClaimTakesTheLongWay(some -> some.limit("work", new Rate(1, Duration.ofHours(1), 1)));
        broker.limit("work", null);
        Claimed claimed = shortcuts.claim(session, request(5, "default"));
        assertThat(claimed).isNotNull();
        assertThat(ids(claimed)).containsExactly("a");
        connection.rollback();
        List<QueuedTask> special = List.of(task("k").key(new KeyLimit("customer", 1)).build(),
                task("u").unique(new Unique("once", Unique.Until.BEGUN, null)).build(),
                QueuedTask.of("work", ("\"" + "x".repeat(5_000) + "\"").getBytes()).id("l").build(),
                task("e").expires(When.after(Duration.ofMillis(1))).build());
        for (QueuedTask each : special) {
            ensureClaimTakesTheLongWay(some -> some.enqueue(Batch.of(each)));
            assertThat(broker.find("a").orElseThrow().state()).isEqualTo(TaskState.READY);
            broker.cancel(each.id());
        }
        Stores.run(address, "UPDATE " + address.schema() + ".task SET message = 'spoilt' WHERE id = 'a'");
        ensureClaimTakesTheLongWay(_ -> {});
        assertThat(broker.claim(request(5, "default")).claims()).isEmpty();
        assertThat(broker.find("a").orElseThrow().state()).isEqualTo(TaskState.DEAD);
    }

    @Test
    void leavesEndsThatNeedMore() throws SQLException {
        broker.enqueue(Batch.of(task("a").build(), task("k").key(new KeyLimit("customer", 1)).build(),
                task("u").unique(new Unique("once", Unique.Until.ENDED, null)).build()));
        List<Claim> claims = broker.claim(request(3, "default")).claims();
        assertThat(claims).hasSize(3);
        for (Claim claim : claims) {
            boolean isPlain = claim.task().id().equals("a");
            assertThat(shortcuts.complete(session, List.of(completion(claim.token())), new Wakes()))
                    .as(claim.task().id()).isEqualTo(isPlain);
            connection.rollback();
        }
        assertThat(shortcuts.complete(session, claims.stream().map(claim -> completion(claim.token())).toList(),
                new Wakes())).isFalse();
        assertThat(shortcuts.complete(session, List.of(completion(new Token("a", 2))), new Wakes())).isFalse();
        assertThat(shortcuts.complete(session, List.of(completion(new Token("b", 1))), new Wakes())).isFalse();
        connection.rollback();
        var token = new Token("a", 1);
        assertThat(Shortcuts.areFit(List.of(completion(token), completion(token)))).isFalse();
        assertThat(Shortcuts.areFit(List.of(new Completion(token, TWO, Batch.of(task("n").build()))))).isFalse();
        assertThat(broker.ended(List.of("a", "k", "u"))).isEmpty();
    }

    @Test
    void leavesAllThatHasEventsAndTablesOfNewerPrograms() throws SQLException {
        enqueue(task("a").build());
        broker.keepEvents(Duration.ofHours(1));
        assertThat(shortcuts.enqueue(session, List.of(Batch.of(task("b").build())), new Wakes())).isNull();
        ensureClaimTakesTheLongWay(_ -> {});
        assertThat(broker.find("b")).isEmpty();
        Stores.run(address, "UPDATE " + address.schema() + ".meta SET events_until = 0, readable = 99");
        assertThat(shortcuts.enqueue(session, List.of(Batch.of(task("b").build())), new Wakes())).isNull();
        ensureClaimTakesTheLongWay(_ -> {});
        assertThat(shortcuts.complete(session, List.of(completion(new Token("a", 1))), new Wakes())).isFalse();
        connection.rollback();
        assertThatThrownBy(() -> broker.enqueue(Batch.of(task("b").build()))).isInstanceOf(BrokerException.class)
                .hasMessageContaining("of a newer Sennit");
        Stores.run(address, "UPDATE " + address.schema() + ".meta SET readable = 1");
    }

    @Test
    void looksAgainForTasksThatAreDueOrLocked() throws SQLException {
        broker.enqueue(Batch.of(task("later").due(When.after(Duration.ofHours(1))).build()));
        Claimed none = shortcuts.claim(session, request(1, "default"));
        connection.commit();
        assertThat(none).isNotNull();
        assertThat(none.claims()).isEmpty();
        assertThat(none.lookAgainIn()).isBetween(Duration.ofMinutes(58), Duration.ofHours(1));
        enqueue(task("a").build());
        try (Connection other = Connector.to(address).connect(true); var statement = other.createStatement()) {
            statement.execute("SELECT 1 FROM " + address.schema() + ".task WHERE id = 'a' FOR UPDATE");
            Claimed locked = shortcuts.claim(session, request(1, "default"));
            connection.commit();
            assertThat(locked).isNotNull();
            assertThat(locked.claims()).isEmpty();
            assertThat(locked.lookAgainIn()).isEqualTo(Duration.ofMillis(5));
            other.rollback();
        }
    }

    /** Behind a pooler there are no shortcuts, as in programs from before they were there. */
    @Test
    void worksBesideProgramsWithoutShortcuts() {
        try (Broker old = Broker.open(uri + "&notify=off")) {
            broker.enqueue(Batch.of(task("a").build()));
            old.enqueue(Batch.of(task("b").build()));
            Claim a = old.claim(request(1, "default")).claims().getFirst();
            Claim b = broker.claim(request(1, "default")).claims().getFirst();
            assertThat(a.task().id()).isEqualTo("a");
            assertThat(b.task().id()).isEqualTo("b");
            assertThat(broker.complete(List.of(completion(a.token()), completion(b.token())))).containsOnly(true);
            assertThat(old.complete(List.of(completion(a.token()), completion(b.token())))).containsOnly(true);
            assertThat(old.complete(List.of(completion(new Token("a", 2))))).containsExactly(false);
            assertThat(old.ended(List.of("a", "b"))).hasSize(2);
        }
    }
}
