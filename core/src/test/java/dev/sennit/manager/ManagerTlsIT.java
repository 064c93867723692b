package dev.sennit.manager;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.manager.wire.ManagerSocket;
import dev.sennit.manager.wire.Wire;
import dev.sennit.process.ProcessPool;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Over TLS, with a certificate that signed itself. */
@Timeout(120)
class ManagerTlsIT {
    private static final byte[] KEY =
            "a key of more than sixteen bytes".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    private static final char[] PASSWORD = "changeit".toCharArray();

    private static SSLContext certified;
    private static SSLContext somebodyElse;

    private final ManagerServer server =
            ManagerServer.builder().tls(certified).key(KEY).lease(Duration.ofSeconds(3)).open();

    @BeforeAll
    static void makeCertificates(@TempDir Path folder) throws Exception {
        certified = context(folder.resolve("one.p12"));
        somebodyElse = context(folder.resolve("other.p12"));
    }

    @AfterEach
    void close() {
        server.close();
    }

    private static SSLContext context(Path file) throws Exception {
        Process keytool = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", "manager", "-keyalg", "EC", "-dname", "CN=manager", "-ext",
                "SAN=ip:127.0.0.1,ip:::1,dns:localhost", "-validity", "2", "-storetype", "PKCS12",
                "-keystore", file.toString(), "-storepass", new String(PASSWORD))
                .redirectErrorStream(true)
                .start();
        String output = new String(keytool.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(keytool.waitFor()).as(output).isZero();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD);
        }
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD);
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private InetSocketAddress at() {
        return Objects.requireNonNull(server.address().remote());
    }

    @Test
    void listensAtTheLoopbackAddressAndServesThoseWithTheKey() throws Exception {
        assertThat(at().getAddress().isLoopbackAddress()).isTrue();
        try (ManagerClient client = ManagerClient.connect(ManagerAddress.remote(at(), KEY), certified)) {
            List<byte[]> list = client.list("l");
            byte[] large = new byte[8 << 20];
            new SplittableRandom(1).nextBytes(large);
            list.add(large);
            assertThat(list.get(0)).isEqualTo(large);
            assertThat(server.client().<byte[]>list("l").get(0)).as("and in its own JVM").isEqualTo(large);
            ManagedQueue<Integer> queue = client.newQueue(1);
            var taker = Caller.of(queue::take);
            taker.awaitWaitingIn("take");
            taker.interrupt();
            assertThat(taker.failure()).isInstanceOf(InterruptedException.class);
            queue.put(1);
            assertThat(queue.take()).isEqualTo(1);
            var another = Caller.of(queue::take);
            another.awaitWaitingIn("take");
            server.close();
            assertThat(another.failure()).isInstanceOf(ManagerLostException.class);
        }
        Awaitility.await().until(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("sennit-manager")));
    }

    @Test
    void aProxyTravelsAndTrustsThatCertificateAlone() throws Exception {
        try (ManagerClient client = ManagerClient.connect(ManagerAddress.remote(at(), KEY), certified);
                ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            List<Integer> list = client.newList();
            assertThat(pool.submit(() -> list.add(42)).get(60, SECONDS)).isTrue();
            assertThat(list).containsExactly(42);
            // longer than the lease: both sides say now and then that they are there
            var waiting = Caller.of(() -> client.newQueue(1).poll(3_500, java.util.concurrent.TimeUnit.MILLISECONDS));
            assertThat(waiting.result()).isNull();
            assertThat(pool.submit(() -> list.get(0)).get(60, SECONDS)).isEqualTo(42);
        }
    }

    @Test
    void whereThereIsNoTimerForItsHeartbeatAClientLosesTheManager() {
        long pulse = Duration.ofSeconds(1).toNanos(); // a third of the lease
        try (var _ = FailingBackend.withoutTimers(nanos -> nanos == pulse);
                ManagerClient client = ManagerClient.connect(ManagerAddress.remote(at(), KEY), certified)) {
            assertThatThrownBy(() -> client.newQueue(1).take())
                    .isInstanceOf(ManagerLostException.class)
                    .hasMessageContaining("there is no timer");
        }
        try (ManagerClient next = ManagerClient.connect(ManagerAddress.remote(at(), KEY), certified)) {
            assertThat(next.list("l")).isEmpty();
        }
    }

    @Test
    void aWrongKeyOrCertificateIsRefused() {
        byte[] wrong = KEY.clone();
        wrong[3]++;
        assertThatThrownBy(() -> ManagerClient.connect(ManagerAddress.remote(at(), wrong), certified))
                .isInstanceOf(ManagerLostException.class)
                .hasMessageContaining("another key");
        assertThatThrownBy(() -> ManagerClient.connect(ManagerAddress.remote(at(), KEY), somebodyElse))
                .isInstanceOf(ManagerLostException.class);
        assertThatThrownBy(() -> ManagerClient.connect(ManagerAddress.remote(at(), KEY)))
                .as("the default context trusts authorities, not this")
                .isInstanceOf(ManagerLostException.class);
        try (ManagerServer impostor = ManagerServer.builder().tls(somebodyElse).key(KEY).open()) {
            var pinned = new ManagerAddress(1, null, impostor.address().remote(), KEY, server.address().certificate(),
                    new AllowList(List.of()));
            assertThatThrownBy(() -> ManagerClient.connect(pinned)).hasMessageContaining("another certificate");
        }
        assertThat(server.clients()).isZero();
    }

    /** The client that connects is itself an impostor's victim: it notices that the server does not have the key. */
    @Test
    void aServerWithoutTheKeyIsRefused() {
        byte[] wrong = KEY.clone();
        wrong[3]++;
        try (ManagerServer impostor = ManagerServer.builder().tls(certified).key(wrong).open()) {
            assertThatThrownBy(() -> ManagerClient.connect(
                    ManagerAddress.remote(Objects.requireNonNull(impostor.address().remote()), KEY), certified))
                    .isInstanceOf(ManagerLostException.class);
        }
    }

    /**
     * The thread that computes for a client is the one that reads: it has to see that nobody waits, and may lose
     * nothing that comes.
     */
    @Test
    void whoComputesSeesThatTheOtherSideHasEndedAndLosesNothing() throws Exception {
        try (var listener = new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress());
                var below = new Socket()) {
            Caller<ManagerSocket.Remote> accepting = Caller.of(() -> {
                ManagerSocket.Remote accepted = ManagerSocket.Remote.accepted(listener.accept(), certified);
                accepted.secured().startHandshake();
                return accepted;
            });
            var to = (InetSocketAddress) listener.getLocalSocketAddress();
            below.connect(to);
            Wire client = ManagerSocket.Remote.connected(below, to, certified, true).toWire("client", false);
            try (Wire computing = accepting.result().toWire("computing", true)) {
                var messages = new ManagerProtocol.Reader(computing, 1 << 20);
                assertThat(messages.hasEnded()).isFalse();
                for (int size : List.of(10, 1_000_000, 100)) { // more than a record of TLS has, and than a look takes
                    byte[] value = new byte[size];
                    new SplittableRandom(size).nextBytes(value);
                    client.send(ManagerProtocol.call(size, 2, 3, 4, TaskCodec.encodeValue(value)), null);
                    for (int look = 0; look < 20; look++) {
                        assertThat(messages.hasEnded()).isFalse();
                    }
                    ManagerProtocol.Message message = Objects.requireNonNull(messages.next());
                    assertThat(message.call()).isEqualTo(size);
                    assertThat(TaskCodec.decodeValue(message.body(),
                            Reading.behind(new AllowList(List.of()), ManagerTlsIT.class.getClassLoader())))
                            .isEqualTo(value);
                }
                client.close();
                Conditions.await("the end is seen").until(messages::hasEnded);
            }
        }
    }

    /** A machine that is switched off says no farewell. */
    @Test
    void aClientThatFallsSilentIsLostAfterTheLease() throws Exception {
        try (var below = new Socket()) {
            below.connect(at());
            ManagerSocket socket = ManagerSocket.Remote.connected(below, at(), certified, true);
            ManagerProtocol.greetServer(socket.in(), socket.out(), KEY);
            Awaitility.await().until(() -> server.clients() == 1);
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> server.clients() == 0);
        }
    }

    /** A server that greets and then says nothing: as one whose machine was switched off. */
    @Test
    void aServerThatFallsSilentIsLostAfterTheLease() throws Exception {
        try (var listener = new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            var at = new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
            Thread.ofVirtual().start(() -> {
                try {
                    ManagerSocket socket = ManagerSocket.Remote.accepted(listener.accept(), certified);
                    ManagerProtocol.greetClient(socket.in(), socket.out(), KEY,
                            new ManagerProtocol.Welcome(5, 300, 1 << 20));
                    socket.in().transferTo(OutputStream.nullOutputStream());
                } catch (java.io.IOException e) {
                    // the client has gone
                }
            });
            ManagerClient client = ManagerClient.connect(ManagerAddress.remote(at, KEY), certified);
            assertThatThrownBy(client::newList).isInstanceOf(ManagerLostException.class).hasMessageContaining("silent");
            client.close();
        }
    }

    @Test
    void aContextWithoutACertificateIsRefusedAtOnce() throws Exception {
        SSLContext empty = SSLContext.getInstance("TLS");
        empty.init(null, null, null);
        assertThatThrownBy(() -> ManagerServer.builder().tls(empty).open()).hasMessageContaining("SSLContext");
    }

    /** Whoever speaks no TLS, or not enough of it, gets nowhere, and keeps nobody out. */
    @Test
    void garbageInsteadOfTls() throws Exception {
        for (int i = 0; i < 50; i++) {
            try (var socket = new Socket(at().getAddress(), at().getPort())) {
                byte[] garbage = new byte[500];
                new SplittableRandom(i).nextBytes(garbage);
                socket.getOutputStream().write(garbage);
            } catch (java.io.IOException e) {
                // closed on the way
            }
        }
        try (ManagerClient client = ManagerClient.connect(ManagerAddress.remote(at(), KEY), certified)) {
            assertThat(client.newList()).isEmpty();
        }
    }
}
