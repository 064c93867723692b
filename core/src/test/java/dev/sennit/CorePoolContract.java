package dev.sennit;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.PoolContract;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The contract of pools for the kinds of this artifact: with tests that look at what the library keeps to itself, and
 * with failures where {@link FailingContract} runs the tests.
 */
@ExtendWith(FailingContract.Faults.class) // which does nothing unless FailingContract runs the suite
public abstract class CorePoolContract extends PoolContract {
    protected CorePoolContract() {}

    @Override
    protected final boolean isDisturbed() {
        return FailingContract.endsDisturbed();
    }

    private static void refuse() throws IOException {
        throw new IOException("refused");
    }

    @Test
    public void aFailureThatNobodyAsksForIsToldOnceWithItsStack() throws Exception {
        Pool pool = open("");
        try (var told = new Told()) {
            pool.submit(() -> refuse(), TaskOptions.named("overlooked"));
            assertThat(failure(pool.submit(() -> refuse(), TaskOptions.named("asked"))))
                    .isInstanceOf(IOException.class);
            value(pool.submit(() -> 1));
            pool.close();
            assertThat(told.of(pool)).singleElement().satisfies(message -> {
                assertThat(message.text())
                        .isEqualTo("task overlooked failed on " + pool.name() + ", and nobody asked for its result");
                assertThat(message.failure()).isInstanceOf(IOException.class).hasMessage("refused");
                assertThat(message.failure().getStackTrace()).extracting(StackTraceElement::getMethodName)
                        .contains("refuse");
            });
        }
    }

    /** Does something as soon as a task is known, and counts how often it is over. */
    private static Owner owner(Consumer<TaskFuture<?>> known, AtomicInteger over) {
        return new Owner() {
            @Override
            public void admitted(Submission<?> part) {
                known.accept(part.future());
            }

            @Override
            public void over() {
                over.incrementAndGet();
            }
        };
    }

    /**
     * Another thread may cancel a scope's tasks as soon as it knows them; and there may be no memory left to note them.
     */
    @Test
    public void aTaskThatEndsAsItBecomesKnownEndsOnce() throws Exception {
        var unknown = new AssertionError("cannot be noted");
        var here = signals();
        String callerRuns = "backlog=0&full=caller-runs";
        for (String backlog : queues() ? List.of("", "backlog=1", callerRuns) : List.of("")) {
            try (var pool = (AbstractPool) open(backlog)) {
                List<TaskFuture<Integer>> busy = backlog.equals(callerRuns) ? occupyWorkers(pool) : List.of();
                var over = new AtomicInteger();
                for (TaskOptions options : List.of(TaskOptions.NONE, TaskOptions.NONE.retry(Retry.attempts(3)))) {
                    for (int i = 0; i < 10; i++) { // more than there are places
                        Consumer<TaskFuture<?>> cancel = known -> known.cancel(true);
                        assertThat(pool.submitFor(owner(cancel, over), () -> 1, options, null)).isCancelled();
                        assertThat(pool.submitFor(owner(cancel, over), () -> 1, options, Duration.ZERO)).isCancelled();
                        Consumer<TaskFuture<?>> fail = known -> {
                            throw unknown;
                        };
                        assertThatThrownBy(() -> pool.submitFor(owner(fail, over), () -> 1, options, null))
                                .isSameAs(unknown);
                    }
                }
                assertThat(pool.isShutdown()).isFalse();
                assertThat(over).hasValue(60);
                assertThat(pool.statistics().ended()).isEqualTo(60);
                assertAddsUp(pool.statistics());
                if (!busy.isEmpty()) {
                    here.set("release");
                    Futures.gather(busy);
                }
                assertAllWorkersServe(pool);
            }
        }
    }

    @Test
    public void aPoolOutlastsATaskThatEndsItAsItBecomesKnown() throws Exception {
        for (TaskOptions options : List.of(TaskOptions.NONE, TaskOptions.NONE.retry(Retry.attempts(3)))) {
            var pool = (AbstractPool) open("");
            var over = new AtomicInteger();
            Consumer<TaskFuture<?>> end = known -> {
                pool.shutdown();
                known.cancel(true);
                assertThat(pool.isTerminated()).isFalse();
            };
            TaskFuture<Integer> future = pool.submitFor(owner(end, over), () -> 1, options, null);
            assertThat(future.isCancelled()).isTrue();
            assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
            assertThat(over).hasValue(1);
        }
    }
}
