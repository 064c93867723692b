package dev.sennit.queue.celery;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;

/** Workers and submitters go on after cuts of connections to Redis and restarts of it. */
@WithServer(value = ServerKind.REDIS)
class ReconnectIT extends ReconnectContract {
    private final TestServer redis;

    ReconnectIT(TestServer redis) {
        this.redis = redis;
    }

    @Override
    TestServer server() {
        return redis;
    }

    @Override
    String uri(int port) {
        return "celery+" + redis.uri(port);
    }

    @Override
    Celery celery() throws Exception {
        return Celery.on(redis, folder);
    }
}
