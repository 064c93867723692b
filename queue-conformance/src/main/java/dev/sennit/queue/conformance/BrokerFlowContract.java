package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.When;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The contract of brokers: tasks that bring about others - joins, successors, error callbacks. */
public abstract class BrokerFlowContract extends BrokerLimitsContract {
    /** For the subclasses. */
    protected BrokerFlowContract() {}

    /** A chain of so many tasks, with the ids {@code c0}, {@code c1} ... */
    private static Batch chain(int length) {
        List<QueuedTask> tasks = new ArrayList<>();
        List<Join> joins = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            QueuedTask.Builder task = task().id("c" + i).root("c0");
            if (i > 0) {
                task.after("j" + i);
            }
            if (i < length - 1) {
                task.part(new PartOf("j" + (i + 1), 0));
                joins.add(joinOf("j" + (i + 1), 1));
            }
            tasks.add(task.build());
        }
        return new Batch(tasks, joins);
    }

    /** A chord of so many parts {@code p0}, {@code p1} ..., and {@code end} that waits for them. */
    private static Batch chord(int size, QueuedTask... onDead) {
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            tasks.add(part("chord", i).id("p" + i).root("flow").build());
        }
        tasks.add(task().id("end").root("flow").after("chord").build());
        return batch(tasks, joinOf("chord", size, onDead));
    }

    private void enqueueBatch(Batch batch) {
        assertThat(broker().enqueue(batch)).extracting(Enqueued::isDuplicate).containsOnly(false);
    }

    private static List<String> inputs(Claim claim) {
        return claim.inputs().stream().map(BrokerUnderTest::text).toList();
    }

    private static Claim of(List<Claim> claims, String id) {
        return claims.stream().filter(claim -> claim.token().id().equals(id)).findFirst().orElseThrow();
    }

    // ---- joins ----

    @Test
    public void aChainRunsOneTaskAfterTheOther() {
        needs(BrokerFeature.JOINS);
        enqueueBatch(chain(4));
        assertState(TaskState.BLOCKED, "c1", "c2", "c3");
        assertThat(count("default", TaskState.BLOCKED)).isEqualTo(3);
        for (int i = 0; i < 4; i++) {
            Claim claim = claim();
            assertThat(claim.token().id()).isEqualTo("c" + i);
            assertThat(inputs(claim)).isEqualTo(i == 0 ? List.of() : List.of("r" + (i - 1)));
            complete(claim, "r" + i);
        }
        assertNothingIsReady();
    }

    @Test
    public void theTaskAfterAChordGetsAllResultsByTheirIndex() {
        needs(BrokerFeature.JOINS);
        enqueueBatch(chord(5));
        List<Claim> claims = new ArrayList<>(claim(10));
        assertThat(claims).hasSize(5);
        Collections.shuffle(claims, new Random(5));
        for (Claim claim : claims) {
            assertNothingIsReady();
            complete(claim, "r" + claim.token().id());
        }
        Claim end = claim();
        assertThat(end.token().id()).isEqualTo("end");
        assertThat(inputs(end)).containsExactly("rp0", "rp1", "rp2", "rp3", "rp4");
    }

    @Test
    public void severalTasksMayWaitForOneJoinAndNoneHasTo() {
        needs(BrokerFeature.JOINS);
        enqueueAll(List.of(task().id("a").after("j").build(), part("j", 0).id("p").build(),
                task().id("b").after("j").part(new PartOf("k", 0)).build()), joinOf("j", 1), joinOf("k", 1));
        complete(claim(), "1");
        List<Claim> claims = claim(10);
        assertThat(ids(claims)).containsExactlyInAnyOrder("a", "b");
        claims.forEach(claim -> assertThat(inputs(claim)).containsExactly("1"));
        claims.forEach(this::complete);
        assertNothingIsReady();
    }

    @Test
    public void inputsStayForAllRunsOfTheTaskThatHasWaited() throws Exception {
        needs(BrokerFeature.JOINS);
        enqueueBatch(chord(2));
        claim(2).forEach(claim -> complete(claim, claim.token().id()));
        retryIn(claim(), Duration.ZERO);
        giveBack(claim());
        claimOf(units(1));
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        Claim again = claim();
        assertThat(inputs(again)).containsExactly("p0", "p1");
        if (has(BrokerFeature.SEARCH)) {
            die(again);
            broker().replay(TaskFilter.ALL.ids("end"), null);
            again = claim();
            assertThat(inputs(again)).containsExactly("p0", "p1");
        }
        assertThat(complete(again)).isTrue();
    }

    @Test
    public void aPartThatRunsTwiceCountsOnce() throws Exception {
        needs(BrokerFeature.JOINS);
        enqueueBatch(chord(2));
        List<Claim> first = broker().claim(request(2, units(1), "default")).claims();
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        List<Claim> second = claim(2);
        for (Claim claim : first) {
            assertThat(complete(claim, "old")).isFalse();
        }
        assertThat(complete(of(second, "p0"), "new")).isTrue();
        assertThat(complete(of(second, "p0"), "newer")).as("repeated").isTrue();
        assertNothingIsReady();
        complete(of(second, "p1"), "new");
        assertThat(inputs(claim())).containsExactly("new", "new");
    }

    @Test
    public void theResultOfAPartIsThereAlsoIfItsEndIsNotKept() throws Exception {
        needs(BrokerFeature.JOINS);
        enqueueAll(List.of(part("j", 0).resultTtl(Duration.ZERO).build(), part("j", 1).resultTtl(units(1)).build(),
                part("j", 2).build(), task().after("j").build()), joinOf("j", 3));
        List<Claim> claims = claim(10);
        complete(claims.get(0), "0");
        complete(claims.get(1), "1");
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        complete(claims.get(2), "2");
        assertThat(inputs(claim())).containsExactly("0", "1", "2");
    }

    @Test
    public void aTaskThatHasWaitedMayStillHaveToWait() throws Exception {
        needs(BrokerFeature.JOINS);
        String later = task().build().id();
        List<QueuedTask> tasks = new ArrayList<>(List.of(part("j", 0).build()));
        if (has(BrokerFeature.DELAY)) {
            tasks.add(task().id(later).after("j").due(When.after(units(3))).build());
        }
        if (has(BrokerFeature.KEYS)) {
            tasks.add(task().id("k1").after("j").key(new KeyLimit("k", 1)).build());
            tasks.add(task().id("k2").after("j").key(new KeyLimit("k", 1)).build());
        }
        enqueueAll(tasks, joinOf("j", 1));
        complete(claim(), "1");
        if (has(BrokerFeature.DELAY) && isExact()) {
            assertState(TaskState.SCHEDULED, later);
        }
        Claim keyed = null;
        if (has(BrokerFeature.KEYS)) {
            keyed = claim();
            assertThat(keyed.token().id()).isEqualTo("k1");
            assertState(TaskState.HELD, "k2");
        }
        if (has(BrokerFeature.DELAY)) {
            pass(units(3));
            assertThat(claim().token().id()).isEqualTo(later);
        }
        if (keyed != null) {
            complete(keyed);
            assertThat(inputs(claim())).containsExactly("1");
        }
    }

    @Test
    public void aDeadPartKeepsTheRestWaitingUntilItIsReplayed() {
        needs(BrokerFeature.JOINS, BrokerFeature.SEARCH);
        enqueueBatch(chord(3, task("callback").build()));
        List<Claim> claims = claim(10);
        complete(of(claims, "p0"), "0");
        die(of(claims, "p1"));
        Claim callback = claim();
        assertThat(callback.task().type()).isEqualTo("callback");
        assertThat(callback.task().headers()).containsEntry(QueuedTask.DEAD_ID, "p1");
        die(of(claims, "p2"));
        assertNothingIsReady();
        assertState(TaskState.BLOCKED, "end");
        assertThat(broker().replay(TaskFilter.ALL, null)).isEqualTo(2);
        claims = claim(10);
        complete(of(claims, "p1"), "1");
        die(of(claims, "p2"));
        assertNothingIsReady();
        broker().replay(TaskFilter.ALL.ids("p2"), null);
        complete(claim(), "2");
        assertThat(inputs(claim())).containsExactly("0", "1", "2");
    }

    @Test
    public void whatWaitsForACancelledPartIsCancelledAndSoOn() {
        needs(BrokerFeature.JOINS);
        List<QueuedTask> tasks = List.of(part("j1", 0).id("a").build(), part("j1", 1).id("b").build(),
                task().id("c").after("j1").part(new PartOf("j2", 0)).onDead(List.of(callback("c-dead"))).build(),
                task().id("d").after("j2").build(), task().id("e").after("j1").build());
        enqueueAll(tasks, joinOf("j1", 2, callback("j1-dead")), joinOf("j2", 1, callback("j2-dead")));
        List<Claim> claims = claim(10);
        broker().cancel("a");
        assertState(TaskState.BLOCKED, "c", "d", "e");
        fail(of(claims, "a"), new Failure.Cancelled());
        assertState(TaskState.CANCELLED, "a", "c", "d", "e");
        assertThat(claim(10)).extracting(claim -> text(claim.task().payload()),
                claim -> claim.task().headers().get(QueuedTask.DEAD_ID),
                claim -> claim.task().headers().get(QueuedTask.DEAD_REASON))
                .containsExactlyInAnyOrder(tuple("\"c-dead\"", "c", "CANCELLED"),
                        tuple("\"j1-dead\"", "a", "CANCELLED"),
                        tuple("\"j2-dead\"", "c", "CANCELLED"));
        assertThat(complete(of(claims, "b"))).as("the other part goes on").isTrue();
        assertNothingIsReady();
        assertState(TaskState.SUCCEEDED, "b");
    }

    private static QueuedTask callback(String payload) {
        return task("callback").payload(json("\"" + payload + "\"")).build();
    }

    @Test
    public void whatWaitsForAnExpiredPartIsCancelled() throws Exception {
        needs(BrokerFeature.JOINS);
        enqueueAll(List.of(part("j", 0).id("p").expires(When.after(units(1))).build(),
                task().id("w").after("j").build()), joinOf("j", 1));
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        assertState(TaskState.EXPIRED, "p");
        assertState(TaskState.CANCELLED, "w");
    }

    @Test
    public void whatWaitsForAPurgedPartIsCancelledWithoutCallbacks() {
        needs(BrokerFeature.JOINS, BrokerFeature.SEARCH);
        enqueueAll(List.of(part("j", 0).id("p").onDead(List.of(callback("p"))).build(),
                task().id("w").after("j").part(new PartOf("k", 0)).onDead(List.of(callback("w"))).build(),
                task().id("v").after("k").build()), joinOf("j", 1, callback("j")), joinOf("k", 1, callback("k")));
        assertThat(broker().purge(TaskFilter.ALL.ids("p"))).isOne();
        assertThat(broker().find("p")).isEmpty();
        assertState(TaskState.CANCELLED, "w", "v");
        assertNothingIsReady();
    }

    @Test
    public void aPurgedDeadPartEndsTheWaitOfTheRest() {
        needs(BrokerFeature.JOINS, BrokerFeature.SEARCH);
        enqueueBatch(chord(2));
        List<Claim> claims = claim(2);
        die(claims.get(0));
        assertState(TaskState.BLOCKED, "end");
        broker().purge(TaskFilter.ALL.state(TaskState.DEAD));
        assertState(TaskState.CANCELLED, "end");
        assertThat(complete(claims.get(1))).isTrue();
        assertNothingIsReady();
    }

    @Test
    public void aPurgeOfWhatHasSucceededCancelsNothing() {
        needs(BrokerFeature.JOINS, BrokerFeature.SEARCH);
        enqueueBatch(chord(2));
        List<Claim> claims = claim(2);
        complete(claims.get(0), "0");
        assertThat(broker().purge(TaskFilter.ALL.state(TaskState.SUCCEEDED))).isOne();
        assertState(TaskState.BLOCKED, "end");
        complete(claims.get(1), "1");
        assertThat(inputs(claim())).containsExactly("0", "1");
    }

    @Test
    public void aDeadLetterThatIsNotKeptAnyMoreEndsTheWaitOfTheRest() throws Exception {
        needs(BrokerFeature.JOINS);
        enqueueBatch(chord(1));
        die(claim());
        pass(units(2));
        assertThat(upkeep(new Upkeep.Limits(LONG, units(1), LONG)).removed()).isOne();
        assertState(TaskState.CANCELLED, "end");
    }

    @Test
    public void aTaskThatWaitsForOthersCanBeCancelledAndCanExpire() throws Exception {
        needs(BrokerFeature.JOINS);
        enqueueAll(List.of(part("j", 0).id("p").build(), task().id("x").after("j").build(),
                task().id("y").after("j").expires(When.after(units(1))).build(), task().id("z").after("j").build()),
                joinOf("j", 1));
        assertThat(broker().cancel("x")).isEqualTo(TaskState.CANCELLED);
        pass(units(2));
        assertThat(upkeep().expired()).isOne();
        assertState(TaskState.EXPIRED, "y");
        complete(claim());
        assertThat(claim().token().id()).isEqualTo("z");
    }

    @Test
    public void aWorkflowIsCancelledAsAWhole() {
        needs(BrokerFeature.JOINS);
        enqueueBatch(chain(5));
        complete(claim());
        Claim running = claim();
        assertThat(broker().cancelAll("c0")).isEqualTo(4);
        assertState(TaskState.CANCELLED, "c2", "c3", "c4");
        fail(running, new Failure.Cancelled());
        assertState(TaskState.CANCELLED, "c1");
        assertThat(broker().cancelAll("c0")).isZero();
        assertNothingIsReady();
    }

    @Test
    public void callbacksOfACancelledWorkflowAreNotCancelledWithIt() {
        needs(BrokerFeature.JOINS);
        QueuedTask callback = task("callback").root("flow").build();
        enqueueAll(List.of(task().id("a").root("flow").onDead(List.of(callback)).build(),
                task().id("b").root("flow").onDead(List.of(callback)).build()));
        assertThat(broker().cancelAll("flow")).isEqualTo(2);
        assertThat(claim(10)).extracting(claim -> claim.task().headers().get(QueuedTask.DEAD_ID))
                .containsExactlyInAnyOrder("a", "b");
    }

    @Test
    public void aLongChainIsCancelledAtItsBeginning() {
        needs(BrokerFeature.JOINS);
        int length = 3000;
        enqueueBatch(chain(length));
        broker().cancel("c0");
        assertState(TaskState.CANCELLED, "c1", "c" + (length - 1));
        assertThat(count("default", TaskState.BLOCKED)).isZero();
    }

    @Test
    public void aChordOfAThousandPartsCompletesOnce() {
        needs(BrokerFeature.JOINS);
        enqueueBatch(chord(1000));
        for (List<Claim> claims = claim(300); !claims.isEmpty(); claims = claim(300)) {
            List<Completion> done = claims.stream()
                    .map(claim -> new Completion(claim.token(), json(claim.token().id()), Batch.EMPTY)).toList();
            if (ids(claims).contains("end")) {
                assertThat(inputs(only(claims))).hasSize(1000).startsWith("p0", "p1").endsWith("p999");
            }
            assertThat(broker().complete(done)).containsOnly(true);
        }
        assertState(TaskState.SUCCEEDED, "end");
    }

    @Test
    public void aWorkflowThatIsEnqueuedAgainChangesNothing() throws Exception {
        needs(BrokerFeature.JOINS);
        Batch batch = chain(4);
        List<QueuedTask> tasks = new ArrayList<>(batch.tasks());
        tasks.set(0, tasks.get(0).toBuilder().resultTtl(Duration.ZERO).build());
        tasks.set(1, tasks.get(1).toBuilder().resultTtl(Duration.ZERO).build());
        batch = new Batch(tasks, batch.joins());
        enqueueBatch(batch);
        enqueueBatch(batch);
        for (int i = 0; i < 4; i++) {
            Claim claim = claim();
            assertThat(claim.token().id()).isEqualTo("c" + i);
            enqueueBatch(batch);
            complete(claim, "" + i);
            upkeep(Upkeep.Limits.USUAL);
            enqueueBatch(batch);
        }
        assertNothingIsReady();
    }

    @Test
    public void aBatchThatIsNotWholeIsRefusedAsAWhole() {
        needs(BrokerFeature.JOINS);
        QueuedTask fine = task().id("fine").build();
        List<Batch> wrong = List.of(
                batch(List.of(fine, task().after("nowhere").build())),
                batch(List.of(fine, part("nowhere", 0).build())),
                batch(List.of(fine, part("j", 0).build()), joinOf("j", 2)),
                batch(List.of(fine, part("j", 0).build(), part("j", 1).build()), joinOf("j", 1)),
                batch(List.of(fine, part("j", 0).build(), part("j", 0).build()), joinOf("j", 2)),
                batch(List.of(fine, part("j", 1).build()), joinOf("j", 1)),
                batch(List.of(fine), joinOf("j", 1)),
                batch(List.of(fine, part("j", 0).build()), joinOf("j", 1), joinOf("j", 1)),
                batch(List.of(fine, part("j", 0).after("j").build()), joinOf("j", 1)));
        for (Batch batch : wrong) {
            assertThatThrownBy(() -> broker().enqueue(batch)).isInstanceOf(IllegalArgumentException.class);
        }
        assertNothingIsReady();
        Claim claim = only(List.of(claimAfter(enqueue(task()))));
        for (Batch batch : wrong) {
            assertThatThrownBy(() -> complete(claim, "1", batch)).isInstanceOf(IllegalArgumentException.class);
        }
        assertState(TaskState.RUNNING, claim.token().id());
        assertThat(complete(claim)).isTrue();
        assertNothingIsReady();
    }

    private Claim claimAfter(String id) {
        Claim claim = claim();
        assertThat(claim.token().id()).isEqualTo(id);
        return claim;
    }

    // ---- successors ----

    @Test
    public void successorsComeWithTheCompletion() {
        needs(BrokerFeature.JOINS);
        enqueue(task());
        Claim claim = claim();
        Batch successors = chord(2);
        assertThat(complete(claim, "1", successors)).isTrue();
        List<Claim> claims = claim(10);
        assertThat(ids(claims)).containsExactly("p0", "p1");
        claims.forEach(this::complete);
        assertThat(claim().token().id()).isEqualTo("end");
    }

    @Test
    public void aRefusedCompletionHasNoSuccessors() throws Exception {
        needs(BrokerFeature.JOINS);
        enqueue(task());
        Claim old = only(claimOf(units(1)));
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        Claim current = claim();
        assertThat(complete(old, "1", Batch.of(task().build()))).isFalse();
        assertNothingIsReady();
        assertThat(complete(current, "1", Batch.of(task().id("next").build()))).isTrue();
        assertThat(claim().token().id()).isEqualTo("next");
    }

    @Test
    public void aSuccessorThatIsADuplicateIsLeftOut() {
        needs(BrokerFeature.JOINS, BrokerFeature.UNIQUE);
        QueuedTask.Builder unique = task().unique(new Unique("k", Unique.Until.ENDED, null));
        enqueue(task().id("first"));
        Claim claim = claim();
        enqueue(unique.id("holder"));
        assertThat(complete(claim, "1", Batch.of(unique.id("duplicate").build(), task().id("fine").build()))).isTrue();
        assertThat(ids(claim(10))).containsExactly("holder", "fine");
    }

    // ---- error callbacks ----

    @Test
    public void aTaskThatDoesNotSucceedHasItsCallbacksEnqueued() throws Exception {
        QueuedTask callback = task("callback").headers(Map.of("tenant", "7")).priority(5).build();
        QueuedTask.Builder task = task().retry(RetryPolicy.NONE.crashes(1)).onDead(List.of(callback, callback));
        Set<String> ids = new HashSet<>(Set.of(callback.id()));
        List<String> reasons =
                new ArrayList<>(List.of("FAILED", "TIMED_OUT", "CRASHED", "CANCELLED", "EXPIRED", "LOST"));
        if (!has(BrokerFeature.IDS)) { // it cancels nothing, and sees that a task has expired when it meets it
            reasons.removeAll(List.of("CANCELLED", "EXPIRED"));
        }
        for (String reason : reasons) {
            String id = enqueue(task.id("task-" + reason).atMostOnce(reason.equals("LOST"))
                    .expires(reason.equals("EXPIRED") ? When.after(units(1)) : null));
            switch (reason) {
                case "FAILED" -> assertThat(broker().fail(List.of(new Failure(claim().token(),
                        new ErrorInfo("Broken", "one\ntwo", "stack"),
                        new Failure.Die(DeadReason.FAILED))))).containsExactly(true);
                case "TIMED_OUT" -> fail(claim(),
                        new Failure.Die(DeadReason.TIMED_OUT));
                case "CANCELLED" -> broker().cancel(id);
                case "EXPIRED" -> {
                    pass(units(2));
                    upkeep(Upkeep.Limits.USUAL);
                }
                default -> {
                    claimOf(units(1));
                    pass(units(2));
                    upkeep(Upkeep.Limits.USUAL);
                }
            }
            List<Claim> callbacks = claim(10);
            assertThat(callbacks).as(reason).hasSize(2);
            for (Claim claim : callbacks) {
                assertThat(claim.task().type()).isEqualTo("callback");
                assertThat(ids.add(claim.token().id())).as("a new id").isTrue();
                assertThat(claim.task().headers()).containsEntry("tenant", "7")
                        .containsEntry(QueuedTask.DEAD_ID, id).containsEntry(QueuedTask.DEAD_REASON, reason);
                String error = claim.task().headers().getOrDefault(QueuedTask.DEAD_ERROR, "");
                assertThat(error).doesNotContain("\n");
                if (reason.equals("FAILED")) {
                    assertThat(error).contains("Broken", "one", "two");
                }
                complete(claim);
            }
        }
    }

    @Test
    public void aTaskThatGoesOnHasNoCallbacks() {
        enqueue(task().onDead(List.of(callback("x"))));
        retryIn(claim(), Duration.ZERO);
        giveBack(claim());
        fail(claim(), new Failure.Crashed());
        complete(claim());
        assertNothingIsReady();
    }

    @Test
    public void aCallbackIsATaskLikeAnyOther() throws Exception {
        QueuedTask inner = callback("inner");
        QueuedTask outer = task("callback").payload(json("\"outer\"")).queue("errors").onDead(List.of(inner))
                .due(has(BrokerFeature.DELAY) ? When.after(units(2)) : null).build();
        enqueue(task().onDead(List.of(outer)));
        die(claim());
        if (has(BrokerFeature.DELAY)) {
            if (isExact()) {
                assertThat(broker().claim(request(5, LONG, "errors")).claims()).isEmpty();
            }
            pass(units(2));
        }
        Claim claim = only(broker().claim(request(5, LONG, "errors")).claims());
        die(claim);
        Claim last = claim();
        assertThat(text(last.task().payload())).isEqualTo("\"inner\"");
        assertThat(last.task().headers()).containsEntry(QueuedTask.DEAD_ID, claim.token().id());
    }

    @Test
    public void theUniqueKeyOfACallbackCounts() {
        needs(BrokerFeature.UNIQUE);
        QueuedTask callback = task("callback").unique(new Unique("alarm", Unique.Until.ENDED, null)).build();
        enqueue(task().onDead(List.of(callback)));
        enqueue(task().onDead(List.of(callback)));
        claim(2).forEach(this::die);
        complete(claim());
        assertNothingIsReady();
    }

    @Test
    public void aTaskThatIsReplayedAndDiesAgainHasItsCallbacksAgain() {
        needs(BrokerFeature.SEARCH);
        String id = enqueue(task().onDead(List.of(callback("x"))));
        for (int i = 0; i < 2; i++) {
            die(claim());
            complete(claim());
            broker().replay(TaskFilter.ALL.ids(id), null);
        }
        complete(claim());
        assertNothingIsReady();
    }
}
