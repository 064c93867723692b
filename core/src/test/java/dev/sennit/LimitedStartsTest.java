package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.loop.EventLoop;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pools that start a thread or coroutine for each task, and so many at a time. */
@Timeout(60)
class LimitedStartsTest {
    @ParameterizedTest
    @ValueSource(strings = {"virtual:1", "virtual:2", "loop:2"})
    void aRefusalTellsHowManyRun(String plan) {
        var goOn = new CompletableFuture<Integer>();
        try (Pool pool = Pools.open(plan + "?backlog=1&full=reject")) {
            String workers = pool.workers() == 1 ? "1 worker" : "2 workers";
            try {
                for (int i = 0; i <= pool.workers(); i++) {
                    pool.submit(() -> EventLoop.suspending(goOn::get));
                }
                assertThatThrownBy(() -> pool.submit(() -> 1))
                        .isInstanceOf(RejectedSubmissionException.class)
                        .hasMessageContaining(" queued, " + workers + ", backlog 1");
            } finally {
                goOn.complete(1);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"virtual:1", "loop:1"})
    void oneAtATimeIsInTheOrderOfSubmission(String plan) {
        List<Integer> order = new CopyOnWriteArrayList<>();
        try (Pool pool = Pools.open(plan)) {
            for (int i = 0; i < 100; i++) {
                int number = i;
                pool.execute(() -> order.add(number));
            }
        }
        assertThat(order).hasSize(100).isSorted();
    }
}
