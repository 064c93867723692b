package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A wait that only the waiting thread could end fails and says so. */
@Timeout(60)
class WaitsForItselfTest {
    private static final List<String> PLANS =
            List.of("threads:1", "threads:2", "threads:0-2", "virtual", "virtual:1", "loop", "loop:1");

    private interface Wait {
        void waitFor(TaskFuture<?> future) throws Exception;
    }

    private enum Way {
        GET(TaskFuture::get),
        JOIN(TaskFuture::join),
        AWAIT_END(TaskFuture::awaitEnd);

        private final Wait wait;

        Way(Wait wait) {
            this.wait = wait;
        }
    }

    static Stream<Arguments> ways() {
        return PLANS.stream().flatMap(plan -> Stream.of(Way.values()).map(way -> Arguments.of(plan, way)));
    }

    private static Throwable failureOf(TaskFuture<?> future) throws Exception {
        return Futures.outcomes(List.of(future)).getFirst().failure();
    }

    private static void assertSaysSo(Throwable failure, Pool pool) {
        assertThat(failure)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("waits for itself", "on " + pool.name())
                .hasMessageNotContaining("\n");
    }

    @ParameterizedTest
    @MethodSource("ways")
    void aTaskThatWaitsForItsOwnFuture(String plan, Way way) throws Exception {
        var own = new CompletableFuture<TaskFuture<?>>();
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<?> task = pool.submit(() -> way.wait.waitFor(own.get()));
            own.complete(task);
            assertSaysSo(failureOf(task), pool);
        }
    }

    /** Such a wait has an end. */
    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual", "loop"})
    void aTaskWithATimeLimitMayWaitForItself(String plan) throws Exception {
        var own = new CompletableFuture<TaskFuture<?>>();
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<?> task = pool.submit(() -> own.get().get(), TaskOptions.timeLimit(Duration.ofMillis(50)));
            own.complete(task);
            assertThat(failureOf(task)).isInstanceOf(TimeoutException.class);
        }
    }

    /** Whose run goes on, and whose future is done. */
    @ParameterizedTest
    @MethodSource("ways")
    void aTaskThatEndsItselfAndWaits(String plan, Way way) throws Exception {
        var own = new CompletableFuture<TaskFuture<?>>();
        var thrown = new CompletableFuture<String>();
        try (Pool pool = Pools.open(plan)) {
            Action body = () -> {
                own.get().complete(null);
                Thread.interrupted();
                try {
                    way.wait.waitFor(own.get());
                    thrown.complete("");
                } catch (IllegalStateException e) {
                    thrown.complete(e.getMessage());
                }
            };
            TaskFuture<?> task = pool.submit(body);
            own.complete(task);
            if (way == Way.AWAIT_END) {
                assertThat(thrown.get()).contains("waits for itself");
            } else {
                assertThat(thrown.get()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void anAttemptThatWaitsForItsTask(String plan, Way way) throws Exception {
        var own = new CompletableFuture<TaskFuture<?>>();
        try (Pool pool = Pools.open(plan)) {
            Action body = () -> way.wait.waitFor(own.get());
            TaskFuture<?> task = pool.submit(body, TaskOptions.NONE.retry(Retry.attempts(2)));
            own.complete(task);
            assertSaysSo(failureOf(task).getCause(), pool);
        }
    }

    /** The worker that waits for the inner task runs it on top of the outer one. */
    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual:1", "loop:1"})
    void aTaskThatWaitsForTheOneThatItsThreadIsIn(String plan) throws Exception {
        var own = new CompletableFuture<TaskFuture<?>>();
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<?> outer = pool.submit(() -> pool.submit(() -> own.get().get()).get());
            own.complete(outer);
            Throwable failure = failureOf(outer);
            assertThat(failure).isInstanceOf(ExecutionException.class);
            assertSaysSo(failure.getCause(), pool);
        }
    }

    /** The future is done and the attempt is over, but the thread that calls back has yet to say so. */
    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual", "loop"})
    void aCallbackThatWaitsForTheEndOfARetriedTask(String plan) throws Exception {
        var goOn = new CompletableFuture<Integer>();
        var thrown = new CompletableFuture<Throwable>();
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<Integer> task = pool.submit(() -> goOn.get(), TaskOptions.NONE.retry(Retry.attempts(2)));
            task.onDone(done -> {
                try {
                    done.awaitEnd();
                    thrown.complete(new AssertionError("it ended before its callback did"));
                } catch (InterruptedException | RuntimeException e) {
                    thrown.complete(e);
                }
            });
            goOn.complete(1);
            assertSaysSo(thrown.get(), pool);
            task.awaitEnd();
        }
    }

    /** An attempt that runs in another thread does end meanwhile. */
    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual"})
    void aCallbackInAnotherThreadMayWaitForTheEndOfARetriedTask(String plan) throws Exception {
        var begun = new CompletableFuture<Void>();
        try (Pool pool = Pools.open(plan)) {
            Action body = () -> {
                begun.complete(null);
                new CompletableFuture<Void>().get();
            };
            TaskFuture<?> task = pool.submit(body, TaskOptions.NONE.retry(Retry.attempts(2)));
            begun.get();
            var ended = new CompletableFuture<Boolean>();
            task.onDone(done -> {
                try {
                    done.awaitEnd();
                    ended.complete(true);
                } catch (InterruptedException | RuntimeException e) {
                    ended.completeExceptionally(e);
                }
            });
            task.cancel(true);
            assertThat(ended.get()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual", "loop"})
    void aWaitWithALimitEndsByItself(String plan) throws Exception {
        var own = new CompletableFuture<TaskFuture<Boolean>>();
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<Boolean> task = pool.submit(() -> own.get().awaitEnd(1, TimeUnit.NANOSECONDS));
            own.complete(task);
            assertThat(task.get()).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual:1"})
    void aTaskThatWaitsForAnotherIsNoneOfThese(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            TaskFuture<Integer> delayed = pool.submitAfter(Duration.ofNanos(1), () -> 1);
            assertThat(pool.submit(() -> delayed.get() + pool.submit(() -> 2).join()).get()).isEqualTo(3);
        }
    }
}
