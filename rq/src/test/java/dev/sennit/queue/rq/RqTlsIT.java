package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker over TLS checks whom it talks to. */
class RqTlsIT {
    private static final String PASSWORD = "changeit";

    @TempDir
    private Path folder;

    /** Makes a key and a certificate of this machine's own, as PEM: {@code key.pem} and {@code certificate.pem}. */
    private void makeCertificate() throws IOException, InterruptedException, GeneralSecurityException {
        Path store = folder.resolve("store.p12");
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", "server", "-keyalg", "EC", "-dname", "CN=test", "-ext", "san=ip:127.0.0.1",
                "-validity", "2", "-storetype", "PKCS12", "-keystore", store.toString(), "-storepass", PASSWORD)
                .redirectErrorStream(true).redirectOutput(folder.resolve("keytool.log").toFile()).start();
        assertThat(keytool.waitFor()).as(() -> "keytool").isZero();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        Files.writeString(folder.resolve("key.pem"),
                pem("PRIVATE KEY", keys.getKey("server", PASSWORD.toCharArray()).getEncoded()));
        Files.writeString(folder.resolve("certificate.pem"),
                pem("CERTIFICATE", keys.getCertificate("server").getEncoded()));
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes) + "\n-----END " + what + "-----\n";
    }

    @Test
    void talksToAServerThatItCanTrust() throws Exception {
        makeCertificate();
        int port;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        try (TestServer _ = TestServer.redis().password("hunter2").configuration("tls-port " + port,
                "tls-cert-file " + folder.resolve("certificate.pem"), "tls-key-file " + folder.resolve("key.pem"),
                "tls-auth-clients no").open()) {
            String at = "rq+rediss://:hunter2@127.0.0.1:" + port + "/0";
            String trusting = at + "?sslrootcert=" + folder.resolve("certificate.pem");
            var heard = new CountDownLatch(1);
            try (Broker broker = Broker.open(trusting)) {
                broker.subscribe(new BrokerListener.Interest(Set.of("default"), null, null), new BrokerListener() {
                    @Override
                    public void workMayBeReady() {
                        heard.countDown();
                    }
                });
                QueuedTask task = QueuedTask.of("work", new byte[] {'1'}).build();
                broker.enqueue(Batch.of(task));
                assertThat(broker.oldestReady(Set.of("default"))).isPresent();
                assertThat(heard.await(60, TimeUnit.SECONDS)).isTrue();
            }
            assertThatThrownBy(() -> Broker.open(at).close()).isInstanceOfSatisfying(BrokerException.class,
                    e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.REFUSED))
                    .hasMessageContainingAll("a certificate that is not trusted", "sslrootcert")
                    .hasMessageNotContainingAny("\n", "hunter2");
            assertThatThrownBy(() -> Broker.open(trusting.replace("127.0.0.1", "localhost")).close())
                    .isInstanceOf(BrokerException.class).hasMessageContaining("a certificate that is not trusted");
            assertThatThrownBy(() -> Broker.open(at + "?sslrootcert=" + folder.resolve("nothing.pem")))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("sslrootcert cannot be read");
            assertThatThrownBy(() -> Broker.open(at + "?sslrootcert=" + folder.resolve("key.pem")))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("certificates in PEM");
        }
    }
}
