package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.QueueCounts;
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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The contract of brokers as JUnit tests. A subclass says which broker it is for, and runs all of them:
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 * import dev.sennit.queue.conformance.BrokerContract;
 * import dev.sennit.queue.memory.MemoryBroker;
 * import dev.sennit.testing.VirtualClock;
 * import java.time.Duration;
 * import java.util.EnumSet;
 * import java.util.Set;
 *
 * class MyBrokerTest extends BrokerContract {
 *     private VirtualClock clock;
 *     private MemoryBroker first;
 *
 *     protected Broker open() {
 *         clock = VirtualClock.standing(VirtualClock.START);
 *         first = new MemoryBroker(clock);
 *         return first;
 *     }
 *
 *     protected Broker again() {
 *         return first.again();
 *     }
 *
 *     protected Set<BrokerFeature> features() {
 *         return EnumSet.complementOf(EnumSet.of(BrokerFeature.DURABLE, BrokerFeature.SHARED));
 *     }
 *
 *     protected void pass(Duration time) {
 *         clock.advance(time);
 *     }
 * }
 * }
 *
 * <p>The tests stand in this class and its superclasses: tasks, limits, flows, crowds, and here what those who look on,
 * schedule and operate ask for.
 */
public abstract class BrokerContract extends BrokerCrowdContract {
    /** For the subclasses. */
    protected BrokerContract() {}

    // ---- what a broker is ----

    @Test
    public void theBrokerHasANameAndItsFeatures() {
        assertThat(broker().name()).isNotBlank().doesNotContain("\n");
        assertThat(broker().features()).isEqualTo(features());
    }

    @Test
    public void theClockOfTheBrokerGoesOn() throws Exception {
        Instant before = broker().now();
        pass(units(2));
        assertThat(Duration.between(before, broker().now())).isGreaterThanOrEqualTo(units(2).minusMillis(1));
    }

    @Test
    public void whatIsNotOfferedIsRefusedByItsName() throws Exception {
        refuses(BrokerFeature.DELAY, () -> broker().enqueue(Batch.of(task().due(When.after(LONG)).build())));
        refuses(BrokerFeature.PRIORITIES, () -> broker().enqueue(Batch.of(task().priority(9).build())));
        refuses(BrokerFeature.UNIQUE, () -> broker()
                .enqueue(Batch.of(task().unique(new Unique("k", Unique.Until.ENDED, null)).build())));
        refuses(BrokerFeature.KEYS, () -> broker().enqueue(Batch.of(task().key(new KeyLimit("k", 1)).build())));
        refuses(BrokerFeature.RATES, () -> broker().limit("work", Rate.of(1, LONG)));
        refuses(BrokerFeature.PAUSES, () -> broker().pause(Scope.queue("default")));
        refuses(BrokerFeature.PAUSES, () -> broker().resume(Scope.queue("default")));
        refuses(BrokerFeature.JOINS,
                () -> broker()
                        .enqueue(batch(List.of(part("j", 0).build(), task().after("j").build()), joinOf("j", 1))));
        refuses(BrokerFeature.IDS, () -> broker().cancel("x"));
        refuses(BrokerFeature.IDS, () -> broker().cancelAll("x"));
        refuses(BrokerFeature.IDS, () -> broker().ended(List.of("x")));
        refuses(BrokerFeature.SEARCH, () -> broker().search(TaskFilter.ALL, 1));
        refuses(BrokerFeature.SEARCH, () -> broker().find("x"));
        refuses(BrokerFeature.SEARCH, () -> broker().replay(TaskFilter.ALL, null));
        refuses(BrokerFeature.SEARCH, () -> broker().purge(TaskFilter.ALL));
        refuses(BrokerFeature.SCHEDULES, () -> broker().putSchedule(schedule("x", broker().now()), null));
        refuses(BrokerFeature.SCHEDULES, () -> broker().schedules());
        refuses(BrokerFeature.EVENTS, () -> broker().events(0, 1));
        refuses(BrokerFeature.EVENTS, () -> broker().keepEvents(LONG));
        assertNothingIsReady();
    }

    private void refuses(BrokerFeature feature, Runnable call) {
        if (!has(feature)) {
            assertThatThrownBy(call::run).isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining(feature.name());
        }
    }

