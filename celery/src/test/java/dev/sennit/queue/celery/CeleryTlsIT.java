package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.conformance.BrokerTlsContract;
import dev.sennit.queue.conformance.OwnCertificate;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker over TLS checks whom it talks to. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
class CeleryTlsIT extends BrokerTlsContract {
    @Override
    protected TestServer start(int port, OwnCertificate own) throws IOException, InterruptedException {
        return TestServer.redis().password(SECRET).configuration("tls-port " + port,
                "tls-cert-file " + own.certificate(), "tls-key-file " + own.key(), "tls-auth-clients no").open();
    }

    @Test
    void resultsOfTasksOverRabbitmqAreKeptOverTls(
            @WithServer(ServerKind.RABBITMQ) TestServer rabbit, @TempDir Path folder) throws Exception {
        OwnCertificate own = OwnCertificate.in(folder);
        int port;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        TaskType<Integer, Integer> doubled = TaskType.of("java.doubled", Integer.class, number -> number * 2);
        try (TestServer _ = start(port, own)) {
            String store = "rediss://:" + SECRET + "@127.0.0.1:" + port + "/0?sslrootcert=" + own.certificate();
            try (Broker broker = Broker.open("celery+" + rabbit.uri() + "?default_queue=tls&result="
                    + URLEncoder.encode(store, StandardCharsets.UTF_8));
                    QueueWorker _ = QueueWorker.builder(broker).on("threads:1").types(doubled).start();
                    TaskQueue queue = TaskQueue.over(broker)) {
                assertThat(queue.submit(doubled, 21).get(60, TimeUnit.SECONDS)).isEqualTo(42);
                assertThat(broker.toString()).doesNotContain(SECRET);
            }
        }
    }

    @Override
    protected String address(String host, int port) {
        return "celery+rediss://:" + SECRET + "@" + host + ":" + port + "/0";
    }
}
