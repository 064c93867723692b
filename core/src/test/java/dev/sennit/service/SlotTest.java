package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Backoff;
import dev.sennit.testing.VirtualClock;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each move of a slot, by a clock that the test moves. */
class SlotTest {
    private static final Duration START = Duration.ofSeconds(10);
    private static final Duration STOP = Duration.ofSeconds(5);

    private final VirtualClock clock = VirtualClock.standing(Instant.parse("2026-01-01T00:00:00Z"));
    private final FakeProcesses processes = new FakeProcesses();
    private final List<String> told = new ArrayList<>();
    private final List<String> escalations = new ArrayList<>();
    private long memory;
    private Slot slot;
    private Generation first;

    private final Slot.Listener listener = new Slot.Listener() {
        @Override
        public void happened(ServiceEvent event) {
            told.add(event.kind() + " " + event.pid() + (event.why().isEmpty() ? "" : ": " + event.why()));
        }

        @Override
        public void gaveUp(Slot of, Generation generation, String why) {
            escalations.add("gave up " + generation.number() + ": " + why);
        }

        @Override
        public void failed(Slot of, Escalation escalation) {
            escalations.add(escalation.toString());
        }
    };

    private void begin(UnaryOperator<ServiceSettings.Builder> more) {
        ServiceSettings settings = more.apply(ServiceSettings.of("printer", me -> {})
                .startLimit(START)
                .stopLimit(STOP)
                .heartbeatLimit(Duration.ZERO)
                .backoff(Backoff.exponential(Duration.ofSeconds(1)).atMost(Duration.ofSeconds(8))))
                .build();
        first = processes.generation(1, settings);
        slot = new Slot(
                "printer", 3, order(first), clock, new Random(1), pid -> memory, listener, () -> {});
    }

    private static Order order(Generation generation) {
        return new Order(generation, true, true, true, 0, 0);
    }

    private void begin() {
        begin(settings -> settings);
    }

    private FakeProcesses.Fake startedAndReady() {
        slot.step();
        FakeProcesses.Fake process = processes.last();
        process.ready();
        slot.step();
        return process;
    }

    private SlotState state() {
        return slot.status().state();
    }

    private long stepAfter(Duration time) {
        clock.advance(time);
        return slot.step();
    }

    // ---- orders ----

    @Test
    void anOrderLikeTheOneBeforeTheLastIsNotTakenYet() {
        begin();
        Order idle = new Order(first, false, false, false, 0, 0);
        slot.order(idle);
        slot.step();
        assertThat(slot.hasTaken(idle)).isTrue();
        slot.order(order(first)); // a thread may be about to follow it
        Order again = new Order(first, false, false, false, 0, 0);
        slot.order(again);
        assertThat(slot.order()).isSameAs(again);
        assertThat(slot.hasTaken(again)).isFalse();
        slot.step();
        assertThat(slot.hasTaken(again)).isTrue();
    }

    // ---- start ----

    @Test
    void startsAndIsReadyWhenItsProcessSaysSo() {
        begin();
        assertThat(state()).isEqualTo(SlotState.WAITING);
        assertThat(slot.step()).isEqualTo(START.toNanos());
        assertThat(state()).isEqualTo(SlotState.STARTING);
        processes.last().ready();
        assertThat(slot.step()).isEqualTo(Long.MAX_VALUE);
        assertThat(state()).isEqualTo(SlotState.READY);
        assertThat(slot.status().pid()).isEqualTo(processes.last().pid());
        assertThat(told).containsExactly("STARTED 101", "READY 101");
        slot.step();
        assertThat(told).hasSize(2);
    }

