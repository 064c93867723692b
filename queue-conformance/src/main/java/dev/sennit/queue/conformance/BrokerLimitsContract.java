package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.When;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The contract of brokers: what keeps tasks out or back - unique keys, keys that take turns, rates, pauses. */
public abstract class BrokerLimitsContract extends BrokerTasksContract {
    /** For the subclasses. */
    protected BrokerLimitsContract() {}

    // ---- unique ----

    private static QueuedTask.Builder untilEnded(String key) {
        return task().unique(new Unique(key, Unique.Until.ENDED, null));
    }

    private void assertDuplicateOf(String first, QueuedTask.Builder other) {
        assertThat(broker().enqueue(Batch.of(other.build()))).containsExactly(new Enqueued(first, true));
    }

    @Test
    public void aTaskThatIsUniqueRefusesOthersUntilItHasEnded() throws Exception {
        needs(BrokerFeature.UNIQUE);
        String first = enqueue(untilEnded("k"));
        assertDuplicateOf(first, untilEnded("k").queue("elsewhere"));
        String free = enqueue(untilEnded("K"));
        Claim claim = claim(1).getFirst();
        assertDuplicateOf(first, untilEnded("k"));
        retryIn(claim, Duration.ZERO);
        assertDuplicateOf(first, untilEnded("k"));
        claim = claim(2).stream().filter(one -> one.token().id().equals(first)).findFirst().orElseThrow();
        assertDuplicateOf(first, untilEnded("k"));
        complete(claim);
        String second = enqueue(untilEnded("k"));
        assertDuplicateOf(second, untilEnded("k"));
        assertDuplicateOf(free, untilEnded("K"));
    }

    @Test
    public void eachEndMakesRoomForAnotherUniqueTask() throws Exception {
        needs(BrokerFeature.UNIQUE);
        enqueue(untilEnded("k"));
        die(claim());
        String cancelled = enqueue(untilEnded("k"));
        broker().cancel(cancelled);
        String stopped = enqueue(untilEnded("k"));
        Claim claim = claim();
        broker().cancel(stopped);
        giveBack(claim);
        enqueue(untilEnded("k").expires(When.after(units(1))));
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        if (has(BrokerFeature.SEARCH)) {
            String purged = enqueue(untilEnded("k"));
            broker().purge(TaskFilter.ALL.ids(purged));
        }
        enqueue(untilEnded("k").retry(RetryPolicy.NONE.crashes(1)));
        claimOf(units(1));
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        enqueue(untilEnded("k"));
    }

    @Test
    public void aTaskMayBeUniqueUntilItIsBegun() {
        needs(BrokerFeature.UNIQUE);
        QueuedTask.Builder task = task().unique(new Unique("k", Unique.Until.BEGUN, null));
        String first = enqueue(task);
        QueuedTask.Builder second = task.id("second");
        assertDuplicateOf(first, second);
        Claim claim = claim();
        assertThat(enqueue(second)).isEqualTo("second");
        QueuedTask.Builder third = task.id("third");
        assertDuplicateOf("second", third);
        retryIn(claim, Duration.ZERO); // two of them wait now
        assertDuplicateOf("second", third);
        broker().cancel("second");
        enqueue(third);
    }

    @Test
    public void aTaskMayBeUniqueForATime() throws Exception {
        needs(BrokerFeature.UNIQUE);
        QueuedTask.Builder task = task().unique(new Unique("k", Unique.Until.PERIOD_OVER, units(3)))
                .resultTtl(Duration.ZERO);
        String first = enqueue(task);
        complete(claim());
        upkeep(Upkeep.Limits.USUAL);
        QueuedTask.Builder second = task.id("second");
        if (isExact()) {
            assertDuplicateOf(first, second);
            pass(units(2));
            assertDuplicateOf(first, second);
        }
        pass(units(3));
        enqueue(second);
        broker().cancel("second");
        if (isExact()) {
            assertDuplicateOf("second", task.id("third"));
        }
    }

