package dev.sennit.queue;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.memory.MemoryBroker;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Workflows that workers run, many tasks at a time. */
class WorkflowsOfWorkersTest {
    private static final AtomicInteger CALLS = new AtomicInteger();
    private static final AtomicInteger BODIES = new AtomicInteger();
    private static final CountDownLatch BEGUN = new CountDownLatch(1);
    private static final CountDownLatch STOPPED = new CountDownLatch(1);
    private static final CountDownLatch TOLD = new CountDownLatch(1);

    private static final TaskType<Integer, Integer> FLAKY = TaskType.of("flaky", Integer.class, number -> {
        if (CALLS.incrementAndGet() % 3 == 0) {
            throw new IllegalStateException("now and then");
        }
        return number;
    });
    private static final TaskType<List<Integer>, Integer> SUM = TaskType.ofList("sum", Integer.class, numbers -> {
        BODIES.incrementAndGet();
        return numbers.stream().mapToInt(Integer::intValue).sum();
    });
    private static final TaskType<Integer, Integer> BROKEN = TaskType.of("broken", Integer.class, number -> {
        throw new IllegalStateException("always");
    });
    private static final TaskType<Integer, Integer> ENDLESS = TaskType.of("endless", Integer.class, number -> {
        BEGUN.countDown();
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            STOPPED.countDown();
            throw e;
        }
        return number;
    });
    private static final TaskType<DeadTask, Boolean> TELL = TaskType.of("tell", DeadTask.class, dead -> {
        if (dead.type().equals("broken") && dead.error().contains("always")) {
            TOLD.countDown();
        }
        return true;
    });

    private final Broker broker = new MemoryBroker(TimeSource.system());
    private final TaskQueue queue = TaskQueue.over(broker);
    private final QueueWorker worker =
            QueueWorker.builder(broker).types(FLAKY, SUM, BROKEN, ENDLESS, TELL).on("threads:4").start();

    @AfterEach
    void close() {
        worker.close();
        queue.close();
        broker.close();
        BODIES.set(0);
    }

    @Test
    void partsAreRetriedAndBodiesRunOnce() throws Exception {
        List<Integer> numbers = IntStream.range(0, 200).boxed().toList();
        SubmitOptions often = SubmitOptions.NONE.retry(RetryPolicy.attempts(50).waiting(Duration.ofMillis(1)));
        Workflow<Integer> half = Workflow.map(FLAKY, numbers).options(often).then(SUM);
        int sum = numbers.stream().mapToInt(Integer::intValue).sum();
        assertThat(queue.submit(Workflow.all(List.of(half, half)).then(SUM)).get(60, SECONDS)).isEqualTo(2 * sum);
        assertThat(BODIES).hasValue(3);
        assertThat(broker.search(TaskFilter.ALL, 1000)).hasSize(403)
                .allMatch(each -> each.state() == TaskState.SUCCEEDED);
    }

    @Test
    void aDeadPartFailsTheFutureAndCallsBack() throws Exception {
        TaskFuture<Integer> future = queue.submit(Workflow
                .all(Collections.nCopies(3, Workflow.of(BROKEN, 1))).onFirstDead(TELL).then(SUM));
        assertThatThrownBy(() -> future.get(60, SECONDS)).isInstanceOf(ExecutionException.class)
                .cause().isInstanceOf(TaskFailedException.class).hasMessageContaining("always");
        assertThat(TOLD.await(60, SECONDS)).isTrue();
        assertThat(BODIES).hasValue(0);
    }

    @Test
    void aCancelReachesThePartThatRunsAndThoseThatWait() throws Exception {
        TaskFuture<Integer> future =
                queue.submit(Workflow.all(List.of(Workflow.of(ENDLESS, 1), Workflow.of(ENDLESS, 2))).then(SUM));
        assertThat(BEGUN.await(60, SECONDS)).isTrue();
        future.cancel(true);
        assertThat(STOPPED.await(60, SECONDS)).isTrue();
        worker.close();
        assertThat(broker.search(TaskFilter.ALL, 10)).hasSize(3)
                .allMatch(each -> each.state() == TaskState.CANCELLED);
    }
}
