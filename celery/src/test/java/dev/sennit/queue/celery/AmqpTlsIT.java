package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.conformance.OwnCertificate;
import dev.sennit.testing.server.TestServer;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Celery's RabbitMQ over TLS: the broker trusts whom Java trusts, and checks the name of the host. */
class AmqpTlsIT {
    @TempDir
    private Path folder;

    private static SSLContext trusting(Path certificate) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = Files.newInputStream(certificate)) {
            store.setCertificateEntry("own", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    @Test
    void talksToAServerThatJavaTrusts() throws Exception {
        OwnCertificate own = OwnCertificate.in(folder);
        int port;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        SSLContext before = SSLContext.getDefault();
        try (TestServer _ = TestServer.rabbitmq().password("hunter2")
                .configuration("listeners.ssl.1 = 127.0.0.1:" + port,
                        "ssl_options.cacertfile = " + own.certificate(), "ssl_options.certfile = " + own.certificate(),
                        "ssl_options.keyfile = " + own.key(), "ssl_options.verify = verify_none")
                .open()) {
            String at = "celery+amqps://guest:hunter2@127.0.0.1:" + port + "/%2F";
            assertThatThrownBy(() -> Broker.open(at).close()).isInstanceOf(BrokerException.class)
                    .hasMessageNotContainingAny("\n", "hunter2");
            SSLContext.setDefault(trusting(own.certificate()));
            QueuedTask task = QueuedTask.of("work", new byte[] {'1'}).build();
            try (Broker broker = Broker.open(at)) {
                broker.enqueue(Batch.of(task));
                var request = new ClaimRequest("worker", List.of("default"), Set.of("work"), 1, Duration.ofMinutes(1));
                List<String> claimed = new ArrayList<>();
                Waiting.until("the task is claimed", () -> {
                    broker.claim(request).claims().forEach(claim -> claimed.add(claim.task().id()));
                    return !claimed.isEmpty();
                });
                assertThat(claimed).containsExactly(task.id());
            }
            assertThatThrownBy(() -> Broker.open(at.replace("127.0.0.1", "localhost")).close())
                    .isInstanceOf(BrokerException.class).hasMessageNotContainingAny("\n", "hunter2");
        } finally {
            SSLContext.setDefault(before);
        }
    }
}
