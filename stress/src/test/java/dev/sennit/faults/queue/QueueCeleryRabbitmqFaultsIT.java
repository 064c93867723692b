package dev.sennit.faults.queue;

import dev.sennit.faults.queue.Promises.Kind;
import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Tasks in Celery's messages in RabbitMQ, their results in Redis; either is killed. RabbitMQ takes a few seconds to
 * start and to miss a worker that stands still, so only {@code ./test full} runs this.
 *
 * <p>The broker knows how tasks have ended, by their results. It does not know what waits in RabbitMQ for its time, and
 * what other processes run; so it is asserted that nothing stands in the queue when all workers have ended, which give
 * back what they had.
 */
@WithServer(value = ServerKind.RABBITMQ, configuration = "heartbeat = " + QueueCeleryRabbitmqFaultsIT.HEARTBEAT)
@WithServer(ServerKind.REDIS)
@EnabledIfSystemProperty(named = "sennit.full", matches = "true")
class QueueCeleryRabbitmqFaultsIT extends ServerFaultsContract {
    static final int HEARTBEAT = 5;

    private final TestServer rabbit;
    private final TestServer redis;

    QueueCeleryRabbitmqFaultsIT(@WithServer(ServerKind.RABBITMQ) TestServer rabbit,
            @WithServer(ServerKind.REDIS) TestServer redis) {
        super("QueueCeleryRabbitmqFaultsIT, celery on rabbitmq", rabbit);
        this.rabbit = rabbit;
        this.redis = redis;
    }

    @Override
    String uri(int port, Space space) {
        return "celery+" + rabbit.uri(port) + "?default_queue=" + space + "&result="
                + URLEncoder.encode(redis.uri().toString(), StandardCharsets.UTF_8);
    }

    @Override
    Promises promises() {
        return Promises.deliveries(Duration.ofSeconds(HEARTBEAT), Duration.ZERO, Kind.DELAY, Kind.PAUSE, Kind.CHORD);
    }

    @Override
    Duration longestStill() {
        return Duration.ofSeconds(3 * HEARTBEAT);
    }

    @Override
    List<TestServer> mortals() {
        return List.of(rabbit, redis);
    }
}
