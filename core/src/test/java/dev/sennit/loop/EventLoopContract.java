package dev.sennit.loop;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.CancelScope;
import dev.sennit.Futures;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskScope;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What both mechanisms keep. In tests of coroutines a wait that the baton cannot see is written as {@code suspending}.
 */
@Timeout(60)
abstract class EventLoopContract {
    /** A day: a wait that long never ends by itself in a test. */
    private static final Duration LONG = Duration.ofDays(1);

    abstract EventLoop.Mechanism mechanism();

    final EventLoop open() {
        return EventLoop.builder().mechanism(mechanism()).open();
    }

    @Test
    void saysHowItMakesCoroutinesTakeTurns() {
        try (EventLoop loop = open()) {
            assertThat(loop.mechanism()).isEqualTo(mechanism());
        }
    }

    @Test
    void runsCoroutinesInTheOrderTheyWereStarted() throws Exception {
        List<Integer> order = new ArrayList<>(); // no lock: one runs at a time
        try (EventLoop loop = open()) {
            loop.submit(() -> {
                for (int i = 0; i < 1_000; i++) {
                    int number = i;
                    loop.execute(() -> order.add(number));
                }
            }).get();
        }
        assertThat(order).isEqualTo(IntStream.range(0, 1_000).boxed().toList());
    }

    @Test
    void runsWhatComesFromAnotherThreadInTheOrderItCame() {
        List<Integer> order = new ArrayList<>();
        try (EventLoop loop = open()) {
            for (int i = 0; i < 10_000; i++) {
                int number = i;
                loop.execute(() -> order.add(number));
            }
        }
        assertThat(order).isEqualTo(IntStream.range(0, 10_000).boxed().toList());
    }

