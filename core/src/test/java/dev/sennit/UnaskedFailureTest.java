package dev.sennit;

import static dev.sennit.conformance.internal.Conditions.await;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A failure that nobody asks for is told once, and no other. */
@SuppressWarnings("try") // a backend is in use by being open
class UnaskedFailureTest {
    private final Told told = new Told();

    @AfterEach
    void listenNoMore() {
        told.close();
    }

    private static Integer fail() {
        throw new IllegalStateException("refused");
    }

    private static void failIn(Pool pool, CountDownLatch goOn) {
        pool.submit(
                () -> {
                    goOn.await();
                    return fail();
                },
                TaskOptions.named("overlooked"));
    }

    /** Ways to ask for a result. Each gets the future before its task has failed, and once more afterwards. */
    enum Asking {
        GET(future -> catchThrowable(future::get)),
        GET_IN_TIME(future -> catchThrowable(() -> future.get(1, SECONDS))),
        JOIN(future -> catchThrowable(future::join)),
        GET_NOW(future -> catchThrowable(() -> future.getNow(1))),
        RESULT_NOW(future -> catchThrowable(future::resultNow)),
        EXCEPTION_NOW(future -> catchThrowable(future::exceptionNow)),
        STATE(TaskFuture::state),
        IS_COMPLETED_EXCEPTIONALLY(TaskFuture::isCompletedExceptionally),
        ON_DONE(future -> future.onDone(done -> {})),
        THEN_APPLY(future -> future.thenApply(value -> value)),
        EXCEPTIONALLY(future -> future.exceptionally(failure -> 1)),
        WHEN_COMPLETE(future -> future.whenComplete((value, failure) -> {})),
        HANDLE(future -> future.handle((value, failure) -> 1)),
        COPY(TaskFuture::copy),
        MINIMAL_STAGE(TaskFuture::minimalCompletionStage),
        COMBINED(future -> CompletableFuture.completedFuture(1).thenCombine(future, Integer::sum)),
        OUTCOMES(future -> Futures.outcomes(List.of(future))),
        GATHER(future -> catchThrowable(() -> Futures.gather(List.of(future)))),
        WAIT(future -> Futures.wait(List.of(future), Until.ALL));

        private interface Way {
            Object ask(TaskFuture<Integer> future) throws Exception;
        }

        private final Way way;

        Asking(Way way) {
            this.way = way;
        }
    }

