package dev.sennit.shared;

import static java.util.concurrent.TimeUnit.DAYS;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Shared barriers among the threads of one JVM. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class SharedBarrierTest {
    private final SharedBarrier barrier = SharedBarrier.create(3);

    static Stream<ThreadFactory> threads() {
        return SharedLockTest.threads();
    }

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    private List<Caller<Integer>> two() {
        List<Caller<Integer>> waiting = List.of(Caller.of(barrier::await), Caller.of(() -> barrier.await(1, DAYS)));
        Conditions.await("two wait").until(() -> barrier.getNumberWaiting() == 2);
        return waiting;
    }

    @Test
    void opensWhenAllHaveComeAgainAndAgain() throws Exception {
        assertThat(barrier.getParties()).isEqualTo(3);
        for (int round = 0; round < 3; round++) {
            List<Caller<Integer>> waiting = two();
            assertThat(barrier).hasToString("SharedBarrier[2 of 3 wait]");
            assertThat(barrier.await()).isZero();
            assertThat(List.of(waiting.get(0).result(), waiting.get(1).result())).containsExactlyInAnyOrder(1, 2);
            assertThat(barrier.getNumberWaiting()).isZero();
            assertThat(barrier.isBroken()).isFalse();
        }
        assertThat(SharedBarrier.create(1).await()).isZero();
        assertThatThrownBy(() -> SharedBarrier.create(0)).hasMessage("parties must be 1 to 10000, was 0");
    }

    private void assertBrokenFor(List<Caller<Integer>> waiting) throws Exception {
        for (Caller<Integer> each : waiting) {
            assertThat(each.failure()).isInstanceOf(BrokenBarrierException.class);
        }
        assertThat(barrier.isBroken()).isTrue();
        assertThat(barrier).hasToString("SharedBarrier[0 of 3 wait, broken]");
        assertThatThrownBy(barrier::await).isInstanceOf(BrokenBarrierException.class);
        barrier.reset();
        assertThat(barrier.isBroken()).isFalse();
        List<Caller<Integer>> again = two();
        assertThat(barrier.await()).isZero();
        assertThat(again.get(0).result() + again.get(1).result()).isEqualTo(3);
    }

    @Test
    void aTimeOutBreaksItForTheOthers() throws Exception {
        var first = List.of(Caller.of(barrier::await));
        assertThatThrownBy(() -> barrier.await(10, MILLISECONDS))
                .isInstanceOf(TimeoutException.class)
                .hasMessage("after 10 ms not all of 3 had come to the barrier");
        assertBrokenFor(first);
        var second = List.of(Caller.of(barrier::await));
        assertThatThrownBy(() -> barrier.await(0, DAYS)).isInstanceOf(TimeoutException.class);
        assertBrokenFor(second);
    }

    @Test
    void anInterruptBreaksItForTheOthers() throws Exception {
        List<Caller<Integer>> waiting = two();
        waiting.getFirst().interrupt();
        assertThat(waiting.getFirst().failure()).isInstanceOf(InterruptedException.class);
        assertBrokenFor(List.of(waiting.getLast()));
        waiting = two();
        Thread.currentThread().interrupt();
        assertThatThrownBy(barrier::await).isInstanceOf(InterruptedException.class);
        assertBrokenFor(waiting);
    }

    @Test
    void aWaitThatFailsBreaksItForTheOthers() throws Exception {
        for (int look = 3; look < 5; look++) { // the first two come before it is among those that wait
            List<Caller<Integer>> waiting = List.of(Caller.of(barrier::await));
            Conditions.await("one waits").until(() -> barrier.getNumberWaiting() == 1);
            try (var clock = new FailingClock(look)) {
                assertThatThrownBy(() -> barrier.await(1, DAYS)).isInstanceOf(FailingClock.NoMemory.class);
                assertThat(clock.hasFailed()).isTrue();
            }
            assertBrokenFor(waiting);
        }
    }

    @Test
    void aVirtualThreadWaitsAlsoWhereNoThreadCanBeHad() throws Exception {
        try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().equals("sennit-futex"))) {
            Caller<Integer> waiting = Caller.on(Thread.ofVirtual().factory(), barrier::await);
            Caller<Integer> other = Caller.of(barrier::await);
            Conditions.await("two wait").until(() -> barrier.getNumberWaiting() == 2);
            assertThat(barrier.await()).isZero();
            assertThat(List.of(waiting.result(), other.result())).containsExactlyInAnyOrder(1, 2);
        }
    }

    @Test
    void aResetBreaksItForThoseWhoWaitOnly() throws Exception {
        List<Caller<Integer>> waiting = two();
        barrier.reset();
        for (Caller<Integer> each : waiting) {
            assertThat(each.failure()).isInstanceOf(BrokenBarrierException.class).hasMessageContaining("reset");
        }
        assertThat(barrier.isBroken()).isFalse();
        waiting = two();
        assertThat(barrier.await()).isZero();
        waiting.getFirst().result();
        waiting.getLast().result();
    }

    @ParameterizedTest
    @MethodSource("threads")
    void nobodyIsARoundAhead(ThreadFactory threads) throws Exception {
        SharedBarrier four = SharedBarrier.create(4);
        var rounds = new AtomicIntegerArray(4);
        try (var executor = Executors.newThreadPerTaskExecutor(threads)) {
            List<Future<Integer>> parties = new ArrayList<>();
            for (int party = 0; party < 4; party++) {
                int mine = party;
                parties.add(executor.submit(() -> {
                    int last = 0;
                    for (int round = 1; round <= 100; round++) {
                        rounds.set(mine, round);
                        last += four.await() == 0 ? 1 : 0;
                        for (int other = 0; other < 4; other++) {
                            int seen = rounds.get(other);
                            if (seen < round || seen > round + 1) {
                                throw new AssertionError("round " + round + ", another is at " + seen);
                            }
                        }
                    }
                    return last;
                }));
            }
            int lasts = 0;
            for (Future<Integer> each : parties) {
                lasts += each.get(50, TimeUnit.SECONDS);
            }
            assertThat(lasts).as("one is the last in each round").isEqualTo(100);
        }
    }

    @Test
    void anAbortBreaksItForThoseWhoWaitAndThoseWhoCome() throws Exception {
        List<Caller<Integer>> waiting = two();
        barrier.abort();
        for (Caller<Integer> each : waiting) {
            assertThat(each.failure()).isInstanceOf(BrokenBarrierException.class).hasMessageContaining("aborted");
        }
        assertThatThrownBy(barrier::await).isInstanceOf(BrokenBarrierException.class).hasMessageContaining("aborted");
        assertBrokenFor(List.of());
    }

    @Test
    void theLastOneRunsItsActionBeforeAnybodyGoesOn() throws Exception {
        for (int round = 0; round < 3; round++) {
            List<Caller<Integer>> waiting = two();
            assertThat(barrier.await(() -> {
                assertThat(waiting).noneMatch(Caller::isDone);
                assertThat(barrier.getNumberWaiting()).isEqualTo(3);
            })).isZero();
            assertThat(waiting.get(0).result() + waiting.get(1).result()).isEqualTo(3);
        }
        assertThat(barrier.getNumberWaiting()).isZero();
        Caller<Integer> first = Caller.of(() -> barrier.await(() -> {
            throw new AssertionError("not the last");
        }));
        Conditions.await("one waits").until(() -> barrier.getNumberWaiting() == 1);
        barrier.reset();
        assertThat(first.failure()).isInstanceOf(BrokenBarrierException.class);
    }

    @Test
    void anActionThatFailsBreaksIt() throws Exception {
        List<Caller<Integer>> waiting = two();
        assertThatThrownBy(() -> barrier.await(() -> {
            throw new IllegalStateException("no");
        })).isInstanceOf(IllegalStateException.class).hasMessage("no");
        assertThat(waiting.getFirst().failure()).hasMessageContaining("action");
        assertBrokenFor(List.of(waiting.getLast()));
    }

    /** No lock is held by the action: others may come, leave, and break the barrier. */
    @Test
    void whatHappensWhileAnActionRuns() throws Exception {
        List<Caller<Integer>> waiting = two();
        var ofNextRound = new ArrayList<Caller<Integer>>();
        assertThat(barrier.await(() -> {
            assertThatThrownBy(() -> barrier.await(0, DAYS)).as("one of the next round")
                    .isInstanceOf(TimeoutException.class);
            assertThat(barrier.isBroken()).isFalse();
            ofNextRound.add(Caller.of(barrier::await));
        })).isZero();
        assertThat(waiting.get(0).result() + waiting.get(1).result()).isEqualTo(3);
        Conditions.await("the next one waits").until(() -> barrier.getNumberWaiting() == 1);
        barrier.reset();
        assertThat(ofNextRound.getFirst().failure()).isInstanceOf(BrokenBarrierException.class);

        List<Caller<Integer>> others = two();
        assertThatThrownBy(() -> barrier.await(barrier::abort)).isInstanceOf(BrokenBarrierException.class)
                .hasMessageContaining("aborted");
        assertBrokenFor(others);
    }
}
