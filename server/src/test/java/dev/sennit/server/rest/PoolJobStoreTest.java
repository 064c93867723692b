package dev.sennit.server.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskProgress;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Jobs in memory. */
@Timeout(60)
class PoolJobStoreTest {
    private static final JobLimits LIMITS = new JobLimits(2, 2, Duration.ofMinutes(5));

    private final AtomicLong nanos = new AtomicLong(-5); // as nanoTime, it may be anything
    private final CountDownLatch mayEnd = new CountDownLatch(1);
    private final Pool pool = Pools.open("threads:1");
    private final PoolJobStore<String, String> store = new PoolJobStore<>(pool, this::work, LIMITS, nanos::get);

    private String work(String argument) throws Exception {
        switch (argument) {
            case "fail" -> throw new IllegalStateException("on purpose\nand more");
            case "wait" -> {
                TaskProgress.report(1, 3, "waiting");
                mayEnd.await();
            }
            case "no text" -> throw new IllegalStateException() {
                @Override
                public String getMessage() {
                    throw new UnsupportedOperationException("on purpose");
                }
            };
            case "null" -> {
                return null;
            }
            default -> {
                // at once
            }
        }
        return argument + "!";
    }

    @AfterEach
    void close() {
        mayEnd.countDown();
        pool.shutdownNow();
        store.close();
    }

    private Job<String> job(String id) {
        return store.find(id).orElseThrow();
    }

    private Job<String> await(String id, JobState state) {
        Awaitility.await().pollInterval(Duration.ofMillis(2)).until(() -> job(id).state() == state);
        return job(id);
    }

    private String submit(String argument) {
        return store.submit(argument, null).id();
    }

    @Test
    void aJobGoesThroughItsStates() {
        String waits = submit("wait");
        String next = submit("next");
        await(waits, JobState.RUNNING);
        assertThat(job(next).state()).isEqualTo(JobState.QUEUED);
        Awaitility.await().until(() -> job(waits).progress().isPresent());
        assertThat(job(waits).progress()).contains(new JobProgress(1, OptionalLong.of(3), "waiting"));
        mayEnd.countDown();
        assertThat(await(waits, JobState.SUCCEEDED).result()).isEqualTo("wait!");
        assertThat(await(next, JobState.SUCCEEDED).result()).isEqualTo("next!");
        assertThat(await(submit("null"), JobState.SUCCEEDED).result()).isNull();
        assertThat(await(submit("fail"), JobState.FAILED).failure()).isEqualTo("on purpose");
        assertThat(store.find("none")).isEmpty();
        assertThat(store.cancel("none")).isEmpty();
    }

    @Test
    void jobsAreCancelledWhileTheyWaitAndWhileTheyRun() {
        String runs = submit("wait");
        String waits = submit("next");
        await(runs, JobState.RUNNING);
        assertThat(store.cancel(waits).orElseThrow().state()).isEqualTo(JobState.CANCELLED);
        assertThat(store.cancel(runs).orElseThrow().state()).isEqualTo(JobState.CANCELLED);
        String free = submit("free"); // the thread of the pool is free again
        assertThat(await(free, JobState.SUCCEEDED).result()).isEqualTo("free!");
        assertThat(store.cancel(free).orElseThrow().state()).isEqualTo(JobState.SUCCEEDED);
    }

    @Test
    void oneKeyMakesOneJob() {
        IdempotencyKey key = new IdempotencyKey("k", "digest");
        JobSubmission first = store.submit("a", key);
        assertThat(first.outcome()).isEqualTo(JobSubmission.Outcome.NEW);
        assertThat(store.submit("a", key)).isEqualTo(new JobSubmission(first.id(), JobSubmission.Outcome.KNOWN));
        assertThat(store.submit("b", new IdempotencyKey("k", "another")))
                .isEqualTo(new JobSubmission(first.id(), JobSubmission.Outcome.CONFLICT));
        await(first.id(), JobState.SUCCEEDED);
        assertThat(store.submit("a", key).outcome()).isEqualTo(JobSubmission.Outcome.KNOWN);
        nanos.addAndGet(Duration.ofMinutes(5).toNanos());
        assertThat(store.find(first.id())).isEmpty();
        assertThat(store.submit("a", key).outcome()).isEqualTo(JobSubmission.Outcome.NEW);
    }

    @Test
    void jobsAreBounded() {
        String runs = submit("wait");
        submit("next");
        assertThatExceptionOfType(RejectedExecutionException.class).isThrownBy(() -> submit("third"));
        mayEnd.countDown();
        await(runs, JobState.SUCCEEDED);
        Awaitility.await().until(() -> store.toString().endsWith("0 active, 2 ended"));
        String third = submit("third");
        await(third, JobState.SUCCEEDED);
        Awaitility.await().until(() -> store.toString().endsWith("0 active, 2 ended"));
        assertThat(store.find(runs)).isEmpty(); // the oldest
        assertThat(store.find(third)).isPresent();
    }

    @Test
    void aJobThatThePoolRefusesIsForgotten() {
        pool.shutdown();
        IdempotencyKey key = new IdempotencyKey("k", "digest");
        for (int i = 0; i < 5; i++) { // more than the limit
            assertThatExceptionOfType(RejectedExecutionException.class).isThrownBy(() -> store.submit("a", key));
        }
        assertThat(store).asString().endsWith("0 active, 0 ended");
    }

    @Test
    void aFailureWithoutATextGivesItsPlaceBack() {
        String fails = submit("no text");
        assertThat(await(fails, JobState.FAILED).failure()).startsWith(PoolJobStoreTest.class.getName());
        Awaitility.await().until(() -> store.toString().endsWith("0 active, 1 ended"));
    }

    @Test
    void aKeyIsKnownWhenThePoolHasTheJob() throws Exception {
        IdempotencyKey key = new IdempotencyKey("k", "digest");
        try (Pool full = Pools.open("threads:1?backlog=1&full=block");
                var jobs = new PoolJobStore<String, String>(full, this::work, JobLimits.DEFAULTS, nanos::get);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            jobs.submit("wait", null);
            Awaitility.await().until(() -> full.statistics().running() == 1);
            jobs.submit("in the queue", null);
            var first = threads.submit(() -> jobs.submit("a", key));
            Awaitility.await().until(() -> jobs.toString().contains("3 active"));
            assertThatExceptionOfType(RejectedExecutionException.class).isThrownBy(() -> jobs.submit("a", key))
                    .withMessageContaining("has not been taken yet"); // it may still be refused
            mayEnd.countDown();
            assertThat(first.get().outcome()).isEqualTo(JobSubmission.Outcome.NEW);
            assertThat(jobs.submit("a", key)).isEqualTo(
                    new JobSubmission(first.get().id(), JobSubmission.Outcome.KNOWN));
        }
    }

    @Test
    void keysAndLimitsAreChecked() {
        for (String key : List.of("", " ", "a\nb", "x".repeat(256))) {
            assertThatIllegalArgumentException().isThrownBy(() -> new IdempotencyKey(key, ""));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> new JobLimits(0, 1, Duration.ofSeconds(1)));
        assertThatIllegalArgumentException().isThrownBy(() -> new JobLimits(1, 1, Duration.ZERO));
        assertThat(JobState.RUNNING.isEnd()).isFalse();
        assertThat(JobState.CANCELLED.isEnd()).isTrue();
    }
}
