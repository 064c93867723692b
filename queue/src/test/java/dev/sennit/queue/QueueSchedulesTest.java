package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.ScheduleEntry.Missed;
import dev.sennit.queue.broker.ScheduleEntry.Overlap;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What schedules and beats promise, on a broker in memory whose time a test moves; other brokers are tested by
 * subclasses.
 */
@SuppressWarnings("this-escape") // its subclasses need nothing to open a broker
public class QueueSchedulesTest {
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final TaskType<String, Integer> LENGTH = TaskType.of("length", String.class, String::length);

    private final VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private final Broker broker = open(clock);
    private final QueueSchedules schedules = QueueSchedules.of(broker);
    private final Beat beat = Beat.builder(broker).time(clock).open();
    private final ClaimLoop worker = new ClaimLoop(broker, LENGTH);

    /** For subclasses. */
    protected QueueSchedulesTest() {}

    /**
     * Opens a broker without tasks.
     *
     * @param time its clock
     * @return the broker
     */
    protected Broker open(VirtualClock time) {
        return new MemoryBroker(time);
    }

    @AfterEach
    void close() {
        beat.close();
        broker.close();
    }

    private void put(Recurrence recurrence, Missed missed, Overlap overlap) {
        schedules.put("s", recurrence, LENGTH, "abc", SubmitOptions.NONE, missed, overlap);
    }

    private void putEveryMinute(Missed missed, Overlap overlap) {
        put(Recurrence.every(MINUTE), missed, overlap);
    }

    /** Steps once a second, as the loop of a beat does. */
    private void pass(Duration time) {
        for (long i = 0; i < time.toSeconds(); i++) {
            clock.advance(Duration.ofSeconds(1));
            stepUntilIdle(beat);
        }
    }

    private static void stepUntilIdle(Beat one) {
        while (one.step().isZero()) {
            assertThat(one.fired()).isLessThan(100_000);
        }
    }

    /** Returns the due times of all tasks that were fired and not claimed, in seconds from the start. */
    private List<Long> ready() {
        return broker.search(TaskFilter.ALL.state(dev.sennit.queue.broker.TaskState.READY), 10_000).stream()
                .map(each -> each.headers().getOrDefault(QueueSchedules.DUE, ""))
                .map(due -> Duration.between(VirtualClock.START, Instant.parse(due)).toSeconds()).sorted().toList();
    }

    private ScheduleEntry entry() {
        return schedules.find("s").orElseThrow();
    }

    // ---- due times ----

