package dev.sennit;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.internal.Backend;
import java.io.IOException;
import java.nio.channels.Pipe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CancelScopeTest {
    private static final Duration SHORT = Duration.ofMillis(5);
    private static final Duration LONG = Duration.ofDays(1);
    private static final int BOUND = 60;

    /** The timers of the JVM, counted until this is closed. */
    private static final class CountedTimers extends Backend implements AutoCloseable {
        private final Semaphore asked = new Semaphore(0);
        private final Backend before = replace(this);

        @Override
        protected Future<?> schedule(Runnable action, long nanos) {
            asked.release();
            return super.schedule(action, nanos);
        }

        void awaitMore(int count) throws InterruptedException {
            asked.drainPermits();
            assertThat(asked.tryAcquire(count, BOUND, SECONDS)).isTrue();
        }

        @Override
        public void close() {
            replace(before);
        }
    }

    private final CountDownLatch never = new CountDownLatch(1);

    private void waitInVain() throws InterruptedException {
        assertThat(never.await(BOUND, SECONDS)).as("something ended the wait").isTrue();
    }

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void aBlockThatIsDoneInTimeReturnsItsValue() throws Exception {
        assertThat(CancelScope.within(LONG).<Integer>call(() -> 5)).isEqualTo(5);
        assertThat(CancelScope.open().<Object>call(() -> null)).isNull();
    }

    @Test
    void theLimitEndsAWait() {
        for (Duration limit : List.of(SHORT, Duration.ZERO, Duration.ofSeconds(-5))) {
            var scope = CancelScope.within(limit);
            assertThatThrownBy(() -> scope.run(this::waitInVain))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageStartingWith("not done after ")
                    .hasCauseInstanceOf(InterruptedException.class);
            assertThat(scope.isCancelled()).isTrue();
        }
    }

    @Test
    void theLimitEndsAReadFromAChannelAndAMap() throws Exception {
        Pipe pipe = Pipe.open();
        assertThatThrownBy(
                () -> CancelScope.within(SHORT).run(() -> pipe.source().read(java.nio.ByteBuffer.allocate(1))))
                .isInstanceOf(TimeoutException.class);
        try (Pool pool = Pools.open("threads:1")) {
            assertThatThrownBy(() -> CancelScope.within(SHORT).call(() -> pool.map(
                    n -> {
                        waitInVain();
                        return n;
                    },
                    List.of(1, 2))))
                    .isInstanceOf(TimeoutException.class);
        }
    }

    @Test
    void whatSwallowsOneInterruptMeetsTheNext() {
        assertThatThrownBy(() -> CancelScope.within(SHORT).run(() -> {
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(this::waitInVain).isInstanceOf(InterruptedException.class);
            }
            waitInVain();
        }))
                .isInstanceOf(TimeoutException.class);
    }

    @Test
    void aBodyThatEndsAllTheSameKeepsItsValueAndItsException() throws Exception {
        int value = CancelScope.within(SHORT).call(() -> {
            assertThatThrownBy(this::waitInVain).isInstanceOf(InterruptedException.class);
            return 3;
        });
        assertThat(value).isEqualTo(3);
        assertThatThrownBy(() -> CancelScope.within(SHORT).run(() -> {
            assertThatThrownBy(this::waitInVain).isInstanceOf(InterruptedException.class);
            throw new IOException("broken");
        }))
                .isInstanceOf(IOException.class);
    }

    @Test
    void anyThreadMayCancel() throws Exception {
        var scope = CancelScope.open();
        var inside = new CountDownLatch(1);
        Caller<Object> caller = Caller.of(() -> scope.call(() -> {
            inside.countDown();
            waitInVain();
            return 1;
        }));
        assertThat(inside.await(BOUND, SECONDS)).isTrue();
        assertThat(scope.isCancelled()).isFalse();
        scope.cancel();
        assertThatThrownBy(caller::result).hasRootCauseInstanceOf(InterruptedException.class)
                .satisfies(thrown -> assertThat(
                        Stream.iterate(thrown, t -> t != null, Throwable::getCause))
                        .anyMatch(CancellationException.class::isInstance));
    }

    @Test
    void oneThatIsCancelledBeforeItBeginsEndsAtItsFirstWait() {
        var scope = CancelScope.open();
        scope.cancel();
        assertThatThrownBy(() -> scope.run(this::waitInVain)).isInstanceOf(CancellationException.class);
    }

    @Test
    void aForeignInterruptStaysOne() {
        assertThatThrownBy(() -> CancelScope.within(LONG).run(() -> {
            Thread.currentThread().interrupt();
            waitInVain();
        }))
                .isInstanceOf(InterruptedException.class);
    }

    @Test
    void aForeignInterruptThatNobodyMetIsStillSet() throws Exception {
        CancelScope.within(LONG).run(() -> Thread.currentThread().interrupt());
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void theOuterLimitEndsTheInnerBlockAndIsTheOnesThatSaysSo() {
        List<String> seen = new ArrayList<>();
        assertThatThrownBy(() -> CancelScope.within(SHORT).run(() -> {
            try {
                CancelScope.within(LONG).run(this::waitInVain);
            } catch (InterruptedException e) {
                seen.add("inner was interrupted");
                throw e;
            }
        }))
                .isInstanceOf(TimeoutException.class)
                .hasMessage("not done after 5 ms");
        assertThat(seen).containsExactly("inner was interrupted");
    }

    @Test
    void theInnerLimitLeavesTheOuterBlockAlone() throws Exception {
        int value = CancelScope.within(LONG).call(() -> {
            assertThatThrownBy(() -> CancelScope.within(SHORT).run(this::waitInVain))
                    .isInstanceOf(TimeoutException.class);
            new CountDownLatch(0).await(); // throws if the thread is interrupted
            return 4;
        });
        assertThat(value).isEqualTo(4);
    }

    @Test
    void aShieldKeepsOuterLimitsOutUntilItIsLeft() {
        List<String> done = new ArrayList<>();
        var outer = CancelScope.within(SHORT);
        try (var timers = new CountedTimers()) {
            assertThatThrownBy(() -> outer.run(() -> {
                assertThatThrownBy(this::waitInVain).isInstanceOf(InterruptedException.class);
                CancelScope.open().shielded().run(() -> {
                    timers.awaitMore(4); // the outer scope asks for one more each time it would interrupt
                    done.add("clean-up");
                    assertThat(outer.isCancelled()).isTrue();
                });
                waitInVain();
            }))
                    .isInstanceOf(TimeoutException.class);
        }
        assertThat(done).containsExactly("clean-up");
    }

    /** The limit interrupts again and again, also when the thread is about to enter the shield. */
    @Test
    void anInterruptOfTheLimitBeforeAShieldIsNotLeftBehind() {
        assertThatThrownBy(() -> CancelScope.within(SHORT).run(() -> {
            try {
                waitInVain();
            } finally {
                while (!Thread.currentThread().isInterrupted()) {
                    Thread.onSpinWait();
                }
                CancelScope.open().shielded().run(
                        () -> assertThat(Thread.currentThread().isInterrupted()).isFalse());
            }
        }))
                .isInstanceOf(TimeoutException.class);
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void aShieldHasItsOwnLimit() {
        assertThatThrownBy(() -> CancelScope.within(SHORT).shielded().run(this::waitInVain))
                .isInstanceOf(TimeoutException.class);
        assertThatThrownBy(
                () -> CancelScope.open().shielded().run(() -> CancelScope.within(SHORT).run(this::waitInVain)))
                .isInstanceOf(TimeoutException.class);
    }

    @Test
    void aShieldKeepsTheCancellationOfItsTaskOut() throws Exception {
        for (String plan : List.of("threads:1", "virtual")) {
            List<String> done = Collections.synchronizedList(new ArrayList<>());
            try (Pool pool = Pools.open(plan)) {
                var inside = new CountDownLatch(1);
                var cancelled = new CountDownLatch(1);
                TaskFuture<Integer> future = pool.submit(() -> {
                    CancelScope.open().shielded().run(() -> {
                        inside.countDown();
                        assertThat(cancelled.await(BOUND, SECONDS)).isTrue();
                        done.add("clean-up");
                    });
                    try {
                        waitInVain();
                    } catch (InterruptedException e) {
                        done.add("interrupted");
                        throw e;
                    }
                    return 1;
                });
                assertThat(inside.await(BOUND, SECONDS)).isTrue();
                assertThat(future.cancel(true)).isTrue();
                cancelled.countDown();
            }
            assertThat(done).as(plan).containsExactly("clean-up", "interrupted");
        }
    }

    @Test
    void remainingIsTheLeastOfTheLimitsWithinTheShield() throws Exception {
        assertThat(CancelScope.remaining()).isEmpty();
        CancelScope.within(Duration.ofHours(2)).run(() -> {
            CancelScope.within(LONG).run(() -> assertThat(CancelScope.remaining().orElseThrow())
                    .isBetween(Duration.ofHours(1), Duration.ofHours(2)));
            CancelScope.open().shielded().run(() -> assertThat(CancelScope.remaining()).isEmpty());
        });
    }

    @Test
    void aScopeIsForOneBlock() throws Exception {
        var scope = CancelScope.open();
        scope.run(() -> assertThatThrownBy(() -> scope.run(() -> {})).isInstanceOf(IllegalStateException.class));
        assertThatThrownBy(() -> scope.run(() -> {})).isInstanceOf(IllegalStateException.class);
        scope.cancel();
        assertThat(scope.isCancelled()).as("it had ended").isFalse();
        assertThatThrownBy(() -> CancelScope.within(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> CancelScope.open().run(null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void limitsThatEndJustAsTheirBlocksDoLeaveNoInterruptBehind() throws Exception {
        for (int i = 0; i < 300; i++) {
            var scope = CancelScope.within(Duration.ofNanos(i * 1_000L));
            try {
                scope.run(() -> {
                    for (int n = 0; n < 200; n++) {
                        Thread.onSpinWait();
                    }
                });
            } finally {
                assertThat(Thread.currentThread().isInterrupted()).isFalse();
            }
        }
    }

    @Test
    void oneThatMovesOnSaysWhetherTheBlockCameToItsEnd() throws Exception {
        assertThat(CancelScope.within(Duration.ofDays(1)).tryRun(() -> {})).isTrue();
        assertThat(
                CancelScope.within(Duration.ZERO).tryRun(() -> new Event().await()))
                .isFalse();
        CancelScope cancelled = CancelScope.open();
        cancelled.cancel();
        assertThat(cancelled.tryRun(() -> new Event().await())).isFalse();
        var own = new TimeoutException("of the block itself");
        assertThatThrownBy(() -> CancelScope.within(Duration.ofDays(1)).tryRun(() -> {
            throw own;
        }))
                .isSameAs(own);
        CancelScope inner = CancelScope.within(Duration.ofDays(1));
        assertThat(CancelScope.within(Duration.ZERO).tryRun(() -> {
            inner.tryRun(() -> new Event().await());
        }))
                .as("the limit of an outer scope is not the inner one's")
                .isFalse();
        assertThat(inner.isCancelled()).isFalse();
    }
}
