package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Protocol.Command;

/** The command of Celery looks at workers in Java over Redis, and controls them. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class RemoteControlIT extends RemoteControlContract {
    @TempDir
    static Path folder;

    private static Celery celerySide;

    private final TestServer redis;

    RemoteControlIT(TestServer redis) {
        this.redis = redis;
    }

    @BeforeAll
    static void startCelery(TestServer redis) throws Exception {
        celerySide = Celery.on(redis, folder);
    }

    @AfterAll
    static void stopCelery() throws IOException {
        if (celerySide != null) {
            celerySide.close();
        }
    }

    @BeforeEach
    @Override
    void start() {
        try (Server server = new Server(new RedisAddress(BrokerUri.parse(uri())))) {
            server.repeatable(Server.call(Command.FLUSHALL));
        }
        super.start();
    }

    @Override
    Celery celery() {
        return celerySide;
    }

    @Override
    String uri() {
        return "celery+" + redis.uri();
    }

    @Override
    String transport() {
        return "redis";
    }

    @Override
    String online() {
        return "1 node online";
    }

    @Override
    String isHeard() {
        return "app.backend.client.pubsub_numpat() > 0";
    }

    @Test
    void aQueueIsCountedOnce() throws Exception {
        worker.quiet();
        celery.run("jecho.delay(1); jecho.apply_async((2,), queue='more'); jecho.apply_async((2,), queue='unknown')");
        broker.subscribe(new BrokerListener.Interest(Set.of("more"), null, null), new BrokerListener() {});
        try (CeleryBroker other = CeleryBroker.open(uri())) {
            assertThat(other.counts()).extracting(counts -> counts.queue() + " " + counts.count(TaskState.READY))
                    .containsExactlyInAnyOrder("default 1", "more 1");
        }
    }
}
