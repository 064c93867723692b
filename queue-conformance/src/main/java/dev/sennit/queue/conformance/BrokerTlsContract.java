package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker over TLS checks whom it talks to; {@code sslrootcert} in its address is a file with certificates in PEM. */
public abstract class BrokerTlsContract {
    /** The password of the server, which no message shows. */
    protected static final String SECRET = "hunter2";

    private static final int PATIENCE_SECONDS = 60;

    /** For subclasses. */
    protected BrokerTlsContract() {}

    /**
     * Starts a server that speaks TLS.
     *
     * @param port where
     * @param own its certificate and key
     * @return the server, with {@link #SECRET} as its password
     * @throws IOException if it does not start
     * @throws InterruptedException if the caller is interrupted
     */
    protected abstract TestServer start(int port, OwnCertificate own) throws IOException, InterruptedException;

    /**
     * Returns the address of a broker on that server, without options.
     *
     * @param host the host
     * @param port the port
     * @return the address
     */
    protected abstract String address(String host, int port);

    /**
     * Talks to a server that has a certificate of its own, with and without a reason to trust it.
     *
     * @param folder for the certificate
     * @throws Exception if that fails
     */
    @Test
    public void talksToAServerThatItCanTrust(@TempDir Path folder) throws Exception {
        OwnCertificate own = OwnCertificate.in(folder);
        int port;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        try (TestServer _ = start(port, own)) {
            String at = address("127.0.0.1", port);
            String trusting = "?sslrootcert=" + own.certificate();
            try (Broker broker = Broker.open(at + trusting)) {
                passATask(broker);
            }
            assertThatThrownBy(() -> Broker.open(at).close()).isInstanceOfSatisfying(BrokerException.class,
                    e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.REFUSED))
                    .hasMessageContainingAll("a certificate that is not trusted", "sslrootcert")
                    .hasMessageNotContainingAny("\n", SECRET);
            assertThatThrownBy(() -> Broker.open(address("localhost", port) + trusting).close())
                    .isInstanceOf(BrokerException.class).hasMessageContaining("a certificate that is not trusted");
            assertThatThrownBy(() -> Broker.open(at + "?sslrootcert=" + folder.resolve("nothing.pem")))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("sslrootcert cannot be read");
            assertThatThrownBy(() -> Broker.open(at + "?sslrootcert=" + own.key()))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("certificates in PEM");
        }
    }

    /**
     * Has a broker tell of a task and give it out.
     *
     * @param broker the broker
     * @throws InterruptedException if the caller is interrupted
     */
    protected static void passATask(Broker broker) throws InterruptedException {
        var heard = new CountDownLatch(1);
        var interest = new BrokerListener.Interest(Set.of("default"), null, null);
        try (Broker.Subscription _ = broker.subscribe(interest, new BrokerListener() {
            @Override
            public void workMayBeReady() {
                heard.countDown();
            }
        })) {
            QueuedTask task = QueuedTask.of("work", new byte[] {'1'}).build();
            broker.enqueue(Batch.of(task));
            assertThat(heard.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            var request = new ClaimRequest("worker", List.of("default"), Set.of("work"), 1,
                    Duration.ofMinutes(1));
            assertThat(broker.claim(request).claims()).extracting(claim -> claim.task().id())
                    .containsExactly(task.id());
        }
    }
}