    @Test
    public void tasksOutliveTheBrokerObject() throws Exception {
        needs(BrokerFeature.DURABLE, BrokerFeature.IDS);
        enqueue(task().id("running"));
        enqueue(task().id("done"));
        List<Claim> claims = claim(2);
        enqueue(task().id("ready").payload(json("{\"a\": 1}")).headers(Map.of("h", "v")));
        broker().extend(List.of(new Renewal(claims.get(0).token(), json("half"), null)), LONG);
        complete(claims.get(1), "42");
        if (has(BrokerFeature.PAUSES)) {
            broker().pause(Scope.type("other"));
        }
        if (has(BrokerFeature.JOINS)) {
            broker().enqueue(batch(List.of(part("j", 0).id("p").queue("flow").build(),
                    task().id("w").after("j").queue("flow").build()), joinOf("j", 1)));
        }
        if (has(BrokerFeature.SCHEDULES)) {
            broker().putSchedule(schedule("s", broker().now()), null);
        }
        broker().close();
        Broker again = second();
        assertThat(again.ended(List.of("done"))).extracting(end -> text(end.result())).containsExactly("42");
        Claim ready = only(again.claim(request(5, LONG, "default")).claims());
        assertThat(ready.token().id()).isEqualTo("ready");
        assertThat(text(ready.task().payload())).isEqualTo("{\"a\": 1}");
        assertThat(ready.task().headers()).isEqualTo(Map.of("h", "v"));
        assertThat(again.fail(List.of(new Failure(claims.get(0).token(), error("x"), new Failure.GiveBack()))))
                .as("the lease holds").containsExactly(true);
        assertThat(text(only(again.claim(request(5, LONG, "default")).claims()).checkpoint())).isEqualTo("half");
        if (has(BrokerFeature.PAUSES)) {
            assertThat(again.paused()).containsExactly(Scope.type("other"));
        } else {
            assertThat(again.paused()).isEmpty();
        }
        if (has(BrokerFeature.JOINS)) {
            Claim p = only(again.claim(request(5, LONG, "flow")).claims());
            again.complete(List.of(new Completion(p.token(), json("1"), Batch.EMPTY)));
            assertThat(only(again.claim(request(5, LONG, "flow")).claims()).inputs()).hasSize(1);
        }
        if (has(BrokerFeature.SCHEDULES)) {
            assertThat(again.schedules()).hasSize(1);
        }
    }

    @Test
    public void whatIsThereIsThereForAllBrokerObjects() throws Exception {
        Broker second = second();
        String id = enqueue(task());
        Claim claim = only(second.claim(request(5, LONG, "default")).claims());
        assertNothingIsReady();
        assertThat(second.fail(List.of(new Failure(claim.token(), error("x"), new Failure.GiveBack()))))
                .containsExactly(true);
        assertThat(complete(claim())).isTrue();
        assertState(TaskState.SUCCEEDED, id);
        second.close();
        enqueue(task());
        assertThat(claim(5)).hasSize(1);
    }

    @Test
    public void allBrokerObjectsOfAStoreSeeTheSameTasks() throws Exception {
        needs(BrokerFeature.IDS);
        Broker second = second();
        String id = enqueue(task());
        Claim claim = only(second.claim(request(5, units(1), "default")).claims());
        assertNothingIsReady();
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        assertThat(complete(claim())).isTrue();
        assertThat(second.complete(
                List.of(new Completion(claim.token(), json("1"), Batch.EMPTY))))
                .containsExactly(false);
        assertThat(second.ended(List.of(id))).hasSize(1);
        second.close();
        enqueue(task());
        assertThat(claim(5)).hasSize(1);
    }

    // ---- search ----

    @Test
    public void aTaskIsFoundWithAllThatIsKnownOfIt() {
        needs(BrokerFeature.SEARCH);
        String id = enqueue(task().version(2).queue("q").headers(Map.of("h", "v")).root("flow")
                .key(has(BrokerFeature.KEYS) ? new KeyLimit("k", 3) : null));
        TaskView ready = view(id);
        assertThat(ready).extracting(TaskView::id, TaskView::type, TaskView::version, TaskView::queue, TaskView::state,
                TaskView::priority, TaskView::key, TaskView::root, TaskView::dueAt, TaskView::begunAt,
                TaskView::endedAt, TaskView::worker, TaskView::attempts, TaskView::reason, TaskView::error)
                .containsExactly(id, "work", 2, "q", TaskState.READY, 5, has(BrokerFeature.KEYS) ? "k" : null, "flow",
                        null, null, null, null, 0, null, null);
        assertThat(text(ready.payload())).isEqualTo("1");
        assertThat(ready.headers()).isEqualTo(Map.of("h", "v"));
        Claim claim = only(broker().claim(request(1, LONG, "q")).claims());
        TaskView running = view(id);
        assertThat(running).extracting(TaskView::state, TaskView::worker, TaskView::attempts)
                .containsExactly(TaskState.RUNNING, "worker-1", 1);
        assertThat(running.begunAt()).isBetween(ready.enqueuedAt(), broker().now());
        complete(claim);
        TaskView done = view(id);
        assertThat(done).extracting(TaskView::state, TaskView::worker).containsExactly(TaskState.SUCCEEDED, "worker-1");
        assertThat(done.endedAt()).isBetween(ready.enqueuedAt(), broker().now());
        assertThat(done.payload()).isEmpty();
        assertThat(done.headers()).isEmpty();
        assertThat(broker().find("nobody")).isEmpty();
    }

    @Test
    public void aDelayedTaskShowsWhenItIsDue() {
        needs(BrokerFeature.SEARCH, BrokerFeature.DELAY);
        Instant due = Instant.ofEpochMilli(broker().now().toEpochMilli()).plus(LONG);
        String id = enqueue(task().due(When.at(due)));
        assertThat(view(id).dueAt()).isEqualTo(due);
    }

