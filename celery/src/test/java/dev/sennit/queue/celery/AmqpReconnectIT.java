package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import dev.sennit.TaskFuture;
import dev.sennit.junit.WithServer;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.When;
import dev.sennit.testing.FaultProxy;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Workers and submitters go on after cuts of connections to RabbitMQ, restarts of it, the end of their queue, and when
 * it takes back what runs for too long. It does that after seconds here.
 */
@WithServer(value = ServerKind.RABBITMQ, configuration = "consumer_timeout = 2000")
@WithServer(value = ServerKind.REDIS, fsync = false, shared = true)
class AmqpReconnectIT extends ReconnectContract {
    private static final int TIMEOUT_SECONDS = 2;
    private static final Queue<String> BEGUN = new ConcurrentLinkedQueue<>();
    private static final Semaphore GATE = new Semaphore(0);
    private static final TaskType<String, String> SLOW = TaskType.of("java.slow", String.class, text -> {
        BEGUN.add(text);
        GATE.acquire();
        return text + "!";
    });

    private final TestServer rabbit;
    private final TestServer redis;

    AmqpReconnectIT(@WithServer(ServerKind.RABBITMQ) TestServer rabbit,
            @WithServer(ServerKind.REDIS) TestServer redis) {
        this.rabbit = rabbit;
        this.redis = redis;
    }

    @Override
    TestServer server() {
        return rabbit;
    }

    @Override
    String uri(int port) {
        return "celery+" + rabbit.uri(port) + "?result=" + URLEncoder.encode(redis.uri().toString(),
                StandardCharsets.UTF_8);
    }

    @Override
    Celery celery() throws Exception {
        return Celery.on(rabbit.uri().toString(), redis.uri().toString(), folder);
    }

    private CeleryBroker broker(String queue, int timeoutSeconds) {
        return CeleryBroker.open(uri(rabbit.port()) + "&default_queue=" + queue + "&consumer_timeout="
                + timeoutSeconds);
    }

    private static QueueWorker slow(CeleryBroker broker) {
        BEGUN.clear();
        GATE.drainPermits();
        return QueueWorker.builder(broker).on("threads:2").lease(Duration.ofSeconds(1))
                .drainLimit(Duration.ofMillis(10))
                .types(DOUBLED, SLOW).start();
    }

    private Connection connection() throws Exception {
        var factory = new ConnectionFactory();
        factory.setUri(rabbit.uri());
        return factory.newConnection();
    }

    @Test
    void aQueueThatIsDeletedIsThereAgain() throws Exception {
        try (CeleryBroker broker = broker("deleted", 1800);
                QueueWorker worker = worker(broker);
                TaskQueue tasks = TaskQueue.over(broker);
                Connection connection = connection()) {
            assertThat(submit(tasks, 1).get(60, TimeUnit.SECONDS)).isEqualTo(2);
            Channel channel = connection.createChannel();
            for (int i = 0; i < 3; i++) {
                channel.queueDelete("deleted");
                assertThat(submit(tasks, i).get(60, TimeUnit.SECONDS)).isEqualTo(2 * i);
            }
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
        }
    }

