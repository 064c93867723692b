package dev.sennit.queue.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.When;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.sql.Schema;
import dev.sennit.queue.sql.Session;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The operations on a file, with a clock that is moved by hand. What all brokers share is in {@code BrokerContract}.
 */
class SqliteBrokerTest {
    private static final Duration LEASE = Duration.ofSeconds(30);
    private static final ErrorInfo ERROR = new ErrorInfo("java.io.IOException", "no\nroom", "at ...");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    private final HandClock clock = new HandClock();

    @SuppressWarnings("NullAway.Init")
    private SqliteBroker broker;

    @BeforeEach
    void open() {
        broker = SqliteBroker.open(folder.resolve("jobs.db"), "sqlite:jobs.db", false, true, clock, new Schema());
    }

    @AfterEach
    void close() {
        broker.close();
    }

    private static QueuedTask.Builder task(String id) {
        return QueuedTask.of("greet", ("\"" + id + "\"").getBytes(StandardCharsets.UTF_8)).id(id);
    }

    private List<Enqueued> enqueue(QueuedTask.Builder... tasks) {
        return broker.enqueue(new Batch(Arrays.stream(tasks).map(QueuedTask.Builder::build).toList(), List.of()));
    }

    private Claimed claimed(int most) {
        return broker
                .claim(new ClaimRequest("w1", List.of("default", "second"), Set.of("greet", "other"), most, LEASE));
    }

    private List<Claim> claim(int most) {
        return claimed(most).claims();
    }

    private static List<String> ids(List<Claim> claims) {
        return claims.stream().map(claim -> claim.token().id()).toList();
    }

    private boolean complete(Claim claim, String result) {
        return broker.complete(List.of(new Completion(claim.token(), bytes(result), Batch.EMPTY))).getFirst();
    }