    @Test
    public void tasksAreFoundByAllThatAFilterSays() {
        needs(BrokerFeature.SEARCH);
        enqueue(task().id("1").queue("a").root("flow"));
        enqueue(task("other").id("2").queue("a"));
        enqueue(task().id("3").queue("b").payload(json("{\"name\": \"A%d_a\"}")).root("flow"));
        enqueue(task().id("4").queue("b").priority(9));
        enqueue(task().id("5").queue("b").priority(9));
        List<Claim> claims = broker().claim(request(2, LONG, "b")).claims();
        complete(claims.get(0));
        broker().fail(List.of(new Failure(claims.get(1).token(), new ErrorInfo("my.Broken",
                "disk 100% full", ""), new Failure.Die(DeadReason.TIMED_OUT))));
        TaskFilter all = TaskFilter.ALL;
        assertFound(all, "1", "2", "3", "4", "5");
        assertFound(all.ids("2", "5", "nobody"), "2", "5");
        assertFound(all.state(TaskState.READY), "1", "2", "3");
        assertFound(all.state(TaskState.READY, TaskState.SUCCEEDED).queue("b"), "3", "4");
        assertFound(all.type("other"), "2");
        assertFound(all.root("flow"), "1", "3");
        assertFound(all.root("flow").queue("b"), "3");
        assertFound(all.root("2"), "2");
        assertFound(all.reason(DeadReason.TIMED_OUT), "5");
        assertFound(all.reason(DeadReason.FAILED));
        assertFound(all.text("my.Bro"), "5");
        assertFound(all.text("100% f"), "5");
        assertFound(all.text("100%d"));
        assertFound(all.text("A%d_a"), "3");
        assertFound(all.text("a%d_a"));
        assertFound(all.text("A%"), "3");
        assertFound(all.after("3"), "4", "5");
        assertFound(all.queue("nowhere"));
        assertThat(broker().search(all, 2)).extracting(TaskView::id).containsExactly("1", "2");
    }

    private void assertFound(TaskFilter filter, String... ids) {
        assertThat(broker().search(filter, 100)).extracting(TaskView::id).containsExactly(ids);
    }

