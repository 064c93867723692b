package dev.sennit.queue.celery;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** Producers in Java call real workers of Celery over Redis, and workflows run in both. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class JavaProducersIT extends JavaProducersContract {
    @TempDir
    static Path folder;

    private static Celery celerySide;

    private final TestServer redis;

    JavaProducersIT(TestServer redis) {
        this.redis = redis;
    }

    @BeforeAll
    static void startCelery(TestServer redis) throws Exception {
        celerySide = Celery.on(redis, folder);
        celerySide.worker("python");
    }

    @AfterAll
    static void stopCelery() throws IOException {
        if (celerySide != null) {
            celerySide.close();
        }
    }

    @Override
    Celery celery() {
        return celerySide;
    }

    @Override
    String uri() {
        return "celery+" + redis.uri();
    }
}
