package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.TaskFuture;
import dev.sennit.junit.WithServer;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.testing.FaultProxy;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers and submitters go on after cuts and restarts. */
@WithServer(value = ServerKind.REDIS)
class ReconnectIT {
    private static final TaskType<Integer, Integer> DOUBLED =
            TaskType.of("java.echo", Integer.class, number -> number * 2);

    @TempDir
    static Path folder;

    private final TestServer redis;

    ReconnectIT(TestServer redis) {
        this.redis = redis;
    }

    private static QueueWorker worker(RqBroker broker) {
        return QueueWorker.builder(broker).on("threads:4").lease(Duration.ofSeconds(2)).types(DOUBLED).start();
    }

    /** Submits until the broker takes it, as a program would. */
    private static TaskFuture<Integer> submit(TaskQueue queue, int number) {
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
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", redis.port()).open();
                RqBroker broker = RqBroker.open("rq+redis://127.0.0.1:" + proxy.port() + "/0");
                QueueWorker worker = worker(broker);
                TaskQueue queue = TaskQueue.over(broker)) {
            for (int round = 0; round < 3; round++) {
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
        try (RqBroker broker = RqBroker.open("rq+" + redis.uri());
                QueueWorker worker = worker(broker);
                TaskQueue queue = TaskQueue.over(broker)) {
            List<TaskFuture<Integer>> before = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                before.add(submit(queue, i));
            }
            redis.kill();
            redis.start();
            for (int i = 0; i < 100; i++) {
                assertThat(before.get(i).get(60, TimeUnit.SECONDS)).isEqualTo(2 * i);
            }
            assertThat(submit(queue, 1).get(60, TimeUnit.SECONDS)).isEqualTo(2);
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
        }
    }

    @Test
    void rqsProducersAndWorkersAreHeardAfterARestart() throws Exception {
        try (Rq rq = Rq.on(redis, folder);
                RqBroker broker = RqBroker.open("rq+" + redis.uri());
                QueueWorker worker = worker(broker);
                TaskQueue queue = TaskQueue.over(broker)) {
            assertThat(rq.text("get(q.enqueue('java.echo', 2))")).isEqualTo("4");
            redis.stop();
            redis.start();
            assertThat(rq.text("get(q.enqueue('java.echo', 3))")).isEqualTo("6");
            rq.worker("python-1");
            TaskType<Integer, Integer> add = TaskType.named("pyjobs.add", Integer.class, Integer.class);
            assertThat(queue.submit(add, 5, SubmitOptions.NONE.queue("python")).get(60, TimeUnit.SECONDS))
                    .isEqualTo(5);
            rq.run("send_shutdown_command(r, '" + worker.id() + "')");
            Waiting.until("the command is heard", () -> worker.status().state() == QueueWorker.State.ENDED);
        }
    }
}
