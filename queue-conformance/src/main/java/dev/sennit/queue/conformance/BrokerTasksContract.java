package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.When;
import dev.sennit.queue.broker.WorkerReport;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The contract of brokers: how one task comes, is claimed, runs and ends. */
public abstract class BrokerTasksContract extends BrokerUnderTest {
    /** For the subclasses. */
    protected BrokerTasksContract() {}

    // ---- enqueue and claim ----

    @Test
    public void aTaskIsClaimedAsItWasEnqueued() {
        QueuedTask.Builder builder = task().version(3)
                .payload(json("{\"path\": \"\u00fc \u20ac \ud83d\ude00\"}"))
                .retry((has(BrokerFeature.DELAY)
                        ? RetryPolicy.attempts(5)
                        : RetryPolicy.attempts(5).waiting(Duration.ZERO)).neverAfter(List.of("java.io.IOException")))
                .softLimit(Duration.ofSeconds(5))
                .hardLimit(Duration.ofMinutes(2))
                .atMostOnce(true)
                .headers(Map.of("tenant", "4\u00e42", "trace", "00-1"))
                .resultTtl(Duration.ofHours(3))
                .replyTo("me")
                .root("workflow-1");
        QueuedTask task = builder.build();
        Instant before = broker().now();
        enqueue(builder);
        Claim claim = claim();
        assertThat(claim.task()).usingRecursiveComparison().isEqualTo(task);
        assertThat(claim.token()).isEqualTo(new Token(task.id(), 1));
        assertThat(claim.failures()).isZero();
        assertThat(claim.crashes()).isZero();
        assertThat(claim.checkpoint()).isNull();
        assertThat(claim.inputs()).isEmpty();
        assertThat(claim.enqueuedAt()).isBetween(before.minusMillis(1), broker().now());
    }

    @Test
    public void namesMayHaveAnyCharacters() {
        String odd = "a'\"\\%_;\n\u00fc\u20ac\ud83d\ude00 b";
        String id = enqueue(QueuedTask.of(odd, json("1")).queue(odd).replyTo(SUBMITTER));
        var request = new ClaimRequest(odd, List.of(odd), Set.of(odd), 5, LONG);
        Claim claim = only(broker().claim(request).claims());
        assertThat(claim.token().id()).isEqualTo(id);
        assertThat(claim.task().type()).isEqualTo(odd);
        assertThat(complete(claim, "\"" + "\u20ac" + "\"")).isTrue();
        assertThat(text(end(id).result())).isEqualTo("\"\u20ac\"");
    }

    @Test
    public void argumentsAndResultsMayBeLarge() {
        byte[] large = new byte[1_000_000];
        for (int i = 0; i < large.length; i++) {
            large[i] = (byte) (i * 31);
        }
        String id = enqueue(task().payload(large));
        Claim claim = claim();
        assertThat(claim.task().payload()).isEqualTo(large);
        broker().complete(List.of(new Completion(claim.token(), large, Batch.EMPTY)));
        assertThat(end(id).result()).isEqualTo(large);
    }