    @Test
    void startsNothingBeforeItMay() {
        begin();
        slot.order(new Order(first, true, false, true, 0, 0));
        assertThat(slot.step()).isEqualTo(Long.MAX_VALUE);
        assertThat(state()).isEqualTo(SlotState.WAITING);
        assertThat(processes.all()).isEmpty();
        slot.order(order(first));
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STARTING);
    }

    @Test
    void killsAProcessThatDoesNotGetReady() {
        begin();
        slot.step();
        assertThat(stepAfter(START.minusNanos(1))).isEqualTo(1);
        assertThat(processes.last().killed).isFalse();
        stepAfter(Duration.ofNanos(1));
        assertThat(processes.last().killed).isTrue();
        slot.step();
        assertThat(told).contains("DIED 101: was not ready within 10 s");
        assertThat(processes.alive()).hasSize(1); // the first restart is made at once
        assertThat(slot.status().restarts()).isEqualTo(1);
    }

    @Test
    void aProcessThatCannotBeStartedIsADeath() {
        begin();
        processes.obstacle = new IOException("no such file: /no/where; name a program that is there");
        slot.step();
        assertThat(told).containsExactly(
                "DIED 0: cannot be started: no such file: /no/where; name a program that is there");
        assertThat(state()).isEqualTo(SlotState.WAITING);
        processes.obstacle = null;
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STARTING);
    }

    // ---- deaths ----

    @Test
    void restartsAtOnceAndThenAfterPausesThatGrow() {
        begin();
        List<Long> pauses = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            slot.step();
            processes.last().end(1);
            slot.step();
            pauses.add(state() == SlotState.WAITING ? slot.step() / 1_000_000_000 : 0L);
            clock.advance(Duration.ofSeconds(pauses.getLast()));
        }
        assertThat(pauses).containsExactly(0L, 1L, 2L, 4L, 8L, 8L, 8L);
    }

    @Test
    void pausesBeginAnewAfterATimeWithoutDeaths() {
        begin(settings -> settings.deaths(100, Duration.ofSeconds(60), Escalation.KEEP_TRYING));
        for (int i = 0; i < 3; i++) {
            slot.step();
            processes.last().end(1);
            slot.step();
            clock.advance(Duration.ofSeconds(10));
        }
        FakeProcesses.Fake process = startedAndReady();
        clock.advance(Duration.ofSeconds(60));
        process.end(1);
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STARTING);
    }

    @Test
    void aBackoffThatThrowsDoesNotKeepAWorkerDownForEver() {
        begin(settings -> settings.backoff((last, random) -> {
            throw new IllegalStateException("a mistake");
        }));
        for (int i = 0; i < 2; i++) {
            slot.step();
            processes.last().end(1);
        }
        assertThat(slot.step()).isEqualTo(Duration.ofSeconds(30).toNanos());
        stepAfter(Duration.ofSeconds(30));
        assertThat(state()).isEqualTo(SlotState.STARTING);
    }

    @ParameterizedTest
    @EnumSource(names = "KEEP_TRYING", mode = EnumSource.Mode.EXCLUDE)
    void tooManyDeathsAreEscalated(Escalation escalation) {
        begin(settings -> settings.deaths(3, Duration.ofMinutes(1), escalation).backoff(Backoff.none()));
        for (int i = 0; i < 3; i++) {
            assertThat(state()).isNotEqualTo(SlotState.FAILED);
            slot.step();
            processes.last().end(1);
            slot.step();
        }
        assertThat(state()).isEqualTo(SlotState.FAILED);
        assertThat(escalations).containsExactly(escalation.toString());
        assertThat(slot.step()).isEqualTo(Long.MAX_VALUE);
        assertThat(told.getLast())
                .isEqualTo("FAILED 103: 3 processes died within 60 s; the last: exited with code 1");
        slot.order(new Order(first, true, true, true, 1, 0)); // restarted by hand
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STARTING);
    }

    @Test
    void deathsThatAreFarApartAreNotTooMany() {
        begin(settings -> settings.deaths(3, Duration.ofMinutes(1), Escalation.FAIL).backoff(Backoff.none()));
        for (int i = 0; i < 10; i++) {
            slot.step();
            processes.last().end(1);
            stepAfter(Duration.ofSeconds(31));
        }
        assertThat(state()).isEqualTo(SlotState.STARTING);
        assertThat(escalations).isEmpty();
    }

    @Test
    void aWorkerThatEndsWithSuccessIsReplacedOnlyIfItIsWantedAlways() {
        begin();
        startedAndReady().end(0);
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STARTING);
        assertThat(told).contains("DIED 101: exited with code 0");
    }

    @ParameterizedTest
    @EnumSource(names = "ALWAYS", mode = EnumSource.Mode.EXCLUDE)
    void aWorkerThatHasDoneItsWorkStaysDown(ServiceKind kind) {
        begin(settings -> settings.kind(kind));
        startedAndReady().end(3);
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STARTING);
        processes.last().end(0);
        assertThat(slot.step()).isEqualTo(Long.MAX_VALUE);
        assertThat(state()).isEqualTo(SlotState.STOPPED);
        assertThat(slot.isDone()).isTrue();
        assertThat(told).contains("DONE 102: exited with code 0");
        slot.order(order(processes.generation(2, first.settings())));
        slot.step();
        assertThat(state()).as("a new generation has it to do again").isEqualTo(SlotState.STARTING);
    }

    // ---- heartbeats ----

    @Test
    void aWorkerWithoutHeartbeatIsKilledAndReplaced() {
        begin(settings -> settings.heartbeatLimit(Duration.ofSeconds(3)));
        FakeProcesses.Fake process = startedAndReady();
        clock.advance(Duration.ofSeconds(2));
        process.beat();
        assertThat(slot.step()).isEqualTo(Duration.ofSeconds(3).toNanos());
        assertThat(stepAfter(Duration.ofSeconds(2))).isEqualTo(Duration.ofSeconds(1).toNanos());
        assertThat(process.killed).isFalse();
        stepAfter(Duration.ofSeconds(1));
        assertThat(process.killed).isTrue();
        slot.step();
        assertThat(told).contains("DIED 101: gave no heartbeat for 3 s");
        assertThat(state()).isEqualTo(SlotState.STARTING);
    }

    @Test
    void theWallClockDoesNotMatter() {
        begin(settings -> settings.heartbeatLimit(Duration.ofSeconds(3)).maxAge(Duration.ofHours(1)));
        FakeProcesses.Fake process = startedAndReady();
        clock.set(Instant.parse("2025-12-31T23:00:00Z"));
        slot.step();
        clock.set(Instant.parse("2030-01-01T00:00:00Z"));
        slot.step();
        assertThat(process.killed).isFalse();
        assertThat(processes.all()).hasSize(1);
    }

    // ---- replacement ----

    private Generation second() {
        return processes.generation(2, first.settings());
    }

    @Test
    void aReloadStartsTheNewBeforeItStopsTheOld() {
        begin();
        FakeProcesses.Fake old = startedAndReady();
        slot.order(order(second()));
        slot.step();
        FakeProcesses.Fake next = processes.last();
        assertThat(next).isNotSameAs(old);
        assertThat(next.generation).isEqualTo(2);
        assertThat(old.asked).isNull();
        assertThat(state()).isEqualTo(SlotState.READY);
        assertThat(slot.status().isReplacing()).isTrue();
        next.ready();
        slot.step();
        assertThat(old.asked).isEqualTo(STOP);
        assertThat(slot.status().pid()).isEqualTo(next.pid());
        assertThat(slot.isReplacing()).isTrue();
        old.end(0);
        slot.step();
        assertThat(slot.isReplacing()).isFalse();
        assertThat(slot.status().restarts()).isZero();
        assertThat(slot.status().replacements()).isEqualTo(1);
        assertThat(told).doesNotContain("DIED 101: exited with code 0").contains("STOPPED 101: exited with code 0");
    }

    @Test
    void aReloadWaitsUntilItMayReplace() {
        begin();
        startedAndReady();
        Generation next = second();
        slot.order(new Order(next, true, true, false, 0, 0));
        slot.step();
        assertThat(slot.wantsToReplace()).isTrue();
        assertThat(processes.all()).hasSize(1);
        slot.order(order(next));
        slot.step();
        assertThat(processes.all()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aGenerationThatDoesNotGetReadyIsGivenUp(boolean dies) {
        begin();
        FakeProcesses.Fake old = startedAndReady();
        slot.order(order(second()));
        slot.step();
        if (dies) {
            processes.last().end(1);
        } else {
            stepAfter(START);
        }
        slot.step();
        assertThat(old.asked).isNull();
        assertThat(old.isAlive()).isTrue();
        assertThat(state()).isEqualTo(SlotState.READY);
        String how = dies ? "exited with code 1" : "was not ready within 10 s";
        assertThat(escalations).containsExactly("gave up 2: " + how);
        assertThat(slot.status().why()).isEqualTo("serves on, as its successor was given up: " + how);
        assertThat(slot.wantsToReplace()).isFalse();
        stepAfter(Duration.ofHours(1));
        assertThat(processes.alive()).containsExactly(old);
        slot.order(order(processes.generation(3, first.settings())));
        slot.step();
        assertThat(processes.last().generation).isEqualTo(3);
    }

    @Test
    void aSuccessorThatIsKilledTakesNoPlaceThoughItSaysThatItIsReady() {
        begin();
        FakeProcesses.Fake old = startedAndReady();
        Generation stuck = new Generation(2, first.settings(), id -> started -> {
            Run process = processes.generation(2, first.settings()).launchers().forSlot(id).start(started);
            return new Run() { // its end takes a while
                @Override
                public long pid() {
                    return process.pid();
                }

                @Override
                public void terminate(Duration limit) {}

                @Override
                public void reload() {}

                @Override
                public void kill() {}
            };
        });
        slot.order(order(stuck));
        slot.step();
        FakeProcesses.Fake next = processes.last();
        stepAfter(START);
        next.ready();
        slot.step();
        assertThat(old.asked).isNull();
        next.end(-9);
        slot.step();
        assertThat(escalations).containsExactly("gave up 2: was not ready within 10 s");
        assertThat(slot.status().pid()).isEqualTo(old.pid());
    }

    @Test
    void aGenerationThatIsGivenUpElsewhereIsTakenBackHere() {
        begin();
        startedAndReady();
        slot.order(order(second()));
        slot.step();
        slot.order(order(first)); // given up by another slot, while the successor starts
        slot.step();
        assertThat(processes.last().asked).isNotNull();
        processes.last().ready();
        processes.last().end(0);
        slot.step();
        assertThat(slot.status().generation()).isEqualTo(1);
        assertThat(slot.status().why()).isEqualTo("serves on, as generation 2 is not wanted any more");
        assertThat(escalations).isEmpty();

        slot.order(order(processes.generation(3, first.settings())));
        slot.step();
        processes.last().ready();
        slot.step();
        processes.all().getFirst().end(0);
        slot.step();
        slot.order(order(first)); // and here when it serves already
        slot.step();
        processes.last().ready();
        slot.step();
        assertThat(slot.status().generation()).isEqualTo(1);
    }

    @Test
    void aGenerationThatDiesBeforeItIsReadyWhereNothingServesIsTold() {
        begin();
        FakeProcesses.Fake old = startedAndReady();
        slot.order(order(second()));
        slot.step();
        old.end(1);
        slot.step();
        processes.last().end(3);
        slot.step();
        assertThat(escalations).containsExactly("gave up 2: exited with code 3");
    }

    @Test
    void afterAPauseOfTheManagerHeartbeatsAreWaitedForOnceMore() {
        begin(settings -> settings.heartbeatLimit(Duration.ofSeconds(3)));
        FakeProcesses.Fake process = startedAndReady();
        stepAfter(Duration.ofMinutes(5));
        assertThat(process.killed).isFalse();
        stepAfter(Duration.ofSeconds(3));
        assertThat(process.killed).isTrue();
    }

    @Test
    void aProcessThatEndsWhenItIsNotWantedAnyMoreHasNotDied() {
        begin();
        FakeProcesses.Fake process = startedAndReady();
        slot.order(new Order(first, false, true, true, 0, 0));
        process.end(143);
        slot.step();
        assertThat(told.getLast()).isEqualTo("STOPPED 101: exited with code 143");
        assertThat(slot.status().restarts()).isZero();
    }

    @Test
    void aSuccessorThatCannotBeStartedIsGivenUp() {
        begin();
        startedAndReady();
        processes.obstacle = new IOException("no memory");
        slot.order(order(second()));
        slot.step();
        assertThat(escalations).containsExactly("gave up 2: cannot be started: no memory");
        assertThat(state()).isEqualTo(SlotState.READY);
        assertThat(slot.status().why())
                .isEqualTo("serves on, as its successor was given up: cannot be started: no memory");
    }

    @Test
    void whenTheOldDiesMeanwhileTheSuccessorTakesItsPlace() {
        begin();
        FakeProcesses.Fake old = startedAndReady();
        slot.order(order(second()));
        slot.step();
        FakeProcesses.Fake next = processes.last();
        old.end(-9);
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STARTING);
        assertThat(slot.status().pid()).isEqualTo(next.pid());
        next.ready();
        slot.step();
        assertThat(state()).isEqualTo(SlotState.READY);
        assertThat(processes.all()).hasSize(2);
        assertThat(slot.status().restarts()).isEqualTo(1);
    }

    @Test
    void aReloadDuringAStartReplacesTheProcessThatIsStarting() {
        begin();
        slot.step();
        FakeProcesses.Fake old = processes.last();
        slot.order(order(second()));
        slot.step();
        processes.last().ready();
        slot.step();
        assertThat(slot.status().pid()).isEqualTo(processes.last().pid());
        assertThat(old.asked).isNotNull();
    }

    @Test
    void aReloadDuringAReloadEndsWithTheNewest() {
        begin();
        startedAndReady();
        slot.order(order(second()));
        slot.step();
        slot.order(order(processes.generation(3, first.settings())));
        slot.step();
        processes.last().ready();
        slot.step(); // generation 2 serves, the first leaves
        processes.all().getFirst().end(0);
        slot.step();
        assertThat(processes.last().generation).isEqualTo(3);
        processes.last().ready();
        slot.step();
        assertThat(slot.status().generation()).isEqualTo(3);
    }

    @Test
    void aReloadInPlaceIsToldToTheProcess() {
        begin();
        FakeProcesses.Fake process = startedAndReady();
        slot.order(new Order(first, true, true, true, 0, 1));
        slot.step();
        slot.step();
        assertThat(process.reloads).isEqualTo(1);
    }

    @Test
    void anAgeIsReplacedWithATenthOfJitter() {
        begin(settings -> settings.maxAge(Duration.ofHours(1)));
        FakeProcesses.Fake old = startedAndReady();
        long wait = slot.step();
        assertThat(Duration.ofNanos(wait)).isBetween(Duration.ofMinutes(54), Duration.ofMinutes(66));
        stepAfter(Duration.ofNanos(wait - 1));
        assertThat(processes.all()).hasSize(1);
        stepAfter(Duration.ofNanos(1));
        processes.last().ready();
        slot.step();
        assertThat(old.asked).isNotNull();
        assertThat(told).contains("STOPPING 101: has been replaced by process 102");
    }

    @Test
    void anAgedWorkerWhoseSuccessorFailsGoesOnAndIsTriedAgainAfterPauses() {
        begin(settings -> settings.maxAge(Duration.ofHours(1)));
        FakeProcesses.Fake old = startedAndReady();
        stepAfter(Duration.ofHours(2));
        processes.last().end(1);
        assertThat(slot.step()).isEqualTo(Duration.ofSeconds(1).toNanos());
        stepAfter(Duration.ofSeconds(1));
        processes.last().end(1);
        assertThat(slot.step()).isEqualTo(Duration.ofSeconds(2).toNanos());
        assertThat(old.asked).isNull();
        assertThat(escalations).isEmpty();
    }

    @Test
    void memoryIsLookedAtTwice() {
        begin(settings -> settings.maxMemory("100m"));
        startedAndReady();
        memory = 200 << 20;
        stepAfter(Duration.ofSeconds(2));
        memory = 50 << 20; // it was a peak
        stepAfter(Duration.ofSeconds(2));
        memory = 200 << 20;
        stepAfter(Duration.ofSeconds(2));
        assertThat(processes.all()).hasSize(1);
        stepAfter(Duration.ofSeconds(2));
        assertThat(processes.all()).hasSize(2);
        assertThat(slot.status().why()).isEqualTo("is being replaced as it holds more than 100 MiB of memory");
    }

    /** No step is due before the heartbeat's limit. */
    @Test
    void signsOfLifeAreSeenBetweenSteps() {
        begin(settings -> settings.heartbeatLimit(Duration.ofMinutes(1)));
        FakeProcesses.Fake process = startedAndReady();
        process.beat();
        process.worked(5);
        clock.advance(Duration.ofSeconds(2));
        assertThat(slot.status().heartbeatAge()).contains(Duration.ofSeconds(2));
        assertThat(slot.status().work()).isEqualTo(5);
        clock.advance(Duration.ofSeconds(3));
        assertThat(slot.status().heartbeatAge()).contains(Duration.ofSeconds(5));
    }

    @Test
    void aWorkerIsReplacedAfterItsWork() {
        begin(settings -> settings.maxWork(1000));
        FakeProcesses.Fake process = startedAndReady();
        process.worked(899);
        slot.step();
        assertThat(processes.all()).hasSize(1);
        process.worked(201);
        slot.step();
        assertThat(processes.all()).hasSize(2);
        assertThat(slot.status().why()).isEqualTo("is being replaced after 1100 pieces of work");
    }

    @Test
    void aRestartByHandReplacesOnce() {
        begin();
        FakeProcesses.Fake old = startedAndReady();
        slot.order(new Order(first, true, true, true, 1, 0));
        slot.step();
        processes.last().ready();
        slot.step();
        old.end(0);
        slot.step();
        assertThat(slot.isToRestart(1)).isFalse();
        assertThat(processes.all()).hasSize(2);
    }

    // ---- stop ----

    @Test
    void aStopIsNoDeath() {
        begin();
        FakeProcesses.Fake process = startedAndReady();
        slot.order(new Order(first, false, true, true, 0, 0));
        assertThat(slot.step()).isEqualTo(STOP.toNanos());
        assertThat(state()).isEqualTo(SlotState.DRAINING);
        assertThat(slot.status().why()).isEqualTo("is not wanted any more");
        assertThat(process.asked).isEqualTo(STOP);
        process.end(143);
        assertThat(slot.step()).isEqualTo(Long.MAX_VALUE);
        assertThat(state()).isEqualTo(SlotState.STOPPED);
        assertThat(slot.hasProcess()).isFalse();
        assertThat(slot.status().restarts()).isZero();
        assertThat(told.getLast()).isEqualTo("STOPPED 101: exited with code 143");
    }

    @Test
    void aProcessThatDoesNotStopIsKilledAtItsLimit() {
        begin();
        FakeProcesses.Fake process = startedAndReady();
        slot.order(new Order(first, false, true, true, 0, 0));
        slot.step();
        stepAfter(STOP.minusNanos(1));
        assertThat(process.killed).isFalse();
        stepAfter(Duration.ofNanos(1));
        assertThat(process.killed).isTrue();
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STOPPED);
        assertThat(told.getLast()).startsWith("KILLED 101");
    }

    @Test
    void allThreeProcessesAreStopped() {
        begin();
        startedAndReady();
        slot.order(order(second()));
        slot.step();
        processes.last().ready();
        slot.step(); // one leaves
        slot.order(new Order(second(), false, true, true, 0, 0));
        slot.step();
        assertThat(processes.alive()).allSatisfy(one -> assertThat(one.asked).isNotNull());
        processes.alive().forEach(one -> one.end(0));
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STOPPED);
        assertThat(slot.hasProcess()).isFalse();
    }

    @Test
    void wantedAgainWhileItStopsStartsWhenTheOldHasEnded() {
        begin();
        FakeProcesses.Fake old = startedAndReady();
        slot.order(new Order(first, false, true, true, 0, 0));
        slot.step();
        slot.order(order(first));
        slot.step();
        assertThat(processes.alive()).containsExactly(old);
        old.end(0);
        slot.step();
        assertThat(processes.alive()).hasSize(1).doesNotContain(old);
        assertThat(state()).isEqualTo(SlotState.STARTING);
    }

    @Test
    void aProcessThatHangsInTheKernelDoesNotHoldUpTheSlot() {
        begin();
        Run unkillable = new Run() {
            @Override
            public long pid() {
                return 7;
            }

            @Override
            public void terminate(Duration limit) {}

            @Override
            public void reload() {}

            @Override
            public void kill() {}
        };
        var stuck = new Generation(1, first.settings(), id -> started -> unkillable);
        slot.order(order(stuck));
        slot.step();
        slot.order(new Order(stuck, false, true, true, 0, 0));
        slot.step();
        stepAfter(STOP);
        stepAfter(Duration.ofSeconds(10));
        slot.step();
        assertThat(state()).isEqualTo(SlotState.STOPPED);
        assertThat(told.getLast()).isEqualTo(
                "KILLED 7: did not stop within 5 s: was killed, and has not ended: it hangs in the kernel");
    }

    /** Whatever happens in whatever order: at most three processes, and in the end what was ordered last. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void anyOrderOfEventsEndsWithWhatWasOrderedLast(long seed) {
        var random = new Random(seed);
        begin(settings -> settings.heartbeatLimit(Duration.ofSeconds(20)).maxAge(Duration.ofMinutes(5)).maxWork(50));
        long generations = 1;
        Order order = order(first);
        for (int i = 0; i < 3000; i++) {
            List<FakeProcesses.Fake> alive = processes.alive();
            assertThat(alive).hasSizeLessThanOrEqualTo(3);
            FakeProcesses.Fake one = alive.isEmpty() ? null : alive.get(random.nextInt(alive.size()));
            switch (random.nextInt(12)) {
                case 0 -> order = order(processes.generation(++generations, first.settings()));
                case 1 -> order = new Order(
                        order.generation(), random.nextBoolean(), random.nextInt(4) > 0, random.nextInt(3) > 0,
                        order.restarts(), order.reloads());
                case 2 ->
                    order = new Order(order.generation(), true, true, true, order.restarts() + 1, order.reloads());
                case 3, 4, 5 -> {
                    if (one != null) {
                        one.ready();
                    }
                }
                case 6 -> {
                    if (one != null) {
                        one.end(random.nextInt(3));
                    }
                }
                case 7 -> {
                    if (one != null) {
                        one.beat();
                        one.worked(random.nextInt(20));
                    }
                }
                case 8 -> processes.obstacle = random.nextInt(3) == 0 ? new IOException("none to be had") : null;
                default -> clock.advance(Duration.ofMillis(random.nextInt(8000)));
            }
            slot.order(order);
            if (random.nextBoolean()) {
                slot.step();
            }
        }
        processes.obstacle = null;
        Generation last = processes.generation(++generations, first.settings());
        slot.order(order(last));
        for (int i = 0; i < 100; i++) {
            slot.step();
            processes.alive().forEach(FakeProcesses.Fake::ready);
            processes.alive().stream().filter(one -> one.asked != null).forEach(one -> one.end(0));
            clock.advance(Duration.ofSeconds(1));
        }
        assertThat(processes.alive()).as("seed %d", seed).hasSize(1);
        assertThat(processes.alive().getFirst().generation).isEqualTo(generations);
        assertThat(state()).isIn(SlotState.READY, SlotState.STARTING);
        slot.order(new Order(last, false, true, true, 0, 0));
        slot.step();
        stepAfter(STOP);
        slot.step();
        assertThat(processes.alive()).as("seed %d", seed).isEmpty();
        assertThat(slot.hasProcess()).isFalse();
        assertThat(state()).isEqualTo(SlotState.STOPPED);
    }
}