    @Test
    public void aLongListIsReadInPages() {
        needs(BrokerFeature.SEARCH);
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 0; i < 250; i++) {
            tasks.add(task().build());
        }
        enqueueAll(tasks);
        List<String> listed = new ArrayList<>();
        String last = null;
        for (int page = 0; page < 3; page++) {
            for (TaskView view : broker().search(TaskFilter.ALL.queue("default").after(last), 100)) {
                last = view.id();
                listed.add(last);
            }
        }
        assertThat(listed).containsExactlyElementsOf(tasks.stream().map(QueuedTask::id).sorted().toList());
    }

    @Test
    public void deadTasksAreReplayedAsIfTheyWereNew() throws Exception {
        needs(BrokerFeature.SEARCH);
        String id = enqueue(task().expires(When.after(units(4)))
                .retry(RetryPolicy.NONE.crashes(2)));
        String other = enqueue(task("other"));
        fail(claim(1).getFirst(), new Failure.Crashed());
        List<Claim> claims = claim(2);
        for (Claim claim : claims) {
            broker().extend(List.of(new Renewal(claim.token(), json("half"), null)), LONG);
            die(claim);
        }
        pass(units(6));
        assertThat(broker().replay(TaskFilter.ALL.type("work"), null)).isOne();
        upkeep(Upkeep.Limits.USUAL);
        TaskView view = view(id);
        assertThat(view).extracting(TaskView::state, TaskView::failures, TaskView::crashes, TaskView::reason,
                TaskView::endedAt).containsExactly(TaskState.READY, 0, 0, null, null);
        Claim claim = claim();
        assertThat(claim.token().id()).isEqualTo(id);
        assertThat(claim.token().attempt()).isEqualTo(3);
        assertThat(claim.failures()).isZero();
        assertThat(claim.crashes()).isZero();
        assertThat(text(claim.checkpoint())).isEqualTo("half");
        complete(claim);
        assertThat(broker().replay(TaskFilter.ALL.state(TaskState.SUCCEEDED).ids(id, other), json("2"))).isOne();
        Claim changed = claim();
        assertThat(changed.token().id()).isEqualTo(other);
        assertThat(text(changed.task().payload())).isEqualTo("2");
        assertThat(changed.checkpoint()).isNull();
        assertThat(broker().replay(TaskFilter.ALL, null)).isZero();
    }

    @Test
    public void anotherArgumentTakesThePlaceOfTheInputs() {
        needs(BrokerFeature.SEARCH, BrokerFeature.JOINS);
        enqueueAll(List.of(part("j", 0).build(), task().id("w").after("j").build()), joinOf("j", 1));
        complete(claim(), "7");
        die(claim());
        broker().replay(TaskFilter.ALL, json("8"));
        Claim claim = claim();
        assertThat(claim.inputs()).isEmpty();
        assertThat(text(claim.task().payload())).isEqualTo("8");
    }

    @Test
    public void aReplayedTaskHasItsUniqueKeyUnlessAnotherHasIt() {
        needs(BrokerFeature.SEARCH, BrokerFeature.UNIQUE);
        QueuedTask.Builder unique = task().unique(new Unique("k", Unique.Until.ENDED, null));
        enqueue(unique.id("first"));
        die(claim());
        enqueue(unique.id("second"));
        assertThat(broker().replay(TaskFilter.ALL, null)).isOne();
        claim(2).forEach(this::complete);
        enqueue(unique.id("third"));
        die(claim());
        broker().replay(TaskFilter.ALL, null);
        assertThat(broker().enqueue(Batch.of(unique.id("fourth").build())))
                .containsExactly(new Enqueued("third", true));
    }

    @Test
    public void aReplayedTaskOfAFullKeyIsHeld() {
        needs(BrokerFeature.SEARCH, BrokerFeature.KEYS);
        enqueue(task().id("a").key(new KeyLimit("k", 1)));
        enqueue(task().id("b").key(new KeyLimit("k", 1)));
        die(claim());
        Claim b = claim();
        broker().replay(TaskFilter.ALL, null);
        assertState(TaskState.HELD, "a");
        complete(b);
        assertThat(claim().token().id()).isEqualTo("a");
    }

    @Test
    public void tasksThatDoNotRunArePurged() {
        needs(BrokerFeature.SEARCH);
        enqueue(task().id("running"));
        enqueue(task().id("dead").onDead(List.of(task("callback").queue("errors").build())));
        enqueue(task().id("done"));
        List<Claim> claims = claim(3);
        die(claims.get(1));
        complete(claims.get(2));
        enqueue(task().id("ready").onDead(List.of(task("callback").build())));
        enqueue(task().id("elsewhere").queue("b"));
        assertThat(broker().purge(TaskFilter.ALL.queue("default"))).isEqualTo(3);
        assertFound(TaskFilter.ALL.queue("default"), "running");
        assertFound(TaskFilter.ALL.queue("b"), "elsewhere");
        assertNothingIsReady();
        assertThat(complete(claims.getFirst())).isTrue();
        assertThat(broker().purge(TaskFilter.ALL.type("nothing"))).isZero();
        enqueue(task().id("ready"));
        assertThat(claim().token().id()).as("the id is free").isEqualTo("ready");
    }

    // ---- counts ----

    @Test
    public void tasksAreCountedByQueueAndState() throws Exception {
        for (int i = 0; i < 3; i++) {
            enqueue(task().queue("a"));
        }
        enqueue(task().queue("b"));
        Claim b = only(broker().claim(request(1, LONG, "b")).claims());
        List<Claim> claims = broker().claim(request(2, LONG, "a")).claims();
        die(claims.get(0));
        if (has(BrokerFeature.DELAY)) {
            enqueue(task().queue("c").due(When.after(LONG)));
        }
        if (has(BrokerFeature.PAUSES)) {
            broker().pause(Scope.queue("paused"));
        }
        pass(units(3));
        Map<String, QueueCounts> counts = new HashMap<>();
        broker().counts().forEach(one -> counts.put(one.queue(), one));
        QueueCounts a = Objects.requireNonNull(counts.get("a"));
        assertThat(a.count(TaskState.READY)).isOne();
        assertThat(a.count(TaskState.RUNNING)).isOne();
        assertThat(a.count(TaskState.DEAD)).isOne();
        assertThat(a.count(TaskState.HELD)).isZero();
        assertThat(a.paused()).isFalse();
        assertThat(a.oldest()).isGreaterThanOrEqualTo(units(3).minusMillis(2));
        assertThat(counts.get("b")).extracting(QueueCounts::oldest, one -> one.count(TaskState.RUNNING))
                .containsExactly(null, 1L);
        if (has(BrokerFeature.DELAY)) {
            assertThat(count("c", TaskState.SCHEDULED)).isOne();
        }
        if (has(BrokerFeature.PAUSES)) {
            assertThat(counts.get("paused")).extracting(QueueCounts::paused).isEqualTo(true);
        }
        complete(b);
        assertThat(count("b", TaskState.RUNNING)).isZero();
    }

    @Test
    public void theOldestReadyTaskSaysHowLongAQueueIsBehind() throws Exception {
        assertThat(broker().oldestReady(List.of("default", "nowhere"))).isEmpty();
        enqueue(task().queue("old"));
        pass(units(2));
        enqueue(task().priority(has(BrokerFeature.PRIORITIES) ? 9 : 5));
        pass(units(1));
        assertThat(broker().oldestReady(List.of("default")).orElseThrow())
                .isGreaterThanOrEqualTo(units(1).minusMillis(2));
        assertThat(broker().oldestReady(List.of("default", "old")).orElseThrow())
                .isGreaterThanOrEqualTo(units(3).minusMillis(2));
        if (isExact()) {
            assertThat(broker().oldestReady(List.of("default"))).contains(units(1));
        }
        claim();
        assertThat(broker().oldestReady(List.of("default"))).isEmpty();
        assertThat(broker().oldestReady(List.of())).isEmpty();
    }

    @Test
    public void aTaskIsOldSinceItBecameReady() throws Exception {
        needs(BrokerFeature.DELAY);
        enqueue(task().due(When.after(units(2))));
        pass(units(5));
        Duration oldest = broker().oldestReady(List.of("default")).orElseThrow();
        assertThat(oldest).isGreaterThanOrEqualTo(units(3).minusMillis(2));
        if (isExact()) {
            assertThat(oldest).isEqualTo(units(3));
        }
    }

    // ---- schedules ----

    private static ScheduleEntry schedule(String name, @Nullable Instant next) {
        return new ScheduleEntry(name, "every PT10M", "UTC", task().id("template").headers(Map.of("a", "b")).build(),
                ScheduleEntry.Missed.ONCE, ScheduleEntry.Overlap.SKIP, false, next, null, null);
    }

    private static ScheduleEntry with(ScheduleEntry entry, boolean paused) {
        return new ScheduleEntry(entry.name(), entry.when(), entry.zone(), entry.template(), entry.missed(),
                entry.overlap(), paused, entry.nextDue(), null, null);
    }

    private Instant millis(Duration later) {
        return Instant.ofEpochMilli(broker().now().plus(later).toEpochMilli());
    }

    private ScheduleEntry stored(String name) {
        return broker().schedules().stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
    }

    @Test
    public void schedulesAreKeptByName() {
        needs(BrokerFeature.SCHEDULES);
        ScheduleEntry b = schedule("b", millis(LONG));
        ScheduleEntry a = schedule("a", null);
        assertThat(broker().putSchedule(b, null)).isTrue();
        assertThat(broker().putSchedule(a, null)).isTrue();
        assertThat(broker().schedules()).extracting(ScheduleEntry::name).containsExactly("a", "b");
        assertThat(stored("b")).usingRecursiveComparison().isEqualTo(b);
        assertThat(stored("a")).usingRecursiveComparison().isEqualTo(a);
        ScheduleEntry changed = schedule("b", millis(units(1)));
        assertThat(broker().putSchedule(with(changed, true), b)).isTrue();
        assertThat(stored("b").nextDue()).isEqualTo(changed.nextDue());
        assertThat(stored("b").paused()).isTrue();
        assertThat(broker().removeSchedule("b")).isTrue();
        assertThat(broker().removeSchedule("b")).isFalse();
        assertThat(broker().schedules()).hasSize(1);
    }

    @Test
    public void aScheduleFiresEachDueTimeOnce() {
        needs(BrokerFeature.SCHEDULES);
        Instant due = millis(Duration.ZERO);
        Instant next = due.plus(LONG);
        broker().putSchedule(schedule("s", due), null);
        var firing = new Firing("s", due, next, List.of(task().id("fired").build()), false);
        assertThat(broker().fire(firing)).isEqualTo(Firing.Outcome.FIRED);
        assertThat(broker().fire(firing)).isEqualTo(Firing.Outcome.NOT_DUE);
        assertThat(stored("s")).extracting(ScheduleEntry::nextDue, ScheduleEntry::lastDue, ScheduleEntry::lastTask)
                .containsExactly(next, due, "fired");
        assertThat(claim().token().id()).isEqualTo("fired");
        assertThat(broker().fire(new Firing("nobody", due, next, List.of(), false)))
                .isEqualTo(Firing.Outcome.NOT_DUE);
        assertThat(broker().fire(new Firing("s", next, null, List.of(), false))).isEqualTo(Firing.Outcome.FIRED);
        assertThat(stored("s")).extracting(ScheduleEntry::nextDue, ScheduleEntry::lastTask)
                .containsExactly(null, "fired");
        assertNothingIsReady();
        broker().removeSchedule("s");
        assertState(TaskState.RUNNING, "fired");
    }

    @Test
    public void aPausedScheduleDoesNotFire() {
        needs(BrokerFeature.SCHEDULES);
        Instant due = millis(Duration.ZERO);
        broker().putSchedule(with(schedule("s", due), true), null);
        var firing = new Firing("s", due, due.plus(LONG), List.of(task().build()), false);
        assertThat(broker().fire(firing)).isEqualTo(Firing.Outcome.NOT_DUE);
        broker().putSchedule(with(stored("s"), false), stored("s"));
        assertThat(broker().fire(firing)).isEqualTo(Firing.Outcome.FIRED);
    }

    @Test
    public void aScheduleMayWaitForTheTaskThatItHasFired() {
        needs(BrokerFeature.SCHEDULES);
        Instant due = millis(Duration.ZERO);
        broker().putSchedule(schedule("s", due), null);
        assertThat(broker().fire(new Firing("s", due, due.plusSeconds(1), List.of(task().id("first").build()), true)))
                .isEqualTo(Firing.Outcome.FIRED);
        var second =
                new Firing("s", due.plusSeconds(1), due.plusSeconds(2), List.of(task().id("second").build()), true);
        assertThat(broker().fire(second)).isEqualTo(Firing.Outcome.UNFINISHED);
        Claim claim = claim();
        assertThat(broker().fire(second)).isEqualTo(Firing.Outcome.UNFINISHED);
        assertThat(stored("s").nextDue()).isEqualTo(due.plusSeconds(1));
        assertThat(broker().find("second")).isEmpty();
        complete(claim);
        assertThat(broker().fire(second)).isEqualTo(Firing.Outcome.FIRED);
        assertThat(stored("s").lastTask()).isEqualTo("second");
        var third = new Firing("s", due.plusSeconds(2), due.plusSeconds(3), List.of(task().id("third").build()), false);
        assertThat(broker().fire(third)).as("that may overlap").isEqualTo(Firing.Outcome.FIRED);
        die(claim(1).getFirst());
        die(claim());
        assertThat(broker().fire(new Firing("s", due.plusSeconds(3), null, List.of(), true)))
                .as("a dead task has ended").isEqualTo(Firing.Outcome.FIRED);
    }

    @Test
    public void aReplacedScheduleKnowsWhatItHasFired() {
        needs(BrokerFeature.SCHEDULES);
        Instant due = millis(Duration.ZERO);
        broker().putSchedule(schedule("s", due), null);
        broker().fire(new Firing("s", due, due.plusSeconds(1), List.of(task().id("fired").build()), false));
        broker().putSchedule(schedule("s", due.plusSeconds(5)), stored("s"));
        assertThat(stored("s")).extracting(ScheduleEntry::nextDue, ScheduleEntry::lastDue, ScheduleEntry::lastTask)
                .containsExactly(due.plusSeconds(5), due, "fired");
    }

    @Test
    public void aChangeTakesBackNoOtherChange() {
        needs(BrokerFeature.SCHEDULES);
        Instant due = millis(Duration.ZERO);
        ScheduleEntry first = schedule("s", due);
        assertThat(broker().putSchedule(first, first)).as("a change of one that is not there").isFalse();
        assertThat(broker().schedules()).isEmpty();
        assertThat(broker().putSchedule(first, null)).isTrue();
        assertThat(broker().putSchedule(schedule("s", due.plus(LONG)), null)).as("a second of the name").isFalse();
        assertThat(broker().putSchedule(with(first, true), first)).isTrue();
        assertThat(broker().putSchedule(with(schedule("s", due.plus(LONG)), false), first)).as("paused meanwhile")
                .isFalse();
        assertThat(stored("s")).usingRecursiveComparison().isEqualTo(with(first, true));
        assertThat(broker().putSchedule(with(first, false), stored("s"))).isTrue();
        ScheduleEntry ready = stored("s");
        assertThat(broker().fire(new Firing("s", due, null, List.of(task().id("fired").build()), false)))
                .isEqualTo(Firing.Outcome.FIRED);
        assertThat(broker().putSchedule(ready, ready)).as("fired meanwhile").isFalse();
        ScheduleEntry over = stored("s");
        assertThat(over.nextDue()).isNull();
        assertThat(broker().putSchedule(ready, over)).isTrue();
        assertThat(stored("s")).extracting(ScheduleEntry::nextDue, ScheduleEntry::lastTask)
                .containsExactly(due, "fired");
    }

    @Test
    public void schedulersThatMeetFireOnce() throws Exception {
        needs(BrokerFeature.SCHEDULES);
        List<Broker> brokers = new ArrayList<>(List.of(broker()));
        if (has(BrokerFeature.SHARED)) {
            brokers.add(second());
        }
        Instant due = millis(Duration.ZERO);
        broker().putSchedule(schedule("s", due), null);
        var fired = new AtomicInteger();
        for (int round = 0; round < 20; round++) {
            Instant now = due.plusSeconds(round);
            together(4, thread -> {
                var firing = new Firing("s", now, now.plusSeconds(1), List.of(task().build()), false);
                if (brokers.get(thread % brokers.size()).fire(firing) == Firing.Outcome.FIRED) {
                    fired.incrementAndGet();
                }
            });
        }
        assertThat(fired).hasValue(20);
        assertThat(claim(100)).hasSize(20);
    }

    // ---- workers ----

    @Test
    public void workersAreKnownUntilTheyAreForgottenOrSilent() throws Exception {
        Instant before = broker().now();
        broker().report(report("b", "work"));
        broker().report(report("a", "work", "other"));
        assertThat(broker().workers()).extracting(WorkerReport::id).containsExactly("a", "b");
        WorkerReport a = broker().workers().getFirst();
        assertThat(a.seenAt()).as("by the broker's clock").isBetween(before.minusMillis(1), broker().now());
        assertThat(a).usingRecursiveComparison().ignoringFields("seenAt").isEqualTo(report("a", "work", "other"));
        pass(units(2));
        broker().report(report("a"));
        assertThat(broker().workers().getFirst().types()).isEmpty();
        upkeep(new Upkeep.Limits(LONG, LONG, units(1)));
        if (isExact()) {
            assertThat(broker().workers()).extracting(WorkerReport::id).containsExactly("a");
        }
        broker().forget("a");
        broker().forget("nobody");
        assertThat(broker().workers()).isEmpty();
    }

    @Test
    public void aForgottenWorkerKeepsWhatItHasClaimed() {
        broker().report(report("worker-1", "work"));
        String id = enqueue(task());
        Claim claim = claim();
        broker().forget("worker-1");
        assertState(TaskState.RUNNING, id);
        assertThat(complete(claim)).isTrue();
    }

    // ---- listeners ----

    private static BrokerListener.Interest interest(Set<String> queues, @Nullable String address,
            @Nullable String worker) {
        return new BrokerListener.Interest(queues, address, worker);
    }

    @Test
    public void aListenerHearsOfWorkInItsQueues() throws Exception {
        var heard = new Heard();
        broker().subscribe(interest(Set.of("a", "b"), null, null), heard);
        enqueue(task().queue("b"));
        await("work in b", () -> heard.work.get() > 0);
        int before = heard.work.get();
        giveBack(only(broker().claim(request(1, LONG, "b")).claims()));
        await("work that was given back", () -> heard.work.get() > before);
    }

    @Test
    public void aListenerHearsThatAPauseOrALimitIsOver() throws Exception {
        needs(BrokerFeature.PAUSES);
        var heard = new Heard();
        broker().pause(Scope.queue("a"));
        broker().pause(Scope.type("work"));
        broker().subscribe(interest(Set.of("a"), null, null), heard);
        broker().resume(Scope.queue("a"));
        await("the queue goes on", () -> heard.work.get() >= 1);
        int before = heard.work.get();
        broker().resume(Scope.type("work"));
        await("the type goes on", () -> heard.work.get() > before);
        if (has(BrokerFeature.RATES)) {
            broker().limit("work", Rate.of(1, LONG));
            int then = heard.work.get();
            broker().limit("work", null);
            await("the limit is over", () -> heard.work.get() > then);
        }
    }

    @Test
    public void aSubmitterHearsOfTheEndsOfItsTasks() throws Exception {
        var heard = new Heard();
        var other = new Heard();
        broker().subscribe(interest(Set.of(), "me", null), heard);
        broker().subscribe(interest(Set.of(), "you", null), other);
        String done = enqueue(task().replyTo("me").resultTtl(Duration.ZERO));
        complete(claim(), "42");
        String dead = enqueue(task().replyTo("me"));
        die(claim());
        String cancelled = enqueue(task().replyTo("me"));
        if (has(BrokerFeature.IDS)) {
            broker().cancel(cancelled);
        } else {
            fail(claim(), new Failure.Cancelled());
        }
        enqueue(task().replyTo(null));
        complete(claim());
        await("the ends", () -> heard.ends.stream().map(EndedTask::id).distinct().count() == 3);
        EndedTask end = heard.ends.stream().filter(one -> one.id().equals(done)).findFirst().orElseThrow();
        assertThat(end.state()).isEqualTo(TaskState.SUCCEEDED);
        assertThat(text(end.result())).isEqualTo("42");
        end = heard.ends.stream().filter(one -> one.id().equals(dead)).findFirst().orElseThrow();
        assertThat(end.reason()).isEqualTo(DeadReason.FAILED);
        assertThat(other.ends).isEmpty();
        assertThat(heard.ends).extracting(EndedTask::id).contains(cancelled);
    }

    @Test
    public void aSubmitterHearsThroughAnotherBrokerObject() throws Exception {
        Broker second = second();
        var heard = new Heard();
        second.subscribe(interest(Set.of("default"), "me", "worker-1"), heard);
        String id = enqueue(task().replyTo("me"));
        await("work", () -> heard.work.get() > 0);
        Claim claim = claim();
        if (has(BrokerFeature.IDS)) {
            broker().cancel(id);
            await("the cancel", () -> heard.cancels.contains(id));
        }
        complete(claim, "7");
        await("the end", () -> heard.ends.stream().anyMatch(end -> end.id().equals(id)));
        broker().control(new ControlMessage(null, "quiet", Map.of()));
        await("the message", () -> !heard.messages.isEmpty());
    }

    @Test
    public void aMessageGoesToOneWorkerOrToAll() throws Exception {
        var one = new Heard();
        var two = new Heard();
        var none = new Heard();
        broker().subscribe(interest(Set.of(), null, "one"), one);
        broker().subscribe(interest(Set.of(), null, "two"), two);
        broker().subscribe(interest(Set.of("default"), "me", null), none);
        var direct = new ControlMessage("two", "add-queue", Map.of("queue", "\u00fc"));
        var all = new ControlMessage(null, "shutdown", Map.of());
        broker().control(direct);
        broker().control(all);
        await("both hear", () -> one.messages.contains(all) && two.messages.contains(all));
        assertThat(two.messages).contains(direct);
        assertThat(one.messages).doesNotContain(direct);
        var late = new Heard();
        broker().subscribe(interest(Set.of(), null, "one"), late);
        var last = new ControlMessage("one", "resume", Map.of());
        broker().control(last);
        await("the late one hears", () -> late.messages.contains(last));
        assertThat(late.messages).as("only what comes after it").containsOnly(last);
        assertThat(none.messages).isEmpty();
    }

    @Test
    public void aListenerThatIsClosedIsNotCalledAnyMore() throws Exception {
        var running = new CountDownLatch(1);
        var finish = new CountDownLatch(1);
        var calls = new AtomicInteger();
        Broker.Subscription subscription = broker().subscribe(interest(Set.of("default"), null, null),
                new BrokerListener() {
                    @Override
                    public void workMayBeReady() {
                        running.countDown();
                        try {
                            finish.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                        calls.incrementAndGet();
                    }
                });
        enqueue(task());
        running.await();
        enqueue(task());
        Thread closer = Thread.ofVirtual().start(subscription::close);
        finish.countDown();
        closer.join();
        int after = calls.get();
        assertThat(after).isPositive();
        var heard = new Heard();
        broker().subscribe(interest(Set.of("default"), null, null), heard);
        enqueue(task());
        await("another listener is called", () -> heard.work.get() > 0);
        assertThat(calls).hasValue(after);
        subscription.close();
    }

    @Test
    public void aListenerMayCloseItselfAndMayCallTheBroker() throws Exception {
        var heard = new Heard();
        var own = new Broker.Subscription[1];
        var ready = new CountDownLatch(1);
        var claimed = new AtomicInteger();
        own[0] = broker().subscribe(interest(Set.of("default"), null, null), new BrokerListener() {
            @Override
            public void workMayBeReady() {
                try {
                    ready.await();
                } catch (InterruptedException e) {
                    return;
                }
                int come = claim(10).size();
                if (come == 0) {
                    return; // it may be called before there is anything
                }
                claimed.addAndGet(come);
                own[0].close();
                heard.work.incrementAndGet();
            }
        });
        ready.countDown();
        enqueue(task());
        await("it is called", () -> heard.work.get() == 1);
        assertThat(claimed).hasValue(1);
    }

    @Test
    public void aListenerThatThrowsIsCalledAgain() throws Exception {
        var calls = new AtomicInteger();
        broker().subscribe(interest(Set.of(), "me", null), new BrokerListener() {
            @Override
            public void ended(EndedTask end) {
                calls.incrementAndGet();
                throw new IllegalStateException("on purpose");
            }
        });
        for (int i = 1; i <= 3; i++) {
            int soMany = i;
            enqueue(task().replyTo("me"));
            complete(claim());
            await("call " + i, () -> calls.get() >= soMany);
        }
    }

    // ---- events ----

    @Test
    public void noEventsAreKeptThatNobodyWants() {
        needs(BrokerFeature.EVENTS);
        enqueue(task());
        complete(claim());
        assertThat(broker().events(0, 100)).isEmpty();
    }

    @Test
    public void eventsTellWhatHappensToTasks() throws Exception {
        needs(BrokerFeature.EVENTS);
        broker().keepEvents(LONG);
        String id = enqueue(task().retry(RetryPolicy.attempts(3)));
        retryIn(claim(), Duration.ZERO);
        giveBack(claim());
        claimOf(units(1));
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        die(claim());
        if (has(BrokerFeature.SEARCH)) {
            broker().replay(TaskFilter.ALL, null);
            complete(claim());
        }
        String cancelled = enqueue(task("other").queue("q"));
        broker().cancel(cancelled);
        enqueue(task().expires(When.after(units(1))));
        pass(units(2));
        upkeep(Upkeep.Limits.USUAL);
        List<BrokerEvent> events = broker().events(0, 1000);
        List<BrokerEvent.Kind> kinds = new ArrayList<>(List.of(BrokerEvent.Kind.ENQUEUED, BrokerEvent.Kind.BEGUN,
                BrokerEvent.Kind.RETRIED, BrokerEvent.Kind.BEGUN, BrokerEvent.Kind.GIVEN_BACK,
                BrokerEvent.Kind.BEGUN, BrokerEvent.Kind.TAKEN_BACK, BrokerEvent.Kind.BEGUN, BrokerEvent.Kind.DIED));
        if (has(BrokerFeature.SEARCH)) {
            kinds.addAll(List.of(BrokerEvent.Kind.REPLAYED, BrokerEvent.Kind.BEGUN, BrokerEvent.Kind.SUCCEEDED));
        }
        kinds.addAll(List.of(BrokerEvent.Kind.ENQUEUED, BrokerEvent.Kind.CANCELLED, BrokerEvent.Kind.ENQUEUED,
                BrokerEvent.Kind.EXPIRED));
        assertThat(events).extracting(BrokerEvent::kind).containsExactlyElementsOf(kinds);
        assertThat(events.get(0)).extracting(BrokerEvent::id, BrokerEvent::type, BrokerEvent::queue)
                .containsExactly(id, "work", "default");
        assertThat(events.get(1).worker()).isEqualTo("worker-1");
        assertThat(events.get(2).detail()).contains("it broke");
        assertThat(events.get(8).detail()).contains("it broke");
        for (int i = 1; i < events.size(); i++) {
            assertThat(events.get(i).number()).isGreaterThan(events.get(i - 1).number());
            assertThat(events.get(i).at()).isAfterOrEqualTo(events.get(i - 1).at());
        }
        List<BrokerEvent> page = broker().events(events.get(2).number(), 2);
        assertThat(page).isEqualTo(events.subList(3, 5));
        assertThat(broker().events(events.getLast().number(), 10)).isEmpty();
    }

    @Test
    public void eventsAreKeptForAsLongAsSomebodyWantsThem() throws Exception {
        needs(BrokerFeature.EVENTS);
        broker().keepEvents(units(2));
        String id = enqueue(task());
        pass(units(3));
        String later = enqueue(task());
        assertThat(broker().events(0, 100)).extracting(BrokerEvent::id).doesNotContain(later);
        broker().keepEvents(LONG);
        String last = enqueue(task());
        assertThat(broker().events(0, 100)).extracting(BrokerEvent::id).contains(last).doesNotContain(later);
        assertThat(id).isNotEmpty();
    }

    @Test
    public void soManyEventsAreKept() {
        needs(BrokerFeature.EVENTS);
        broker().keepEvents(LONG);
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            tasks.add(task().build());
        }
        for (int i = 0; i < Broker.EVENTS / 1000 + 1; i++) {
            List<QueuedTask> some =
                    tasks.stream().map(task -> task.toBuilder().id(QueuedTask.newId()).build()).toList();
            enqueueAll(some);
            upkeep();
        }
        List<BrokerEvent> events = broker().events(0, 100_000);
        assertThat(events.size()).isBetween(Broker.EVENTS, Broker.EVENTS + 1000);
        assertThat(events.getFirst().number()).isGreaterThan(1);
        assertThat(events).extracting(BrokerEvent::number).isSorted().doesNotHaveDuplicates();
    }
}
