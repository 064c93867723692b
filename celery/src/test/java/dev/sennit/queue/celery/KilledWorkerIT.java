package dev.sennit.queue.celery;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** Workers in Java are killed while they run what Celery's producers have sent to Redis: all results come. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class KilledWorkerIT extends KilledWorkerContract {
    private final TestServer redis;
    private @Nullable Celery celery;

    KilledWorkerIT(TestServer redis) {
        this.redis = redis;
    }

    @AfterEach
    void stopCelery() throws IOException {
        if (celery != null) {
            celery.close();
        }
    }

    @Override
    Celery celery() throws Exception {
        celery = Celery.on(redis, folder);
        return celery;
    }

    @Override
    String uri() {
        return "celery+" + redis.uri();
    }
}
