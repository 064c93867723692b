package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import dev.sennit.TaskFuture;
import dev.sennit.junit.WithServer;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskFailedException;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.Workflow;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Protocol.Command;

/** What is special about RabbitMQ: its queues, priorities and delays, results without a store, what cannot be read. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
@WithServer(value = ServerKind.REDIS, fsync = false, shared = true)
class AmqpBrokerIT {
    /** Those with a name that nobody knows wait for a day and come again and again: MutatedMessagesTest reads more. */
    private static final int MUTATIONS = Math.min(Integer.getInteger("sennit.mutations", 1_000), 50_000);
    private static final Queue<String> BEGUN = new ConcurrentLinkedQueue<>();
    private static final Semaphore GATE = new Semaphore(0);
    private static final TaskType<String, String> TEXT = TaskType.of("java.text", String.class, text -> {
        BEGUN.add(text);
        return text + "!";
    });
    private static final TaskType<Integer, Integer> SLEEP = TaskType.of("java.sleep", Integer.class, number -> {
        BEGUN.add("sleep" + number);
        GATE.acquire();
        return number;
    });
    private static final TaskType<Integer, Integer> DOUBLED =
            TaskType.of("java.doubled", Integer.class, number -> number * 2);

    @TempDir
    static Path folder;

    private static Celery celery;

    private final TestServer rabbit;
    private final TestServer redis;
    private final List<AutoCloseable> opened = new ArrayList<>();
    /** A queue of each test's own. */
    private final String queue = "q-" + UUID.randomUUID();

    private Connection connection;

    AmqpBrokerIT(@WithServer(ServerKind.RABBITMQ) TestServer rabbit, @WithServer(ServerKind.REDIS) TestServer redis) {
        this.rabbit = rabbit;
        this.redis = redis;
    }

    @BeforeAll
    static void startCelery(@WithServer(ServerKind.RABBITMQ) TestServer rabbit,
            @WithServer(ServerKind.REDIS) TestServer redis) throws Exception {
        celery = AmqpCelery.of(rabbit, redis);
    }

    @BeforeEach
    void connect() throws Exception {
        BEGUN.clear();
        GATE.drainPermits();
        var factory = new ConnectionFactory();
        factory.setUri(rabbit.uri());
        connection = factory.newConnection();
    }

    @AfterEach
    void close() throws Exception {
        GATE.release(1000);
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
        connection.abort();
    }

    private CeleryBroker broker(String options) {
        CeleryBroker broker = CeleryBroker.open(AmqpCelery.uri(rabbit, redis) + "&default_queue=" + queue + options);
        opened.add(broker);
        return broker;
    }

    private CeleryBroker withoutStore() {
        CeleryBroker broker = CeleryBroker.open("celery+" + rabbit.uri() + "?default_queue=" + queue);
        opened.add(broker);
        return broker;
    }

    private QueueWorker worker(CeleryBroker broker, int places) {
        QueueWorker worker = QueueWorker.builder(broker).on("threads:" + places).types(TEXT, SLEEP, DOUBLED).start();
        opened.add(worker);
        return worker;
    }

    private TaskQueue queueOf(CeleryBroker broker) {
        TaskQueue tasks = TaskQueue.over(broker);
        opened.add(tasks);
        return tasks;
    }

    private static <T> T get(TaskFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    private long count(String name) throws IOException {
        var channel = connection.createChannel();
        try {
            return channel.queueDeclarePassive(name).getMessageCount();
        } catch (IOException e) {
            return 0; // there is no such queue
        } finally {
            channel.abort();
        }
    }

    // ---- time, order ----

    @Test
    void whatIsDueLaterWaitsInRabbitMq() throws Exception {
        QueueWorker worker = worker(broker(""), 2);
        celery.run("""
                later = jtext.apply_async(('later',), countdown=2, queue='%s')
                far = jtext.apply_async(('far',), countdown=3600, queue='%s')
                """.formatted(queue, queue));
        Waiting.until("one waits for a second, the other for half an hour",
                () -> count("sennit.celery.delay.1000." + queue) == 1
                        && count("sennit.celery.delay.1800000." + queue) == 1);
        assertThat(BEGUN).isEmpty();
        assertThat(worker.status().runs()).isEmpty();
        assertThat(celery.text("later.get(timeout=20)")).isEqualTo("\"later!\"");
        assertThat(BEGUN).containsExactly("later");
    }

    @Test
    void prioritiesHaveTheGreatestFirst() throws Exception {
        CeleryBroker broker = broker("&max_priority=10");
        assertThat(broker.features()).contains(BrokerFeature.PRIORITIES);
        TaskQueue tasks = queueOf(broker);
        for (int priority : new int[] {0, 9, 5, 7}) {
            tasks.enqueue(TEXT, "java" + priority, SubmitOptions.NONE.priority(priority));
        }
        celery.run("""
                from kombu import Queue
                own = Queue('%s', routing_key='%s', queue_arguments={'x-max-priority': 10})
                for priority in (3, 8):
                    jtext.apply_async(('python%%d' %% priority,), priority=priority, queue=own)
                """.formatted(queue, queue));
        worker(broker, 1);
        Waiting.until("all have begun", () -> BEGUN.size() == 6);
        assertThat(BEGUN).containsExactly("java9", "python8", "java7", "java5", "python3", "java0");
    }

    @Test
    void prioritiesAreRefusedWithoutThem() {
        CeleryBroker broker = broker("");
        assertThat(broker.features()).doesNotContain(BrokerFeature.PRIORITIES);
        TaskQueue tasks = queueOf(broker);
        assertThatThrownBy(() -> tasks.enqueue(TEXT, "x", SubmitOptions.NONE.priority(6)))
                .isInstanceOf(UnsupportedOperationException.class).hasMessageContaining("has no PRIORITIES")
                .hasMessageContaining("max_priority=10");
    }

    @Test
    void whatHasExpiredEnds() throws Exception {
        CeleryBroker broker = broker("");
        TaskQueue tasks = queueOf(broker);
        TaskFuture<String> future = tasks.submit(TEXT, "late", SubmitOptions.NONE.expiresAfter(Duration.ofMillis(50)));
        celery.run("import time; time.sleep(0.1)");
        worker(broker, 1);
        assertThatThrownBy(() -> get(future)).hasMessageContaining("expired");
        assertThat(BEGUN).isEmpty();
    }

    @Test
    void quorumQueuesDelayAsCeleryDoes() throws Exception {
        CeleryBroker broker = broker("&queue_type=quorum");
        TaskQueue tasks = queueOf(broker);
        worker(broker, 2);
        long start = System.nanoTime();
        TaskFuture<String> future = tasks.submit(TEXT, "delayed", SubmitOptions.NONE.delay(Duration.ofMillis(2500)));
        assertThat(get(future)).isEqualTo("delayed!");
        assertThat(System.nanoTime() - start).isGreaterThan(2_400_000_000L);
        // as Celery 5.5 sends a countdown of 2 s
        assertThat(celery.text("app.send_task('java.text', ('python',), exchange='celery_delayed_27',"
                + " exchange_type='topic', routing_key='.'.join(f'{2:028b}') + '." + queue
                + "').get(timeout=20)")).isEqualTo("\"python!\"");
        assertThat(count("celery_delayed_27")).isZero();
    }

    // ---- results ----

    @Test
    void resultsGoToWhoWaitsWithoutAStore() throws Exception {
        CeleryBroker broker = withoutStore();
        TaskQueue tasks = queueOf(broker);
        worker(broker, 2);
        assertThat(get(tasks.submit(TEXT, "own"))).isEqualTo("own!");
        assertThat(get(tasks.submit(Workflow.of(DOUBLED, 1).then(DOUBLED).then(DOUBLED)))).isEqualTo(8);
        assertThat(get(tasks.submit(Workflow.all(List.of(Workflow.of(DOUBLED, 1), Workflow.of(DOUBLED, 2))))))
                .containsExactly(2, 4);
        TaskType<List<Integer>, Integer> sum = TaskType.ofList("java.sum", Integer.class, all -> all.size());
        assertThatThrownBy(() -> tasks.submit(Workflow.all(List.of(Workflow.of(DOUBLED, 1), Workflow.of(DOUBLED, 2)))
                .then(sum))).isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("a chord needs a store of results, as in result=redis://HOST/DB");
        try (Celery rpc = Celery.on(rabbit.uri().toString(), "rpc://", folder)) {
            assertThat(rpc.text("jtext.apply_async(('python',), queue='" + queue + "').get(timeout=20)"))
                    .isEqualTo("\"python!\"");
            assertThat(rpc.run("""
                    results = [jdoubled.apply_async((i,), queue='%s') for i in range(20)]
                    out = [r.get(timeout=20) for r in results]
                    """.formatted(queue)).toString()).startsWith("[0,2,4,6,8,").endsWith(",36,38]");
            assertThat(rpc.run("""
                    try:
                        app.send_task('java.text', (1, 2), queue='%s').get(timeout=20)
                    except Exception as e:
                        out = type(e).__name__""".formatted(queue)).stringValue()).isEqualTo("TaskDataException");
            rpc.worker("rpc", "--queues=rpc-python");
            SubmitOptions python = SubmitOptions.NONE.queue("rpc-python");
            assertThat(get(tasks.submit(TaskType.named("tasks.add", List.class, Integer.class), List.of(3, 4),
                    python))).isEqualTo(7);
            assertThatThrownBy(() -> get(tasks.submit(TaskType.named("tasks.fail", String.class, String.class),
                    "kaboom", python))).hasCauseInstanceOf(TaskFailedException.class).cause()
                    .hasMessageContaining("kaboom");
        }
    }

    @Test
    void workersAreKnownWithoutAStore() {
        CeleryBroker broker = withoutStore();
        QueueWorker worker = worker(broker, 2);
        CeleryBroker other = withoutStore();
        Waiting.until("it has reported", () -> other.workers().stream()
                .anyMatch(report -> report.id().equals(worker.id()) && report.types().contains("java.text")));
    }

    @Test
    void aResultThatIsIgnoredIsNotKept() throws Exception {
        worker(broker(""), 2);
        String id = celery.value("jtext.apply_async(('ignored',), ignore_result=True, queue='" + queue + "').id")
                .stringValue();
        Waiting.until("it has run", () -> BEGUN.contains("ignored"));
        Waiting.until("it has ended", () -> celery.value("app.backend.client.exists('sennit.celery:ended:" + id
                + "') == 1").booleanValue());
        assertThat(celery.value("app.backend.client.exists('celery-task-meta-" + id + "')").asInt()).isZero();
    }

    // ---- lost, revoked, unknown ----

    @Test
    void whatIsLostTooOftenIsDead() throws Exception {
        CeleryBroker broker = broker("");
        TaskQueue tasks = queueOf(broker);
        TaskFuture<String> future = tasks.submit(TEXT, "x", SubmitOptions.NONE.retry(RetryPolicy.NONE.crashes(2)));
        lose();
        QueueWorker worker = worker(broker, 1);
        assertThat(get(tasks.submit(TEXT, "after"))).isEqualTo("after!");
        assertThat(get(future)).isEqualTo("x!");
        worker.close();
        TaskFuture<String> another = tasks.submit(TEXT, "y", SubmitOptions.NONE.retry(RetryPolicy.NONE.crashes(1)));
        lose();
        worker(broker, 1);
        assertThatThrownBy(() -> get(another)).hasCauseInstanceOf(TaskFailedException.class).cause()
                .hasMessageContaining("the worker was lost");
        assertThat(BEGUN).doesNotContain("y");
    }

    /** Takes a message, and is lost. */
    private void lose() throws IOException {
        var channel = connection.createChannel();
        Waiting.until("it is there", () -> channel.basicGet(queue, false) != null);
        channel.abort();
    }

    @Test
    void whatNobodyKnowsIsNotRegisteredAfterAWhile() throws Exception {
        CeleryBroker broker = broker("");
        worker(broker, 2);
        Waiting.until("the worker has reported", () -> !broker.workers().isEmpty());
        celery.run("strange = jnobody.apply_async((1,), queue='" + queue + "')");
        Waiting.until("it waits", () -> celery.value("strange.state == 'PENDING'").booleanValue());
        assertThat(celery.text("jtext.apply_async(('known',), queue='" + queue + "').get(timeout=20)"))
                .isEqualTo("\"known!\"");
        Upkeep.Limits limits = new Upkeep.Limits(Duration.ofMillis(300), Duration.ofDays(1), Duration.ofMinutes(1));
        AtomicInteger ended = new AtomicInteger();
        Waiting.until("it has ended", () -> ended.addAndGet(broker.upkeep(limits).unknown()) == 1);
        assertThat(celery.run("""
                try:
                    strange.get(timeout=20)
                except Exception as e:
                    out = [type(e).__name__, list(e.args)]
                """).toString()).isEqualTo("[\"NotRegistered\",[\"java.nobody\"]]");
    }

    @Test
    void aTaskThatWaitsIsRevoked() throws Exception {
        CeleryBroker broker = broker("");
        TaskQueue tasks = queueOf(broker);
        worker(broker, 1);
        TaskFuture<Integer> running = tasks.submit(SLEEP, 1);
        Waiting.until("it runs", () -> BEGUN.contains("sleep1"));
        String id = celery.run("""
                waiting = jtext.apply_async(('never',), queue='%s')
                out = waiting.id""".formatted(queue)).stringValue();
        broker.cancel(id);
        GATE.release();
        assertThat(get(running)).isEqualTo(1);
        assertThat(celery.run("out = type(waiting.get(timeout=20, propagate=False)).__name__").stringValue())
                .isEqualTo("TaskRevokedError");
        assertThat(BEGUN).doesNotContain("never");
        assertThat(broker.counts()).isEmpty();
    }

    @Test
    void tasksAreCounted() throws Exception {
        CeleryBroker broker = broker("");
        TaskQueue tasks = queueOf(broker);
        tasks.enqueue(SLEEP, 1);
        tasks.enqueue(SLEEP, 2);
        worker(broker, 1);
        Waiting.until("one runs", () -> BEGUN.size() == 1);
        assertThat(broker.counts()).hasSize(1).allSatisfy(counts -> {
            assertThat(counts.count(TaskState.RUNNING)).isOne();
            assertThat(counts.count(TaskState.READY)).isOne();
        });
    }

    // ---- what cannot be read ----

    @Test
    void poisonGoesToTheDeadLettersAndHarmsNobody() throws Exception {
        CeleryBroker broker = broker("");
        worker(broker, 2);
        var channel = connection.createChannel();
        channel.queueDeclare("sennit.celery.dead", true, false, false, Link.arguments("x-max-length", 10_000));
        channel.queuePurge("sennit.celery.dead");
        celery.run("""
                import pickle
                from kombu import Connection, Producer
                from kombu.serialization import enable_insecure_serializers
                with Connection(app.conf.broker_url) as c:
                    p = c.Producer()
                    q = '%s'
                    p.publish('no json', routing_key=q, content_type='application/json', content_encoding='utf-8',
                              headers={'id': 'x1', 'task': 'java.text'})
                    p.publish('[1, 2]', routing_key=q, content_type='application/json', content_encoding='utf-8')
                    p.publish('x', routing_key=q, content_type='text/plain', content_encoding='utf-8')
                    p.publish(b'[[], {}, {}]', routing_key=q, content_type='application/json',
                              content_encoding='binary', headers={'id': 7, 'task': {'a': None}})
                app.send_task('java.text', ('x',), serializer='pickle', queue=q)
                app.send_task('java.text', ('x',), serializer='yaml', queue=q)
                """.formatted(queue));
        Waiting.until("all are there", () -> count("sennit.celery.dead") == 6);
        List<String> reasons = new ArrayList<>();
        List<String> bodies = new ArrayList<>();
        for (GetResponse one = channel.basicGet("sennit.celery.dead", true); one != null;
                one = channel.basicGet("sennit.celery.dead", true)) {
            reasons.add(String.valueOf(one.getProps().getHeaders().get("sennit-about")));
            bodies.add(new String(one.getBody(), StandardCharsets.ISO_8859_1));
        }
        assertThat(reasons.toString()).contains("the content type is not JSON", "it has no id or name",
                "the body is no list of arguments", queue);
        assertThat(bodies).contains("no json", "[1, 2]", "x", "[[], {}, {}]");
        assertThat(celery.text("jtext.apply_async(('alive',), queue='" + queue + "').get(timeout=20)"))
                .isEqualTo("\"alive!\"");
        assertThat(celery.run("""
                from celery.result import AsyncResult
                try:
                    AsyncResult('x1', app=app).get(timeout=5)
                except Exception as e:
                    out = type(e).__name__""").stringValue()).isEqualTo("DecodeError");
    }

    @Test
    void spoiltMessagesEndAndTheWorkerGoesOn() throws Exception {
        CeleryBroker broker = broker("");
        TaskQueue tasks = queueOf(broker);
        tasks.enqueue(DOUBLED, 21);
        var channel = connection.createChannel();
        GetResponse whole = channel.basicGet(queue, true);
        QueueWorker worker = worker(broker, 4);
        var random = new SplittableRandom(Long.getLong("sennit.seed", 42));
        for (int i = 0; i < MUTATIONS; i += 100) {
            for (int k = 0; k < 100; k++) {
                SpoiltMessages.Spoilt spoilt = SpoiltMessages.of(whole.getProps(), whole.getBody(), random);
                channel.basicPublish("", queue, spoilt.properties(), spoilt.body());
            }
            assertThat(get(tasks.submit(DOUBLED, i))).isEqualTo(2 * i);
        }
        Waiting.until("nothing is left", () -> broker.counts().isEmpty());
        assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
        assertThat(count("sennit.celery.dead")).isPositive();
    }

    // ---- runs that come to no end, and results that are away ----

    private List<Claim> claims(CeleryBroker broker) {
        return broker.claim(new ClaimRequest("worker", List.of(QueuedTask.USUAL_QUEUE), Set.of(TEXT.name()), 1,
                Duration.ofMinutes(1))).claims();
    }

    private Claim claimed(CeleryBroker broker) {
        List<Claim> claims = new ArrayList<>();
        Waiting.until("a task is claimed", () -> claims.addAll(claims(broker)));
        return claims.getFirst();
    }

    /** Each of three workers has the task. What two say of their runs comes after the end of the other's. */
    @Test
    void whatAnotherRunSaysDoesNotTakeThePlaceOfAnEnd() {
        CeleryBroker one = broker("");
        CeleryBroker other = broker("");
        CeleryBroker third = broker("");
        QueuedTask task = QueuedTask.of(TEXT.name(), "\"x\"".getBytes(StandardCharsets.UTF_8))
                .retry(RetryPolicy.attempts(3).waiting(Duration.ZERO)).build();
        for (int i = 0; i < 3; i++) {
            one.enqueue(Batch.of(task));
        }
        Claim first = claimed(one);
        Claim second = claimed(other);
        Claim last = claimed(third);
        assertThat(other.complete(List.of(new Completion(second.token(), "\"done\"".getBytes(StandardCharsets.UTF_8),
                Batch.EMPTY)))).containsExactly(true);
        one.extend(List.of(new Renewal(first.token(), null, new Progress(1, 2, ""))), Duration.ofMinutes(1));
        assertThat(one.ended(List.of(task.id()))).extracting(EndedTask::state).containsExactly(TaskState.SUCCEEDED);
        one.fail(List.of(new Failure(first.token(), new ErrorInfo("x.Y", "z", ""),
                new Failure.RetryIn(Duration.ZERO))));
        assertThat(one.ended(List.of(task.id()))).extracting(EndedTask::state).containsExactly(TaskState.SUCCEEDED);
        third.fail(List.of(new Failure(last.token(), new ErrorInfo("x.Y", "z", ""),
                new Failure.Die(DeadReason.FAILED))));
        assertThat(one.ended(List.of(task.id()))).extracting(EndedTask::state).containsExactly(TaskState.SUCCEEDED);
        assertThat(other.ended(List.of(task.id())).getFirst().result()).asString().isEqualTo("\"done\"");
    }

    /** Of what comes again it is asked whether it has ended: what cannot be answered then is not forgotten. */
    @Test
    void whatComesAgainWhileResultsAreAwayIsClaimedLater() throws Exception {
        try (TestServer store = TestServer.redis().fsync(false).open()) {
            String uri = AmqpCelery.uri(rabbit, store) + "&default_queue=" + queue;
            try (CeleryBroker lost = CeleryBroker.open(uri)) {
                lost.enqueue(Batch.of(QueuedTask.of(TEXT.name(), "\"x\"".getBytes(StandardCharsets.UTF_8)).build()));
                claimed(lost);
            }
            try (CeleryBroker broker = CeleryBroker.open(uri)) {
                store.kill();
                Waiting.until("a claim has failed", () -> {
                    try {
                        assertThat(claims(broker)).isEmpty();
                        return false;
                    } catch (BrokerException e) {
                        return true;
                    }
                });
                store.start();
                assertThat(claimed(broker).task().payload()).asString().isEqualTo("\"x\"");
            }
        }
    }

    @Test
    void aPasswordIsAskedForAndNotShown() throws Exception {
        try (TestServer secret = TestServer.redis().password("s3cretStore").fsync(false).open()) {
            String uri = "celery+" + rabbit.uri() + "?default_queue=" + queue + "&result="
                    + secret.uri().toString().replace("@", "%40");
            try (CeleryBroker broker = CeleryBroker.open(uri);
                    TaskQueue tasks = TaskQueue.over(broker);
                    QueueWorker worker = QueueWorker.builder(broker).types(DOUBLED).start()) {
                assertThat(get(tasks.submit(DOUBLED, 4))).isEqualTo(8);
                assertThat(List.of(broker.name(), broker.toString(), tasks.toString(), worker.toString()).toString())
                        .contains("result=redis://:***@127.0.0.1").doesNotContain("s3cretStore");
                try (Server server = new Server(
                        new RedisAddress(BrokerUri.parse("celery+" + secret.uri())))) {
                    String stored = "";
                    for (Object key : (List<?>) server.repeatable(Server.call(Command.KEYS, "*"))) {
                        stored += Server.text(server.repeatable(Server.call(Command.DUMP, Server.text(key))));
                    }
                    assertThat(stored).doesNotContain("s3cretStore");
                }
            }
            assertThatThrownBy(() -> CeleryBroker.open(uri.replace("s3cretStore", "wr0ngStore")))
                    .isInstanceOf(BrokerException.class).hasMessageContaining("refuses this user")
                    .hasMessageNotContaining("wr0ngStore");
        }
        assertThatThrownBy(() -> CeleryBroker.open(("celery+" + rabbit.uri()).replace(":guest@", ":wr0ngPassword@")))
                .isInstanceOf(BrokerException.class).hasMessageContaining("refuses this user")
                .hasMessageNotContaining("wr0ngPassword")
                .extracting(e -> ((BrokerException) e).kind()).isEqualTo(BrokerException.Kind.REFUSED);
        assertThatThrownBy(() -> CeleryBroker.open("celery+amqp://me:s3cret@127.0.0.1:1/"))
                .isInstanceOf(BrokerException.class).hasMessageContaining("celery+amqp://me:***@127.0.0.1:1/")
                .hasMessageNotContaining("s3cret");
    }
}
