package dev.sennit;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
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
}