    @Test
    void anUncaughtExceptionHandlerThatThrowsDoesNotStopTheLoop() throws Exception {
        var handler = Thread.getDefaultUncaughtExceptionHandler();
        var called = new CountDownLatch(1);
        Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> {
            called.countDown();
            throw new IllegalStateException("the handler fails too", failure);
        });
        try (EventLoop loop = open()) {
            loop.callAfter(Duration.ofNanos(1), () -> {
                throw new IllegalStateException("meant to be uncaught");
            });
            called.await();
            assertThat(loop.submit(() -> "still here").get()).isEqualTo("still here");
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(handler);
        }
    }

    @Test
    void thoseThatYieldTakeTurns() throws Exception {
        List<String> order = new ArrayList<>();
        try (EventLoop loop = open()) {
            loop.submit(() -> {
                for (String name : List.of("a", "b", "c")) {
                    loop.execute(() -> {
                        for (int i = 0; i < 3; i++) {
                            order.add(name + i);
                            EventLoop.yieldNow();
                        }
                    });
                }
            }).get();
        }
        assertThat(order).containsExactly("a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2");
    }

    @Test
    void oneRunsAtATime() throws Exception {
        int[] count = new int[1]; // updated without a lock, from many coroutines that wait in every way
        var inside = new AtomicInteger();
        var most = new AtomicInteger();
        try (EventLoop loop = open()) {
            List<TaskFuture<Object>> all = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                int kind = i;
                all.add(loop.submit(() -> {
                    for (int k = 0; k < 50; k++) {
                        most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                        int seen = count[0];
                        Thread.onSpinWait();
                        count[0] = seen + 1;
                        inside.decrementAndGet();
                        switch ((kind + k) % 4) {
                            case 0 -> EventLoop.yieldNow();
                            case 1 -> EventLoop.sleep(Duration.ofNanos(1_000));
                            case 2 -> loop.submit(() -> count[0]).get();
                            default -> EventLoop.suspending(() -> Thread.interrupted());
                        }
                    }
                    return null;
                }));
            }
            Futures.gather(all);
        }
        assertThat(count[0]).isEqualTo(200 * 50);
        assertThat(most.get()).isEqualTo(1);
    }

    @Test
    void oneStartedNowRunsUntilItWaitsBeforeTheStarterGoesOn() throws Exception {
        List<String> order = new ArrayList<>();
        try (EventLoop loop = open()) {
            loop.submit(() -> {
                loop.execute(() -> order.add("later"));
                TaskFuture<Integer> now = loop.startNow(() -> {
                    order.add("now");
                    loop.startNow(() -> {
                        order.add("deeper");
                        EventLoop.yieldNow();
                        order.add("deeper again");
                        return null;
                    });
                    order.add("now again");
                    EventLoop.yieldNow();
                    order.add("now at last");
                    return 1;
                });
                order.add("starter");
                return now.get();
            }).get();
        }
        assertThat(order)
                .containsExactly(
                        "now", "deeper", "now again", "starter", "later", "deeper again", "now at last");
    }

    @Test
    void oneStartedNowThatDoesNotWaitIsDoneAtOnce() throws Exception {
        try (EventLoop loop = open()) {
            boolean done = loop.submit(() -> loop.startNow(() -> 1).isDone()).get();
            assertThat(done).isTrue();
            assertThat(loop.startNow(() -> 2).get()).as("from outside").isEqualTo(2);
        }
    }

    @Test
    void aCoroutineKnowsItsLoopAndNobodyElseHasOne() throws Exception {
        try (EventLoop loop = open();
                EventLoop other = open()) {
            assertThat(loop.submit(EventLoop::current).get()).isSameAs(loop);
            assertThat(other.submit(EventLoop::current).get()).isSameAs(other);
            assertThat(loop.submit(() -> other.submit(EventLoop::current).get()).get()).isSameAs(other);
            assertThat(loop.submit(() -> Pools.open("inline").submit(EventLoop::current).get()).get()).isSameAs(loop);
        }
        assertThatIllegalStateException().isThrownBy(EventLoop::current).withMessageContaining("is not a coroutine");
    }

    @Test
    void coroutinesHaveTheNameTheyWereGiven() throws Exception {
        try (EventLoop loop = open()) {
            assertThat(loop.submit(() -> Thread.currentThread().getName(), TaskOptions.named("reader")).get())
                    .isEqualTo("reader");
            assertThat(loop.submit(() -> Thread.currentThread().getName()).get()).startsWith(loop.name() + "-");
        }
    }

    @Test
    void whatIsDelayedRuns() throws Exception {
        List<Integer> order = new ArrayList<>();
        try (EventLoop loop = open()) {
            loop.submit(() -> {
                for (int i : List.of(3, 1, 4, 2, 5)) {
                    loop.after(Duration.ofMillis(20L * i), () -> order.add(i));
                }
                loop.at(Instant.now().minusSeconds(1), () -> order.add(0));
            }).get();
        }
        assertThat(order).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5);
    }

    @Test
    void whatIsDelayedCanBeCalledOff() throws Exception {
        var ran = new AtomicInteger();
        try (EventLoop loop = open()) {
            TaskFuture<?> never = loop.after(LONG, ran::incrementAndGet);
            TaskFuture<?> neverEither = loop.submit(() -> loop.after(LONG, ran::incrementAndGet)).get();
            assertThat(never.cancel(false)).isTrue();
            assertThat(neverEither.cancel(false)).isTrue();
        } // and close has nothing to wait for
        assertThat(ran.get()).isZero();
    }

    @Test
    void cancellingInterruptsASleeperAndOthersGoOn() throws Exception {
        var asleep = new CountDownLatch(1);
        List<String> said = Collections.synchronizedList(new ArrayList<>());
        try (EventLoop loop = open()) {
            TaskFuture<Object> sleeper = loop.submit(() -> {
                asleep.countDown();
                try {
                    EventLoop.sleep(LONG);
                    return null;
                } catch (InterruptedException e) {
                    said.add("interrupted in " + (EventLoop.current() == loop ? "its loop" : "?"));
                    throw e;
                }
            });
            asleep.await();
            assertThat(loop.submit(() -> "alive").get()).isEqualTo("alive");
            sleeper.cancel(true);
            assertThatThrownBy(sleeper::get).isInstanceOf(CancellationException.class);
        }
        assertThat(said).containsExactly("interrupted in its loop");
    }

    @Test
    void scopesAndGatherWorkOnIt() throws Exception {
        try (EventLoop loop = open()) {
            assertThat(loop.submit(() -> {
                try (var scope = TaskScope.open(loop)) {
                    List<TaskFuture<Integer>> all = new ArrayList<>();
                    for (int i = 0; i < 10; i++) {
                        int number = i;
                        all.add(scope.fork(() -> {
                            EventLoop.sleep(Duration.ofMillis(10 - number));
                            return number;
                        }));
                    }
                    scope.join();
                    return Futures.gather(all);
                }
            })
                    .get())
                    .isEqualTo(IntStream.range(0, 10).boxed().toList());
        }
    }

    @Test
    void aFailureInAScopeCancelsTheSiblings() {
        var cancelled = new AtomicInteger();
        try (EventLoop loop = open()) {
            TaskFuture<?> all = loop.submit(() -> {
                try (var scope = TaskScope.open(loop)) {
                    for (int i = 0; i < 3; i++) {
                        scope.fork(() -> {
                            try {
                                EventLoop.sleep(LONG);
                            } catch (InterruptedException e) {
                                cancelled.incrementAndGet();
                            }
                            return null;
                        });
                    }
                    scope.fork(() -> {
                        throw new ArithmeticException("meant");
                    });
                    return scope.join();
                }
            });
            assertThatThrownBy(all::get).hasRootCauseInstanceOf(ArithmeticException.class);
        }
        assertThat(cancelled.get()).isEqualTo(3);
    }

    @Test
    void aTimeLimitIsLevelTriggeredAndAShieldHoldsItBack() throws Exception {
        List<String> said = new ArrayList<>();
        try (EventLoop loop = open()) {
            loop.submit(() -> {
                try {
                    CancelScope.within(Duration.ofMillis(1)).run(() -> {
                        for (int i = 0; i < 3; i++) { // whoever swallows it meets it again
                            try {
                                EventLoop.sleep(LONG);
                            } catch (InterruptedException e) {
                                said.add("interrupted");
                            }
                        }
                        CancelScope.open().shielded().run(() -> {
                            EventLoop.sleep(Duration.ofMillis(20));
                            said.add("shielded");
                        });
                        EventLoop.sleep(LONG);
                    });
                } catch (TimeoutException e) {
                    said.add("timed out");
                }
                return null;
            }).get();
        }
        assertThat(said).containsExactly("interrupted", "interrupted", "interrupted", "shielded", "timed out");
    }

    @Test
    void whatIsOffloadedLeavesTheLoopFree() throws Exception {
        var release = new CountDownLatch(1);
        try (EventLoop loop = open()) {
            List<Object> seen = loop.submit(() -> {
                TaskFuture<Boolean> onLoop = loop.offload(() -> {
                    release.await();
                    return EventLoop.isCoroutine();
                });
                String other = loop.submit(() -> "alive").get();
                release.countDown();
                return List.<Object>of(other, onLoop.get(), EventLoop.isCoroutine());
            })
                    .get();
            assertThat(seen).containsExactly("alive", false, true);
        }
    }

    @Test
    void offloadsToThePoolItWasGivenAndLeavesThatOpen() throws Exception {
        try (Pool pool = Pools.open("threads:1?name=elsewhere")) {
            try (EventLoop loop = EventLoop.builder().mechanism(mechanism()).offloadTo(pool).open()) {
                assertThat(loop.offload(() -> Thread.currentThread().getName()).get()).startsWith("elsewhere");
            }
            assertThat(pool.isShutdown()).isFalse();
        }
    }

    @Test
    void shutdownNowInterruptsAllAndCloseWaitsForThem() throws Exception {
        var begun = new CountDownLatch(3);
        var ended = new AtomicInteger();
        EventLoop loop = open();
        for (int i = 0; i < 3; i++) {
            loop.submit(() -> {
                begun.countDown();
                try {
                    EventLoop.sleep(LONG);
                } finally {
                    EventLoop.yieldNow();
                    ended.incrementAndGet();
                }
                return null;
            });
        }
        begun.await();
        loop.shutdownNow();
        loop.close();
        assertThat(ended.get()).isEqualTo(3);
        assertThat(loop.isTerminated()).isTrue();
    }

    @Test
    void closingLeavesNoThread() throws Exception {
        EventLoop loop = EventLoop.builder().mechanism(mechanism()).name("leaves-nothing").open();
        loop.submit(() -> loop.offload(() -> 1).get()).get();
        loop.close();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("leaves-nothing")) { // about to end
                assertThat(thread.join(Duration.ofSeconds(30))).as("%s ends", thread).isTrue();
            }
        }
    }

    @Test
    void anInterruptStormLosesNobody() throws Exception {
        var done = new AtomicInteger();
        int count = 300;
        try (EventLoop loop = open()) {
            List<TaskFuture<Object>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                all.add(loop.submit(() -> {
                    try {
                        for (int k = 0; k < 20; k++) {
                            EventLoop.sleep(Duration.ofNanos(100_000));
                            EventLoop.yieldNow();
                        }
                    } finally {
                        done.incrementAndGet();
                    }
                    return null;
                }));
            }
            Thread storm = Thread.ofPlatform().start(() -> all.forEach(one -> one.cancel(true)));
            storm.join();
        }
        // one that was cancelled before it had begun never begins
        assertThat(done.get()).isBetween(0, count);
        try (EventLoop again = open()) {
            assertThat(again.submit(() -> 1).get(30, SECONDS)).isEqualTo(1);
        }
    }

    @Test
    void manyThreadsStartAndWakeCoroutines() throws Exception {
        int threads = 4;
        int each = 2_000;
        int[] sum = new int[1];
        try (EventLoop loop = open()) {
            List<Thread> starters = new ArrayList<>();
            List<TaskFuture<Integer>> all = Collections.synchronizedList(new ArrayList<>());
            for (int t = 0; t < threads; t++) {
                starters.add(Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < each; i++) {
                        all.add(loop.submit(() -> {
                            sum[0]++;
                            return loop.submit(() -> sum[0]++).get();
                        }));
                    }
                }));
            }
            for (Thread starter : starters) {
                starter.join();
            }
            Futures.gather(all);
        }
        assertThat(sum[0]).isEqualTo(2 * threads * each);
    }

    @Test
    void aFailingMainFailsRun() {
        assertThatThrownBy(() -> EventLoop.run(() -> {
            throw new ArithmeticException("meant");
        }))
                .isInstanceOf(CompletionException.class)
                .hasRootCauseInstanceOf(ArithmeticException.class);
    }

    @Test
    void aPlanNamesTheMechanism() {
        String plan = "loop?mechanism=" + mechanism().name().toLowerCase(java.util.Locale.ROOT);
        try (Pool pool = Pools.open(plan)) {
            assertThat(((EventLoop) pool).mechanism()).isEqualTo(mechanism());
        }
        assertThatThrownBy(() -> Pools.open("loop:0")).hasMessageContaining("limit must be >= 1, was 0");
        assertThatThrownBy(() -> Pools.open("loop?mechanism=x"))
                .hasMessageContaining("mechanism must be scheduler or baton, was \"x\"");
    }
}
