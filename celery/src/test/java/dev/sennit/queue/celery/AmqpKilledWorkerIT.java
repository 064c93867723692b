package dev.sennit.queue.celery;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Workers in Java are killed while they run what Celery's producers have sent to RabbitMQ: all results come. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
@WithServer(value = ServerKind.REDIS, fsync = false, shared = true)
class AmqpKilledWorkerIT extends KilledWorkerContract {
    private final TestServer rabbit;
    private final TestServer redis;

    AmqpKilledWorkerIT(@WithServer(ServerKind.RABBITMQ) TestServer rabbit,
            @WithServer(ServerKind.REDIS) TestServer redis) {
        this.rabbit = rabbit;
        this.redis = redis;
    }

    @Override
    Celery celery() throws Exception {
        return AmqpCelery.of(rabbit, redis);
    }

    @Override
    String uri() {
        return AmqpCelery.uri(rabbit, redis);
    }
}