    @Test
    public void ofABatchTheFirstUniqueTaskIsKept() {
        needs(BrokerFeature.UNIQUE);
        List<QueuedTask> tasks = List.of(untilEnded("k").build(), task().build(), untilEnded("k").build(),
                untilEnded("other").build());
        assertThat(broker().enqueue(batch(tasks))).containsExactly(new Enqueued(tasks.get(0).id(), false),
                new Enqueued(tasks.get(1).id(), false), new Enqueued(tasks.get(0).id(), true),
                new Enqueued(tasks.get(3).id(), false));
        assertThat(claim(10)).hasSize(3);
    }

    @Test
    public void aUniqueTaskThatIsEnqueuedAgainIsNoDuplicate() {
        needs(BrokerFeature.UNIQUE);
        QueuedTask task = untilEnded("k").build();
        assertThat(broker().enqueue(Batch.of(task))).containsExactly(new Enqueued(task.id(), false));
        assertThat(broker().enqueue(Batch.of(task))).containsExactly(new Enqueued(task.id(), false));
    }

    @Test
    public void whatWaitsForADuplicateIsRefusedToo() {
        needs(BrokerFeature.UNIQUE, BrokerFeature.JOINS);
        String first = enqueue(untilEnded("k"));
        QueuedTask last = task().after("j2").build();
        QueuedTask middle = task().after("j1").part(new PartOf("j2", 0)).build();
        QueuedTask duplicate = untilEnded("k").part(new PartOf("j1", 0)).build();
        QueuedTask other = part("j1", 1).build();
        QueuedTask callback = task("callback").build();
        List<Enqueued> outcomes = broker().enqueue(batch(List.of(last, middle, duplicate, other),
                joinOf("j1", 2, callback), joinOf("j2", 1, callback)));
        assertThat(outcomes).containsExactly(new Enqueued(last.id(), true), new Enqueued(middle.id(), true),
                new Enqueued(first, true), new Enqueued(other.id(), false));
        List<Claim> claims = claim(10);
        assertThat(ids(claims)).containsExactly(first, other.id());
        die(claims.get(1));
        assertNothingIsReady();
        assertThat(count("default", TaskState.BLOCKED)).isZero();
    }

    // ---- keys ----

    private static QueuedTask.Builder ofKey(String key, int limit) {
        return task().key(new KeyLimit(key, limit));
    }