    /** A worker without room asks for nothing, but what it runs has to come back to it. */
    @Test
    void whatABusyWorkerRunsIsNotRunTwice() throws Exception {
        BEGUN.clear();
        GATE.drainPermits();
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", rabbit.port()).open();
                CeleryBroker broker = CeleryBroker.open(uri(proxy.port()) + "&default_queue=busy");
                QueueWorker worker = QueueWorker.builder(broker).on("threads:1").types(SLOW).start();
                CeleryBroker other = broker("busy", 1800);
                TaskQueue tasks = TaskQueue.over(other)) {
            TaskFuture<String> future = tasks.submit(SLOW, "busy");
            Waiting.until("it runs", () -> BEGUN.size() == 1);
            proxy.cutAll();
            Waiting.until("it is back", () -> other.counts().isEmpty());
            GATE.release(10);
            assertThat(future.get(60, TimeUnit.SECONDS)).isEqualTo("busy!");
            assertThat(tasks.submit(SLOW, "next").get(60, TimeUnit.SECONDS)).isEqualTo("next!");
            assertThat(BEGUN).containsExactly("busy", "next");
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
        }
    }

    /** The server has confirmed what follows; only the result cannot be stored. */
    @Test
    void whatFollowsIsSentOnceWhileNoResultCanBeStored() throws Exception {
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", redis.port()).open();
                CeleryBroker broker = CeleryBroker.open("celery+" + rabbit.uri() + "?default_queue=follows&result="
                        + URLEncoder.encode(redis.uri(proxy.port()).toString(), StandardCharsets.UTF_8));
                Connection connection = connection()) {
            broker.enqueue(Batch.of(QueuedTask.of("java.first", "1".getBytes(StandardCharsets.UTF_8)).build()));
            var claims = new ArrayList<Claim>();
            Waiting.until("it comes", () -> claims.addAll(broker.claim(new ClaimRequest("worker", List.of("default"),
                    Set.of("java.first"), 1, Duration.ofHours(1))).claims()));
            var next = QueuedTask.of("java.next", "1".getBytes(StandardCharsets.UTF_8)).queue("followed").build();
            var end = new Completion(claims.getFirst().token(), "1".getBytes(StandardCharsets.UTF_8), Batch.of(next));
            proxy.refuse(true);
            proxy.cutAll();
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> broker.complete(List.of(end))).isInstanceOf(BrokerException.class);
            }
            proxy.refuse(false);
            assertThat(broker.complete(List.of(end))).containsExactly(true);
            assertThat(connection.createChannel().queueDeclarePassive("followed").getMessageCount()).isOne();
        }
    }

    /** Its message comes to another worker, which finds the result. */
    @Test
    void whatHasEndedWithoutAConnectionIsNotRunAgain() throws Exception {
        BEGUN.clear();
        GATE.drainPermits();
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", rabbit.port()).open();
                CeleryBroker broker = CeleryBroker.open(uri(proxy.port()) + "&default_queue=alone");
                QueueWorker _ = QueueWorker.builder(broker).on("threads:1").types(SLOW).start();
                CeleryBroker other = broker("alone", 1800);
                TaskQueue tasks = TaskQueue.over(other)) {
            TaskFuture<String> future = tasks.submit(SLOW, "alone");
            Waiting.until("it runs", () -> BEGUN.size() == 1);
            proxy.refuse(true);
            proxy.cutAll();
            Waiting.until("its message is back", () -> other.counts().stream()
                    .anyMatch(queue -> queue.counts().getOrDefault(TaskState.READY, 0L) == 1));
            GATE.release(10);
            assertThat(future.get(60, TimeUnit.SECONDS)).isEqualTo("alone!");
            try (QueueWorker _ = QueueWorker.builder(other).on("threads:1").types(SLOW).start()) {
                assertThat(tasks.submit(SLOW, "next").get(60, TimeUnit.SECONDS)).isEqualTo("next!");
                Waiting.until("nothing is left", () -> other.counts().isEmpty());
            }
            assertThat(BEGUN).containsExactly("alone", "next");
        }
    }

    /** What has come due stands in its queue as safely as what was sent there: nothing else is, which would save it. */
    @Test
    void whatHasWaitedOutlivesAKill() throws Exception {
        try (CeleryBroker broker = broker("waited", 1800)) {
            broker.enqueue(Batch.of(waiting("first")));
            Waiting.until("it has waited", () -> ready(broker) == 1);
            pass(4); // a queue that is younger does not outlive a kill of RabbitMQ 3.10
            Set<String> ids = new HashSet<>(Set.of("first"));
            for (int i = 0; i < 100; i++) {
                ids.add("waited-" + i);
                broker.enqueue(Batch.of(waiting("waited-" + i)));
            }
            Waiting.until("all have waited", () -> ready(broker) == ids.size());
            rabbit.kill();
            rabbit.start();
            Set<String> there = new HashSet<>();
            var request = new ClaimRequest("worker", List.of("default"), Set.of("java.echo"), 200,
                    Duration.ofMinutes(1));
            Waiting.until("all come", () -> {
                try {
                    broker.claim(request).claims().forEach(claim -> there.add(claim.token().id()));
                } catch (BrokerException e) {
                    return false; // it starts
                }
                return there.equals(ids);
            });
        }
    }

    private static QueuedTask waiting(String id) {
        return QueuedTask.of("java.echo", new byte[] {'1'}).id(id).due(When.after(Duration.ofMillis(20))).build();
    }

    private static long ready(CeleryBroker broker) {
        return broker.counts().stream().mapToLong(queue -> queue.count(TaskState.READY)).sum();
    }

    private static void pass(int seconds) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    @Test
    void whatRunsForLongRunsOnce() throws Exception {
        try (CeleryBroker broker = broker("long", TIMEOUT_SECONDS);
                QueueWorker worker = slow(broker);
                TaskQueue tasks = TaskQueue.over(broker)) {
            TaskFuture<String> future = tasks.submit(SLOW, "long");
            Waiting.until("it runs", () -> BEGUN.size() == 1);
            pass(3 * TIMEOUT_SECONDS);
            assertThat(submit(tasks, 4).get(60, TimeUnit.SECONDS)).isEqualTo(8);
            GATE.release(10);
            assertThat(future.get(60, TimeUnit.SECONDS)).isEqualTo("long!");
            assertThat(submit(tasks, 5).get(60, TimeUnit.SECONDS)).isEqualTo(10);
            pass(1); // another message of it would come in this time
            assertThat(BEGUN).hasSize(1);
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
            assertThat(broker.counts()).isEmpty();
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void whatALostWorkerHadForLongComesBack() throws Exception {
        CeleryBroker first = broker("orphan", TIMEOUT_SECONDS);
        QueueWorker lost = slow(first);
        try (CeleryBroker broker = broker("orphan", TIMEOUT_SECONDS); TaskQueue tasks = TaskQueue.over(broker)) {
            TaskFuture<String> future = tasks.submit(SLOW, "orphan");
            Waiting.until("it runs", () -> BEGUN.size() == 1);
            pass(2 * TIMEOUT_SECONDS);
            first.close(); // all its connections end, as with a kill
            try (QueueWorker second = QueueWorker.builder(broker).on("threads:2").types(SLOW).start()) {
                Waiting.until("it runs again", () -> BEGUN.size() == 2);
                GATE.release(10);
                assertThat(future.get(60, TimeUnit.SECONDS)).isEqualTo("orphan!");
                assertThat(second.status().state()).isEqualTo(QueueWorker.State.RUNNING);
            }
        } finally {
            GATE.release(10);
            lost.close();
        }
    }

    /** The address says nothing of it, so the server takes the message back; it comes to the worker that runs it. */
    @Test
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void whatTheServerTakesBackIsNotRunTwice() throws Exception {
        try (CeleryBroker broker = broker("back", 1800);
                QueueWorker worker = slow(broker);
                TaskQueue tasks = TaskQueue.over(broker)) {
            TaskFuture<String> future = tasks.submit(SLOW, "back");
            Waiting.until("it runs", () -> BEGUN.size() == 1);
            pass(2 * TIMEOUT_SECONDS + 1);
            assertThat(submit(tasks, 4).get(60, TimeUnit.SECONDS)).isEqualTo(8);
            GATE.release(10);
            assertThat(future.get(60, TimeUnit.SECONDS)).isEqualTo("back!");
            assertThat(BEGUN).hasSize(1);
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
        }
    }
}
