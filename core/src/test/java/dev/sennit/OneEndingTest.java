package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.loop.EventLoop;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was counted in is counted out, whatever cannot be had or throws between the two. */
@SuppressWarnings("try") // a backend is in use by being open
class OneEndingTest {
    private static final TaskOptions LIMITED = TaskOptions.timeLimit(Duration.ofDays(1));

    // ---- timers that cannot be had ----

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "threads:0-1", "virtual", "virtual:1"})
    void aTaskWhoseTimeLimitCannotBeKeptFails(String plan) throws Exception {
        var ran = new AtomicInteger();
        Pool pool = Pools.open(plan);
        try (var backend = FailingBackend.withoutTimers()) {
            TaskFuture<Integer> limited = pool.submit(ran::incrementAndGet, LIMITED);

            assertThat(Futures.outcomes(List.of(limited)).getFirst().failure())
                    .isInstanceOf(FailingBackend.NoThread.class);
            assertThat(ran).hasValue(0);
            assertThat(pool.submit(() -> 7).get()).as("its worker goes on").isEqualTo(7);
        }
        pool.close();
        assertThat(pool.statistics()).extracting(PoolStatistics::failed, PoolStatistics::succeeded).containsExactly(1L,
                1L);
    }

    /** Its workers are released once it has no task left, so a kind may find none for a task that it takes in then. */
    @Test
    void aTaskThatEndedWhileItsKindTookItInIsNotRefused() {
        var pool = new FakePool(1) {
            @Override
            protected void dispatch(Submission<?> submission) {
                super.dispatch(submission);
                shutdownNow();
                throw new IllegalStateException("the workers are gone");
            }
        };
        assertThat(pool.submit(() -> 1)).isCancelled();
        assertThat(pool.statistics()).extracting(PoolStatistics::submitted, PoolStatistics::cancelled).containsExactly(
                1L,
                1L);
        assertThat(pool.isTerminated()).isTrue();
    }

    @Test
    void aTaskStartedElsewhereWhoseTimeLimitCannotBeKeptFailsAndIsStopped() {
        var pool = new FakePool(1);
        Submission<Integer> submission = pool.taken(() -> 1, LIMITED);
        try (var backend = FailingBackend.withoutTimers()) {
            assertThat(submission.start()).as("its worker has it").isTrue();
        }
        assertThat(submission.future().exceptionNow()).isInstanceOf(FailingBackend.NoThread.class);
        assertThat(pool.stopped).containsExactly(submission);
        submission.ended(0);
        pool.shutdown();
        assertThat(pool.isTerminated()).isTrue();
    }

    @Test
    void aScopeWhoseTimerCannotBeHadHoldsNothingBack() throws Exception {
        var scope = CancelScope.within(Duration.ofDays(1)).shielded();
        try (var backend = FailingBackend.withoutTimers()) {
            assertThatThrownBy(() -> scope.call(() -> 1)).isInstanceOf(FailingBackend.NoThread.class);
        }
        try (Pool pool = Pools.open("threads:1")) {
            var begun = new CountDownLatch(1);
            TaskFuture<Integer> waits = pool.submit(() -> {
                try (var backend = FailingBackend.withoutTimers()) {
                    CancelScope.within(Duration.ofDays(1)).shielded().call(() -> 1);
                } catch (FailingBackend.NoThread e) {
                    begun.countDown();
                }
                return new CompletableFuture<Integer>().get();
            });
            begun.await();
            waits.cancel(true);
        } // which waits for the task: had the shield stayed raised, its interrupt would never come
        assertThat(scope.call(() -> 1)).as("it has not been used").isEqualTo(1);
    }

    @Test
    void aCancelledBlockIsInterruptedAgainWithoutATimer() throws Exception {
        var scope = CancelScope.open();
        var inside = new CountDownLatch(1);
        var swallowed = new CountDownLatch(1);
        try (Pool pool = Pools.open("virtual");
                var backend = FailingBackend.withoutTimers()) {
            TaskFuture<Integer> block = pool.submit(() -> scope.call(() -> {
                inside.countDown();
                try {
                    new CompletableFuture<Integer>().get();
                } catch (InterruptedException e) {
                    swallowed.countDown();
                }
                return new CompletableFuture<Integer>().get();
            }));
            inside.await();
            scope.cancel();
            assertThat(Futures.outcomes(List.of(block)).getFirst().failure()).isInstanceOf(CancellationException.class);
            assertThat(swallowed.getCount()).isZero();
        }
    }

    // ---- threads that cannot be had ----

    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "threads:0-1", "virtual", "virtual:1"})
    void aTaskWithoutAThreadFailsAndTheNextIsRun(String plan) throws Exception {
        Pool pool = Pools.open(plan);
        List<TaskFuture<Integer>> taken = new ArrayList<>();
        try (var backend = FailingBackend.withoutThreads()) {
            for (int i = 0; i < 3; i++) {
                try {
                    taken.add(pool.submit(() -> 1));
                } catch (FailingBackend.NoThread e) {
                    // it was refused
                }
            }
        }
        for (Outcome<Integer> outcome : Futures.outcomes(taken)) {
            assertThat(outcome.failure()).isInstanceOf(FailingBackend.NoThread.class);
        }
        assertThat(pool.submit(() -> 7).get()).isEqualTo(7);
        pool.close();
        PoolStatistics seen = pool.statistics();
        assertThat(seen.submitted()).isEqualTo(4);
        assertThat(seen.failed()).isEqualTo(3);
    }

    /** A slot that is not given back would leave the second task without one. */
    @Test
    void aSlotIsGivenBackWhenTheThreadOfAWaitingTaskCannotBeHad() throws Exception {
        Pool pool = Pools.open("virtual:1");
        var release = new CountDownLatch(1);
        TaskFuture<Boolean> holder = pool.submit(() -> release.await(1, TimeUnit.MINUTES));
        TaskFuture<Integer> waiting = pool.submit(() -> 1);
        try (var backend = FailingBackend.withoutThreads()) {
            release.countDown();
            assertThat(holder.get()).isTrue();
            assertThat(Futures.outcomes(List.of(waiting)).getFirst().failure())
                    .isInstanceOf(FailingBackend.NoThread.class);
        }
        assertThat(pool.submit(() -> 7).get()).isEqualTo(7);
        pool.close();
    }

    @Test
    void aMapThatGetsNoThreadFails() {
        Pool pool = Pools.open("threads:1");
        try (var backend = FailingBackend.withoutThreads()) {
            assertThatThrownBy(() -> pool.mapAsync(n -> n, List.of(1, 2))).isInstanceOf(FailingBackend.NoThread.class);
        }
        pool.close();
    }

    /** The thread that could not be had was meant for both: the second submitter relied on the first. */
    @Test
    void noTaskIsLeftInAQueueWithoutThreads() throws Exception {
        for (int round = 0; round < 200; round++) {
            Pool pool = Pools.open("threads:2");
            try (var backend = FailingBackend.withoutThreads()) {
                Callable<Boolean> submits = () -> {
                    try {
                        return pool.submit(() -> 1) != null;
                    } catch (FailingBackend.NoThread e) {
                        return false;
                    }
                };
                List<Caller<Boolean>> submitters = List.of(Caller.of(submits), Caller.of(submits), Caller.of(submits));
                for (Caller<Boolean> one : submitters) {
                    one.result();
                }
            }
            pool.close();
            assertThat(pool.statistics().failed()).isEqualTo(3);
        }
    }

    // ---- user code that throws ----

    @Test
    void aClockThatThrowsEndsARetriedTask() throws Exception {
        var clock = new TimeSource() {
            @Override
            public long nanoTime() {
                throw new IllegalStateException("no time");
            }

            @Override
            public Instant now() {
                throw new IllegalStateException("no time");
            }

            @Override
            public void sleep(Duration time) {}
        };
        for (String plan : List.of("inline", "threads:1")) {
            Pool pool = Pools.open(plan);
            Retry retry = Retry.attempts(2).waiting(Backoff.none()).time(clock);
            TaskFuture<Integer> task = pool.submit(() -> 1, TaskOptions.NONE.retry(retry));
            assertThat(Futures.outcomes(List.of(task))).hasSize(1);
            pool.close();
        }
    }

    @Test
    void anInitializerWhoseExceptionCannotBePrintedFailsAllTasks() throws Exception {
        Pool pool = ThreadPool.builder()
                .workers(1)
                .initializer(() -> {
                    throw new IllegalStateException() {
                        @Override
                        public String toString() {
                            throw new IllegalStateException("no text");
                        }
                    };
                })
                .open();
        TaskFuture<Integer> task = pool.submit(() -> 1);
        assertThat(Futures.outcomes(List.of(task)).getFirst().failure()).isInstanceOf(WorkerStartException.class);
        pool.close();
    }

    @Test
    void anAttemptThatCannotBeMadeEndsItsTask() throws Exception {
        var pool = new FakePool(1) {
            @Override
            protected <T> Submission<T> again(Submission<T> ended) {
                throw new IllegalStateException("made once only");
            }
        };
        TaskFuture<Integer> task = pool.submit(
                () -> {
                    throw new IllegalArgumentException("to be tried again");
                },
                TaskOptions.NONE.retry(Retry.attempts(2).waiting(Backoff.none())));
        pool.runAll();
        assertThat(task.isDone()).isTrue();
        pool.shutdown();
        assertThat(pool.isTerminated()).isTrue();
    }

    @Test
    void loadThatCannotBeCountedLeavesNoFutureOpen() {
        var pool = new FakePool(1) {
            @Override
            protected void dispatch(Submission<?> submission) {
                countsAsLoad(submission);
                super.dispatch(submission);
            }

            @Override
            protected void loadEnded() {
                throw new IllegalStateException("cannot count");
            }
        };
        Submission<Integer> run = pool.taken(() -> 1);
        Submission<Integer> dropped = pool.taken(() -> 1);
        assertThatThrownBy(run::run).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> dropped.settle(null, new CancellationException(), true))
                .isInstanceOf(IllegalStateException.class);
        assertThat(run.future()).isCompletedWithValue(1);
        assertThat(dropped.future()).isCancelled();
        pool.shutdown();
        assertThat(pool.isTerminated()).isTrue();
    }

    // ---- kinds that cannot stop a run ----

    @Test
    void aFutureIsDoneAlthoughItsRunCannotBeStopped() {
        var pool = new FakePool(1) {
            @Override
            protected void stop(Submission<?> submission) {
                throw new FailingBackend.NoThread("stop");
            }
        };
        for (Throwable failure : List.of(new CancellationException(), new TimeoutException())) {
            Submission<Integer> submission = pool.taken(() -> 1);
            submission.start();
            assertThat(submission.settle(null, failure, true)).isTrue();

            assertThat(submission.future()).isCompletedExceptionally();
            assertThat(submission.isStopping()).isTrue();
            submission.ended(1);
        }
        pool.shutdown();
        assertThat(pool.isTerminated()).isTrue();
    }

    @Test
    void aQueueThatCannotForgetATaskDoesNotKeepThePoolOpen() {
        var pool = new FakePool(1) {
            @Override
            protected void forget(Submission<?> submission) {
                throw new IllegalStateException("forgets nothing");
            }
        };
        Submission<Integer> submission = pool.taken(() -> 1);
        assertThatThrownBy(() -> submission.settle(null, new CancellationException(), true))
                .isInstanceOf(IllegalStateException.class);
        assertThat(submission.future()).isCancelled();
        pool.shutdown();
        assertThat(pool.isTerminated()).isTrue();
    }

    // ---- closing beside a thread that settles a future ----

    /** The run ends between the move to STOPPING and the end of the future: the pool has to outlast both. */
    @Test
    void aPoolOutlastsTheThreadThatSettlesAFuture() {
        var open = new ArrayList<Boolean>();
        var pool = new FakePool(1) {
            @Override
            protected void stop(Submission<?> submission) {
                submission.ended(1);
                open.add(isTerminated());
                open.add(submission.future().isDone());
            }
        };
        Submission<Integer> submission = pool.taken(() -> 1);
        submission.start();
        pool.shutdown();
        assertThat(submission.settle(null, new CancellationException(), true)).isTrue();

        assertThat(open).containsExactly(false, false);
        assertThat(submission.stateName()).isEqualTo("ENDED");
        assertThat(pool.isTerminated()).isTrue();
        assertThat(pool.released).isEqualTo(1);
    }

    /** The same with threads: when close returns, the future of the task is done. */
    @Test
    void whenAPoolIsClosedTheFuturesOfCancelledTasksAreDone() throws Exception {
        for (int round = 0; round < 500; round++) {
            Pool pool = Pools.open("threads:1");
            var begun = new CountDownLatch(1);
            TaskFuture<Integer> task = pool.submit(() -> {
                begun.countDown();
                return new CompletableFuture<Integer>().get();
            });
            begun.await();
            Thread canceller = Thread.ofPlatform().start(() -> task.cancel(true));
            pool.close();
            assertThat(task).isDone();
            canceller.join();
        }
    }

    @Test
    void aCallbackOfAStoppedTaskCannotWaitForThePoolsEnd() throws Exception {
        Pool pool = Pools.open("threads:1");
        var begun = new CountDownLatch(1);
        TaskFuture<Integer> task = pool.submit(() -> {
            begun.countDown();
            return new CompletableFuture<Integer>().get();
        });
        var thrown = new CompletableFuture<Throwable>();
        task.onDone(done -> {
            try {
                pool.close();
                thrown.complete(null);
            } catch (IllegalStateException e) {
                thrown.complete(e);
            }
        });
        begun.await();
        task.cancel(true);
        assertThat(thrown.get()).isInstanceOf(IllegalStateException.class);
        assertThat(pool.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
    }

    // ---- waits that leave nothing behind ----

    @Test
    void waitsForAFutureLeaveNothingBehind() throws Exception {
        for (CompletableFuture<Integer> future : List.of(new FakePool(1).submit(() -> 1),
                new CompletableFuture<Integer>())) {
            for (int i = 0; i < 10_000; i++) {
                Futures.wait(List.of(future), Until.ALL, Duration.ZERO);
            }
            assertThat(future.getNumberOfDependents()).isLessThanOrEqualTo(1);
            var other = CompletableFuture.completedFuture(1);
            for (int i = 0; i < 1_000; i++) {
                assertThat(Futures.wait(List.of(future, other), Until.FIRST_COMPLETED).notDone())
                        .containsExactly(future);
            }
            assertThat(future.getNumberOfDependents()).isLessThanOrEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual", "loop?mechanism=baton"})
    void aRunThatCouldNotBeStoppedIsStoppedLater(String plan) throws Exception {
        try (Pool pool = Pools.open(plan);
                var backend = FailingBackend.withoutStops(2)) {
            var began = new CountDownLatch(1);
            TaskFuture<Integer> waits = pool.submit(() -> {
                began.countDown();
                new CountDownLatch(1).await();
                return 1;
            });
            began.await();
            waits.cancel(true);
            assertThat(waits).isCancelled();
            waits.awaitEnd();
            assertThat(backend.failures).hasValue(2);
        }
    }

    /** Those that run go on, and start what waits when they end. */
    @ParameterizedTest
    @ValueSource(strings = {"virtual:2", "loop:2?mechanism=baton"})
    void aThreadThatCannotBeHadFailsNoTaskThatOthersCanStart(String plan) throws Exception {
        Pool pool = Pools.open(plan);
        var first = new CompletableFuture<Integer>();
        var second = new CompletableFuture<Integer>();
        List<TaskFuture<Integer>> waiting = new ArrayList<>();
        TaskFuture<Integer> ends = pool.submit(() -> EventLoop.suspending(first::get));
        TaskFuture<Integer> goesOn = pool.submit(() -> EventLoop.suspending(second::get));
        for (int i = 0; i < 3; i++) {
            waiting.add(pool.submit(() -> 1));
        }
        try (var backend = FailingBackend.withoutThreads(thread -> !thread.getName().equals("sennit-timer"))) {
            first.complete(1);
            ends.awaitEnd();
            Conditions.await("the next was not started").until(() -> backend.failures.get() > 0);
        }
        second.complete(1);
        goesOn.get();
        assertThat(Futures.outcomes(waiting)).allMatch(Outcome::succeeded);
        pool.close();
    }
}