    @ParameterizedTest
    @EnumSource(Asking.class)
    void whatWasAskedForAfterTheFailureIsNotTold(Asking asking) throws Exception {
        for (String plan : List.of("inline", "threads:1")) {
            Pool pool = Pools.open(plan);
            TaskFuture<Integer> future = pool.submit(UnaskedFailureTest::fail);
            await("the failure").until(future::isDone);
            asking.way.ask(future);
            pool.close();
            assertThat(told.of(pool)).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Asking.class,
            names = {"ON_DONE", "THEN_APPLY", "EXCEPTIONALLY", "WHEN_COMPLETE", "HANDLE", "COPY", "MINIMAL_STAGE",
                "COMBINED"})
    void whatDependedOnItBeforeTheFailureHasIt(Asking asking) throws Exception {
        Pool pool = Pools.open("threads:1");
        var goOn = new CountDownLatch(1);
        TaskFuture<Integer> future = pool.submit(() -> {
            goOn.await();
            return fail();
        });
        asking.way.ask(future);
        goOn.countDown();
        pool.close();
        assertThat(told.of(pool)).isEmpty();
    }

    @Test
    void theLosersOfInvokeAnyAreNotTold() throws Exception {
        Pool pool = ThreadPool.builder().workers(1).backlog(0).whenFull(BacklogPolicy.CALLER_RUNS).open();
        var goOn = new CountDownLatch(1);
        List<Callable<Integer>> tasks = List.of(
                () -> {
                    goOn.await();
                    return fail();
                },
                () -> { // in this thread, as the worker is not free
                    goOn.countDown();
                    await("the failure of the other").until(() -> pool.statistics().failed() == 1);
                    return 1;
                });
        assertThat(pool.invokeAny(tasks)).isEqualTo(1);
        pool.close();
        assertThat(told.of(pool)).isEmpty();
    }

    @Test
    void aFutureThatIsOneOfAllIsAsked() {
        Pool pool = Pools.open("threads:1");
        var goOn = new CountDownLatch(1);
        TaskFuture<Integer> future = pool.submit(() -> {
            goOn.await();
            return fail();
        });
        CompletableFuture<Void> all = CompletableFuture.allOf(future);
        goOn.countDown();
        pool.close();
        assertThat(all).isCompletedExceptionally();
        assertThat(told.of(pool)).isEmpty();
    }

    @Test
    void aThreadThatWaitsWhenTheTaskFailsAsks() throws Exception {
        for (int i = 0; i < 1000; i++) { // whichever comes first, the wait or the failure
            Pool pool = Pools.open("threads:1");
            TaskFuture<Integer> future = pool.submit(UnaskedFailureTest::fail);
            assertThatThrownBy(future::get).hasRootCauseMessage("refused");
            pool.close();
            assertThat(told.of(pool)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "virtual", "loop?mechanism=baton"})
    void itIsToldOnceWhenItsFutureHasBecomeUnreachable(String plan) throws Exception {
        Pool pool = Pools.open(plan);
        failIn(pool, new CountDownLatch(0));
        await("the failure").until(() -> {
            System.gc();
            return !told.of(pool).isEmpty();
        });
        pool.close();
        assertIsTold(pool);
    }

    @Test
    void itIsToldOnceWhenThePoolIsClosedAlthoughItsFutureIsKept() throws Exception {
        Pool pool = Pools.open("threads:1");
        TaskFuture<Integer> kept = pool.submit(UnaskedFailureTest::fail, TaskOptions.named("overlooked"));
        await("the failure").until(kept::isDone);
        assertThat(told.of(pool)).isEmpty();
        pool.close();
        pool.close();
        assertThat(pool.awaitTermination(1, SECONDS)).isTrue();
        assertIsTold(pool);
        assertThat(kept.exceptionNow()).hasMessage("refused");
    }

    @Test
    void itIsToldWhenThePoolHasTerminated() throws Exception {
        Pool pool = Pools.open("threads:1");
        failIn(pool, new CountDownLatch(0));
        pool.shutdown();
        assertThat(pool.awaitTermination(30, SECONDS)).isTrue();
        assertIsTold(pool);
    }

    private void assertIsTold(Pool pool) {
        assertThat(told.of(pool)).singleElement().satisfies(message -> {
            assertThat(message.text())
                    .isEqualTo("task overlooked failed on " + pool.name() + ", and nobody asked for its result");
            assertThat(message.failure()).hasMessage("refused");
            assertThat(message.failure().getStackTrace()[0].getMethodName()).isEqualTo("fail");
        });
    }

    @Test
    void lookingWhetherItIsDoneIsNotAsking() throws Exception {
        Pool pool = Pools.open("threads:1");
        TaskFuture<Integer> future = pool.submit(UnaskedFailureTest::fail, TaskOptions.named("overlooked"));
        await("the failure").until(future::isDone);
        assertThat(future.isCancelled()).isFalse();
        assertThat(future.toString()).contains("FAILED");
        assertThat(catchThrowable(future::awaitEnd)).isNull();
        pool.close();
        assertIsTold(pool);
    }

    @Test
    void aTimeLimitIsAFailureToo() {
        Pool pool = Pools.open("threads:1");
        pool.submit(() -> Thread.sleep(60_000), TaskOptions.timeLimit(Duration.ofMillis(1)));
        pool.close();
        assertThat(told.of(pool)).singleElement()
                .satisfies(message -> assertThat(message.failure()).isInstanceOf(TimeoutException.class));
    }

    @Test
    void aRetriedTaskIsToldOnceAndItsAttemptsAreNot() {
        Pool pool = Pools.open("threads:1");
        pool.submit(UnaskedFailureTest::fail, TaskOptions.named("retried").retry(Retry.attempts(3)));
        pool.close();
        assertThat(told.of(pool)).singleElement()
                .satisfies(message -> assertThat(message.text()).contains("task retried failed"));
    }

    @Test
    void successAndCancellationAreNotTold() throws Exception {
        Pool pool = Pools.open("threads:1");
        pool.submit(() -> 1);
        pool.submit(() -> {
            throw new CancellationException();
        });
        pool.submitAfter(Duration.ofDays(1), () -> 1).cancel(true);
        pool.submit(() -> Thread.sleep(60_000)).cancel(true);
        pool.close();
        assertThat(told.of(pool)).isEmpty();
    }

    @Test
    void whatOthersTellOfIsNotTold() throws Exception {
        Pool pool = Pools.open("threads:2");
        try (var scope = TaskScope.open(pool)) {
            scope.fork(UnaskedFailureTest::fail);
            scope.fork(UnaskedFailureTest::fail);
            assertThatThrownBy(scope::join).hasRootCauseMessage("refused");
        }
        assertThat(catchThrowable(() -> pool.map(n -> fail(), List.of(1, 2, 3)))).hasRootCauseMessage("refused");
        assertThat(catchThrowable(() -> pool.mapAsync(n -> fail(), List.of(1, 2, 3)).join()))
                .hasRootCauseMessage("refused");
        assertThat(pool.invokeAll(List.of(UnaskedFailureTest::fail, UnaskedFailureTest::fail))).hasSize(2);
        assertThat(pool.invokeAll(List.of(UnaskedFailureTest::fail, UnaskedFailureTest::fail), 30, SECONDS)).hasSize(2);
        assertThat(catchThrowable(() -> pool.invokeAny(List.of(UnaskedFailureTest::fail, UnaskedFailureTest::fail))))
                .hasRootCauseMessage("refused");
        pool.close();
        assertThat(told.of(pool)).isEmpty();
    }

    @Test
    void whatSubmitThrowsIsNotTold() {
        var pool = new FakePool(1);
        pool.shutdown();
        assertThatThrownBy(() -> pool.submit(() -> 1)).isInstanceOf(RejectedSubmissionException.class);
        Pool threads = Pools.open("threads:0-1");
        try (var backend = FailingBackend.withoutThreads()) {
            assertThatThrownBy(() -> threads.submit(() -> 1)).isInstanceOf(FailingBackend.NoThread.class);
        }
        threads.close();
        assertThat(told.of(pool)).isEmpty();
        assertThat(told.of(threads)).isEmpty();
    }

    @Test
    void afterAHundredTheOthersAreCounted() {
        Pool pool = Pools.open("inline");
        for (int i = 0; i < UnaskedFailures.MOST_TOLD + 7; i++) {
            pool.submit(UnaskedFailureTest::fail, TaskOptions.named("task-" + i));
        }
        pool.close();
        assertThat(told.of(pool)).hasSize(UnaskedFailures.MOST_TOLD + 1);
        assertThat(told.of(pool).getLast())
                .isEqualTo(new Told.Message(
                        "7 more tasks failed on " + pool.name() + ", and nobody asked for their results", null));
    }

    @Test
    void itCanBeTurnedOff() {
        Function<Pool, Pool> failing = pool -> {
            failIn(pool, new CountDownLatch(0));
            pool.close();
            return pool;
        };
        assertThat(told.of(failing.apply(Pools.open("threads:1?unasked=off")))).isEmpty();
        assertThat(told.of(failing.apply(ThreadPool.builder().workers(1).unasked(false).open()))).isEmpty();
        assertThat(told.of(failing.apply(Pools.open("threads:1?unasked=on")))).hasSize(1);
    }
}
