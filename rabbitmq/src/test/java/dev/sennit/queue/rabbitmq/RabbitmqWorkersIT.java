package dev.sennit.queue.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.sennit.TaskFuture;
import dev.sennit.junit.WithServer;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskFailedException;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.Workflow;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Queues and workers over a broker in RabbitMQ, without a store and with one. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RabbitmqWorkersIT {
    private static final AtomicInteger PREFIXES = new AtomicInteger();
    private static final TaskType<Integer, Integer> SQUARE =
            TaskType.of("square", Integer.class, number -> number * number);

    private final String uri;

    RabbitmqWorkersIT(TestServer server) {
        uri = Servers.uri(server, server.port()) + "?prefix=workers-" + PREFIXES.incrementAndGet();
    }

    private static QueueWorker worker(TaskQueue queue, TaskType<?, ?>... types) {
        return QueueWorker.builder(queue.broker()).types(types).on("threads:4").providers(null).start();
    }

    @Test
    void resultsComeAsFutures() {
        try (TaskQueue submitter = TaskQueue.open(uri);
                TaskQueue other = TaskQueue.open(uri);
                QueueWorker _ = worker(other, SQUARE)) {
            List<TaskFuture<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                futures.add(submitter.submit(SQUARE, i));
            }
            for (int i = 0; i < 500; i++) {
                assertThat(futures.get(i).join()).isEqualTo(i * i);
            }
        }
    }

    @Test
    void whatFailsIsTriedAgainAtOnceOrIsDead() {
        var tries = new AtomicInteger();
        TaskType<String, String> flaky = TaskType.of("flaky", String.class, text -> {
            if (tries.incrementAndGet() < 3) {
                throw new IllegalStateException("not yet");
            }
            return text + tries.get();
        });
        TaskType<String, String> broken = TaskType.of("broken", String.class, text -> {
            throw new IllegalStateException(text);
        });
        try (TaskQueue queue = TaskQueue.open(uri); QueueWorker _ = worker(queue, flaky, broken)) {
            SubmitOptions options = SubmitOptions.NONE.retry(RetryPolicy.attempts(5).waiting(Duration.ZERO));
            assertThat(queue.submit(flaky, "try ", options).join()).isEqualTo("try 3");
            assertThatThrownBy(() -> queue.submit(broken, "as meant").join()).isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(TaskFailedException.class).hasMessageContaining("as meant");
            assertThat(queue.broker().counts())
                    .extracting(QueueCounts::queue, counts -> counts.count(TaskState.DEAD))
                    .containsExactly(tuple("default", 1L));
            assertThatThrownBy(() -> queue.submit(flaky, "x", SubmitOptions.NONE.delay(Duration.ofSeconds(1))))
                    .isInstanceOf(UnsupportedOperationException.class).hasMessageContainingAll("DELAY", "?store=");
        }
    }

    @Test
    void whoLooksOnSeesWorkersAndWhatWaits() {
        try (TaskQueue queue = TaskQueue.open(uri); QueueWorker worker = worker(queue, SQUARE)) {
            assertThat(queue.submit(SQUARE, 3).join()).isEqualTo(9);
            queue.enqueue(TaskType.of("unknown", String.class, text -> text), "x");
            try (Broker looker = Broker.open(uri)) {
                while (looker.workers().isEmpty()) { // until the first report
                    Thread.onSpinWait();
                }
                assertThat(looker.workers()).extracting(WorkerReport::types).containsExactly(Set.of("square"));
                assertThat(looker.counts()).extracting(QueueCounts::queue, counts -> counts.count(TaskState.READY))
                        .containsExactly(tuple("default", 1L));
            }
            assertThat(worker.status().succeeded()).isOne();
        }
    }

    @Test
    void withAStoreAWorkflowRunsToItsEnd(@TempDir Path folder) {
        TaskType<List<Integer>, Integer> sum = TaskType.ofList("sum", Integer.class,
                numbers -> numbers.stream().mapToInt(Integer::intValue).sum());
        String stored = uri + "&store=sqlite:" + folder.resolve("jobs.db");
        try (TaskQueue queue = TaskQueue.open(stored); QueueWorker _ = worker(queue, SQUARE, sum)) {
            List<Integer> numbers = new ArrayList<>();
            for (int i = 1; i <= 50; i++) {
                numbers.add(i);
            }
            Workflow<Integer> flow = Workflow.map(SQUARE, numbers).then(sum).then(SQUARE);
            assertThat(queue.submit(flow).join()).isEqualTo(42_925 * 42_925);
            assertThat(queue.submit(SQUARE, 3, SubmitOptions.NONE.delay(Duration.ofMillis(50)).priority(9)).join())
                    .isEqualTo(9);
        }
    }
}
