package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.testing.FaultProxy;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Calls to RabbitMQ that fail, come late or are made beside others. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
class AmqpLateIT {
    private static final String DEAD = "sennit.celery.dead";
    private static final int THREADS = 4;
    private static final Duration LONG = Duration.ofHours(1);

    private final TestServer rabbit;
    /** A queue of each test's own. */
    private final String queue = "q-" + UUID.randomUUID();

    @SuppressWarnings("NullAway.Init")
    private Connection connection;
    @SuppressWarnings("NullAway.Init")
    private Channel channel;

    AmqpLateIT(@WithServer(ServerKind.RABBITMQ) TestServer rabbit) {
        this.rabbit = rabbit;
    }

    @BeforeEach
    void connect() throws Exception {
        var factory = new ConnectionFactory();
        factory.setUri(rabbit.uri());
        connection = factory.newConnection();
        channel = connection.createChannel();
    }

    @AfterEach
    void close() {
        connection.abort();
    }

    private String uri(int port) {
        return "celery+" + rabbit.uri().toString().replace(":" + rabbit.port(), ":" + port) + "?default_queue=" + queue;
    }

    private static ClaimRequest request(Duration lease) {
        return new ClaimRequest("worker", List.of("default"), Set.of("java.text"), 1, lease);
    }

    private QueuedTask.Builder task() {
        return QueuedTask.of("java.text", "\"x\"".getBytes()).id(queue);
    }

    private static Claim next(CeleryBroker broker, Duration lease) {
        List<Claim> claims = new ArrayList<>();
        Waiting.until("it comes", () -> claims.addAll(broker.claim(request(lease)).claims()));
        return claims.getFirst();
    }

    private static void complete(CeleryBroker broker, Claim claim) {
        assertThat(broker.complete(List.of(new Completion(claim.token(), "1".getBytes(), Batch.EMPTY))))
                .containsExactly(true);
    }

    /** Another connection has the queue for itself for a while. */
    @Test
    void whatCannotBeGivenBackComesWithAnotherClaim() throws Exception {
        var told = new AtomicInteger();
        BrokerListener listener = new BrokerListener() {
            @Override
            public void workMayBeReady() {
                told.incrementAndGet();
            }
        };
        try (CeleryBroker broker = CeleryBroker.open(uri(rabbit.port()));
                var _ = broker.subscribe(new BrokerListener.Interest(Set.of("default"), null, "worker"), listener)) {
            assertThat(broker.claim(request(LONG)).claims()).isEmpty(); // there is a consumer now
            broker.enqueue(Batch.of(task().build()));
            Waiting.until("it was delivered", () -> told.get() > 0 && broker.counts().stream()
                    .anyMatch(counts -> counts.count(TaskState.READY) == 1));
            int before = told.get();
            channel.queueDelete(queue);
            Waiting.until("it is known that the queue is gone", () -> told.get() > before);
            channel.queueDeclare(queue, false, true, false, Map.of());
            var report = new WorkerReport("worker", "host", 1, "stopping", "threads:1", 1, List.of("default"),
                    Set.of("java.text"), List.of(), 0, 0, Instant.now(), Instant.now());
            assertThatThrownBy(() -> broker.report(report)).isInstanceOf(BrokerException.class);
            channel.queueDelete(queue);
            Claim claim = next(broker, LONG);
            assertThat(claim.token().id()).isEqualTo(queue);
            assertThat(claim.crashes()).isZero();
            complete(broker, claim);
        }
    }

    @Test
    void whatCannotBeRefusedIsRefusedLater() throws Exception {
        try (CeleryBroker broker = CeleryBroker.open(uri(rabbit.port()))) {
            assertThat(broker.claim(request(LONG)).claims()).isEmpty(); // the queue is there now
            channel.queueDelete(DEAD);
            channel.queueDeclare(DEAD, false, true, false, Map.of());
            channel.basicPublish("", queue, new AMQP.BasicProperties.Builder().contentType("text/plain").build(),
                    queue.getBytes());
            try {
                Waiting.until("it cannot be refused", () -> {
                    try {
                        assertThat(broker.claim(request(LONG)).claims()).isEmpty(); // it has not come yet
                        return false;
                    } catch (BrokerException e) {
                        return true;
                    }
                });
            } finally {
                channel.queueDelete(DEAD);
            }
            Waiting.until("it is among the dead letters", () -> {
                assertThat(broker.claim(request(LONG)).claims()).isEmpty();
                return new String(first(DEAD)).equals(queue);
            });
        }
    }

