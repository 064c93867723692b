package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A bound in a plan holds, or the plan is refused with the reason. */
class PlanBoundsTest {
    @ParameterizedTest
    @ValueSource(strings = {"threads:2", "virtual:2", "loop:2", "loop:2?mechanism=baton"})
    void aBacklogHolds(String plan) {
        var event = new Event();
        try (Pool pool = Pools.open(plan + (plan.contains("?") ? "&" : "?") + "backlog=1&full=reject")) {
            for (int i = 0; i < 3; i++) {
                pool.submit(() -> {
                    event.await();
                    return 1;
                });
            }
            assertThatThrownBy(() -> pool.submit(() -> 1))
                    .isInstanceOf(RejectedExecutionException.class)
                    .hasMessageContaining("is full")
                    .hasMessageContaining("backlog 1");
            event.set();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:3", "virtual:3", "loop:3", "loop:3?mechanism=baton"})
    void noMoreThanItsNumberRunAtATime(String plan) throws Exception {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        var turn = new BoundedSemaphore(1);
        List<TaskFuture<Integer>> all = new ArrayList<>();
        try (Pool pool = Pools.open(plan)) {
            for (int i = 0; i < 50; i++) {
                all.add(pool.submit(() -> {
                    most.accumulateAndGet(running.incrementAndGet(), Math::max);
                    turn.acquire(); // a wait, in which others start if they may
                    turn.release();
                    return running.decrementAndGet();
                }));
            }
            Futures.wait(all, Until.ALL);
        }
        assertThat(most.get()).isBetween(1, 3);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "loop?backlog=1&full=reject    | backlog needs a limit, was 1 without one",
        "loop?backlog=1                | loop:100?backlog=1",
        "virtual?backlog=1&full=reject | virtual:100?backlog=1",
        "threads:2?full=reject         | full needs a backlog, was reject without one",
        "virtual:2?full=caller-runs    | add backlog=",
        "loop:0                        | limit must be >= 1, was 0",
        "inline?backlog=1              | inline takes no backlog: a task runs inside of submit, and none waits",
        "inline?full=reject            | inline takes no full"
    })
    void oneThatCouldNotHoldIsRefused(String plan, String reason) {
        assertThatThrownBy(() -> Pools.open(plan)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void aCoroutineThatEndsLetsTheNextOneStart() throws Exception {
        var first = new CountDownLatch(1);
        var order = new ArrayList<Integer>(); // one at a time
        try (Pool pool = Pools.open("loop:1")) {
            pool.submit(() -> {
                first.await();
                return order.add(0);
            });
            for (int i = 1; i < 100; i++) {
                int number = i;
                pool.submit(() -> order.add(number));
            }
            assertThat(pool.statistics().queued()).isGreaterThanOrEqualTo(99);
            first.countDown();
        }
        assertThat(order).hasSize(100).isSorted();
    }
}
