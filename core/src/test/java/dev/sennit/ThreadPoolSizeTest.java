package dev.sennit;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How many threads a pool has, what they do first, and which task they take next. */
class ThreadPoolSizeTest {
    private static final Duration LONG = Duration.ofDays(1);
    private static final int BOUND = 60;

    private final CountDownLatch release = new CountDownLatch(1);

    private List<TaskFuture<String>> occupy(Pool pool, int tasks) throws Exception {
        var begun = new CountDownLatch(tasks);
        List<TaskFuture<String>> held = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            held.add(pool.submit(() -> {
                begun.countDown();
                release.await();
                return Thread.currentThread().getName();
            }));
        }
        assertThat(begun.await(BOUND, SECONDS)).isTrue();
        return held;
    }

    @Test
    void growsAsTasksWouldWaitAndNoFurtherThanAllowed() throws Exception {
        try (Pool pool = ThreadPool.builder().workers(1, 3).idle(LONG).open()) {
            occupy(pool, 3);
            TaskFuture<Integer> fourth = pool.submit(() -> 4);
            assertThat(pool.statistics().workers()).isEqualTo(3);
            assertThat(pool.statistics().queued()).isOne();
            release.countDown();
            assertThat(fourth.get(BOUND, SECONDS)).isEqualTo(4);
        }
    }

    @Test
    void oneTaskAfterAnotherNeedsOneThread() throws Exception {
        for (int least = 0; least <= 1; least++) {
            try (Pool pool = ThreadPool.builder().workers(least, 8).idle(LONG).open()) {
                for (int i = 0; i < 2_000; i++) {
                    assertThat(pool.submit(() -> 1).get(BOUND, SECONDS)).isEqualTo(1);
                }
                assertThat(pool.statistics().workers()).isOne();
            }
        }
    }

    @Test
    void aThresholdLetsSomeWaitFirst() throws Exception {
        try (Pool pool = ThreadPool.builder().workers(1, 2).growAt(3).idle(LONG).open()) {
            occupy(pool, 1);
            pool.submit(() -> 1);
            pool.submit(() -> 1);
            assertThat(pool.statistics().workers()).isOne();
            pool.submit(() -> 1); // four for one thread
            assertThat(pool.statistics().workers()).isEqualTo(2);
            release.countDown();
        }
    }

    @Test
    void idleThreadsEndDownToTheLeastNumber() throws Exception {
        for (int least = 0; least <= 2; least++) {
            try (Pool pool = ThreadPool.builder().workers(least, 4).idle(Duration.ofNanos(1)).open()) {
                List<TaskFuture<Integer>> all = new ArrayList<>();
                for (int i = 0; i < 100; i++) {
                    all.add(pool.submit(() -> 1));
                }
                for (TaskFuture<Integer> one : all) {
                    one.get(BOUND, SECONDS);
                }
                int expected = least;
                await("idle threads end").until(() -> pool.statistics().workers() <= expected);
                assertThat(pool.submit(() -> 2).get(BOUND, SECONDS)).isEqualTo(2);
            }
        }
    }

    @Test
    void noTaskIsLeftWithoutAThreadWhileThreadsComeAndGo() throws Exception {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        var done = new AtomicInteger();
        try (Pool pool = ThreadPool.builder().workers(0, 3).idle(Duration.ofNanos(1)).open()) {
            List<Caller<Integer>> submitters = new ArrayList<>();
            for (int s = 0; s < 4; s++) {
                submitters.add(Caller.of(() -> {
                    int sum = 0;
                    for (int i = 0; i < 2_000; i++) {
                        sum += pool.submit(() -> {
                            most.accumulateAndGet(running.incrementAndGet(), Math::max);
                            running.decrementAndGet();
                            return done.incrementAndGet() > 0 ? 1 : 0;
                        })
                                .get(BOUND, SECONDS);
                    }
                    return sum;
                }));
            }
            for (Caller<Integer> submitter : submitters) {
                assertThat(submitter.result()).isEqualTo(2_000);
            }
            assertThat(pool.statistics().workers()).isLessThanOrEqualTo(3);
        }
        assertThat(most.get()).isBetween(1, 3);
        assertThat(done.get()).isEqualTo(8_000);
    }

    @Test
    void closingWhileThreadsComeAndGoTerminates() throws Exception {
        for (int round = 0; round < 300; round++) {
            Pool pool = ThreadPool.builder().workers(round % 2, 2).idle(Duration.ofNanos(1)).open();
            TaskFuture<Integer> one = pool.submit(() -> 1);
            TaskFuture<Integer> two = pool.submit(() -> 2);
            pool.shutdown();
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            assertThat(one.resultNow() + two.resultNow()).isEqualTo(3);
            assertThat(pool.statistics().workers()).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "threads:3-2           | greatest number of workers must be >= 3, was 2",
        "threads:0             | workers must be >= 1, was 0",
        "threads:0-0           | greatest number of workers must be >= 1, was 0",
        "threads:-1-2          | least number of workers must be >= 0, was -1",
        "threads:2-x           | greatest number of workers must be a whole number, was \"x\"",
        "threads:1-2?idle=0s   | idle must be > 0, was PT0S",
        "threads:1-2?grow=0.5  | grow must be >= 1, was 0.5",
        "threads:1-2?grow=NaN  | grow must be >= 1, was NaN",
        "threads:1-2?shrink=2  | shrink must be > 0 and <= 1, was 2.0",
        "threads:1-2?shrink=x  | shrink must be a number, was \"x\"",
        "threads:1-2?order=age | order must be arrival or priority, was \"age\"",
    })
    void badNumbersAreNamed(String plan, String message) {
        assertThatThrownBy(() -> Pools.open(plan))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("plan \"" + plan + "\": " + message);
    }

    @Test
    void everyOptionCanBeWrittenInThePlan() {
        try (Pool pool = Pools.open("threads:1-4?idle=5s&grow=2&shrink=0.5&order=priority&name=all")) {
            assertThat(pool.workers()).isEqualTo(4);
            assertThat(pool.submit(() -> 1, TaskOptions.NONE.priority(3)).join()).isEqualTo(1);
        }
    }

    // ---- priority ----

    @Test
    void theHighestPriorityGoesFirstAndEqualsInTheOrderTheyCame() throws Exception {
        List<String> ran = Collections.synchronizedList(new ArrayList<>());
        try (Pool pool = ThreadPool.builder().workers(1).byPriority().open()) {
            occupy(pool, 1);
            int[] priorities = {0, -5, 7, 0, 7, Integer.MAX_VALUE, Integer.MIN_VALUE};
            for (int i = 0; i < priorities.length; i++) {
                String name = priorities[i] + "#" + i;
                pool.submit(() -> ran.add(name), TaskOptions.named(name).priority(priorities[i]));
            }
            pool.submit(() -> ran.add("cancelled"), TaskOptions.NONE.priority(9)).cancel(true);
            release.countDown();
        }
        assertThat(ran)
                .containsExactly(
                        Integer.MAX_VALUE + "#5", "7#2", "7#4", "0#0", "0#3", "-5#1", Integer.MIN_VALUE + "#6");
    }

    @Test
    void whatNeverBeganIsReturnedInTheOrderItWouldHaveRun() throws Exception {
        Pool pool = ThreadPool.builder().workers(1).byPriority().open();
        occupy(pool, 1);
        Runnable low = () -> {};
        Runnable high = () -> {};
        pool.submit(low);
        Action first = high::run;
        pool.submit(first, TaskOptions.NONE.priority(2));
        assertThat(pool.shutdownNow()).containsExactly(first, low);
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
    }

    // ---- initializer ----

    @Test
    void eachThreadIsInitializedBeforeItsFirstTask() throws Exception {
        Set<Thread> initialized = ConcurrentHashMap.newKeySet();
        try (Pool pool = ThreadPool.builder()
                .workers(3)
                .initializer(() -> assertThat(initialized.add(Thread.currentThread())).isTrue())
                .open()) {
            occupy(pool, 3);
            release.countDown();
            for (int i = 0; i < 20; i++) {
                assertThat(pool.submit(() -> initialized.contains(Thread.currentThread())).get(BOUND, SECONDS))
                        .isTrue();
            }
            assertThat(initialized).hasSize(3);
        }
    }

    @Test
    void whenTheInitializerFailsSoDoAllTasks() throws Exception {
        for (Throwable failure : List.of(new IllegalStateException("no licence"), new AssertionError("no licence"))) {
            try (Pool pool = ThreadPool.builder()
                    .workers(2)
                    .name("broken")
                    .initializer(() -> Sneaky.raise(failure))
                    .open()) {
                List<TaskFuture<Integer>> all = new ArrayList<>();
                for (int i = 0; i < 10; i++) {
                    all.add(pool.submit(() -> 1));
                }
                for (TaskFuture<Integer> one : all) {
                    assertThatThrownBy(() -> one.get(BOUND, SECONDS))
                            .cause()
                            .isInstanceOf(WorkerStartException.class)
                            .hasMessageStartingWith("initializer of pool broken failed: ")
                            .hasMessageEndingWith("no licence")
                            .hasCause(failure);
                }
                assertThat(pool.statistics().failed()).isEqualTo(10);
            }
        }
    }

    @Test
    void theInitializersInterruptIsNotTheFirstTasks() throws Exception {
        var interrupted = new AtomicBoolean(true);
        try (Pool pool = ThreadPool.builder()
                .workers(1)
                .initializer(() -> Thread.currentThread().interrupt())
                .open()) {
            pool.submit(() -> interrupted.set(Thread.currentThread().isInterrupted())).get(BOUND, SECONDS);
        }
        assertThat(interrupted).isFalse();
    }

    /** Throws what a lambda may not. */
    private static final class Sneaky {
        static void raise(Throwable failure) {
            if (failure instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failure;
        }
    }

    @Test
    void tasksThatAreCancelledAsTheyComeLeaveNoLoadBehind() throws Exception {
        try (Pool pool = Pools.open("threads:0-2?idle=1ms")) {
            for (int i = 0; i < 3_000; i++) {
                TaskFuture<Integer> future = pool.submitAfter(Duration.ofNanos(1), () -> 1);
                for (int spins = 0; spins < i % 300; spins++) {
                    Thread.onSpinWait();
                }
                future.cancel(true);
            }
            Conditions.await("no thread is left").until(() -> pool.statistics().workers() == 0);
        }
    }
}