    private byte[] first(String from) throws Exception {
        try (Channel own = connection.createChannel()) {
            own.queueDeclare(from, true, false, false, Link.arguments("x-max-length", 10_000));
            var message = own.basicGet(from, true);
            return message == null ? new byte[0] : message.getBody();
        }
    }

    /** A completion waits for its confirm while upkeep finds that nobody has renewed the lease. */
    @Test
    void aRunEndsOnce() throws Exception {
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", rabbit.port()).open();
                CeleryBroker broker = CeleryBroker.open(uri(proxy.port()))) {
            for (int i = 0; i < 2; i++) {
                broker.enqueue(Batch.of(task().id(queue + i).replyTo("to-" + queue).build()));
            }
            complete(broker, next(broker, LONG));
            Claim claim = next(broker, Duration.ofMillis(1));
            proxy.standStill();
            Queue<Boolean> accepted = new ConcurrentLinkedQueue<>();
            Thread completing = waiting(() -> accepted.addAll(
                    broker.complete(List.of(new Completion(claim.token(), "1".getBytes(), Batch.EMPTY)))));
            Thread keeping = waiting(() -> broker.upkeep(Upkeep.Limits.USUAL));
            proxy.goOn();
            assertThat(completing.join(Duration.ofMinutes(1))).isTrue();
            assertThat(keeping.join(Duration.ofMinutes(1))).isTrue();
            assertThat(accepted).containsExactly(true);
            broker.forget("worker"); // what was delivered to it goes back
            assertThat(channel.queueDeclarePassive(queue).getMessageCount()).isZero();
        }
    }

    /** Starts a thread; returns when it waits for the server, or has ended. */
    private static Thread waiting(Runnable call) {
        Thread thread = Thread.ofPlatform().daemon().start(call);
        Waiting.until("it waits", () -> !thread.isAlive() || thread.getState() == Thread.State.TIMED_WAITING);
        return thread;
    }

    /** Threads that wait for the lock while it is closed have seen that it was open. */
    @Test
    void nothingIsOpenedAfterTheEnd() throws Exception {
        var address = new AmqpAddress(BrokerUri.parse(uri(rabbit.port())));
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            for (int round = 0; round < 50; round++) {
                var link = new Link(address, () -> {});
                var begun = new CountDownLatch(THREADS);
                List<Future<Connection>> opening = new ArrayList<>();
                for (int i = 0; i < THREADS; i++) {
                    opening.add(threads.submit(() -> {
                        Connection last = link.connection();
                        begun.countDown();
                        try {
                            while (true) {
                                last = link.connection();
                            }
                        } catch (IllegalStateException e) { // it is closed
                            return last;
                        }
                    }));
                }
                begun.await();
                link.close();
                for (Future<Connection> each : opening) {
                    assertThat(each.get().isOpen()).as("round %d", round).isFalse();
                }
            }
        }
    }

    /** It takes as long as an answer may. */
    @Test
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void anAnswerThatComesTooLateIsNotThatToTheNextRequest() throws Exception {
        Queue<String> heard = new ConcurrentLinkedQueue<>();
        BrokerListener listener = new BrokerListener() {
            @Override
            public void control(ControlMessage message) {
                heard.add(message.command());
            }
        };
        var late = new BrokerListener.Interest(Set.of(), null, "late");
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", rabbit.port()).open();
                CeleryBroker broker = CeleryBroker.open(uri(proxy.port()));
                CeleryBroker other = CeleryBroker.open(uri(rabbit.port()));
                var _ = broker.subscribe(new BrokerListener.Interest(Set.of(), queue, null), listener)) {
            broker.control(new ControlMessage("nobody", "nothing", Map.of())); // there is an exchange now
            proxy.standStill();
            assertThatThrownBy(() -> broker.subscribe(late, listener)).isInstanceOf(BrokerException.class);
            Thread subscribing = waiting(() -> broker.subscribe(late, listener));
            proxy.goOn();
            assertThat(subscribing.join(Duration.ofMinutes(1))).isTrue();
            Waiting.until("it is heard", () -> {
                other.control(new ControlMessage("late", "hello", Map.of()));
                return heard.contains("hello");
            });
        }
    }
}