    @Test
    public void tasksBeginInTheOrderInWhichTheyCame() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            ids.add(enqueue(task()));
        }
        List<QueuedTask> batch = List.of(task().build(), task("other").build(), task().build());
        enqueueAll(batch);
        batch.forEach(task -> ids.add(task.id()));
        assertThat(ids(claim(15))).isEqualTo(ids.subList(0, 15));
        assertThat(ids(claim(15))).isEqualTo(ids.subList(15, 23));
    }

    @Test
    public void theGreatestPriorityGoesFirst() {
        needs(BrokerFeature.PRIORITIES);
        List<String> ids = new ArrayList<>();
        for (int priority : new int[] {5, 0, 9, 3, 9, 0, 7}) {
            ids.add(enqueue(task().priority(priority)));
        }
        assertThat(ids(claim(3))).containsExactly(ids.get(2), ids.get(4), ids.get(6));
        String late = enqueue(task("other").priority(4));
        assertThat(ids(claimEach())).containsExactly(ids.get(0), late, ids.get(3), ids.get(1), ids.get(5));
    }

    @Test
    public void theFirstQueueGoesFirstAndTheSecondHasTheRestOfTheRoom() {
        List<String> a = List.of(enqueue(task().queue("a")), enqueue(task().queue("a")));
        int high = has(BrokerFeature.PRIORITIES) ? 9 : 5;
        List<String> b = List.of(enqueue(task().queue("b").priority(high)), enqueue(task().queue("b").priority(high)));
        enqueue(task().queue("c"));
        List<Claim> claims = broker().claim(request(3, LONG, "a", "b")).claims();
        assertThat(ids(claims)).containsExactly(a.get(0), a.get(1), b.get(0));
        assertThat(ids(broker().claim(request(3, LONG, "b", "a")).claims())).containsExactly(b.get(1));
    }

    @Test
    public void tasksOfTypesThatTheWorkerDoesNotKnowStay() {
        boolean priorities = has(BrokerFeature.PRIORITIES);
        for (int i = 0; i < 300; i++) {
            enqueue(task("strange").priority(priorities ? 9 : 5));
        }
        String known = enqueue(task().priority(priorities ? 1 : 5));
        assertThat(ids(claim(10))).containsExactly(known);
        var stranger = new ClaimRequest("worker-2", List.of("default"), Set.of("strange"), 500, LONG);
        assertThat(broker().claim(stranger).claims()).hasSize(300);
    }

    @Test
    public void aTaskIsClaimedOnce() {
        enqueue(task());
        claim();
        assertNothingIsReady();
        assertThat(broker().claim(request(5, LONG, "default", "default")).claims()).isEmpty();
    }

    @Test
    public void aClaimOfNothingReturnsAtOnceAndPromisesNothing() {
        assertThat(look(5).claims()).isEmpty();
        assertThat(look(5).lookAgainIn()).isNull();
        assertThat(broker().claim(request(5, LONG)).claims()).as("of no queue").isEmpty();
    }

    @Test
    public void aBatchIsAnsweredInItsOrder() {
        List<QueuedTask> tasks = List.of(task().build(), task().build(), task().build());
        assertThat(broker().enqueue(batch(tasks))).containsExactlyElementsOf(
                tasks.stream().map(task -> new Enqueued(task.id(), false)).toList());
        assertThat(broker().enqueue(Batch.EMPTY)).isEmpty();
    }

    @Test
    public void aTaskThatIsThereIsAcceptedAndKeptOnce() {
        needs(BrokerFeature.IDS);
        QueuedTask task = task().build();
        QueuedTask other = task().build();
        for (int i = 0; i < 3; i++) {
            assertThat(broker().enqueue(Batch.of(task))).containsExactly(new Enqueued(task.id(), false));
        }
        assertThat(broker().enqueue(batch(List.of(task, other, other)))).extracting(Enqueued::isDuplicate)
                .containsOnly(false);
        List<Claim> claims = claim(10);
        assertThat(ids(claims)).containsExactly(task.id(), other.id());
        broker().enqueue(Batch.of(task));
        assertNothingIsReady();
        complete(claims.get(0));
        die(claims.get(1));
        assertThat(broker().enqueue(batch(List.of(task, other)))).extracting(Enqueued::isDuplicate)
                .containsOnly(false);
        assertNothingIsReady();
        assertState(TaskState.SUCCEEDED, task.id());
        assertState(TaskState.DEAD, other.id());
    }

    @Test
    public void anIdIsFreeAgainWhenItsEndIsNotKeptAnyMore() throws Exception {
        needs(BrokerFeature.IDS);
        QueuedTask.Builder task = task().resultTtl(units(1));
        enqueue(task);
        complete(claim());
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        enqueue(task);
        assertThat(claim().token().id()).isEqualTo(task.build().id());
    }

    // ---- delays ----

    @Test
    public void aDelayedTaskWaitsForItsTime() throws Exception {
        needs(BrokerFeature.DELAY);
        String after = enqueue(task().due(When.after(units(2))));
        String at = enqueue(task().due(When.at(broker().now().plus(units(4)))));
        String past = enqueue(task().due(When.at(Instant.parse("2001-01-01T00:00:00Z"))));
        String now = enqueue(task().due(When.after(Duration.ZERO)));
        String never = enqueue(task().due(When.after(Duration.ofDays(100_000))));
        if (isExact()) {
            assertThat(ids(claim(10))).containsExactly(past, now);
            assertState(TaskState.SCHEDULED, after, at, never);
            pass(units(2).minusMillis(1));
            assertNothingIsReady();
            pass(Duration.ofMillis(1));
            assertThat(ids(claim(10))).containsExactly(after);
            pass(units(1));
            assertNothingIsReady();
        }
        pass(units(5));
        assertThat(ids(claim(10))).contains(at).doesNotContain(never);
    }

    @Test
    public void aDueTaskStandsWhereItHasBecomeReady() throws Exception {
        needs(BrokerFeature.DELAY);
        String second = enqueue(task().due(When.after(units(2))));
        String first = enqueue(task().due(When.after(units(1))));
        pass(units(3));
        String third = enqueue(task());
        assertThat(ids(claim(10))).containsExactly(first, second, third);
    }

    @Test
    public void aClaimTellsWhenToLookAgain() throws Exception {
        needs(BrokerFeature.DELAY);
        enqueue(task().due(When.after(Duration.ofDays(3))));
        String id = enqueue(task().due(When.after(units(3))));
        Duration again = look(1).lookAgainIn();
        // by two clocks, if it is not exact
        assertThat(again).isNotNull().isPositive().isLessThanOrEqualTo(units(isExact() ? 3 : 4));
        if (isExact()) {
            assertThat(again).isEqualTo(units(3));
            pass(units(1));
            assertThat(look(1).lookAgainIn()).isEqualTo(units(2));
        }
        pass(units(3));
        assertThat(claim().token().id()).isEqualTo(id);
    }

    // ---- leases ----

    @Test
    public void anExpiredLeaseIsTakenBack() throws Exception {
        String id = enqueue(task());
        Claim first = only(claimOf(units(2)));
        if (isExact()) {
            pass(units(1));
            assertThat(upkeep()).isEqualTo(Upkeep.NOTHING);
        }
        pass(units(2));
        assertThat(upkeep().takenBack()).isOne();
        assertState(TaskState.READY, id);
        Claim second = claim();
        assertThat(second.token()).isEqualTo(new Token(id, 2));
        assertThat(second.crashes()).isOne();
        assertThat(second.failures()).isZero();
        assertThat(second.task()).usingRecursiveComparison().isEqualTo(first.task());
    }

    @Test
    public void theOldTokenIsRefused() throws Exception {
        String id = enqueue(task());
        Claim first = only(claimOf(units(1)));
        pass(units(2));
        upkeep();
        assertRefused(first);
        Claim second = claim();
        assertRefused(first);
        assertThat(extend(second, LONG)).isEqualTo(LeaseState.HELD);
        assertThat(complete(second, "2")).isTrue();
        assertRefused(first);
        assertThat(text(end(id).result())).isEqualTo("2");
        assertThat(end(id).attempts()).isEqualTo(2);
    }

    private void assertRefused(Claim claim) {
        assertRefused(claim.token());
    }

    private void assertRefused(Token token) {
        assertThat(extend(token, LONG)).isEqualTo(LeaseState.LOST);
        Batch successors = has(BrokerFeature.JOINS) ? Batch.of(task().build()) : Batch.EMPTY;
        assertThat(complete(token, "1", successors)).isFalse();
        for (Failure.Verdict verdict : List.of(new Failure.RetryIn(Duration.ZERO), new Failure.Die(DeadReason.FAILED),
                new Failure.GiveBack(), new Failure.Crashed(), new Failure.Cancelled())) {
            assertThat(fail(token, verdict)).isFalse();
        }
    }

    @Test
    public void aTokenThatWasNeverGivenIsRefused() {
        enqueue(task());
        Claim claim = claim();
        String id = claim.token().id();
        for (Token wrong : List.of(new Token("nobody", 1), new Token(id, 2), new Token(id, 0))) {
            assertRefused(wrong);
        }
        assertThat(complete(claim)).isTrue();
    }

    @Test
    public void untilItIsTakenBackALateWorkerCanRenewAndComplete() throws Exception {
        enqueue(task());
        enqueue(task());
        List<Claim> late = broker().claim(request(2, units(1), "default")).claims();
        pass(units(3));
        assertThat(extend(late.get(0), LONG)).isEqualTo(LeaseState.HELD);
        assertThat(complete(late.get(1))).isTrue();
        assertThat(upkeep().takenBack()).isZero();
        assertThat(complete(late.get(0))).isTrue();
    }

    @Test
    public void aLeaseIsRenewedFromNowOn() throws Exception {
        enqueue(task());
        Claim claim = only(claimOf(units(4)));
        pass(units(1));
        assertThat(extend(claim, units(30))).isEqualTo(LeaseState.HELD);
        pass(units(5));
        assertThat(upkeep().takenBack()).isZero();
        assertThat(extend(claim, units(1))).as("a shorter one").isEqualTo(LeaseState.HELD);
        pass(units(2));
        assertThat(upkeep().takenBack()).isOne();
    }

    @Test
    public void renewalsAreAnsweredInTheirOrder() throws Exception {
        needs(BrokerFeature.IDS);
        List<String> ids = List.of(enqueue(task()), enqueue(task()), enqueue(task()));
        List<Claim> claims = claim(3);
        complete(claims.get(1));
        broker().cancel(ids.get(2));
        List<Renewal> renewals =
                claims.reversed().stream().map(claim -> Renewal.of(claim.token())).toList();
        assertThat(broker().extend(renewals, LONG))
                .containsExactly(LeaseState.CANCEL_REQUESTED, LeaseState.LOST, LeaseState.HELD);
        assertThat(broker().extend(List.of(), LONG)).isEmpty();
    }

    @Test
    public void crashesAreCountedUntilTheTaskIsDead() throws Exception {
        String id = enqueue(task().retry(RetryPolicy.NONE.crashes(2)));
        claimOf(units(1));
        pass(units(2));
        assertThat(upkeep().takenBack()).isOne();
        assertThat(only(claimOf(units(1))).crashes()).isOne();
        pass(units(2));
        Upkeep upkeep = upkeep();
        assertThat(upkeep.takenBack()).isZero();
        assertThat(upkeep.crashed()).isOne();
        assertThat(end(id).state()).isEqualTo(TaskState.DEAD);
        assertThat(end(id).reason()).isEqualTo(DeadReason.CRASHED);
        assertNothingIsReady();
        if (has(BrokerFeature.SEARCH)) {
            assertThat(view(id)).extracting(TaskView::crashes, TaskView::failures, TaskView::attempts)
                    .containsExactly(2, 0, 2);
        }
    }

    @Test
    public void aTaskThatWasTakenBackHasItsOldPlace() throws Exception {
        String lost = enqueue(task());
        claimOf(units(1));
        String later = enqueue(task());
        pass(units(2));
        assertThat(upkeep().takenBack()).isOne();
        Claim again = only(claim(1));
        assertThat(again.token().id()).isEqualTo(lost);
        assertThat(fail(again, new Failure.Crashed())).isTrue();
        assertThat(claim(2)).extracting(claim -> claim.token().id()).containsExactly(lost, later);
    }

    @Test
    public void aTaskThatMayRunOnceIsDeadWithItsWorker() throws Exception {
        String id = enqueue(task().atMostOnce(true));
        claimOf(units(1));
        pass(units(2));
        assertThat(upkeep().crashed()).isOne();
        assertThat(end(id).reason()).isEqualTo(DeadReason.LOST);
        assertNothingIsReady();
    }

    @Test
    public void aCrashThatTheWorkerTellsCountsLikeALostWorker() {
        String crashing = enqueue(task().retry(RetryPolicy.NONE.crashes(2)));
        assertThat(fail(claim(), new Failure.Crashed())).isTrue();
        assertState(TaskState.READY, crashing);
        Claim second = claim();
        assertThat(second.crashes()).isOne();
        assertThat(second.failures()).isZero();
        assertThat(fail(second, new Failure.Crashed())).isTrue();
        assertThat(end(crashing)).extracting(EndedTask::state, EndedTask::reason, EndedTask::error)
                .containsExactly(TaskState.DEAD, DeadReason.CRASHED, error("it broke"));
        String once = enqueue(task().atMostOnce(true));
        fail(claim(), new Failure.Crashed());
        assertThat(end(once).reason()).isEqualTo(DeadReason.LOST);
        if (has(BrokerFeature.IDS)) {
            String cancelled = enqueue(task());
            Claim claim = claim();
            broker().cancel(cancelled);
            fail(claim, new Failure.Crashed());
            assertState(TaskState.CANCELLED, cancelled);
        }
    }

    @Test
    public void aBatchOfLostTasksIsTakenBackInBoundedParts() throws Exception {
        int count = 1100; // more than brokers take back at once
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            tasks.add(task().build());
        }
        enqueueAll(tasks);
        assertThat(broker().claim(request(count, units(1), "default")).claims()).hasSize(count);
        pass(units(2));
        assertThat(upkeep(Upkeep.Limits.USUAL).takenBack()).isEqualTo(count);
        assertThat(claim(count)).hasSize(count);
    }

    // ---- ends of runs ----

    @Test
    public void aResultIsKeptForThoseWhoAsk() {
        needs(BrokerFeature.IDS);
        String id = enqueue(task().queue("q").root("flow"));
        String open = enqueue(task());
        Claim claim = only(broker().claim(request(1, LONG, "q")).claims());
        assertThat(complete(claim, "{\"a\": 1}")).isTrue();
        List<EndedTask> ended = broker().ended(List.of(open, id, "nobody"));
        assertThat(ended).hasSize(1);
        EndedTask end = ended.getFirst();
        assertThat(end).extracting(EndedTask::id, EndedTask::type, EndedTask::queue, EndedTask::root, EndedTask::state,
                EndedTask::reason, EndedTask::error, EndedTask::attempts)
                .containsExactly(id, "work", "q", "flow", TaskState.SUCCEEDED, null, null, 1);
        assertThat(text(end.result())).isEqualTo("{\"a\": 1}");
        // a broker may only know how far its server's clock is ahead of its own, to a fraction of a millisecond
        assertThat(end.endedAt()).isBetween(claim.enqueuedAt().minusMillis(1), broker().now().plusMillis(1));
        assertThat(broker().ended(List.of())).isEmpty();
    }

    @Test
    public void aRepeatedCompletionIsAcceptedAndChangesNothing() {
        String id = enqueue(task());
        Claim claim = claim();
        boolean joins = has(BrokerFeature.JOINS);
        assertThat(complete(claim, "1", joins ? Batch.of(task().id("next-1").build()) : Batch.EMPTY)).isTrue();
        assertThat(complete(claim, "2", joins ? Batch.of(task().id("next-2").build()) : Batch.EMPTY)).isTrue();
        assertThat(text(end(id).result())).isEqualTo("1");
        assertThat(ids(claim(10))).isEqualTo(joins ? List.of("next-1") : List.of());
        assertThat(die(claim)).as("a failure after it").isFalse();
        assertState(TaskState.SUCCEEDED, id);
    }

    @Test
    public void aCompletionAfterAFailureIsRefused() {
        String id = enqueue(task());
        Claim claim = claim();
        assertThat(retryIn(claim, Duration.ZERO)).isTrue();
        assertThat(complete(claim)).isFalse();
        assertThat(retryIn(claim, Duration.ZERO)).isFalse();
        Claim second = claim();
        assertThat(die(second)).isTrue();
        assertThat(complete(second)).isFalse();
        assertState(TaskState.DEAD, id);
    }

    @Test
    public void completionsAndFailuresAreAnsweredInTheirOrder() {
        for (int i = 0; i < 4; i++) {
            enqueue(task());
        }
        List<Claim> claims = claim(4);
        Token old = new Token(claims.get(1).token().id(), 7);
        assertThat(broker().complete(List.of(new Completion(claims.get(0).token(), json("0"), Batch.EMPTY),
                new Completion(old, json("1"), Batch.EMPTY),
                new Completion(claims.get(2).token(), json("2"), Batch.EMPTY)))).containsExactly(true, false, true);
        var verdict = new Failure.Die(DeadReason.FAILED);
        assertThat(broker().fail(List.of(new Failure(old, error("x"), verdict),
                new Failure(claims.get(3).token(), error("x"), verdict),
                new Failure(claims.get(0).token(), error("x"), verdict),
                new Failure(claims.get(1).token(), error("x"), verdict)))).containsExactly(false, true, false, true);
        assertThat(broker().complete(List.of())).isEmpty();
        assertThat(broker().fail(List.of())).isEmpty();
    }

    @Test
    public void anEndIsKeptForItsTime() throws Exception {
        needs(BrokerFeature.IDS);
        String shortly = enqueue(task().resultTtl(units(2)));
        String longer = enqueue(task().resultTtl(Duration.ofDays(20)));
        String not = enqueue(task().resultTtl(Duration.ZERO));
        String cancelled = enqueue(task().resultTtl(units(2)));
        claim(3).forEach(this::complete);
        broker().cancel(cancelled);
        if (isExact()) {
            assertThat(broker().ended(List.of(shortly, longer, not, cancelled))).hasSize(3);
            pass(units(1));
            upkeep(Upkeep.Limits.USUAL);
            assertThat(broker().ended(List.of(shortly, longer, cancelled))).hasSize(3);
        }
        pass(units(3));
        upkeep(Upkeep.Limits.USUAL);
        assertThat(broker().ended(List.of(shortly, longer, not, cancelled))).extracting(EndedTask::id)
                .containsExactly(longer);
        if (has(BrokerFeature.SEARCH)) {
            assertThat(broker().find(shortly)).isEmpty();
            assertThat(broker().find(not)).isEmpty();
            assertThat(broker().find(longer)).isPresent();
        }
    }

    @Test
    public void deadLettersAreKeptForTheirOwnTime() throws Exception {
        needs(BrokerFeature.IDS);
        String id = enqueue(task().resultTtl(Duration.ZERO));
        die(claim());
        var limits = new Upkeep.Limits(LONG, units(3), LONG);
        if (isExact()) {
            pass(units(2));
            assertThat(upkeep(limits).removed()).isZero();
            assertState(TaskState.DEAD, id);
        }
        pass(units(4));
        assertThat(upkeep(limits).removed()).isOne();
        assertThat(broker().ended(List.of(id))).isEmpty();
    }

    // ---- retries ----

    @Test
    public void aFailedTaskIsTriedAgainLater() throws Exception {
        needs(BrokerFeature.DELAY);
        String id = enqueue(task());
        assertThat(retryIn(claim(), units(2))).isTrue();
        if (isExact()) {
            assertState(TaskState.SCHEDULED, id);
            assertThat(look(1).claims()).isEmpty();
            assertThat(look(1).lookAgainIn()).isEqualTo(units(2));
        }
        pass(units(2));
        Claim second = claim();
        assertThat(second.token()).isEqualTo(new Token(id, 2));
        assertThat(second.failures()).isOne();
        assertThat(second.crashes()).isZero();
        if (has(BrokerFeature.SEARCH)) {
            assertThat(view(id).error()).isEqualTo(error("it broke"));
        }
        complete(second);
        assertThat(end(id).error()).as("it has succeeded at last").isNull();
        assertThat(end(id).attempts()).isEqualTo(2);
    }

    @Test
    public void aFailedTaskMayBeTriedAgainAtOnce() {
        String id = enqueue(task());
        for (int i = 0; i < 5; i++) {
            Claim claim = claim();
            assertThat(claim.failures()).isEqualTo(i);
            retryIn(claim, Duration.ZERO);
            assertState(TaskState.READY, id);
        }
    }

    @Test
    public void aTaskDiesForTheReasonThatTheWorkerGives() {
        for (DeadReason reason : List.of(DeadReason.FAILED, DeadReason.TIMED_OUT, DeadReason.UNREADABLE)) {
            String id = enqueue(task());
            assertThat(fail(claim(), new Failure.Die(reason))).isTrue();
            assertThat(end(id)).extracting(EndedTask::state, EndedTask::reason, EndedTask::error, EndedTask::result)
                    .containsExactly(TaskState.DEAD, reason, error("it broke"), null);
        }
        assertNothingIsReady();
    }

    @Test
    public void aTaskThatIsGivenBackCountsNothingAndKeepsItsCheckpoint() {
        String id = enqueue(task());
        Claim first = claim();
        broker().extend(List.of(new Renewal(first.token(), json("half"), null)), LONG);
        assertThat(giveBack(first)).isTrue();
        assertState(TaskState.READY, id);
        Claim second = claim();
        assertThat(second.token()).isEqualTo(new Token(id, 2));
        assertThat(second.failures()).isZero();
        assertThat(second.crashes()).isZero();
        assertThat(text(second.checkpoint())).isEqualTo("half");
        assertThat(complete(second)).isTrue();
    }

    @Test
    public void checkpointsAndProgressAreKept() throws Exception {
        String id = enqueue(task());
        Claim first = only(claimOf(units(1)));
        broker().extend(List.of(new Renewal(first.token(), json("a"), new Progress(1, 10, "reading"))), units(1));
        broker().extend(List.of(new Renewal(first.token(), json("b"), null)), units(1));
        broker().extend(List.of(Renewal.of(first.token())), units(1));
        if (has(BrokerFeature.SEARCH)) {
            assertThat(view(id).progress()).isEqualTo(new Progress(1, 10, "reading"));
        }
        pass(units(2));
        upkeep();
        Claim second = claim();
        assertThat(text(second.checkpoint())).isEqualTo("b");
        assertThat(broker().extend(List.of(new Renewal(first.token(), json("old"), new Progress(9, 9, ""))), LONG))
                .containsExactly(LeaseState.LOST);
        retryIn(second, Duration.ZERO);
        assertThat(text(claim().checkpoint())).isEqualTo("b");
    }

    // ---- cancel ----

    @Test
    public void aTaskThatIsReadyIsCancelled() {
        needs(BrokerFeature.IDS);
        String id = enqueue(task());
        assertThat(broker().cancel(id)).isEqualTo(TaskState.CANCELLED);
        assertNothingIsReady();
        assertState(TaskState.CANCELLED, id);
        assertThat(end(id).attempts()).isZero();
        assertThat(broker().cancel(id)).isEqualTo(TaskState.CANCELLED);
    }

    @Test
    public void aTaskThatIsScheduledIsCancelled() throws Exception {
        needs(BrokerFeature.DELAY, BrokerFeature.IDS);
        String delayed = enqueue(task().due(When.after(units(1))));
        String retried = enqueue(task());
        retryIn(claim(), units(2));
        assertThat(broker().cancel(delayed)).isEqualTo(TaskState.CANCELLED);
        assertThat(broker().cancel(retried)).isEqualTo(TaskState.CANCELLED);
        pass(units(3));
        assertNothingIsReady();
    }

    @Test
    public void whatHasEndedIsNotCancelled() {
        needs(BrokerFeature.IDS);
        String succeeded = enqueue(task());
        complete(claim());
        String dead = enqueue(task());
        die(claim());
        assertThat(broker().cancel(succeeded)).isEqualTo(TaskState.SUCCEEDED);
        assertThat(broker().cancel(dead)).isEqualTo(TaskState.DEAD);
        assertThat(broker().cancel("nobody")).isNull();
        assertState(TaskState.SUCCEEDED, succeeded);
        assertState(TaskState.DEAD, dead);
    }

    @Test
    public void aTaskThatRunsIsToldToStop() throws Exception {
        needs(BrokerFeature.IDS);
        var heard = new Heard();
        var other = new Heard();
        broker().subscribe(new BrokerListener.Interest(Set.of(), null, "worker-1"), heard);
        broker().subscribe(new BrokerListener.Interest(Set.of(), null, "worker-2"), other);
        String id = enqueue(task());
        Claim claim = claim();
        assertThat(broker().cancel(id)).isEqualTo(TaskState.RUNNING);
        assertState(TaskState.RUNNING, id);
        await("the worker hears of the cancel", () -> heard.cancels.contains(id));
        assertThat(other.cancels).isEmpty();
        assertThat(extend(claim, LONG)).isEqualTo(LeaseState.CANCEL_REQUESTED);
        assertThat(fail(claim, new Failure.Cancelled())).isTrue();
        assertState(TaskState.CANCELLED, id);
        assertNothingIsReady();
    }

    @Test
    public void aTaskThatWasToStopIsCancelledWhateverTheVerdict() throws Exception {
        needs(BrokerFeature.IDS);
        for (Failure.Verdict verdict : List.of(new Failure.RetryIn(Duration.ZERO), new Failure.Die(DeadReason.FAILED),
                new Failure.GiveBack(), new Failure.Cancelled())) {
            String id = enqueue(task());
            Claim claim = claim();
            broker().cancel(id);
            assertThat(fail(claim, verdict)).isTrue();
            assertState(TaskState.CANCELLED, id);
        }
        String lost = enqueue(task());
        claimOf(units(1));
        broker().cancel(lost);
        pass(units(2));
        assertThat(upkeep().crashed()).isOne();
        assertState(TaskState.CANCELLED, lost);
    }

    @Test
    public void aTaskThatSucceedsAlthoughItWasToStopHasNoSuccessors() {
        needs(BrokerFeature.IDS);
        String id = enqueue(task());
        Claim claim = claim();
        broker().cancel(id);
        Batch next = has(BrokerFeature.JOINS) ? Batch.of(task().build()) : Batch.EMPTY;
        assertThat(complete(claim, "7", next)).isTrue();
        assertState(TaskState.SUCCEEDED, id);
        assertThat(text(end(id).result())).isEqualTo("7");
        assertNothingIsReady();
    }

    @Test
    public void aWorkflowIsCancelledWithAllOfItsTasks() {
        needs(BrokerFeature.IDS);
        String first = enqueue(task().id("flow"));
        String running = enqueue(task().root("flow"));
        List<Claim> claims = claim(2);
        String ready = enqueue(task().root("flow").queue("elsewhere"));
        String done = enqueue(task().root("flow"));
        complete(claim());
        String foreign = enqueue(task().root("another"));
        assertThat(broker().cancelAll("flow")).isEqualTo(3);
        assertState(TaskState.CANCELLED, ready);
        assertState(TaskState.SUCCEEDED, done);
        assertState(TaskState.RUNNING, first, running);
        claims.forEach(claim -> assertThat(extend(claim, LONG)).isEqualTo(LeaseState.CANCEL_REQUESTED));
        assertThat(claim().token().id()).isEqualTo(foreign);
        assertThat(broker().cancelAll("nothing")).isZero();
    }

    // ---- expiry ----

    @Test
    public void aTaskThatIsNotBegunInTimeExpires() throws Exception {
        String after = enqueue(task().expires(When.after(units(2))));
        String at = enqueue(task().expires(When.at(broker().now().plus(units(2)))));
        boolean priorities = has(BrokerFeature.PRIORITIES);
        String begun = enqueue(task().priority(priorities ? 9 : 5).expires(When.after(units(2))));
        String never = enqueue(task());
        if (has(BrokerFeature.PRIORITIES)) {
            assertThat(ids(claim(1))).containsExactly(begun);
        }
        pass(units(3));
        assertThat(ids(claim(10))).containsExactly(never);
        upkeep(Upkeep.Limits.USUAL);
        assertState(TaskState.EXPIRED, after, at);
        if (has(BrokerFeature.PRIORITIES)) {
            assertState(TaskState.RUNNING, begun);
        }
    }

    @Test
    public void upkeepEndsWhatHasExpired() throws Exception {
        needs(BrokerFeature.IDS);
        String id = enqueue(task().expires(When.after(units(1))));
        pass(units(2));
        assertThat(upkeep().expired()).isOne();
        assertState(TaskState.EXPIRED, id);
        assertThat(broker().cancel(id)).isEqualTo(TaskState.EXPIRED);
        assertNothingIsReady();
    }

    @Test
    public void aTaskExpiresWhileItIsScheduled() throws Exception {
        needs(BrokerFeature.DELAY);
        String delayed = enqueue(task().due(When.after(units(5))).expires(When.after(units(1))));
        String retried = enqueue(task().expires(When.after(units(2))));
        retryIn(claim(), units(5));
        pass(units(3));
        assertThat(upkeep().expired()).isEqualTo(2);
        assertState(TaskState.EXPIRED, delayed, retried);
        pass(units(5));
        assertNothingIsReady();
    }

    // ---- unknown types ----

    @Test
    public void aTaskThatNoWorkerKnowsIsDeadAfterATime() throws Exception {
        needs(BrokerFeature.IDS);
        var limits = new Upkeep.Limits(units(3), LONG, LONG);
        String unknown = enqueue(task("unknown"));
        String known = enqueue(task());
        pass(units(4));
        broker().report(report("worker-1", "work"));
        String young = enqueue(task("unknown"));
        assertThat(upkeep(limits).unknown()).isOne();
        assertThat(end(unknown)).extracting(EndedTask::state, EndedTask::reason)
                .containsExactly(TaskState.DEAD, DeadReason.UNKNOWN_TYPE);
        assertState(TaskState.READY, known);
        if (isExact()) {
            assertState(TaskState.READY, young);
        }
    }

    static WorkerReport report(String id, String... types) {
        return new WorkerReport(id, "host", 42, "running", "virtual:4", 4, List.of("default:1"),
                Set.of(types), List.of("task-1"), 5, 1, Instant.parse("2026-01-01T00:00:00Z"),
                Instant.parse("2001-01-01T00:00:00Z"));
    }

    // ---- what cannot be read ----

    @Test
    public void aDamagedMessageHarmsNoOtherTask() throws Exception {
        String before = enqueue(task());
        String damaged = enqueue(task().payload(json("{\"left\": true}")));
        String after = enqueue(task());
        assumeTrue(damage(damaged), "messages cannot be damaged");
        assertThat(ids(claim(10))).containsExactlyInAnyOrder(before, after);
        assertThat(end(damaged)).extracting(EndedTask::state, EndedTask::reason)
                .containsExactly(TaskState.DEAD, DeadReason.UNREADABLE);
        if (has(BrokerFeature.SEARCH)) {
            assertThat(text(view(damaged).payload())).isEqualTo("{\"left\": true}");
        }
        assertNothingIsReady();
        upkeep(Upkeep.Limits.USUAL);
    }

    // ---- close ----

    @Test
    public void aClosedBrokerRefusesEverything() {
        Broker closed = broker();
        Claim claim;
        enqueue(task());
        claim = claim();
        closed.close();
        closed.close();
        List<Runnable> calls = List.of(
                () -> closed.enqueue(Batch.of(task().build())),
                () -> closed.claim(request(1, LONG, "default")),
                () -> closed.extend(List.of(Renewal.of(claim.token())), LONG),
                () -> closed.complete(List.of(new Completion(claim.token(), json("1"), Batch.EMPTY))),
                () -> closed.fail(List.of(new Failure(claim.token(), error("x"), new Failure.GiveBack()))),
                () -> closed.cancel("x"),
                () -> closed.cancelAll("x"),
                () -> closed.ended(List.of("x")),
                () -> closed.counts(),
                () -> closed.paused(),
                () -> closed.upkeep(Upkeep.Limits.USUAL),
                () -> closed.now(),
                () -> closed.report(report("worker-1")),
                () -> closed.forget("worker-1"),
                () -> closed.workers());
        for (Runnable call : calls) {
            assertThatThrownBy(call::run).isInstanceOf(IllegalStateException.class)
                    .hasMessageNotContaining("\n");
        }
    }
}
