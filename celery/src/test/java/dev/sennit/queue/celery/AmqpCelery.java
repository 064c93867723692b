package dev.sennit.queue.celery;

import dev.sennit.testing.server.TestServer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;

/** Celery on RabbitMQ with results in Redis, and its worker, once for all classes of tests: they end with this JVM. */
final class AmqpCelery {
    private static Celery celery;
    private static List<TestServer> servers;

    private AmqpCelery() {}

    static synchronized Celery of(TestServer rabbit, TestServer redis) throws Exception {
        if (!List.of(rabbit, redis).equals(servers)) {
            celery = Celery.on(rabbit.uri().toString(), redis.uri().toString(),
                    Files.createDirectory(rabbit.folder().resolve("celery"))); // which goes with the server
            celery.worker("python");
            servers = List.of(rabbit, redis);
        }
        return celery;
    }

    /** Returns the address for Java. */
    static String uri(TestServer rabbit, TestServer redis) {
        return "celery+" + rabbit.uri() + "?result=" + URLEncoder.encode(redis.uri().toString(),
                StandardCharsets.UTF_8);
    }
}