    private List<String> enqueueOfKey(String key, int limit, int count) {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ids.add(enqueue(ofKey(key, limit).id(key + i)));
        }
        return ids;
    }

    @Test
    public void keysTakeTurns() {
        needs(BrokerFeature.KEYS);
        enqueueOfKey("a", KeyLimit.UNLIMITED, 5);
        enqueueOfKey("b", KeyLimit.UNLIMITED, 2);
        enqueue(task().id("free"));
        enqueueOfKey("c", KeyLimit.UNLIMITED, 1);
        assertThat(count("default", TaskState.READY)).isEqualTo(4);
        assertThat(count("default", TaskState.HELD)).isEqualTo(5);
        assertThat(ids(claimEach())).containsExactly("a0", "b0", "free", "c0", "a1", "b1", "a2", "a3", "a4");
    }

    @Test
    public void aClaimOfManyTakesTurnsToo() {
        needs(BrokerFeature.KEYS);
        enqueueOfKey("a", KeyLimit.UNLIMITED, 20);
        enqueueOfKey("b", KeyLimit.UNLIMITED, 20);
        Set<String> claimed = new HashSet<>();
        Map<Character, Integer> next = new HashMap<>();
        for (List<Claim> claims = claim(4); !claims.isEmpty(); claims = claim(4)) {
            for (String id : ids(claims)) {
                assertThat(claimed.add(id)).isTrue();
                assertThat(id).isEqualTo(id.charAt(0) + "" + (next.merge(id.charAt(0), 1, Integer::sum) - 1));
            }
            assertThat(Math.abs(next.getOrDefault('a', 0) - next.getOrDefault('b', 0))).isLessThanOrEqualTo(2);
        }
        assertThat(claimed).hasSize(40);
    }

    @Test
    public void aKeyHasAtMostSoManyTasksUnderWay() {
        needs(BrokerFeature.KEYS);
        enqueueOfKey("a", 2, 5);
        enqueueOfKey("b", 1, 2);
        List<Claim> claims = claimEach();
        assertThat(ids(claims)).containsExactlyInAnyOrder("a0", "a1", "b0");
        complete(of(claims, "a1"));
        assertThat(claim().token().id()).isEqualTo("a2");
        complete(of(claims, "b0"));
        die(of(claims, "a0"));
        assertThat(ids(claimEach())).containsExactlyInAnyOrder("a3", "b1");
    }

    private static Claim of(List<Claim> claims, String id) {
        return claims.stream().filter(claim -> claim.token().id().equals(id)).findFirst().orElseThrow();
    }

    @Test
    public void aKeyIsOfItsQueue() {
        needs(BrokerFeature.KEYS);
        enqueue(ofKey("a", 1).queue("x"));
        enqueue(ofKey("a", 1).queue("y"));
        assertThat(broker().claim(request(5, LONG, "x", "y")).claims()).hasSize(2);
    }

    @Test
    public void withOnePlaceTheOrderHoldsWhateverBecomesOfATask() throws Exception {
        needs(BrokerFeature.KEYS);
        enqueueOfKey("a", 1, 4);
        if (has(BrokerFeature.DELAY)) {
            retryIn(claim(), units(2));
            if (isExact()) {
                assertNothingIsReady();
            }
            pass(units(2));
        }
        retryIn(claim(), Duration.ZERO);
        giveBack(claim());
        assertThat(only(claimOf(units(1))).token().id()).isEqualTo("a0");
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        fail(claim(), new Failure.Crashed());
        Claim last = claim();
        assertThat(last.token().id()).isEqualTo("a0");
        complete(last);
        assertThat(claim().token().id()).isEqualTo("a1");
        broker().cancel("a2");
        fail(new Token("a1", 1), new Failure.GiveBack());
        complete(claim());
        assertThat(claim().token().id()).isEqualTo("a3");
    }

    @Test
    public void withMorePlacesATaskThatWaitsForARetryHasNone() throws Exception {
        needs(BrokerFeature.KEYS, BrokerFeature.DELAY);
        enqueueOfKey("a", 2, 4);
        List<Claim> claims = claimEach();
        assertThat(ids(claims)).containsExactly("a0", "a1");
        retryIn(claims.get(0), units(2));
        if (isExact()) {
            assertThat(claim().token().id()).isEqualTo("a2");
            pass(units(2));
            assertNothingIsReady();
            assertState(TaskState.HELD, "a0", "a3");
        } else {
            pass(units(2));
            claimEach();
        }
        complete(claims.get(1));
        assertThat(claimEach()).hasSize(1);
    }

    @Test
    public void aTaskThatIsGivenBackIsReadyThoughAnotherOneIs() {
        needs(BrokerFeature.KEYS);
        enqueueOfKey("a", 3, 3);
        Claim first = claim(1).getFirst();
        assertState(TaskState.READY, "a1");
        giveBack(first);
        assertState(TaskState.READY, "a0", "a1");
        assertState(TaskState.HELD, "a2");
        assertThat(ids(claimEach())).containsExactly("a1", "a0", "a2");
    }

    @Test
    public void theLimitThatWasGivenLastCounts() {
        needs(BrokerFeature.KEYS);
        enqueueOfKey("a", 1, 4);
        List<Claim> claims = claimEach();
        assertThat(ids(claims)).containsExactly("a0");
        enqueue(ofKey("a", 3).id("more"));
        assertThat(ids(claimEach())).containsExactly("a1", "a2");
        enqueue(ofKey("a", 1).id("less"));
        complete(claims.getFirst());
        assertNothingIsReady();
        assertState(TaskState.HELD, "a3", "more", "less");
    }

    @Test
    public void ofAKeyTheGreatestPriorityGoesFirst() {
        needs(BrokerFeature.KEYS, BrokerFeature.PRIORITIES);
        enqueue(ofKey("a", 1).id("first").priority(0));
        enqueue(ofKey("a", 1).id("low").priority(1));
        enqueue(ofKey("a", 1).id("high").priority(8));
        enqueue(ofKey("a", 1).id("high-too").priority(8));
        for (String id : List.of("first", "high", "high-too", "low")) {
            Claim claim = claim();
            assertThat(claim.token().id()).isEqualTo(id);
            complete(claim);
        }
    }

    @Test
    public void theNextOfAKeyGoesOnWhenTheOneThatIsReadyEnds() throws Exception {
        needs(BrokerFeature.KEYS);
        enqueue(ofKey("a", 1).id("a0").expires(When.after(units(1))));
        enqueue(ofKey("a", 1).id("a1").expires(When.after(units(1))));
        enqueue(ofKey("a", 1).id("a2"));
        enqueue(ofKey("a", 1).id("a3"));
        enqueue(ofKey("a", 1).id("a4"));
        assertState(TaskState.HELD, "a1", "a2");
        pass(units(2));
        assertThat(upkeep(Upkeep.Limits.USUAL).expired()).isEqualTo(2);
        assertState(TaskState.READY, "a2");
        broker().cancel("a3");
        broker().cancel("a2");
        assertState(TaskState.READY, "a4");
        if (has(BrokerFeature.SEARCH)) {
            enqueue(ofKey("a", 1).id("a5"));
            broker().purge(TaskFilter.ALL.ids("a4"));
            assertState(TaskState.READY, "a5");
        }
    }

    @Test
    public void aDueTaskOfAKeyWaitsForItsTurn() throws Exception {
        needs(BrokerFeature.KEYS, BrokerFeature.DELAY);
        enqueue(ofKey("a", 1).id("later").due(When.after(units(1))));
        enqueue(ofKey("a", 1).id("now"));
        Claim claim = claim(1).getFirst();
        pass(units(2));
        assertNothingIsReady();
        assertThat(count("default", TaskState.HELD)).isOne();
        complete(claim);
        assertThat(claim().token().id()).isEqualTo("later");
    }

    @Test
    public void thousandsOfKeysKeepTheirOrders() {
        needs(BrokerFeature.KEYS);
        int keys = crowd(10_000);
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 0; i < 2 * keys; i++) {
            tasks.add(ofKey("k" + i % keys, 1).payload(json("" + i)).build());
        }
        enqueueAll(tasks);
        Map<String, Integer> seen = new HashMap<>();
        for (List<Claim> claims = claim(1000); !claims.isEmpty(); claims = claim(1000)) {
            List<Completion> done = new ArrayList<>();
            for (Claim claim : claims) {
                String key = Objects.requireNonNull(claim.task().key()).key();
                int number = Integer.parseInt(text(claim.task().payload()));
                assertThat(number / keys).as(key).isEqualTo(seen.getOrDefault(key, 0));
                seen.merge(key, 1, Integer::sum);
                done.add(new Completion(claim.token(), json("1"), Batch.EMPTY));
            }
            assertThat(broker().complete(done)).containsOnly(true);
        }
        assertThat(seen).hasSize(keys);
        assertThat(seen.values()).containsOnly(2);
        assertThat(count("default", TaskState.HELD)).isZero();
    }

    // ---- rates ----

    @Test
    public void tasksOfATypeBeginEvenly() throws Exception {
        needs(BrokerFeature.RATES);
        broker().limit("work", Rate.of(2, units(20)));
        for (int i = 0; i < 5; i++) {
            enqueue(task().queue("q" + i % 2));
        }
        String other = enqueue(task("other").queue("q1"));
        var request = new ClaimRequest("worker-1", List.of("q0", "q1"), Set.of("work", "other"), 10, LONG);
        Claimed claimed = broker().claim(request);
        assertThat(claimed.claims()).hasSize(2).extracting(claim -> claim.token().id()).contains(other);
        assertThat(claimed.lookAgainIn()).isNotNull().isPositive().isLessThanOrEqualTo(units(10));
        if (isExact()) {
            assertThat(broker().claim(request).claims()).isEmpty();
            pass(units(9));
            assertThat(broker().claim(request).claims()).isEmpty();
            pass(units(1));
            assertThat(broker().claim(request).claims()).hasSize(1);
            pass(units(100));
            assertThat(broker().claim(request).claims()).as("no burst").hasSize(1);
        }
    }

    @Test
    public void whoLooksAgainWhenToldFindsATask() throws Exception {
        needs(BrokerFeature.RATES);
        broker().limit("work", Rate.of(1, units(1)));
        enqueue(task());
        enqueue(task());
        assertThat(claim(5)).hasSize(1);
        Duration again = look(5).lookAgainIn();
        if (isExact()) {
            pass(Objects.requireNonNull(again));
        } else {
            pass(units(1));
        }
        assertThat(claim(5)).hasSize(isExact() ? 1 : claim(5).size());
    }

    @Test
    public void afterAPauseABurstMayBegin() throws Exception {
        needs(BrokerFeature.RATES);
        broker().limit("work", new Rate(1, units(20), 3));
        for (int i = 0; i < 20; i++) {
            enqueue(task());
        }
        assertThat(claim(10)).hasSize(3);
        assertNothingIsReadyYet();
        if (isExact()) {
            pass(units(40));
            assertThat(claim(10)).hasSize(2);
            pass(units(1000));
            assertThat(claim(10)).hasSize(3);
        }
    }

    @Test
    public void aLimitCanBeTakenAwayAndIsSeenByAll() throws Exception {
        needs(BrokerFeature.RATES);
        Rate rate = new Rate(5, Duration.ofHours(1), 1);
        broker().limit("work", rate);
        broker().limit("other", Rate.of(1, Duration.ofHours(1)));
        broker().limit("other", null);
        assertThat(broker().limits()).isEqualTo(Map.of("work", rate));
        enqueue(task());
        enqueue(task());
        assertThat(claim(5)).hasSize(1);
        broker().limit("work", rate);
        assertThat(claim(5)).as("the same again").isEmpty();
        broker().limit("work", null);
        assertThat(broker().limits()).isEmpty();
        assertThat(claim(5)).hasSize(1);
        broker().limit("work", rate);
        Broker second = second();
        assertThat(second.limits()).isEqualTo(Map.of("work", rate));
        enqueue(task());
        enqueue(task());
        assertThat(second.claim(request(5, LONG, "default")).claims()).hasSize(1);
        assertNothingIsReady();
    }

    // ---- pauses ----

    @Test
    public void tasksOfAPausedQueueOrTypeStay() {
        needs(BrokerFeature.PAUSES);
        String a = enqueue(task().queue("a"));
        String b = enqueue(task("other").queue("b"));
        String b2 = enqueue(task().queue("b"));
        broker().pause(Scope.queue("a"));
        broker().pause(Scope.queue("a"));
        broker().pause(Scope.type("other"));
        assertThat(broker().paused()).containsExactlyInAnyOrder(Scope.queue("a"), Scope.type("other"));
        assertThat(ids(broker().claim(request(9, LONG, "a", "b")).claims())).containsExactly(b2);
        broker().resume(Scope.queue("a"));
        assertThat(ids(broker().claim(request(9, LONG, "a", "b")).claims())).containsExactly(a);
        broker().resume(Scope.type("other"));
        broker().resume(Scope.type("other"));
        assertThat(ids(broker().claim(request(9, LONG, "a", "b")).claims())).containsExactly(b);
        assertThat(broker().paused()).isEmpty();
    }

    @Test
    public void tasksThatRunGoOnWhenTheirQueueIsPaused() {
        needs(BrokerFeature.PAUSES);
        enqueue(task());
        enqueue(task());
        List<Claim> claims = claim(2);
        broker().pause(Scope.queue("default"));
        broker().pause(Scope.type("work"));
        assertThat(extend(claims.get(0), LONG)).isEqualTo(LeaseState.HELD);
        assertThat(complete(claims.get(0))).isTrue();
        assertThat(giveBack(claims.get(1))).isTrue();
        assertNothingIsReady();
    }

    @Test
    public void aPauseHoldsForAllBrokerObjects() throws Exception {
        needs(BrokerFeature.PAUSES);
        Broker second = second();
        enqueue(task());
        broker().pause(Scope.queue("default"));
        assertThat(second.paused()).containsExactly(Scope.queue("default"));
        assertThat(second.claim(request(5, LONG, "default")).claims()).isEmpty();
        second.resume(Scope.queue("default"));
        assertThat(broker().paused()).isEmpty();
        assertThat(claim(5)).hasSize(1);
    }
}