    @Test
    void aScheduleFiresWhenItIsDueAndNotBefore() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        pass(Duration.ofSeconds(59));
        assertThat(ready()).isEmpty();
        pass(Duration.ofSeconds(1));
        assertThat(ready()).containsExactly(60L);
        pass(Duration.ofMinutes(2));
        assertThat(ready()).containsExactly(60L, 120L, 180L);
        assertThat(beat.fired()).isEqualTo(3);
        assertThat(entry().lastDue()).isEqualTo(VirtualClock.START.plusSeconds(180));
        assertThat(entry().nextDue()).isEqualTo(VirtualClock.START.plusSeconds(240));
    }

    @Test
    void theTaskHasArgumentOptionsAndHeadersOfTheSchedule() {
        schedules.put("s", Recurrence.every(MINUTE), LENGTH, "abc",
                SubmitOptions.NONE.priority(8).header("tenant", "42"), Missed.ONCE, Overlap.SKIP);
        pass(MINUTE);
        Claim claim = worker.claim();
        assertThat(claim.task().payload()).asString().isEqualTo("\"abc\"");
        assertThat(claim.task().priority()).isEqualTo(8);
        assertThat(claim.task().root()).isEqualTo(claim.task().id()).isEqualTo(entry().lastTask());
        assertThat(claim.task().headers()).containsEntry("tenant", "42").containsEntry(QueueSchedules.SCHEDULE, "s")
                .containsEntry(QueueSchedules.DUE, "2026-01-01T00:01:00Z");
    }

    @Test
    void aBeatIsLateAndTheRhythmDoesNotDrift() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        for (int i = 1; i <= 10; i++) {
            clock.advance(Duration.ofSeconds(60).plusMillis(900));
            stepUntilIdle(beat);
        }
        assertThat(ready()).containsExactly(60L, 120L, 180L, 240L, 300L, 360L, 420L, 480L, 540L, 600L);
    }

    @Test
    void stepSaysHowLongToSleep() {
        assertThat(beat.step()).isEqualTo(Duration.ofSeconds(1));
        put(Recurrence.every(Duration.ofMillis(300)), Missed.ONCE, Overlap.ALLOW);
        assertThat(beat.step()).isEqualTo(Duration.ofMillis(300));
        clock.advance(Duration.ofMillis(350));
        assertThat(beat.step()).isEqualTo(Duration.ofMillis(250));
    }

    @Test
    void cronSchedulesFollowTheirZone() {
        put(Recurrence.cron("30 2 * * *", ZoneId.of("Europe/Vienna")), Missed.SKIP, Overlap.ALLOW);
        clock.set(Instant.parse("2026-03-28T00:00:00Z"));
        put(Recurrence.cron("30 2 * * mon-sun", ZoneId.of("Europe/Vienna")), Missed.SKIP, Overlap.ALLOW);
        assertThat(entry().nextDue()).isEqualTo("2026-03-28T01:30:00Z");
        List<Instant> due = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            clock.set(entry().nextDue());
            due.add(clock.now());
            stepUntilIdle(beat);
        }
        assertThat(due).extracting(Instant::toString).containsExactly("2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z",
                "2026-03-30T00:30:00Z");
        assertThat(beat.fired()).isEqualTo(3);
    }

    // ---- missed ----

    @Test
    void missedDueTimesAreSkipped() {
        putEveryMinute(Missed.SKIP, Overlap.ALLOW);
        clock.advance(Duration.ofSeconds(630));
        stepUntilIdle(beat);
        assertThat(ready()).as("the last one is late by 30 s, which is no miss").containsExactly(600L);
        put(Recurrence.every(Duration.ofMinutes(10)), Missed.SKIP, Overlap.ALLOW);
        clock.advance(Duration.ofSeconds(661));
        stepUntilIdle(beat);
        assertThat(ready()).as("late by 61 s").containsExactly(600L);
        assertThat(entry().nextDue()).isEqualTo(VirtualClock.START.plusSeconds(630 + 1200));
    }

    @Test
    void missedDueTimesAreMadeUpForOnce() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        clock.advance(Duration.ofDays(3650));
        stepUntilIdle(beat);
        assertThat(ready()).containsExactly(Duration.ofDays(3650).toSeconds());
    }

    @Test
    void missedDueTimesAreAllMadeUpForWithinABound() {
        putEveryMinute(Missed.ALL, Overlap.ALLOW);
        clock.advance(Duration.ofSeconds(200));
        stepUntilIdle(beat);
        assertThat(ready()).containsExactly(60L, 120L, 180L);
        clock.advance(Duration.ofDays(365));
        stepUntilIdle(beat);
        assertThat(ready()).hasSize(3 + Beat.MOST_MISSED);
        assertThat(beat.fired()).isEqualTo(3 + Beat.MOST_MISSED);
        assertThat(entry().nextDue()).isAfter(clock.now()).isBeforeOrEqualTo(clock.now().plus(MINUTE));
    }

    // ---- overlap ----

    @Test
    void anOverlappingDueTimeIsSkipped() {
        putEveryMinute(Missed.ONCE, Overlap.SKIP);
        pass(Duration.ofMinutes(3));
        assertThat(ready()).containsExactly(60L);
        worker.drain();
        pass(MINUTE);
        assertThat(ready()).containsExactly(240L);
    }

    @ParameterizedTest
    @EnumSource
    void anOverlappingDueTimeWaits(Missed missed) {
        putEveryMinute(missed, Overlap.WAIT);
        pass(MINUTE);
        Claim running = worker.claim();
        pass(Duration.ofMinutes(5).plusSeconds(20));
        assertThat(ready()).isEmpty();
        worker.run(running);
        pass(Duration.ofSeconds(1));
        assertThat(ready()).containsExactly(missed == Missed.ALL ? 120L : 360L);
        worker.drain();
        pass(Duration.ofSeconds(30));
        if (missed == Missed.ALL) {
            assertThat(ready()).containsExactly(180L);
            for (long due : List.of(240L, 300L, 360L)) {
                worker.drain();
                pass(Duration.ofSeconds(1));
                assertThat(ready()).containsExactly(due);
            }
            worker.drain();
        }
        assertThat(ready()).isEmpty();
        pass(MINUTE);
        assertThat(ready()).containsExactly(420L);
    }

    @Test
    void overlapsAreAllowed() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        pass(Duration.ofMinutes(3));
        assertThat(ready()).containsExactly(60L, 120L, 180L);
    }

    @Test
    void aDeadTaskHasEnded() {
        putEveryMinute(Missed.ONCE, Overlap.SKIP);
        pass(MINUTE);
        broker.fail(List.of(new Failure(worker.claim().token(), new ErrorInfo("X", "", ""),
                new Failure.Die(DeadReason.FAILED))));
        pass(MINUTE);
        assertThat(ready()).containsExactly(120L);
    }

    @Test
    void allMissedOnesOfAScheduleThatMustNotOverlapDoNotOverlap() {
        putEveryMinute(Missed.ALL, Overlap.SKIP);
        clock.advance(Duration.ofSeconds(200));
        stepUntilIdle(beat);
        assertThat(ready()).containsExactly(60L);
        assertThat(entry().nextDue()).isEqualTo(VirtualClock.START.plusSeconds(240));
    }

    // ---- changes ----

    @Test
    void aPausedScheduleDoesNotFireAndGoesOnInItsRhythm() {
        putEveryMinute(Missed.ALL, Overlap.ALLOW);
        pass(Duration.ofSeconds(30));
        schedules.pause("s");
        pass(Duration.ofMinutes(3));
        assertThat(ready()).isEmpty();
        schedules.resume("s");
        schedules.resume("s");
        pass(Duration.ofSeconds(30));
        assertThat(ready()).containsExactly(240L);
    }

    @Test
    void putAgainKeepsRhythmAndPauseUnlessTheRecurrenceIsAnother() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        pass(Duration.ofSeconds(90));
        schedules.pause("s");
        schedules.put("s", Recurrence.every(MINUTE), LENGTH, "other");
        assertThat(entry().paused()).isTrue();
        assertThat(entry().nextDue()).isEqualTo(VirtualClock.START.plusSeconds(120));
        assertThat(entry().lastDue()).isEqualTo(VirtualClock.START.plusSeconds(60));
        assertThat(entry().template().payload()).asString().isEqualTo("\"other\"");
        schedules.put("s", Recurrence.every(Duration.ofMinutes(2)), LENGTH, "other");
        assertThat(entry().nextDue()).isEqualTo(VirtualClock.START.plusSeconds(90 + 120));
        assertThat(entry().paused()).isTrue();
        schedules.put("s", Recurrence.cron("0 1 * * *", ZoneOffset.UTC), LENGTH, "other");
        assertThat(entry().nextDue()).isEqualTo("2026-01-01T01:00:00Z");
    }

    @Test
    void aChangeAtTheMomentOfFiringFiresNothingTwice() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        ScheduleEntry before = entry();
        pass(MINUTE);
        broker.putSchedule(before, entry()); // as somebody does who has read it before it was fired
        pass(Duration.ofSeconds(2));
        assertThat(ready()).containsExactly(60L);
        pass(MINUTE);
        assertThat(ready()).containsExactly(60L, 120L);
    }

    @Test
    void aPauseAtTheMomentOfAChangeStays() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        var isPaused = new AtomicBoolean();
        var slow = (Broker) Proxy.newProxyInstance(Broker.class.getClassLoader(), new Class<?>[] {Broker.class},
                (_, method, arguments) -> {
                    if (method.getName().equals("putSchedule") && !isPaused.getAndSet(true)) {
                        schedules.pause("s");
                    }
                    return method.invoke(broker, arguments);
                });
        QueueSchedules.of(slow).put("s", Recurrence.every(MINUTE), LENGTH, "other");
        assertThat(isPaused).isTrue();
        assertThat(entry().paused()).isTrue();
        assertThat(entry().template().payload()).asString().isEqualTo("\"other\"");
    }

    @Test
    void runNowEnqueuesBesideAllElse() {
        putEveryMinute(Missed.ONCE, Overlap.SKIP);
        schedules.pause("s");
        String id = schedules.runNow("s");
        assertThat(broker.find(id)).hasValueSatisfying(
                each -> assertThat(each.headers()).containsEntry(QueueSchedules.SCHEDULE, "s").hasSize(1));
        assertThat(schedules.runNow("s")).isNotEqualTo(id);
        assertThat(entry().nextDue()).isEqualTo(VirtualClock.START.plusSeconds(60));
        assertThat(worker.drain()).isEqualTo(2);
    }

    @Test
    void aRemovedScheduleFiresNoMoreAndItsTasksStay() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        pass(MINUTE);
        assertThat(schedules.remove("s")).isTrue();
        assertThat(schedules.remove("s")).isFalse();
        pass(MINUTE);
        assertThat(ready()).containsExactly(60L);
    }

    @Test
    void schedulesAreListedByName() {
        schedules.put("b", Recurrence.every(MINUTE), LENGTH, "x");
        schedules.put("a", Recurrence.cron("0 3 * * *", ZoneOffset.UTC), LENGTH, "x");
        assertThat(schedules.list()).extracting(ScheduleEntry::name).containsExactly("a", "b");
        assertThat(schedules.list()).extracting(ScheduleEntry::when).containsExactly("0 3 * * *", "every PT1M");
    }

    @Test
    void aNameThatIsNotThereIsToldWithThoseThatAre() {
        assertThatThrownBy(() -> schedules.pause("x")).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is no schedule x: there are none");
        putEveryMinute(Missed.ONCE, Overlap.SKIP);
        assertThatThrownBy(() -> schedules.runNow("x")).hasMessage("there is no schedule x: there are s");
        assertThatThrownBy(() -> schedules.resume("x")).hasMessage("there is no schedule x: there are s");
        assertThatThrownBy(() -> schedules.put(" ", Recurrence.every(MINUTE), LENGTH, "x"))
                .hasMessage("the name of a schedule must have 1 to 150 characters, had 1");
    }

    @Test
    void aScheduleThatCannotBeReadHarmsNoOther() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        ScheduleEntry good = entry();
        broker.putSchedule(new ScheduleEntry("a", "whenever it rains", "UTC", good.template(), Missed.ONCE,
                Overlap.ALLOW, false, good.nextDue(), null, null), null);
        pass(MINUTE);
        assertThat(ready()).containsExactly(60L);
    }

    // ---- many beats ----

    @Test
    void twoBeatsAtOnceFireEachDueTimeOnce() throws Exception {
        putEveryMinute(Missed.ALL, Overlap.ALLOW);
        schedules.put("skip", Recurrence.every(Duration.ofSeconds(30)), LENGTH, "x", SubmitOptions.NONE, Missed.ALL,
                Overlap.SKIP);
        var barrier = new CyclicBarrier(3);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int round = 1; round <= 200; round++) {
                clock.advance(Duration.ofSeconds(90));
                List<Future<?>> ends = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    ends.add(threads.submit(() -> {
                        Beat one = Beat.builder(broker).open();
                        barrier.await();
                        stepUntilIdle(one);
                        return null;
                    }));
                }
                for (Future<?> end : ends) {
                    end.get(30, TimeUnit.SECONDS);
                }
                if (round % 10 == 0) {
                    schedules.put("s", Recurrence.every(MINUTE), LENGTH, "abc", SubmitOptions.NONE, Missed.ALL,
                            Overlap.ALLOW);
                }
            }
        }
        List<TaskView> tasks = broker.search(TaskFilter.ALL, 10_000);
        Set<String> due = new HashSet<>();
        for (TaskView task : tasks) {
            assertThat(due.add(task.headers().get(QueueSchedules.SCHEDULE) + task.headers().get(QueueSchedules.DUE)))
                    .isTrue();
        }
        assertThat(tasks).filteredOn(each -> "s".equals(each.headers().get(QueueSchedules.SCHEDULE))).hasSize(300);
        assertThat(tasks).filteredOn(each -> "skip".equals(each.headers().get(QueueSchedules.SCHEDULE))).hasSize(1);
    }

    @Test
    void aBeatWithAThreadFiresAndEnds() throws Exception {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        Beat running = Beat.builder(broker).time(clock).start();
        for (int i = 0; i < 61; i++) {
            assertThat(clock.awaitSleepers(1, Duration.ofSeconds(30))).isTrue();
            clock.advance(Duration.ofSeconds(1));
        }
        assertThat(clock.awaitSleepers(1, Duration.ofSeconds(30))).isTrue();
        assertThat(running.fired()).isEqualTo(1);
        running.close();
        running.close();
        assertThat(clock.awaitSleepers(1, Duration.ZERO)).isFalse();
        assertThat(running).hasToString("Beat[" + broker.name() + ", 1 fired]");
    }

    @Test
    void aBeatOutlivesABrokerThatCannotBeReached() throws Exception {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        var isAway = new AtomicBoolean(true);
        Broker faulty = (Broker) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Broker.class},
                (_, method, arguments) -> {
                    if (isAway.get() && method.getName().equals("schedules")) {
                        throw new BrokerException(BrokerException.Kind.UNAVAILABLE, false, "away", null);
                    }
                    try {
                        return method.invoke(broker, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        try (Beat running = Beat.builder(faulty).time(clock).start()) {
            for (int i = 0; i < 63; i++) {
                assertThat(clock.awaitSleepers(1, Duration.ofSeconds(30))).isTrue();
                isAway.set(i < 61);
                clock.advance(Duration.ofSeconds(1));
            }
            assertThat(clock.awaitSleepers(1, Duration.ofSeconds(30))).isTrue();
            assertThat(running.fired()).isEqualTo(1);
        }
    }

    @Test
    void aProgramThatStartsTakesBackNoPauseOfThatMoment() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        var pauses = new AtomicBoolean(true);
        Broker slow = (Broker) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Broker.class},
                (_, method, arguments) -> {
                    try {
                        Object answer = method.invoke(broker, arguments);
                        if (method.getName().equals("schedules") && pauses.getAndSet(false)) {
                            schedules.pause("s");
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        ScheduleEntry same = entry();
        QueueSchedules.of(slow).put("s", Recurrence.every(MINUTE), LENGTH, "abc", SubmitOptions.NONE, Missed.ONCE,
                Overlap.ALLOW);
        assertThat(pauses).isFalse();
        assertThat(entry().paused()).isTrue();
        assertThat(entry().template().id()).isEqualTo(same.template().id());
    }

    @Test
    void aScheduleThatCannotBeFiredHarmsNoOther() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        schedules.put("a", Recurrence.every(MINUTE), LENGTH, "x");
        Broker faulty = (Broker) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Broker.class},
                (_, method, arguments) -> {
                    if (method.getName().equals("fire") && ((Firing) arguments[0]).schedule().equals("a")) {
                        throw new UnsupportedOperationException("not this one");
                    }
                    try {
                        return method.invoke(broker, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        clock.advance(MINUTE);
        Beat other = Beat.builder(faulty).time(clock).open();
        stepUntilIdle(other);
        assertThat(other.fired()).isEqualTo(1);
    }

    @Test
    void aTemplateKeepsItsIdOutOfTheWay() {
        putEveryMinute(Missed.ONCE, Overlap.ALLOW);
        QueuedTask template = entry().template();
        pass(Duration.ofMinutes(2));
        assertThat(broker.search(TaskFilter.ALL, 10)).extracting(TaskView::id).doesNotContain(template.id())
                .doesNotHaveDuplicates();
    }
}
