package dev.sennit.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.TaskFuture;
import dev.sennit.junit.WithServer;
import dev.sennit.queue.Beat;
import dev.sennit.queue.QueueSchedules;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.Recurrence;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.Workflow;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Queues, workers, workflows and schedules over a broker in Redis. */
@WithServer(value = ServerKind.REDIS, fsync = false)
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RedisWorkersIT {
    private static final AtomicInteger PREFIXES = new AtomicInteger();

    private final String uri;

    RedisWorkersIT(TestServer server) {
        uri = server.uri() + "?prefix=workers-" + PREFIXES.incrementAndGet();
    }

    private static QueueWorker worker(TaskQueue queue, TaskType<?, ?>... types) {
        return QueueWorker.builder(queue.broker()).types(types).on("threads:4").providers(null).start();
    }

    @Test
    void resultsComeAsFutures() {
        TaskType<Integer, Integer> square = TaskType.of("square", Integer.class, number -> number * number);
        try (TaskQueue submitter = TaskQueue.open(uri);
                TaskQueue other = TaskQueue.open(uri);
                QueueWorker _ = worker(other, square)) {
            List<TaskFuture<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                futures.add(submitter.submit(square, i));
            }
            for (int i = 0; i < 500; i++) {
                assertThat(futures.get(i).join()).isEqualTo(i * i);
            }
            assertThat(other.broker().counts()).isEmpty();
        }
    }

    @Test
    void aTaskIsTriedAgainAndDelayed() {
        var tries = new AtomicInteger();
        TaskType<String, String> flaky = TaskType.of("flaky", String.class, text -> {
            if (tries.incrementAndGet() < 3) {
                throw new IllegalStateException("not yet");
            }
            return text + tries.get();
        });
        try (TaskQueue queue = TaskQueue.open(uri); QueueWorker _ = worker(queue, flaky)) {
            SubmitOptions options = SubmitOptions.NONE.delay(Duration.ofMillis(50))
                    .retry(RetryPolicy.attempts(5).waiting(Duration.ofMillis(10)));
            assertThat(queue.submit(flaky, "try ", options).join()).isEqualTo("try 3");
        }
    }

    @Test
    void aWorkflowRunsToItsEnd() {
        TaskType<Integer, Integer> square = TaskType.of("square", Integer.class, number -> number * number);
        TaskType<List<Integer>, Integer> sum = TaskType.ofList("sum", Integer.class,
                numbers -> numbers.stream().mapToInt(Integer::intValue).sum());
        try (TaskQueue queue = TaskQueue.open(uri); QueueWorker _ = worker(queue, square, sum)) {
            List<Integer> numbers = new ArrayList<>();
            for (int i = 1; i <= 50; i++) {
                numbers.add(i);
            }
            Workflow<Integer> flow = Workflow.map(square, numbers).then(sum).then(square);
            assertThat(queue.submit(flow).join()).isEqualTo(42_925 * 42_925);
        }
    }

    @Test
    void aScheduleFires() throws InterruptedException {
        var fired = new CountDownLatch(3);
        TaskType<String, Void> tick = TaskType.of("tick", String.class, _ -> {
            fired.countDown();
            return null;
        });
        try (TaskQueue queue = TaskQueue.open(uri);
                QueueWorker _ = worker(queue, tick);
                Beat _ = Beat.start(queue.broker())) {
            QueueSchedules schedules = QueueSchedules.of(queue.broker());
            schedules.put("often", Recurrence.every(Duration.ofMillis(100)), tick, "x");
            assertThat(fired.await(60, TimeUnit.SECONDS)).isTrue();
            assertThat(schedules.remove("often")).isTrue();
        }
    }

    @Test
    void aCancelReachesTheRun() throws InterruptedException {
        var begun = new Semaphore(0);
        var stopped = new Semaphore(0);
        TaskType<String, Void> waits = TaskType.of("waits", String.class, _ -> {
            begun.release();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                stopped.release();
                throw e;
            }
            return null;
        });
        try (TaskQueue queue = TaskQueue.open(uri); QueueWorker _ = worker(queue, waits)) {
            String id = queue.enqueue(waits, "x");
            begun.acquire();
            queue.cancel(id);
            assertThat(stopped.tryAcquire(60, TimeUnit.SECONDS)).isTrue();
        }
    }
}
