package dev.sennit.queue.celery;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import org.junit.jupiter.api.BeforeAll;

/** The command of Celery looks at workers in Java over RabbitMQ, and controls them. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
@WithServer(value = ServerKind.REDIS, fsync = false, shared = true)
class AmqpRemoteControlIT extends RemoteControlContract {
    private static Celery celerySide;

    private final TestServer rabbit;
    private final TestServer redis;

    AmqpRemoteControlIT(@WithServer(ServerKind.RABBITMQ) TestServer rabbit,
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
    String transport() {
        return "amqp";
    }

    @Override
    String online() {
        return "2 nodes online";
    }

    @Override
    String isHeard() { // its log says when it has begun
        return celerySide.log("events").contains("celery event dumper") || celerySide.log("events").contains("evdump")
                ? "True"
                : "False";
    }
}