    private boolean fail(Claim claim, Failure.Verdict verdict) {
        return broker.fail(List.of(new Failure(claim.token(), ERROR, verdict))).getFirst();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private @Nullable TaskState state(String id) {
        return broker.find(id).map(TaskView::state).orElse(null);
    }

    private Upkeep upkeep() {
        return broker.upkeep(Upkeep.Limits.USUAL);
    }

    private void sql(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("jobs.db"));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private long rows(String table) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("jobs.db"));
                Statement statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT count(*) FROM " + table)) {
            return rows.getLong(1);
        }
    }

    /** Nothing is left in the tables of what is under way once all has ended. */
    private void assertNothingLeft() throws SQLException {
        for (String table : List.of("task", "body", "checkpoint", "chord", "part", "turn", "\"unique\"")) {
            assertThat(rows(table.startsWith("\"") ? "sennit_unique" : "sennit_" + table)).as(table).isZero();
        }
    }

    @Test
    void claimsByPriorityThenByTimeAndCompletesOnce() throws SQLException {
        enqueue(task("a"), task("b").priority(9), task("c").priority(0), task("d"));
        List<Claim> claims = claim(10);
        assertThat(ids(claims)).containsExactly("b", "a", "d", "c");
        assertThat(claims.getFirst().task().payload()).isEqualTo(bytes("\"b\""));
        assertThat(claims.getFirst().token().attempt()).isEqualTo(1);
        for (Claim claim : claims) {
            assertThat(complete(claim, "1")).isTrue();
            assertThat(complete(claim, "2")).isTrue();
        }
        assertThat(broker.ended(List.of("a", "x"))).singleElement()
                .satisfies(end -> assertThat(end.result()).isEqualTo(bytes("1")));
        assertThat(state("a")).isEqualTo(TaskState.SUCCEEDED);
        assertThat(enqueue(task("a"))).containsExactly(new Enqueued("a", false));
        assertThat(claim(1)).isEmpty();
        assertNothingLeft();
        clock.pass(Duration.ofDays(1));
        assertThat(upkeep().removed()).isEqualTo(4);
        assertThat(state("a")).isNull();
    }

    @Test
    void leavesTypesThatTheWorkerDoesNotKnow() {
        enqueue(QueuedTask.of("strange", bytes("1")).id("s").priority(9), task("a").priority(0),
                QueuedTask.of("other", bytes("1")).id("o"));
        List<Claim> claims = claim(10);
        assertThat(ids(claims)).containsExactly("o", "a");
        claims.forEach(claim -> complete(claim, "1"));
        clock.pass(Duration.ofDays(1));
        assertThat(upkeep().unknown()).isEqualTo(1);
        assertThat(broker.find("s").orElseThrow().reason()).isEqualTo(DeadReason.UNKNOWN_TYPE);
    }

    @Test
    void waitsForTypesThatAWorkerHasReported() {
        enqueue(QueuedTask.of("strange", bytes("1")).id("s"));
        clock.pass(Duration.ofHours(23));
        var report = new WorkerReport("w2", "host", 1, "running", "threads:1", 1, List.of("default:1"),
                Set.of("strange"), List.of(), 0, 0, Instant.EPOCH, Instant.EPOCH);
        broker.report(report);
        assertThat(broker.workers()).singleElement()
                .satisfies(worker -> assertThat(worker.seenAt()).isEqualTo(clock.instant()));
        clock.pass(Duration.ofHours(2));
        assertThat(upkeep().unknown()).isZero();
        assertThat(broker.workers()).isEmpty();
        clock.pass(Duration.ofHours(23));
        // All workers were off: what waits is not given up before those that know it have come back.
        assertThat(upkeep().unknown()).isZero();
        for (int i = 0; i < 48; i++) {
            broker.report(new WorkerReport("w3", "host", 1, "running", "threads:1", 1, List.of("default:1"),
                    Set.of("greet"), List.of(), 0, 0, Instant.EPOCH, Instant.EPOCH));
            assertThat(upkeep().unknown()).isZero();
            clock.pass(Duration.ofMinutes(30));
        }
        assertThat(upkeep().unknown()).isEqualTo(1);
    }

    @Test
    void looksAgainSoonBehindWhatHasExpired() {
        for (int i = 0; i < 5; i++) {
            enqueue(task("e" + i).expires(When.after(Duration.ofSeconds(1))));
        }
        enqueue(task("a"));
        clock.pass(Duration.ofSeconds(2));
        Claimed claimed = claimed(1);
        assertThat(claimed.claims()).isEmpty();
        assertThat(claimed.lookAgainIn()).isEqualTo(Duration.ofMillis(1));
        assertThat(ids(claim(1))).containsExactly("a");
    }

    @Test
    void replaysAndPurgesByTextAFewTasksAtATime() {
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 1000; i < 1250; i++) {
            tasks.add(task("t" + i).build());
        }
        broker.enqueue(new Batch(tasks, List.of()));
        for (Claim claim : claim(250)) {
            fail(claim, new Failure.Die(DeadReason.FAILED));
        }
        assertThat(broker.replay(TaskFilter.ALL.text("t1249"), null)).isEqualTo(1);
        assertThat(state("t1249")).isEqualTo(TaskState.READY);
        assertThat(broker.purge(TaskFilter.ALL.text("t100"))).isEqualTo(10);
        assertThat(broker.purge(TaskFilter.ALL.state(TaskState.READY, TaskState.SCHEDULED, TaskState.DEAD)))
                .isEqualTo(240);
    }

    @Test
    void takesNothingBackJustAfterTheClockWasSet() throws SQLException {
        var elapsed = new AtomicLong();
        var dialect = new SqliteDialect(clock, elapsed::get);
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("jobs.db"));
                var session = new Session(connection, dialect)) {
            dialect.moment(session);
            clock.pass(Duration.ofSeconds(40));
            elapsed.addAndGet(Duration.ofSeconds(40).toNanos());
            dialect.moment(session);
            assertThat(dialect.isClockSteady()).isTrue();
            clock.pass(Duration.ofHours(1));
            dialect.moment(session);
            assertThat(dialect.isClockSteady()).isFalse();
            clock.pass(Duration.ofSeconds(61));
            elapsed.addAndGet(Duration.ofSeconds(61).toNanos());
            dialect.moment(session);
            assertThat(dialect.isClockSteady()).isTrue();
        }
    }

    @Test
    void keepsToRatesThoughTheClockIsSetBack() {
        enqueue(task("a"), task("b"));
        broker.limit("greet", new Rate(1, Duration.ofSeconds(1), 1));
        assertThat(ids(claim(2))).containsExactly("a");
        clock.pass(Duration.ofHours(-1));
        assertThat(claimed(1).lookAgainIn()).isEqualTo(Duration.ofSeconds(1));
        clock.pass(Duration.ofSeconds(1));
        assertThat(ids(claim(1))).containsExactly("b");
    }

    @Test
    void delaysAndSaysWhenToLookAgain() {
        enqueue(task("late").due(When.after(Duration.ofSeconds(10))), task("past").due(When.at(Instant.EPOCH)));
        Claimed claimed = claimed(5);
        assertThat(ids(claimed.claims())).containsExactly("past");
        assertThat(claimed.lookAgainIn()).isEqualTo(Duration.ofSeconds(10));
        assertThat(state("late")).isEqualTo(TaskState.SCHEDULED);
        clock.pass(Duration.ofMillis(10_001));
        enqueue(task("now"));
        assertThat(state("late")).isEqualTo(TaskState.READY);
        clock.pass(Duration.ofSeconds(1));
        assertThat(broker.oldestReady(List.of("default"))).contains(Duration.ofMillis(1001));
        claimed = claimed(5);
        assertThat(ids(claimed.claims())).containsExactly("late", "now");
        assertThat(claimed.lookAgainIn()).isNull();
    }

    @Test
    void takesExpiredLeasesBackUntilTheTaskHasCrashedTooOften() {
        enqueue(task("a").retry(RetryPolicy.NONE.crashes(2)), task("once").atMostOnce(true), task("stop"));
        List<Claim> first = claim(10);
        broker.cancel("stop");
        assertThat(broker.extend(List.of(Renewal.of(first.get(0).token()), Renewal.of(first.get(2).token())), LEASE))
                .containsExactly(LeaseState.HELD, LeaseState.CANCEL_REQUESTED);
        clock.pass(LEASE);
        Upkeep upkeep = upkeep();
        assertThat(upkeep).isEqualTo(new Upkeep(1, 2, 0, 0, 0, false));
        assertThat(broker.find("once").orElseThrow().reason()).isEqualTo(DeadReason.LOST);
        assertThat(state("stop")).isEqualTo(TaskState.CANCELLED);
        assertThat(complete(first.getFirst(), "1")).isFalse();
        Claim second = claim(1).getFirst();
        assertThat(second.crashes()).isEqualTo(1);
        assertThat(broker.extend(List.of(Renewal.of(first.getFirst().token())), LEASE))
                .containsExactly(LeaseState.LOST);
        assertThat(fail(second, new Failure.Crashed())).isTrue();
        TaskView dead = broker.find("a").orElseThrow();
        assertThat(dead.reason()).isEqualTo(DeadReason.CRASHED);
        assertThat(dead.crashes()).isEqualTo(2);
        assertThat(broker.replay(TaskFilter.ALL.reason(DeadReason.CRASHED), null)).isEqualTo(1);
        assertThat(claim(1)).singleElement().satisfies(claim -> assertThat(claim.crashes()).isZero());
    }

    @Test
    void retriesKeepsCheckpointsAndBuriesTheDead() {
        var callback = QueuedTask.of("other", bytes("2")).headers(Map.of("tenant", "7")).build();
        enqueue(task("a").onDead(List.of(callback)));
        Claim claim = claim(1).getFirst();
        var progress = new Progress(1, 2, "half of it");
        broker.extend(List.of(new Renewal(claim.token(), bytes("here"), progress)), LEASE);
        assertThat(fail(claim, new Failure.RetryIn(Duration.ofSeconds(5)))).isTrue();
        assertThat(fail(claim, new Failure.RetryIn(Duration.ofSeconds(5)))).isFalse();
        assertThat(claim(1)).isEmpty();
        clock.pass(Duration.ofSeconds(5));
        claim = claim(1).getFirst();
        assertThat(claim.checkpoint()).isEqualTo(bytes("here"));
        assertThat(claim.failures()).isEqualTo(1);
        assertThat(fail(claim, new Failure.GiveBack())).isTrue();
        claim = claim(1).getFirst();
        assertThat(claim.token().attempt()).isEqualTo(3);
        assertThat(fail(claim, new Failure.Die(DeadReason.FAILED))).isTrue();
        TaskView dead = broker.find("a").orElseThrow();
        assertThat(dead.error()).isEqualTo(ERROR);
        assertThat(dead.progress()).isEqualTo(progress);
        assertThat(dead.payload()).isEqualTo(bytes("\"a\""));
        assertThat(broker.search(TaskFilter.ALL.state(TaskState.DEAD).text("room"), 5)).hasSize(1);
        assertThat(broker.search(TaskFilter.ALL.state(TaskState.DEAD).text("Room"), 5)).isEmpty();
        QueuedTask called = claim(1).getFirst().task();
        assertThat(called.headers()).containsExactlyInAnyOrderEntriesOf(Map.of("tenant", "7", QueuedTask.DEAD_ID, "a",
                QueuedTask.DEAD_REASON, "FAILED", QueuedTask.DEAD_ERROR, "java.io.IOException: no room"));
        assertThat(broker.replay(TaskFilter.ALL.ids("a"), bytes("3"))).isEqualTo(1);
        claim = claim(1).getFirst();
        assertThat(claim.checkpoint()).isNull();
        assertThat(claim.task().payload()).isEqualTo(bytes("3"));
        assertThat(claim.failures()).isZero();
    }

    @Test
    void letsKeysTakeTurns() throws SQLException {
        var two = new KeyLimit("x", 2);
        enqueue(task("x1").key(two), task("x2").key(two), task("x3").key(two), task("x4").key(two), task("y1").key(
                new KeyLimit("y", 2)), task("y2").key(new KeyLimit("y", 2)), task("free"));
        assertThat(state("x2")).isEqualTo(TaskState.HELD);
        List<Claim> claims = claim(10);
        assertThat(ids(claims)).containsExactly("x1", "y1", "free", "x2", "y2");
        assertThat(claim(10)).isEmpty();
        assertThat(state("x3")).isEqualTo(TaskState.HELD);
        complete(claims.getFirst(), "1");
        assertThat(state("x3")).isEqualTo(TaskState.READY);
        assertThat(broker.cancel("x3")).isEqualTo(TaskState.CANCELLED);
        assertThat(state("x4")).isEqualTo(TaskState.READY);
        claims = new ArrayList<>(claims.subList(1, 5));
        claims.addAll(claim(10));
        claims.forEach(claim -> complete(claim, "1"));
        assertNothingLeft();
    }

    @Test
    void keepsTheOrderOfAKeyWithOnePlaceWhileARetryWaits() throws SQLException {
        var one = new KeyLimit("x", 1);
        enqueue(task("x1").key(one), task("x2").key(one));
        Claim claim = claim(5).getFirst();
        fail(claim, new Failure.RetryIn(Duration.ofSeconds(5)));
        assertThat(claim(5)).isEmpty();
        clock.pass(Duration.ofSeconds(5));
        assertThat(ids(claim(5))).containsExactly("x1");
        clock.pass(LEASE);
        assertThat(upkeep().takenBack()).isEqualTo(1);
        claim = claim(5).getFirst();
        assertThat(claim.token().id()).isEqualTo("x1");
        complete(claim, "1");
        complete(claim(5).getFirst(), "1");
        assertNothingLeft();
    }

    @Test
    void givesThePlaceOfARetryToOthersIfThereAreSeveral() throws SQLException {
        var two = new KeyLimit("x", 2);
        enqueue(task("x1").key(two), task("x2").key(two), task("x3").key(two));
        List<Claim> claims = claim(5);
        assertThat(ids(claims)).containsExactly("x1", "x2");
        fail(claims.getFirst(), new Failure.RetryIn(Duration.ZERO));
        assertThat(state("x3")).isEqualTo(TaskState.READY);
        assertThat(state("x1")).isEqualTo(TaskState.HELD);
        enqueue(task("x4").key(new KeyLimit("x", 4)));
        assertThat(ids(claim(5))).containsExactly("x3", "x1", "x4");
        broker.purge(TaskFilter.ALL);
        clock.pass(LEASE);
        upkeep();
        assertThat(broker.purge(TaskFilter.ALL)).isEqualTo(4);
        assertNothingLeft();
    }

    @Test
    void refusesDuplicatesOfUniqueKeysAndWhatWaitsForThem() {
        var ended = new Unique("u", Unique.Until.ENDED, null);
        var begun = new Unique("b", Unique.Until.BEGUN, null);
        var period = new Unique("p", Unique.Until.PERIOD_OVER, Duration.ofMinutes(1));
        enqueue(task("1").unique(ended), task("2").unique(begun), task("3").unique(period));
        assertThat(enqueue(task("4").unique(ended), task("5").unique(begun), task("6").unique(period)))
                .containsExactly(new Enqueued("1", true), new Enqueued("2", true), new Enqueued("3", true));
        var batch = new Batch(List.of(task("p").unique(ended).part(new PartOf("j", 0)).build(),
                task("q").part(new PartOf("j", 1)).build(), task("w").after("j").build()),
                List.of(new Join("j", 2, List.of())));
        assertThat(broker.enqueue(batch)).containsExactly(new Enqueued("1", true), new Enqueued("q", false),
                new Enqueued("w", true));
        List<Claim> claims = claim(10);
        assertThat(ids(claims)).containsExactly("1", "2", "3", "q");
        assertThat(claims.getLast().task().part()).isNull();
        assertThat(enqueue(task("7").unique(ended), task("8").unique(begun))).containsExactly(new Enqueued("1", true),
                new Enqueued("8", false));
        claims.forEach(claim -> complete(claim, "1"));
        assertThat(enqueue(task("9").unique(ended), task("10").unique(period))).containsExactly(
                new Enqueued("9", false), new Enqueued("3", true));
        clock.pass(Duration.ofMinutes(1));
        assertThat(enqueue(task("11").unique(period))).containsExactly(new Enqueued("11", false));
    }

    private Batch chord(int size, List<QueuedTask> onDead) {
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            tasks.add(task("p" + i).part(new PartOf("j", i)).root("p0").build());
        }
        tasks.add(task("body").after("j").part(new PartOf("k", 0)).root("p0").build());
        tasks.add(task("end").after("k").root("p0").build());
        return new Batch(tasks, List.of(new Join("j", size, onDead), new Join("k", 1, List.of())));
    }

    @Test
    void runsChordsOnceWithTheirInputs() throws SQLException {
        broker.enqueue(chord(3, List.of()));
        assertThat(broker.enqueue(chord(3, List.of()))).allMatch(each -> !each.isDuplicate());
        List<Claim> parts = claim(10);
        assertThat(ids(parts)).containsExactly("p0", "p1", "p2");
        complete(parts.get(2), "2");
        complete(parts.get(0), "0");
        assertThat(state("body")).isEqualTo(TaskState.BLOCKED);
        fail(parts.get(1), new Failure.Die(DeadReason.FAILED));
        assertThat(state("body")).isEqualTo(TaskState.BLOCKED);
        broker.replay(TaskFilter.ALL, null);
        complete(claim(1).getFirst(), "1");
        Claim body = claim(1).getFirst();
        assertThat(body.inputs()).containsExactly(bytes("0"), bytes("1"), bytes("2"));
        complete(body, "3");
        Claim end = claim(1).getFirst();
        assertThat(end.inputs()).containsExactly(bytes("3"));
        complete(end, "4");
        assertNothingLeft();
    }

    @Test
    void cancelsWhatWaitsForACancelledPart() throws SQLException {
        broker.enqueue(chord(3, List.of(QueuedTask.of("other", bytes("1")).build())));
        assertThat(broker.cancel("p1")).isEqualTo(TaskState.CANCELLED);
        assertThat(broker.cancel("p1")).isEqualTo(TaskState.CANCELLED);
        assertThat(state("body")).isEqualTo(TaskState.CANCELLED);
        assertThat(state("end")).isEqualTo(TaskState.CANCELLED);
        List<Claim> claims = claim(10);
        assertThat(claims).hasSize(3);
        assertThat(claims.getLast().task().headers()).containsEntry(QueuedTask.DEAD_ID, "p1");
        assertThat(broker.cancelAll("p0")).isEqualTo(2);
        claims.forEach(claim -> complete(claim, "1"));
        assertNothingLeft();
    }

    @Test
    void purgesADeadPartWithWhatWaitsForItAndRunsNoCallbacks() throws SQLException {
        broker.enqueue(chord(1, List.of()));
        fail(claim(1).getFirst(), new Failure.Die(DeadReason.FAILED));
        clock.pass(Duration.ofDays(31));
        assertThat(upkeep().removed()).isEqualTo(1);
        assertThat(state("end")).isEqualTo(TaskState.CANCELLED);
        assertNothingLeft();
    }

    @Test
    void completesAChordOfTenThousandInBoundedTime() throws SQLException {
        broker.enqueue(chord(10_000, List.of()));
        int done = 0;
        for (List<Claim> claims = claim(64); !claims.isEmpty(); claims = claim(64)) {
            done += claims.size();
            broker.complete(
                    claims.stream().map(claim -> new Completion(claim.token(), bytes("1"), Batch.EMPTY)).toList());
        }
        assertThat(done).isEqualTo(10_002);
        assertNothingLeft();
    }

    @Test
    void enqueuesSuccessorsInTheStepOfTheCompletion() {
        enqueue(task("a"), task("b"));
        List<Claim> claims = claim(2);
        broker.cancel("b");
        broker.complete(List.of(
                new Completion(claims.get(0).token(), bytes("1"), Batch.of(task("a2").build())),
                new Completion(claims.get(1).token(), bytes("1"), Batch.of(task("b2").build()))));
        assertThat(ids(claim(5))).containsExactly("a2");
        assertThat(state("b")).isEqualTo(TaskState.SUCCEEDED);
    }

    @Test
    void expiresWhatWasNotBegunInTime() {
        for (int i = 0; i < 100; i++) {
            enqueue(task("e" + i).expires(When.after(Duration.ofSeconds(1))));
        }
        enqueue(task("a"), task("b").due(When.after(Duration.ofHours(1))).expires(When.after(Duration.ofSeconds(2))));
        clock.pass(Duration.ofSeconds(1));
        assertThat(ids(claim(60))).containsExactly("a");
        assertThat(state("e1")).isEqualTo(TaskState.EXPIRED);
        clock.pass(Duration.ofSeconds(1));
        assertThat(upkeep().expired()).isEqualTo(1);
    }

    @Test
    void keepsToRates() {
        for (int i = 0; i < 5; i++) {
            enqueue(task("a" + i).priority(9), QueuedTask.of("other", bytes("1")).id("o" + i));
        }
        broker.limit("greet", new Rate(60, Duration.ofMinutes(1), 2));
        assertThat(broker.limits()).containsEntry("greet", new Rate(60, Duration.ofMinutes(1), 2));
        Claimed claimed = claimed(4);
        assertThat(ids(claimed.claims())).containsExactly("a0", "a1", "o0", "o1");
        assertThat(claimed.lookAgainIn()).isEqualTo(Duration.ofSeconds(1));
        clock.pass(Duration.ofMillis(1500));
        claimed = claimed(10);
        assertThat(ids(claimed.claims())).containsExactly("a2", "o2", "o3", "o4");
        assertThat(claimed.lookAgainIn()).isEqualTo(Duration.ofMillis(500));
        broker.limit("greet", null);
        assertThat(claim(10)).hasSize(2);
    }

    @Test
    void pausesQueuesAndTypesAndCounts() {
        enqueue(task("a"), task("b").queue("second"), QueuedTask.of("other", bytes("1")).id("o"));
        broker.pause(Scope.queue("second"));
        broker.pause(Scope.type("other"));
        broker.pause(Scope.queue("third"));
        assertThat(ids(claim(10))).containsExactly("a");
        clock.pass(Duration.ofSeconds(3));
        assertThat(broker.counts()).extracting("queue").containsExactly("default", "second", "third");
        assertThat(broker.counts().get(0).count(TaskState.RUNNING)).isEqualTo(1);
        assertThat(broker.counts().get(1).oldest()).isEqualTo(Duration.ofSeconds(3));
        assertThat(broker.counts().get(1).paused()).isTrue();
        broker.resume(Scope.queue("second"));
        broker.resume(Scope.type("other"));
        assertThat(ids(claim(10))).containsExactly("o", "b");
        assertThat(broker.paused()).containsExactly(Scope.queue("third"));
    }

    @Test
    void buriesAMessageThatCannotBeRead() throws SQLException {
        enqueue(task("a"), task("b"), task("c"));
        sql("UPDATE sennit_task SET message = x'7b' WHERE id = 'a'");
        sql("UPDATE sennit_task SET message = (SELECT message FROM sennit_task WHERE id = 'c') WHERE id = 'b'");
        assertThat(ids(claim(10))).containsExactly("c");
        TaskView dead = broker.find("a").orElseThrow();
        assertThat(dead.reason()).isEqualTo(DeadReason.UNREADABLE);
        assertThat(dead.payload()).isEqualTo(bytes("\"a\""));
        assertThat(state("b")).isEqualTo(TaskState.DEAD);
    }

    /** Whoever asks for many tasks need not have room for as many large ones. */
    @Test
    void claimsLargeArgumentsInSmallNumbers() {
        byte[] large = new byte[1 << 20];
        Arrays.fill(large, (byte) 'x');
        for (int i = 0; i < 12; i++) {
            QueuedTask.Builder task = QueuedTask.of("greet", large).id("t" + (char) ('a' + i));
            broker.enqueue(Batch.of(i % 2 == 0 ? task.build() : task.key(new KeyLimit("k", 100)).build()));
        }
        broker.enqueue(Batch.of(QueuedTask.of("greet", new byte[10 << 20]).id("u").build(),
                QueuedTask.of("greet", bytes("1")).id("v").build()));
        List<String> claimed = new ArrayList<>();
        int claims = 0;
        while (claimed.size() < 14) {
            Claimed answer = broker.claim(new ClaimRequest("w", List.of("default"), Set.of("greet"), 100, LEASE));
            assertThat(answer.claims()).isNotEmpty();
            assertThat(answer.claims().stream().skip(1).mapToLong(claim -> claim.task().payload().length).sum())
                    .isLessThanOrEqualTo(4_000_000);
            claimed.addAll(ids(answer.claims()));
            assertThat(answer.lookAgainIn() == null).isEqualTo(claimed.size() == 14);
            claims++;
        }
        assertThat(claimed).doesNotHaveDuplicates();
        assertThat(claims).isGreaterThanOrEqualTo(4);
    }

    @Test
    void keepsLargeArgumentsApart() throws SQLException {
        byte[] large = new byte[10 << 20];
        Arrays.fill(large, (byte) 'x');
        broker.enqueue(Batch.of(QueuedTask.of("greet", large).id("a").build()));
        Claim claim = claim(1).getFirst();
        assertThat(claim.task().payload()).isEqualTo(large);
        fail(claim, new Failure.Die(DeadReason.FAILED));
        assertThat(broker.find("a").orElseThrow().payload()).hasSize(large.length);
        broker.replay(TaskFilter.ALL, bytes("1"));
        claim = claim(1).getFirst();
        assertThat(claim.task().payload()).isEqualTo(bytes("1"));
        complete(claim, "1");
        assertNothingLeft();
    }

    @Test
    void firesEachDueTimeOnce() {
        Instant due = clock.instant();
        var entry = new ScheduleEntry("s", "every PT1M", "UTC", task("t").build(), ScheduleEntry.Missed.ONCE,
                ScheduleEntry.Overlap.SKIP, false, due, null, null);
        broker.putSchedule(entry, null);
        var firing = new Firing("s", due, due.plusSeconds(60), List.of(task("t1").build()), true);
        assertThat(broker.fire(firing)).isEqualTo(Firing.Outcome.FIRED);
        assertThat(broker.fire(firing)).isEqualTo(Firing.Outcome.NOT_DUE);
        var next = new Firing("s", due.plusSeconds(60), due.plusSeconds(120), List.of(task("t2").build()), true);
        assertThat(broker.fire(next)).isEqualTo(Firing.Outcome.UNFINISHED);
        complete(claim(1).getFirst(), "1");
        assertThat(broker.fire(next)).isEqualTo(Firing.Outcome.FIRED);
        assertThat(broker.schedules()).singleElement().satisfies(read -> {
            assertThat(read.nextDue()).isEqualTo(due.plusSeconds(120));
            assertThat(read.lastTask()).isEqualTo("t2");
        });
        broker.putSchedule(entry, broker.schedules().getFirst());
        assertThat(broker.schedules().getFirst().lastTask()).isEqualTo("t2");
        assertThat(broker.removeSchedule("s")).isTrue();
        assertThat(broker.removeSchedule("s")).isFalse();
    }

    @Test
    void keepsEventsWhileSomebodyAsks() {
        enqueue(task("a"));
        assertThat(broker.events(0, 10)).isEmpty();
        broker.keepEvents(Duration.ofSeconds(10));
        enqueue(task("b"));
        complete(claim(1).getFirst(), "1");
        assertThat(broker.events(0, 10)).extracting(BrokerEvent::number, BrokerEvent::kind).containsExactly(
                org.assertj.core.groups.Tuple.tuple(1L, BrokerEvent.Kind.ENQUEUED),
                org.assertj.core.groups.Tuple.tuple(2L, BrokerEvent.Kind.BEGUN),
                org.assertj.core.groups.Tuple.tuple(3L, BrokerEvent.Kind.SUCCEEDED));
        assertThat(broker.events(2, 10)).hasSize(1);
        clock.pass(Duration.ofSeconds(10));
        upkeep();
        assertThat(broker.events(0, 10)).isEmpty();
    }

    @Test
    void searchesPagesOfLiveAndEndedTasks() {
        enqueue(task("a").root("r"), task("b").root("r"), task("c"), task("r"));
        complete(claim(1).getFirst(), "1");
        assertThat(broker.search(TaskFilter.ALL, 10)).extracting(TaskView::id).containsExactly("a", "b", "c", "r");
        assertThat(broker.search(TaskFilter.ALL.after("a"), 2)).extracting(TaskView::id).containsExactly("b", "c");
        assertThat(broker.search(TaskFilter.ALL.root("r"), 10)).extracting(TaskView::id).containsExactly("a", "b", "r");
        assertThat(broker.search(TaskFilter.ALL.state(TaskState.SUCCEEDED).queue("default").type("greet"), 9))
                .extracting(TaskView::id).containsExactly("a");
        assertThat(broker.purge(TaskFilter.ALL.root("r"))).isEqualTo(3);
        assertThat(broker.search(TaskFilter.ALL, 10)).extracting(TaskView::id).containsExactly("c");
    }

    @Test
    void enqueuesInTheTransactionOfTheCaller() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("jobs.db"))) {
            Batch batch = Batch.of(task("a").build());
            assertThatThrownBy(() -> broker.enqueue(connection, batch)).isInstanceOf(IllegalStateException.class);
            connection.setAutoCommit(false);
            broker.enqueue(connection, batch);
            assertThat(state("a")).isNull();
            connection.rollback();
            assertThat(state("a")).isNull();
            assertThat(broker.enqueue(connection, batch)).containsExactly(new Enqueued("a", false));
            connection.commit();
            connection.rollback();
        }
        assertThat(ids(claim(1))).containsExactly("a");
        try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("other.db"))) {
            other.setAutoCommit(false);
            assertThatThrownBy(() -> broker.enqueue(other, Batch.of(task("b").build())))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("sqlite:jobs.db");
        }
    }

    @Test
    void waitsForATransactionOfAnotherProgram() throws Exception {
        try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("jobs.db"));
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("UPDATE sennit_meta SET listeners = listeners + 1");
            var enqueued = CompletableFuture.supplyAsync(() -> enqueue(task("a")));
            assertThat(broker.counts()).isEmpty();
            assertThat(enqueued).isNotDone();
            other.commit();
            other.setAutoCommit(true);
            assertThat(enqueued.get(30, TimeUnit.SECONDS)).hasSize(1);
        }
    }

    @Test
    void answersAllWhoCallAtOnce() throws Exception {
        List<CompletableFuture<List<Enqueued>>> calls = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 500; i++) {
                String id = "t" + i;
                calls.add(CompletableFuture.supplyAsync(() -> enqueue(task(id)), threads));
            }
        }
        for (int i = 0; i < 500; i++) {
            assertThat(calls.get(i).get()).containsExactly(new Enqueued("t" + i, false));
        }
        assertThat(claim(1000)).hasSize(500);
    }

    @Test
    void doesNothingOfAnOperationThatFailsAndAllOfThoseBesideIt() throws SQLException {
        sql("CREATE TRIGGER bad BEFORE INSERT ON sennit_task WHEN NEW.id = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END");
        assertThatThrownBy(() -> enqueue(task("x"), task("bad"))).hasMessage("sqlite:jobs.db fails: "
                + "[SQLITE_CONSTRAINT_TRIGGER] A RAISE function within a trigger fired, causing the SQL statement to "
                + "abort (no)");
        enqueue(task("y"));
        assertThat(ids(claim(5))).containsExactly("y");
    }
}
