package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Exceptions whose own methods throw: what failed is what is thrown, and not that. */
@Timeout(60)
class HostileExceptionsTest {
    /** Says nothing of itself. */
    static final class Hostile extends RuntimeException {
        private static final long serialVersionUID = 1;

        @Override
        public String toString() {
            throw new UnsupportedOperationException("toString");
        }

        @Override
        public String getMessage() {
            throw new UnsupportedOperationException("getMessage");
        }

        @Override
        public Throwable getCause() {
            throw new UnsupportedOperationException("getCause");
        }
    }

    private final Hostile hostile = new Hostile();

    private int fail(int item) {
        if (item > 0) {
            throw hostile;
        }
        return item;
    }

    private void assertWraps(Throwable thrown, Class<? extends Throwable> type) {
        assertThat(thrown.getClass()).isEqualTo(type);
        assertThat(thrown.getCause() == hostile).as("the cause is what was thrown").isTrue();
        assertThat(thrown.getMessage()).contains(Hostile.class.getName());
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "virtual", "loop"})
    void aMapThrowsIt(String plan) {
        try (Pool pool = Pools.open(plan)) {
            assertWraps(catchThrowable(() -> pool.map(this::fail, List.of(0, 0, 1, 0))), CompletionException.class);
            assertWraps(catchThrowable(() -> pool.chunksOf(3).map(this::fail, List.of(0, 0, 1, 0))),
                    CompletionException.class);
            assertWraps(
                    catchThrowable(() -> Stream.of(0, 1).gather(pool.mapping(this::fail)).toList()),
                    CompletionException.class);
            assertWraps(
                    catchThrowable(() -> Stream.of(0, 1).gather(pool.mappingUnordered(this::fail)).toList()),
                    CompletionException.class);
            TaskFuture<List<Integer>> async = pool.mapAsync(this::fail, List.of(1));
            assertThat(Futures.outcomes(List.of(async)).getFirst().failure() == hostile).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "virtual", "loop"})
    void aScopeThrowsIt(String plan) throws Exception {
        try (Pool pool = Pools.open(plan);
                var scope = TaskScope.open(pool)) {
            scope.fork(() -> fail(1));
            assertWraps(catchThrowable(scope::join), ExecutionException.class);
        }
        try (Pool pool = Pools.open(plan);
                var scope = TaskScope.firstSuccess(pool)) {
            scope.fork(() -> fail(1));
            scope.fork(() -> fail(1));
            assertWraps(catchThrowable(scope::join), ExecutionException.class);
        }
    }

    @Test
    void gatherThrowsIt() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            assertWraps(
                    catchThrowable(() -> Futures.gather(List.of(pool.submit(() -> fail(1))))),
                    ExecutionException.class);
        }
    }

    @Test
    void aRetryThatGivesUpHasIt() {
        Throwable thrown = catchThrowable(() -> Retry.attempts(2).call(() -> fail(1)));
        assertWraps(thrown, RetryExhaustedException.class);
        assertThat(((RetryExhaustedException) thrown).attempts().toString()).contains(Hostile.class.getName());
    }

    @Test
    void aRetriedTaskHasIt() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            TaskFuture<Integer> task = pool.submit(() -> fail(1), TaskOptions.NONE.retry(Retry.attempts(2)));
            assertWraps(Futures.outcomes(List.of(task)).getFirst().failure(), RetryExhaustedException.class);
        }
    }

    @Test
    void aConditionThatLooksAtItDoesNotCoverIt() {
        for (RetryCondition condition : List.of(
                RetryCondition.onMessage("wanted"), RetryCondition.onCause(IllegalStateException.class))) {
            Throwable thrown = catchThrowable(() -> Retry.attempts(2).when(condition).call(() -> fail(1)));
            assertThat(thrown == hostile).as("%s", condition).isTrue();
        }
    }

    @Test
    void aPipelineThrowsIt() {
        try (Pool pool = Pools.open("threads:1")) {
            assertThatThrownBy(() -> Pipeline.from(List.of(1)).through("one", pool, this::fail).toList())
                    .isInstanceOf(CompletionException.class)
                    .hasMessageContainingAll("stage one", Hostile.class.getName());
        }
    }
}
