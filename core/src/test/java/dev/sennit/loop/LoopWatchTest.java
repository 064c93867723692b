package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.conformance.internal.Conditions;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Loops are held until they were seen to be; that something is not told is known when something later has been. */
@Timeout(120)
class LoopWatchTest {
    private static final Duration SOON = Duration.ofMillis(20);

    private final BlockingQueue<BlockedCoroutine> blocked = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> stuck = new LinkedBlockingQueue<>();

    /** Does not suspend. */
    private static void hold(CountDownLatch until) {
        while (until.getCount() > 0) {
            Thread.onSpinWait();
        }
    }

    /** Another loop is held, and that has been told: so all loops have been looked at meanwhile, several times. */
    private static void untilAllHaveBeenLookedAt() throws InterruptedException {
        for (int i = 0; i < 2; i++) {
            var told = new CountDownLatch(1);
            try (EventLoop other = EventLoop.builder().watch(SOON, one -> told.countDown()).open()) {
                other.execute(() -> hold(told));
            }
        }
    }

    @Test
    void aCoroutineThatHoldsTheLoopIsToldOfWithItsNameAndStack() throws Exception {
        var seen = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.builder().name("shop").watch(SOON, blocked::add).open()) {
            loop.submit(() -> hold(seen), TaskOptions.named("greedy"));

            BlockedCoroutine one = blocked.take();
            seen.countDown();

            assertThat(one.loop()).isEqualTo("shop");
            assertThat(one.coroutine()).isEqualTo("greedy");
            assertThat(one.held()).isGreaterThanOrEqualTo(SOON);
            assertThat(one.stack()).extracting(StackTraceElement::getMethodName).contains("hold");
            assertThat(one.stack()).extracting(StackTraceElement::getClassName)
                    .doesNotContain("java.lang.VirtualThread", "dev.sennit.Submission");
            assertThat(one.toString())
                    .startsWith("shop - coroutine greedy has been holding the loop for ")
                    .contains("    at " + LoopWatchTest.class.getName() + ".hold(LoopWatchTest.java:");
        }
    }

    @Test
    void itIsToldOfOnceEachTime() throws Exception {
        try (EventLoop loop = EventLoop.builder().watch(SOON, blocked::add).open()) {
            for (int i = 1; i <= 2; i++) {
                var seen = new CountDownLatch(1);
                String name = "greedy " + i;
                TaskFuture<?> holds = loop.submit(() -> hold(seen), TaskOptions.named(name));
                assertThat(blocked.take().coroutine()).isEqualTo(name);
                untilAllHaveBeenLookedAt();
                seen.countDown();
                holds.join();
            }
            assertThat(blocked).isEmpty();
        }
    }

    @Test
    void aVirtualThreadThatACoroutineHasStartedIsTheOneThatIsNamed() throws Exception {
        var seen = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.builder().watch(SOON, blocked::add).open()) {
            TaskFuture<?> waits = loop.submit((Waiting) () -> {
                Thread child = Thread.ofVirtual().name("child").start(() -> hold(seen));
                child.join();
            });

            assertThat(blocked.take().coroutine()).isEqualTo("child");
            seen.countDown();
            waits.join();
        }
    }

    @Test
    void whoStartsExactlyAsManyAsTheQueueHasPlacesForIsStillTheOneThatRuns() throws Exception {
        var seen = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.builder().watch(SOON, blocked::add).open()) {
            loop.submit(
                    () -> {
                        for (int i = 0; i < 256; i++) {
                            loop.execute(() -> {});
                        }
                        hold(seen);
                    },
                    TaskOptions.named("greedy"));

            assertThat(blocked.take().coroutine()).isEqualTo("greedy");
            seen.countDown();
        }
    }

    /** A round has at most so many turns, and timers run before the next. */
    @Test
    void theLastCoroutineOfARoundIsNotBlamedForALongTimer() throws Exception {
        var runs = new CountDownLatch(1);
        var seen = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.builder().watch(SOON, blocked::add).open()) {
            loop.execute(() -> {
                for (int i = 0; i < 200; i++) {
                    loop.submit((Waiting) seen::await);
                }
                loop.callAfter(Duration.ZERO, () -> {
                    runs.countDown();
                    hold(seen);
                });
            });
            runs.await();
            untilAllHaveBeenLookedAt();
            seen.countDown();
        }
        assertThat(blocked).isEmpty();
    }

    @Test
    void oneThatWaitsHoldsNothing() throws Exception {
        var go = new CountDownLatch(1);
        try (EventLoop loop =
                EventLoop.builder().watch(SOON, blocked::add).reportDeadlocks(Duration.ZERO, stuck::add).open()) {
            TaskFuture<?> waits = loop.submit((Waiting) go::await);
            untilAllHaveBeenLookedAt();
            go.countDown();
            waits.join();
        }
        assertThat(blocked).isEmpty();
        assertThat(stuck).isEmpty();
    }

    @Test
    void aLoopThatTakesManyTurnsIsNotHeldByAny() throws Exception {
        var enough = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.builder().watch(Duration.ofSeconds(30), blocked::add).open()) {
            TaskFuture<?> yields = loop.submit(() -> {
                while (enough.getCount() > 0) {
                    EventLoop.yieldNow();
                }
            });
            untilAllHaveBeenLookedAt();
            enough.countDown();
            yields.join();
        }
        assertThat(blocked).isEmpty();
    }

    @Test
    void aListenerThatFailsDoesNotEndTheWatch() throws Exception {
        Queue<String> names = new ConcurrentLinkedQueue<>();
        var first = new CountDownLatch(1);
        var second = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.builder()
                .watch(SOON, one -> {
                    names.add(one.coroutine());
                    (one.coroutine().equals("first") ? first : second).countDown();
                    throw new IllegalStateException("meant to be logged");
                })
                .open()) {
            loop.submit(() -> hold(first), TaskOptions.named("first")).join();
            loop.submit(() -> hold(second), TaskOptions.named("second")).join();
        }
        assertThat(names).containsExactly("first", "second");
    }

    @Test
    void aPlanSaysHowLong() {
        try (Pool pool = Pools.open("loop?watch=100ms&deadlocks=10s")) {
            assertThat(pool).isInstanceOf(EventLoop.class);
        }
        try (Pool pool = Pools.open("loop?watch=off")) {
            assertThat(pool).isInstanceOf(EventLoop.class);
        }
        assertThatThrownBy(() -> Pools.open("loop?watch=often"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("watch must be a duration such as 500ms, 2s or 10m, was \"often\"");
    }

    @Test
    void thePropertyIsTheDefault() {
        String before = System.getProperty(LoopWatch.PROPERTY);
        try {
            System.setProperty(LoopWatch.PROPERTY, "50ms");
            assertThat(LoopWatch.defaultThreshold()).isEqualTo(Duration.ofMillis(50));
            System.setProperty(LoopWatch.PROPERTY, "off");
            assertThat(LoopWatch.defaultThreshold()).isZero();
            System.clearProperty(LoopWatch.PROPERTY);
            assertThat(LoopWatch.defaultThreshold()).isEqualTo(LoopWatch.DEFAULT_THRESHOLD);
        } finally {
            if (before != null) {
                System.setProperty(LoopWatch.PROPERTY, before);
            }
        }
    }

    // ---- deadlocks ----

    private static void takeBoth(
            EventLoop loop, String name, CountDownLatch bothHaveOne, ReentrantLock one, ReentrantLock other) {
        loop.submit(
                (Waiting) () -> {
                    one.lock();
                    bothHaveOne.countDown();
                    bothHaveOne.await();
                    other.lockInterruptibly();
                },
                TaskOptions.named(name));
    }

    @Test
    void aCircleOfLocksIsToldOfWithoutBeingAskedFor() throws Exception {
        var bread = new ReentrantLock();
        var butter = new ReentrantLock();
        try (EventLoop loop =
                EventLoop.builder().name("kitchen").watch(SOON).reportDeadlocks(Duration.ZERO, stuck::add).open()) {
            var bothHaveOne = new CountDownLatch(2);
            takeBoth(loop, "Ann", bothHaveOne, bread, butter);
            takeBoth(loop, "Bob", bothHaveOne, butter, bread);

            String report = stuck.take();
            untilAllHaveBeenLookedAt();
            loop.shutdownNow(); // else a failure here would wait for the two
            assertThat(stuck).as("told once").isEmpty();
            assertThat(report.lines().findFirst().orElseThrow())
                    .matches(
                            "kitchen - deadlock: Ann waits for ReentrantLock@(\\w+) held by Bob, Bob waits for "
                                    + "ReentrantLock@(?!\\1)\\w+ held by Ann");
            assertThat(report)
                    .contains("kitchen: 2 coroutines")
                    .containsPattern("\n  Ann  waiting for ReentrantLock@\\w+ held by Bob at ")
                    .contains("    at java.util.concurrent.locks.ReentrantLock.lockInterruptibly(");
        }
    }

    @Test
    void aCircleThroughAThreadOfAnotherKindIsOneToo() throws Exception {
        var bread = new ReentrantLock();
        var butter = new ReentrantLock();
        var taken = new CountDownLatch(2);
        Thread bob = Thread.ofPlatform().name("Bob").unstarted(() -> {
            butter.lock();
            taken.countDown();
            try {
                taken.await();
                bread.lockInterruptibly();
            } catch (InterruptedException e) {
                butter.unlock();
            }
        });
        try (EventLoop loop = EventLoop.builder().watch(SOON).reportDeadlocks(Duration.ZERO, stuck::add).open()) {
            bob.start();
            TaskFuture<?> ann = loop.submit(
                    (Waiting) () -> {
                        bread.lock();
                        taken.countDown();
                        taken.await();
                        butter.lock();
                    },
                    TaskOptions.named("Ann"));

            String report = stuck.take();
            bob.interrupt();
            ann.join();
            assertThat(report).contains("deadlock: Ann waits for").contains("Bob waits for");
        } finally {
            bob.join();
        }
    }

    /** The loop has been quiet and was looked at by then, and takes no turn any more. */
    @Test
    void aCircleThatAThreadOfAnotherKindClosesLaterIsToldOf() throws Exception {
        var bread = new ReentrantLock();
        var butter = new ReentrantLock();
        var taken = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        Thread bob = Thread.ofPlatform().name("Bob").unstarted(() -> {
            butter.lock();
            taken.countDown();
            try {
                goOn.await();
                bread.lockInterruptibly();
            } catch (InterruptedException e) {
                butter.unlock();
            }
        });
        try (EventLoop loop = EventLoop.builder().watch(SOON).reportDeadlocks(Duration.ZERO, stuck::add).open()) {
            bob.start();
            taken.await();
            TaskFuture<?> ann = loop.submit(
                    (Waiting) () -> {
                        bread.lock();
                        butter.lock();
                    },
                    TaskOptions.named("Ann"));
            Conditions.await("Ann waits for Bob").until(butter::hasQueuedThreads);
            untilAllHaveBeenLookedAt();
            untilAllHaveBeenLookedAt();
            assertThat(stuck).isEmpty();
            goOn.countDown();

            String report = stuck.take();
            bob.interrupt();
            ann.join();
            assertThat(report).contains("deadlock: Ann waits for").contains("Bob waits for");
        } finally {
            bob.interrupt(); // else a failure here would wait for the two
            bob.join();
        }
    }

    @Test
    void aLockWhoseHolderHasEndedIsADeadlock() throws Exception {
        var lock = new ReentrantLock();
        try (EventLoop loop = EventLoop.builder().watch(SOON).reportDeadlocks(Duration.ZERO, stuck::add).open()) {
            loop.submit(() -> lock.lock(), TaskOptions.named("careless")).join();
            loop.submit((Waiting) lock::lockInterruptibly, TaskOptions.named("victim"));

            String report = stuck.take();
            loop.shutdownNow();
            assertThat(report)
                    .containsPattern("deadlock: victim waits for ReentrantLock@\\w+ held by .*, which has ended");
        }
    }

    @Test
    void thoseWhoWaitForALockThatComesFreeAreNoDeadlock() throws Exception {
        var lock = new ReentrantLock();
        var go = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.builder().watch(SOON).reportDeadlocks(Duration.ZERO, stuck::add).open()) {
            loop.execute(() -> {
                lock.lock();
                try {
                    go.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                } finally {
                    lock.unlock();
                }
            });
            TaskFuture<?> second = loop.submit(() -> lock.lock());
            untilAllHaveBeenLookedAt();
            assertThat(loop.report()).doesNotContain("deadlock");
            go.countDown();
            second.join();
        }
        assertThat(stuck).isEmpty();
    }

    @Test
    void whereNothingHappensAnyMoreIsToldOnceIfAskedFor() throws Exception {
        var never = new CountDownLatch(1);
        try (EventLoop loop = EventLoop.builder().name("quiet").reportDeadlocks(SOON, stuck::add).open()) {
            TaskFuture<?> waits = loop.submit((Waiting) never::await, TaskOptions.named("waits"));

            String report = stuck.take();
            untilAllHaveBeenLookedAt();
            never.countDown();
            waits.join();
            assertThat(report)
                    .startsWith("quiet - nothing happens any more: ")
                    .contains("  waits  waiting for CountDownLatch@")
                    .contains("java.util.concurrent.CountDownLatch.await(");
            assertThat(stuck).isEmpty();
        }
    }

    @Test
    void aSleeperOrSomethingElsewhereKeepsHopeAlive() throws Exception {
        var go = new CountDownLatch(1);
        try (EventLoop sleeps = EventLoop.builder().reportDeadlocks(SOON, stuck::add).open();
                EventLoop offloads = EventLoop.builder().reportDeadlocks(SOON, stuck::add).open();
                EventLoop empty = EventLoop.builder().reportDeadlocks(SOON, stuck::add).open()) {
            // before there is one that waits for others
            sleeps.submit((Waiting) () -> Thread.sleep(Duration.ofHours(1)));
            sleeps.submit((Waiting) go::await);
            offloads.submit(() -> offloads.offload((Waiting) go::await).join());
            empty.submit(() -> {}).join();
            untilAllHaveBeenLookedAt();
            assertThat(stuck).isEmpty();
            go.countDown();
            sleeps.shutdownNow();
        }
    }
}
