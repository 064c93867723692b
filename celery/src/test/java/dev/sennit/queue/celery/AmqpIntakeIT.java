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
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.testing.FaultProxy;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** What RabbitMQ has delivered to a worker stays known, whatever fails then, and comes by one consumer. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
@WithServer(value = ServerKind.REDIS, fsync = false, shared = true)
class AmqpIntakeIT {
    private static final int THREADS = 8;

    private final TestServer rabbit;
    private final TestServer redis;
    /** A queue of each test's own. */
    private final String queue = "q-" + UUID.randomUUID();

    @SuppressWarnings("NullAway.Init")
    private Connection connection;
    @SuppressWarnings("NullAway.Init")
    private Channel channel;

    AmqpIntakeIT(@WithServer(ServerKind.RABBITMQ) TestServer rabbit, @WithServer(ServerKind.REDIS) TestServer redis) {
        this.rabbit = rabbit;
        this.redis = redis;
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

    private int consumers() throws Exception {
        return channel.queueDeclarePassive(queue).getConsumerCount();
    }

    /** As after a break: the claim, and a thread for each consumer that has ended. */
    @Test
    void threadsThatBeginAtOnceConsumeOnce() throws Exception {
        var address = new AmqpAddress(BrokerUri.parse("celery+" + rabbit.uri()));
        try (var link = new Link(address, () -> {});
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var intake = new Intake(link, address, _ -> false, () -> {}, () -> 0);
            link.declareTasks(queue);
            var together = new CyclicBarrier(THREADS);
            List<Future<Boolean>> begun = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                begun.add(threads.submit(() -> {
                    together.await();
                    return intake.want(List.of(queue), 1);
                }));
            }
            int count = 0;
            for (Future<Boolean> each : begun) {
                count += each.get() ? 1 : 0;
            }
            assertThat(count).isOne();
            assertThat(consumers()).isOne();
            intake.close();
            Waiting.until("nobody consumes", () -> consumers() == 0);
            assertThat(intake.want(List.of(queue), 1)).as("it is closed").isFalse();
            assertThat(consumers()).isZero();
        }
    }

    @Test
    void whatAClaimHasTakenThatFailedComesWithAnother() throws Exception {
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", redis.port()).open();
                CeleryBroker broker = CeleryBroker.open("celery+" + rabbit.uri() + "?default_queue=" + queue
                        + "&result=redis://127.0.0.1:" + proxy.port() + "/0")) {
            broker.enqueue(Batch.of(QueuedTask.of("java.text", "\"x\"".getBytes()).id(queue).build()));
            Channel lost = connection.createChannel();
            Waiting.until("it is there", () -> lost.basicGet(queue, false) != null);
            lost.abort(); // so it is delivered again, and its result is looked for
            proxy.refuse(true);
            proxy.cutAll();
            var request = new ClaimRequest("worker", List.of("default"), Set.of("java.text"), 1, Duration.ofHours(1));
            Waiting.until("its result cannot be looked for", () -> {
                try {
                    assertThat(broker.claim(request).claims()).isEmpty(); // it has not come yet
                    return false;
                } catch (BrokerException e) {
                    return true;
                }
            });
            proxy.refuse(false);
            List<Claim> claims = new ArrayList<>();
            Waiting.until("it comes", () -> claims.addAll(broker.claim(request).claims()));
            assertThat(claims).extracting(claim -> claim.token().id()).containsExactly(queue);
        }
    }

    @Test
    void anAddressThatIsRefusedMakesNobodyDeaf() throws Exception {
        String refused = "refused-" + queue;
        channel.queueDeclare(refused, false, false, true, Map.of()); // not as one of results
        BlockingQueue<String> ends = new LinkedBlockingQueue<>();
        BrokerListener listener = new BrokerListener() {
            @Override
            public void ended(EndedTask end) {
                ends.add(end.id());
            }
        };
        try (CeleryBroker broker = CeleryBroker.open("celery+" + rabbit.uri());
                var _ = broker.subscribe(new BrokerListener.Interest(Set.of(), queue, null), listener)) {
            assertThatThrownBy(() -> broker.subscribe(new BrokerListener.Interest(Set.of(), refused, null), listener))
                    .isInstanceOf(BrokerException.class);
            for (String id : List.of("first", "second")) {
                channel.basicPublish("", queue,
                        new AMQP.BasicProperties.Builder().contentType("application/json").build(),
                        ("{\"status\":\"SUCCESS\",\"result\":1,\"task_id\":\"" + id + "\"}").getBytes());
                assertThat(ends.poll(60, TimeUnit.SECONDS)).isEqualTo(id);
                if (id.equals("first")) { // somebody deletes the queue, and there is another one
                    channel.queueDelete(queue);
                    Waiting.until("it is there again", () -> {
                        try (Channel looking = connection.createChannel()) {
                            return looking.queueDeclarePassive(queue).getConsumerCount() == 1;
                        } catch (IOException e) {
                            return false;
                        }
                    });
                }
            }
            assertThat(connection.createChannel().queueDeclarePassive(refused).getConsumerCount()).isZero();
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void aServerWithoutRoomIsNamed() throws Exception {
        try (TestServer full = TestServer.rabbitmq().configuration("vm_memory_high_watermark.absolute = 1MB").open();
                CeleryBroker broker = CeleryBroker.open("celery+" + full.uri())) {
            byte[] large = ("\"" + "x".repeat(1 << 20) + "\"").getBytes();
            for (int i = 0; i < 2; i++) { // neither does the first one wait for a confirm that does not come
                assertThatThrownBy(() -> broker.enqueue(new Batch(
                        IntStream.range(0, 20).mapToObj(_ -> QueuedTask.of("java.text", large).build()).toList(),
                        List.of()))).isInstanceOfSatisfying(BrokerException.class,
                                e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE))
                        .hasMessageContaining("takes no messages (low on memory)").hasMessageNotContaining("\n");
            }
        }
    }

    /** The client has a bound of its own, and ends the connection, with all that runs, for what is above it. */
    @Test
    void aMessageThatTheServerTakesIsTaken() throws Exception {
        var address = new AmqpAddress(BrokerUri.parse("celery+" + rabbit.uri()));
        try (var link = new Link(address, () -> {})) {
            link.declareTasks(queue);
            byte[] body = new byte[65 << 20];
            channel.confirmSelect();
            channel.basicPublish("", queue, new AMQP.BasicProperties(), body);
            channel.waitForConfirmsOrDie(60_000);
            int length = link.ask(own -> own.basicGet(queue, true).getBody().length);
            assertThat(length).isEqualTo(body.length);
        } finally {
            channel.queueDelete(queue);
        }
    }
}
