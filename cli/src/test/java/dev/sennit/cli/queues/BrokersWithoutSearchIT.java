package dev.sennit.cli.queues;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.cli.Run;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The commands of queues on brokers that cannot search, or know no task by its id. */
@Timeout(120)
class BrokersWithoutSearchIT {
    private static final TaskType<Integer, Integer> WORK = TaskType.of("acme.work", Integer.class, number -> {
        if (number < 0) {
            throw new IllegalArgumentException("number is " + number);
        }
        return number + 1;
    });

    private static TestServer redis;
    private static TestServer rabbit;

    /** The addresses of the brokers. */
    enum Address {
        CELERY_REDIS, CELERY_AMQP, RQ, RABBITMQ;

        String uri() {
            return switch (this) {
                case CELERY_REDIS -> "celery+" + redis.uri();
                case RQ -> "rq+" + redis.uri();
                case CELERY_AMQP -> "celery+" + rabbit.uri();
                case RABBITMQ -> rabbit.uri().toString().replace("amqp://", "rabbitmq://");
            };
        }
    }

    @BeforeAll
    static void start() throws Exception {
        if (Boolean.getBoolean("sennit.servers.optional")) {
            for (ServerKind kind : List.of(ServerKind.REDIS, ServerKind.RABBITMQ)) {
                Assumptions.assumeTrue(kind.isInstalled(), () -> kind.obstacle().orElseThrow());
            }
        }
        redis = TestServer.redis().fsync(false).open();
        rabbit = TestServer.rabbitmq().open();
    }

    @AfterAll
    static void stop() throws Exception {
        try (TestServer one = redis; TestServer other = rabbit) {
            assertThat(Arrays.asList(one, other)).as("servers").hasSize(2);
        }
    }

    private static Run sennit(Address address, String... arguments) {
        return Run.sennit(Stream.concat(Arrays.stream(arguments), Stream.of("--broker", address.uri()))
                .toArray(String[]::new));
    }

    @ParameterizedTest
    @EnumSource
    void waitPrintsTheIdAndThenTheResult(Address address) {
        try (Broker broker = Broker.open(address.uri());
                QueueWorker worker = QueueWorker.builder(broker).types(WORK).queues("waited").start()) {
            Run run = sennit(address, "enqueue", "acme.work", "20", "--queue", "waited", "--wait");
            assertThat(run.err()).singleElement().asString().matches("[0-9a-f-]{36}");
            assertThat(run.out()).containsExactly("21");
            assertThat(run.exit()).isZero();
            run = sennit(address, "enqueue", "acme.work", "-1", "--queue", "waited", "--wait");
            assertThat(run.exit()).isEqualTo(1);
            assertThat(run.err()).hasSize(2);
            assertThat(run.err().getLast()).startsWith("sennit: " + run.err().getFirst() + " is dead: ")
                    .contains("number is -1");
            assertThat(worker.status().problems()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatCannotBeToldIsLeftOutAndSaid(Address address) {
        try (Broker broker = Broker.open(address.uri());
                QueueWorker worker = QueueWorker.builder(broker).types(WORK).queues("told").start()) {
            assertThat(sennit(address, "enqueue", "acme.other", "1", "--queue", "told").exit()).isZero();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> assertThat(sennit(address, "inspect").out())
                    .anyMatch(line -> line.startsWith("worker-")));
            Run queues = sennit(address, "queues");
            assertThat(queues.err()).isEmpty();
            assertThat(queues.exit()).isZero();
            Run json = sennit(address, "queues", "--json");
            assertThat(json.exit()).isZero();
            if (address != Address.CELERY_AMQP) { // RabbitMQ does not count what Celery's workers have fetched
                assertThat(queues.out()).anyMatch(line -> line.matches("told +1 .* 1"));
                assertThat(queues.out().getLast())
                        .isEqualTo("types that no worker knows are not told: this broker cannot search");
                assertThat(json.out()).anyMatch(line -> line.contains("\"queue\":\"told\"")
                        && line.contains("\"unknownTypes\":null"));
            }
            Run run = sennit(address, "inspect");
            assertThat(run.err()).isEmpty();
            assertThat(run.exit()).isZero();
            assertThat(run.out().getLast()).isEqualTo("tasks are not listed: this broker cannot search; "
                    + "--json tells the ids of those that a worker runs");
            Run top = Run.sennit("top", address.uri(), "--count", "1", "--every", "100ms");
            assertThat(top.err()).isEmpty();
            assertThat(top.exit()).isZero();
            Run refused = sennit(address, "inspect", "--state", "ready");
            assertThat(refused.exit()).isEqualTo(2);
            assertThat(refused.err()).singleElement().asString()
                    .containsOnlyOnce("@127.0.0.1".substring(address.uri().contains("@") ? 0 : 1));
            assertThat(worker.status().problems()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CELERY_AMQP", "RABBITMQ"})
    void anAgeThatIsNotKnownIsNotShown(Address address) {
        assertThat(sennit(address, "enqueue", "acme.other", "1").exit()).isZero();
        assertThat(sennit(address, "queues").out()).anyMatch(line -> line.matches("default +1 +0 +0 +0 +0 +0 +- +0"));
        assertThat(sennit(address, "queues", "--json").out()).anyMatch(line -> line.contains("\"oldestSeconds\":null"));
    }

    @ParameterizedTest
    @EnumSource(names = {"CELERY_REDIS", "RQ"})
    void theResultOfATaskThatHasEndedIsShown(Address address) {
        try (Broker broker = Broker.open(address.uri());
                QueueWorker worker = QueueWorker.builder(broker).types(WORK).queues("shown").start()) {
            Run done = sennit(address, "enqueue", "acme.work", "20", "--queue", "shown", "--wait");
            String id = done.err().getFirst();
            Run run = sennit(address, "inspect", id);
            assertThat(run.err()).isEmpty();
            assertThat(run.out()).anyMatch(line -> line.matches("state +succeeded"))
                    .anyMatch(line -> line.matches("result +21"));
            assertThat(sennit(address, "inspect", id, "--json").out().getFirst())
                    .contains("\"id\":\"" + id + "\"", "\"state\":\"succeeded\"", "\"result\":21");
            Run unknown = sennit(address, "inspect", "nothing");
            assertThat(unknown.exit()).isEqualTo(1);
            assertThat(unknown.err())
                    .containsExactly("sennit: task nothing is not known to have ended, and this broker "
                            + "cannot search for those that have not");
            assertThat(worker.status().problems()).isEmpty();
        }
    }
}
