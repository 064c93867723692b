package dev.sennit.queue.celery;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import org.junit.jupiter.api.BeforeAll;

/** Producers in Java call real workers of Celery over RabbitMQ, and workflows run in both. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
@WithServer(value = ServerKind.REDIS, fsync = false, shared = true)
class AmqpJavaProducersIT extends JavaProducersContract {
    private static Celery celerySide;

    private final TestServer rabbit;
    private final TestServer redis;

    AmqpJavaProducersIT(@WithServer(ServerKind.RABBITMQ) TestServer rabbit,
            @WithServer(ServerKind.REDIS) TestServer redis) {
        this.rabbit = rabbit;
        this.redis = redis;
    }

    @BeforeAll
    static void startCelery(@WithServer(ServerKind.RABBITMQ) TestServer rabbit,
            @WithServer(ServerKind.REDIS) TestServer redis) throws Exception {
        celerySide = AmqpCelery.of(rabbit, redis);
    }

    @Override
    Celery celery() {
        return celerySide;
    }

    @Override
    String uri() {
        return AmqpCelery.uri(rabbit, redis);
    }

    @Override
    int least() {
        return 5; // the queues have no priorities
    }
}
