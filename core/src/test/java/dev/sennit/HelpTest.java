package dev.sennit;

import static dev.sennit.conformance.internal.Conditions.await;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What workers do for tasks that they wait for, and that are tried again. */
@Timeout(120)
class HelpTest {
    private static Retry retry(Duration wait) {
        return Retry.attempts(3).waiting(Backoff.fixed(wait));
    }

    @Test
    void whoAsksAgainAndAgainIsToldOnceOfEachAttempt() {
        var pool = new FakePool(1) {
            @Override
            protected void aboutToWait(Submission<?> submission) {} // this thread is no worker
        };
        TaskFuture<Integer> future = pool.submit(
                () -> {
                    throw new IOException("never works");
                },
                TaskOptions.NONE.retry(retry(Duration.ZERO)));
        var told = new AtomicInteger();
        var another = new AtomicInteger();
        Runnable tell = told::incrementAndGet;
        for (int attempt = 1; attempt <= 2; attempt++) {
            for (int i = 0; i < 100; i++) {
                future.help(tell);
            }
            future.help(another::incrementAndGet);
            pool.runNext();
            assertThat(told).hasValue(attempt);
            assertThat(another).hasValue(attempt);
        }
        pool.runNext();
        assertThat(future).isCompletedExceptionally();
        assertThat(told).hasValue(2);
    }

    private interface Waiting {
        void waitFor(Pool pool, Task<Integer> task, TaskOptions options) throws Exception;
    }

    private static void assertInterruptedInItsSecondAttempt(Pool pool, Waiting waiting) throws Exception {
        var attempts = new AtomicInteger();
        var begun = new CountDownLatch(1);
        var interrupted = new CountDownLatch(1);
        Task<Integer> task = () -> {
            if (attempts.incrementAndGet() == 1) {
                throw new IOException("not yet");
            }
            begun.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
                throw e;
            }
            return 1;
        };
        TaskFuture<?> outer = pool.submit(() -> {
            waiting.waitFor(pool, task, TaskOptions.NONE.retry(retry(Duration.ofMillis(1))));
            return null;
        });
        assertThat(begun.await(30, SECONDS)).isTrue();
        outer.cancel(true);
        assertThat(interrupted.await(30, SECONDS)).isTrue();
    }

    @Test
    void cancellingWhoWaitsEndsTheSecondAttemptThatItMakes() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            assertInterruptedInItsSecondAttempt(pool, (own, task, options) -> own.submit(task, options).get());
        }
    }

    @Test
    void cancellingAPipelineEndsTheSecondAttemptThatItMakes() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            assertInterruptedInItsSecondAttempt(pool, (own, task, options) -> Pipeline.from(List.of(1))
                    .through("one", own, n -> task.call(), stage -> stage.task(options))
                    .toList());
        }
    }

    // ---- delays ----

    /** The pool's only worker waits for a task that is not due, and runs it when it is. */
    private static void assertRunsWhenDue(Waiting waiting, TaskOptions options) throws Exception {
        for (String plan : List.of("threads:1", "virtual:1")) {
            var ran = new AtomicBoolean();
            try (var timers = new HeldTimers();
                    Pool pool = Pools.open(plan)) {
                TaskFuture<Integer> late = pool.submitAfter(
                        Duration.ofDays(1),
                        () -> {
                            ran.set(true);
                            return 1;
                        },
                        options);
                var worker = new AtomicReference<Thread>();
                TaskFuture<?> waits = pool.submit(() -> {
                    worker.set(Thread.currentThread());
                    waiting.waitFor(pool, late::get, options);
                });
                await("it waits, or does not")
                        .until(() -> waits.isDone()
                                || (worker.get() != null && worker.get().getState() == Thread.State.WAITING));
                assertThat(ran).isFalse();
                timers.fire(0);
                waits.get();
                assertThat(ran).isTrue();
            }
        }
    }

    @Test
    void whoWaitsForADelayedTaskRunsItWhenItIsDue() throws Exception {
        assertRunsWhenDue((pool, late, options) -> late.call(), TaskOptions.NONE);
    }

    @Test
    void whoWaitsForADelayedTaskThatIsTriedAgainRunsItWhenItIsDue() throws Exception {
        assertRunsWhenDue((pool, late, options) -> late.call(), TaskOptions.NONE.retry(retry(Duration.ZERO)));
    }

    @Test
    void whoWaitsForDelayedTasksAmongOthersRunsThemWhenTheyAreDue() throws Exception {
        for (TaskOptions options : List.of(TaskOptions.NONE, TaskOptions.NONE.retry(retry(Duration.ZERO)))) {
            try (var timers = new HeldTimers();
                    Pool pool = Pools.open("threads:1")) {
                var ran = new AtomicInteger();
                List<TaskFuture<Integer>> late = List.of(
                        pool.submitAfter(Duration.ofDays(1), ran::incrementAndGet, options),
                        pool.submitAfter(Duration.ofDays(1), ran::incrementAndGet, options));
                TaskFuture<List<Integer>> waits = pool.submit(() -> Futures.gather(late));
                await("it waits, or does not")
                        .until(() -> late.getLast().getNumberOfDependents() > 0 || waits.isDone());
                assertThat(ran).hasValue(0);
                timers.fire(1);
                await("it has run the second").until(() -> late.getLast().isDone());
                assertThat(late.getFirst()).isNotDone();
                timers.fire(0);
                assertThat(waits.get()).containsExactly(2, 1);
            }
        }
    }

    @Test
    void whoWaitsForADelayedTaskThatIsCancelledGoesOn() throws Exception {
        try (var timers = new HeldTimers();
                Pool pool = Pools.open("threads:1")) {
            TaskFuture<Integer> late = pool.submitAfter(Duration.ofDays(1), () -> 1);
            TaskFuture<Boolean> waits = pool.submit(() -> {
                late.awaitEnd();
                return late.isCancelled();
            });
            await("it waits").until(() -> late.getNumberOfDependents() > 0);
            late.cancel(true);
            assertThat(waits.get()).isTrue();
            assertThat(timers.count()).isEqualTo(1);
        }
    }

    @Test
    void anInterruptEndsTheWaitForADelayedTaskWhichIsNotRun() throws Exception {
        try (var timers = new HeldTimers();
                Pool pool = Pools.open("threads:1")) {
            var ran = new AtomicBoolean();
            TaskFuture<Boolean> late = pool.submitAfter(Duration.ofDays(1), () -> ran.compareAndSet(false, true));
            TaskFuture<?> waits = pool.submit(() -> late.get());
            await("it waits").until(() -> late.getNumberOfDependents() > 0);
            waits.cancel(true);
            waits.awaitEnd();
            assertThat(ran).isFalse();
            timers.fire(0);
            assertThat(late.get()).isTrue();
        }
    }
}
