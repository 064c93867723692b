package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.junit.WithServer;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskFailedException;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.Workflow;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Producers in Java call real workers of RQ, and workflows run in both. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class JavaProducersIT {
    record Numbers(int x, int y) {}

    private static final SubmitOptions PYTHON = SubmitOptions.NONE.queue("python");
    private static final TaskType<Numbers, Integer> ADD =
            TaskType.named("pyjobs.add", Numbers.class, Integer.class).options(PYTHON);
    private static final TaskType<Integer, Integer> ADD_ONE =
            TaskType.named("pyjobs.add", Integer.class, Integer.class).options(PYTHON);
    private static final TaskType<Void, Integer> TOTAL =
            TaskType.named("pyjobs.total", Void.class, Integer.class).options(PYTHON);
    private static final TaskType<String, Integer> FAIL =
            TaskType.named("pyjobs.fail", String.class, Integer.class).options(PYTHON);
    private static final TaskType<String, Integer> FLAKY =
            TaskType.named("pyjobs.flaky", String.class, Integer.class).options(PYTHON);
    private static final TaskType<Integer, Integer> SLEEP =
            TaskType.named("pyjobs.sleep", Integer.class, Integer.class).options(PYTHON);
    private static final TaskType<Integer, Integer> DOUBLED =
            TaskType.of("java.doubled", Integer.class, number -> number * 2);
    private static final TaskType<List<Integer>, Integer> SUM =
            TaskType.ofList("java.sum", Integer.class, all -> all.stream().mapToInt(n -> n).sum());

    @TempDir
    static Path folder;

    private static Rq rq;

    private final TestServer redis;
    private RqBroker broker;
    private QueueWorker worker;
    private TaskQueue queue;

    JavaProducersIT(TestServer redis) {
        this.redis = redis;
    }

    @BeforeAll
    static void startRq(TestServer redis) throws Exception {
        rq = Rq.on(redis, folder);
        rq.worker("python-1");
    }

    @AfterAll
    static void stopRq() throws IOException {
        if (rq != null) {
            rq.close();
        }
    }

    @BeforeEach
    void start() {
        broker = RqBroker.open("rq+" + redis.uri());
        worker = QueueWorker.builder(broker).on("threads:4").types(DOUBLED, SUM).start();
        queue = TaskQueue.over(broker);
    }

    @AfterEach
    void stop() {
        queue.close();
        worker.close();
        broker.close();
    }

    private static <T> T get(TaskFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    // ---- tasks ----

    @Test
    void workersOfPythonTakeWhatJavaSubmits() throws Exception {
        assertThat(get(queue.submit(ADD, new Numbers(20, 22)))).isEqualTo(42);
        assertThat(get(queue.submit(ADD_ONE, 7))).isEqualTo(7);
        assertThat(get(queue.submit(TaskType.named("pyjobs.add", List.class, Integer.class), List.of(3, 4), PYTHON)))
                .isEqualTo(7);
        assertThat(get(queue.submit(TaskType.named("pyjobs.nothing", Void.class, Object.class), null, PYTHON)))
                .isNull();
    }

    @Test
    void aFailureInPythonIsATaskFailedException() {
        assertThatThrownBy(() -> get(queue.submit(FAIL, "kaboom"))).hasCauseInstanceOf(TaskFailedException.class)
                .cause().hasMessageContaining("ValueError").hasMessageContaining("kaboom");
        assertThatThrownBy(() -> get(queue.submit(TaskType.named("pyjobs.missing", String.class, String.class), "x",
                PYTHON))).hasCauseInstanceOf(TaskFailedException.class).cause().hasMessageContaining("missing");
    }

    @Test
    void optionsTravelAsRqHasThem() throws Exception {
        long start = System.nanoTime();
        assertThat(get(queue.submit(ADD_ONE, 1, PYTHON.delay(Duration.ofMillis(1500))))).isEqualTo(1);
        assertThat(System.nanoTime() - start).isGreaterThan(1_400_000_000L);
        assertThatThrownBy(() -> get(queue.submit(SLEEP, 30, PYTHON.hardLimit(Duration.ofSeconds(1)))))
                .hasCauseInstanceOf(TaskFailedException.class).cause().hasMessageContaining("JobTimeoutException");
        assertThat(get(queue.submit(FLAKY, "own", PYTHON.retry(RetryPolicy.attempts(3).waiting(Duration.ZERO)))))
                .isEqualTo(3);
        String id = queue.enqueue(ADD_ONE, 5, PYTHON.header("tenant", "7"));
        assertThat(rq.run("""
                job = Job.fetch('%s', connection=r, serializer=JSONSerializer)
                get(job)
                out = [job.meta.get('tenant'), job.description, job.timeout, job.args]
                """.formatted(id)).toString()).isEqualTo("[\"7\",\"pyjobs.add(...)\",-1,[5]]");
    }

    @Test
    void aTaskOfPythonIsCancelledBeforeItBeginsAndWhileItRuns() throws Exception {
        TaskFuture<Integer> running = queue.submit(SLEEP, 50);
        TaskFuture<Integer> waiting = queue.submit(SLEEP, 51);
        Waiting.until("it runs", () -> rq.value("Worker.find_by_key('rq:worker:python-1', connection=r)"
                + ".get_current_job_id() is not None").booleanValue());
        assertThat(waiting.cancel(true)).isTrue();
        assertThat(running.cancel(true)).isTrue();
        Waiting.until("its worker has ended it", () -> rq.log("python-1").contains("Job stopped by user"));
        assertThat(get(queue.submit(ADD_ONE, 5))).isEqualTo(5);
        assertThat(rq.log("python-1")).doesNotContain("sleep(51)");
    }

    @Test
    void manyResultsComeBack() throws Exception {
        List<TaskFuture<Integer>> futures = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            futures.add(i % 200 == 0 ? queue.submit(ADD_ONE, i) : queue.submit(DOUBLED, i));
        }
        for (int i = 0; i < futures.size(); i++) {
            assertThat(get(futures.get(i))).isEqualTo(i % 200 == 0 ? i : 2 * i);
        }
    }

    // ---- workflows ----

    @Test
    void chainsGoFromPythonToJavaAndBack() throws Exception {
        assertThat(get(queue.submit(Workflow.of(ADD, new Numbers(1, 2)).then(DOUBLED).then(DOUBLED)))).isEqualTo(12);
        assertThat(get(queue.submit(Workflow.of(DOUBLED, 4).then(TOTAL, null).then(DOUBLED)))).isEqualTo(16);
    }

    @Test
    void aChordRunsHalfItsPartsInPythonAndHalfInJava() throws Exception {
        List<Workflow<Integer>> parts = new ArrayList<>();
        int expected = 0;
        for (int i = 0; i < 20; i++) {
            parts.add(i % 2 == 0 ? Workflow.of(ADD, new Numbers(i, 1)) : Workflow.of(DOUBLED, i));
            expected += i % 2 == 0 ? i + 1 : 2 * i;
        }
        assertThat(get(queue.submit(Workflow.all(parts).then(SUM).then(DOUBLED)))).isEqualTo(2 * expected);
        assertThat(get(queue.submit(Workflow.all(parts).then(TOTAL, null)))).isEqualTo(expected);
        assertThat(get(queue.submit(Workflow.all(parts)))).hasSize(20).startsWith(1, 2, 3, 6);
    }

    @Test
    void aFailureInTheMiddleEndsTheWorkflow() {
        assertThatThrownBy(() -> get(queue.submit(Workflow.of(FAIL, "broken").then(DOUBLED))))
                .hasCauseInstanceOf(TaskFailedException.class).cause().hasMessageContaining("broken");
        assertThatThrownBy(() -> get(queue.submit(Workflow.all(List.of(Workflow.of(FAIL, "part"),
                Workflow.of(DOUBLED, 1))).then(SUM)))).hasCauseInstanceOf(TaskFailedException.class);
    }
}
