package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.TaskFuture;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.testing.FaultProxy;
import dev.sennit.testing.server.TestServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers and submitters go on after cuts and restarts, over each transport. */
abstract class ReconnectContract {
    static final TaskType<Integer, Integer> DOUBLED =
            TaskType.of("java.echo", Integer.class, number -> number * 2);

    @TempDir
    static Path folder;

    /** Returns the server of the broker. */
    abstract TestServer server();

    /** Returns the address of the broker by way of a port. */
    abstract String uri(int port);

    abstract Celery celery() throws Exception;

    private CeleryBroker open() {
        return CeleryBroker.open(uri(server().port()));
    }

    static QueueWorker worker(CeleryBroker broker) {
        return QueueWorker.builder(broker).on("threads:4").lease(Duration.ofSeconds(2)).types(DOUBLED).start();
    }

    /** Submits until the broker takes it, as a program would. */
    static TaskFuture<Integer> submit(TaskQueue queue, int number) {
        var submitted = new ArrayList<TaskFuture<Integer>>();
        Waiting.until("the broker takes it", () -> {
            try {
                submitted.add(queue.submit(DOUBLED, number));
                return true;
            } catch (BrokerException e) {
                return false;
            }
        });
        return submitted.getFirst();
    }

    @Test
    void cutsLoseNothingAndEndNothing() throws Exception {
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", server().port()).open();
                CeleryBroker broker = CeleryBroker.open(uri(proxy.port()));
                QueueWorker worker = worker(broker);
                TaskQueue queue = TaskQueue.over(broker)) {
            for (int round = 0; round < 10; round++) {
                List<TaskFuture<Integer>> futures = new ArrayList<>();
                for (int i = 0; i < 30; i++) {
                    futures.add(submit(queue, i));
                    if (i == 15) {
                        proxy.cutAll();
                    }
                }
                for (int i = 0; i < 30; i++) {
                    assertThat(futures.get(i).get(60, TimeUnit.SECONDS)).isEqualTo(2 * i);
                }
            }
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
            proxy.refuse(true);
            proxy.cutAll();
            proxy.refuse(false);
            assertThat(submit(queue, 21).get(60, TimeUnit.SECONDS)).isEqualTo(42);
        }
    }

    @Test
    void aRestartOfTheServerLosesNothing() throws Exception {
        try (CeleryBroker broker = open();
                QueueWorker worker = worker(broker);
                TaskQueue queue = TaskQueue.over(broker)) {
            List<TaskFuture<Integer>> before = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                before.add(submit(queue, i));
            }
            server().kill();
            server().start();
            for (int i = 0; i < 100; i++) {
                assertThat(before.get(i).get(60, TimeUnit.SECONDS)).isEqualTo(2 * i);
            }
            assertThat(submit(queue, 1).get(60, TimeUnit.SECONDS)).isEqualTo(2);
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
        }
    }

    @Test
    void nothingIsSaidToAnswerWhileTheServerIsDown() throws Exception {
        try (WorkerLog log = new WorkerLog();
                CeleryBroker broker = open();
                QueueWorker worker = worker(broker);
                TaskQueue queue = TaskQueue.over(broker)) {
            assertThat(submit(queue, 1).get(60, TimeUnit.SECONDS)).isEqualTo(2);
            server().stop();
            Waiting.until("it has been away for longer than a lease", () -> !worker.status().isHealthy());
            assertThat(log.lines).anyMatch(line -> line.contains("does not answer"))
                    .noneMatch(line -> line.contains("answers again"));
            server().start();
            assertThat(submit(queue, 2).get(60, TimeUnit.SECONDS)).isEqualTo(4);
            Waiting.until("it is said to answer", () -> worker.status().isHealthy()
                    && log.lines.stream().anyMatch(line -> line.contains("answers again")));
        }
    }

    /**
     * The producer reads the stored result. Its {@code get} would wait for a message on a subscription, which its
     * client for Redis renews without a word as it first reads from it: a result of a moment before is missed.
     */
    @Test
    void celerysProducersAreServedAfterARestart() throws Exception {
        try (Celery celery = celery();
                CeleryBroker broker = open();
                QueueWorker worker = worker(broker)) {
            assertThat(celery.text("jecho.delay(2).get(timeout=20)")).isEqualTo("4");
            server().stop();
            server().start();
            String task = celery.value("jecho.delay(3).id").stringValue();
            Waiting.until("the result is stored",
                    () -> celery.value("app.AsyncResult('" + task + "').state").stringValue().equals("SUCCESS"));
            assertThat(celery.text("app.AsyncResult('" + task + "').result")).isEqualTo("6");
            Waiting.until("remote control is answered", () -> celery.text(
                    "app.control.inspect(['" + Events.node(worker.id()) + "'], timeout=2.0, limit=1).ping()")
                    .contains("pong"));
        }
    }
}
