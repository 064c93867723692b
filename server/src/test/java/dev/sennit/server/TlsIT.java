package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.server.TestCertificates.Made;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TLS, over sockets. */
@Timeout(120)
class TlsIT {
    private static final Duration SHORT = Duration.ofMillis(300);
    /** Time for a handshake on a machine that has much else to do. */
    private static final Duration ENOUGH = Duration.ofSeconds(2);
    private static final String GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    private static final String GET_LAST = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    @TempDir
    private static Path temp;

    private static Made rsa;
    private static Made ec;
    private static Made other;

    private final Semaphore mayEnd = new Semaphore(0);
    private final CountDownLatch entered = new CountDownLatch(1);
    private final AtomicInteger blocked = new AtomicInteger();
    private EngineUnderTest server;

    @BeforeAll
    static void make() throws Exception {
        rsa = TestCertificates.make(temp, "rsa", "shop.example", "-keyalg", "RSA", "-keysize", "2048");
        ec = TestCertificates.make(temp, "ec", "*.other.example", "-keyalg", "EC", "-groupname", "secp256r1");
        other = TestCertificates.make(temp, "third", "shop.example", "-keyalg", "EC", "-groupname", "secp384r1");
    }

    @AfterEach
    void stop() throws IOException {
        if (server != null) {
            server.close();
        }
    }

    private void start(TlsSettings tls) throws Exception {
        start(tls, ServerSettings.DEFAULTS);
    }

    private void start(TlsSettings tls, ServerSettings settings) throws Exception {
        server = new EngineUnderTest(Routes.create()
                .get("/", _ -> WebResponse.text("hello\n"))
                .post("/", request -> WebResponse.text(request.bytes().length + "\n"))
                .get("/slow", _ -> {
                    entered.countDown();
                    blocked.incrementAndGet();
                    mayEnd.acquire();
                    return WebResponse.text("slow");
                })
                .files("/files", temp), settings, tls);
    }

    // ---- a client ----

    private SSLSocket connect(String host, String... protocols) throws Exception {
        SSLSocket socket = (SSLSocket) TestCertificates.trusting().getSocketFactory()
                .createSocket(server.connect(), "127.0.0.1", server.port(), true);
        SSLParameters parameters = socket.getSSLParameters();
        if (!host.isEmpty()) {
            parameters.setServerNames(List.of(new SNIHostName(host)));
        }
        if (protocols.length > 0) {
            parameters.setProtocols(protocols);
        }
        socket.setSSLParameters(parameters);
        return socket;
    }

    private static X509Certificate certificate(SSLSocket socket) throws IOException {
        return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }

    private X509Certificate certificateFor(String host) throws Exception {
        try (SSLSocket socket = connect(host)) {
            EngineUnderTest.send(socket, GET_LAST);
            assertThat(EngineUnderTest.receive(socket, 10_000)).startsWith("HTTP/1.1 200 ").endsWith("hello\n");
            return certificate(socket);
        }
    }

    /** Waits for a response: with short limits, a client that is slow to shake hands has to try again. */
    private void assertServes() {
        Waiting.until(() -> {
            try {
                return certificateFor("") != null;
            } catch (IOException | AssertionError e) {
                return false;
            }
        });
    }

    // ---- what is served ----

    @Test
    void bothVersionsAreSpoken() throws Exception {
        start(rsa.pem());
        for (String version : List.of("TLSv1.2", "TLSv1.3")) {
            try (SSLSocket socket = connect("shop.example", version)) {
                EngineUnderTest.send(socket, GET);
                assertThat(EngineUnderTest.head(socket)).startsWith("HTTP/1.1 200 ");
                EngineUnderTest.receive(socket, "hello\n".length());
                EngineUnderTest.send(socket, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"
                        + "Connection: close\r\n\r\n" + "x".repeat(100_000));
                assertThat(EngineUnderTest.receive(socket, 10_000)).endsWith("\r\n\r\n100000\n");
                assertThat(socket.getSession().getProtocol()).isEqualTo(version);
                assertThat(socket.getSession().getCipherSuite())
                        .matches("TLS_AES_.*|TLS_CHACHA20_.*|TLS_ECDHE_.*GCM.*");
                assertThat(certificate(socket)).isEqualTo(rsa.x509());
            }
        }
        try (SSLSocket socket = connect("", "TLSv1.2")) {
            socket.setEnabledCipherSuites(new String[] {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"});
            assertThatThrownBy(socket::startHandshake).isInstanceOf(IOException.class);
        }
    }

    @Test
    void allFormsOfCertificates() throws Exception {
        Path encrypted = TestCertificates.encrypt(ec, temp.resolve("encrypted.key"));
        for (TlsSettings tls : List.of(ec.pem(), ec.pkcs12(), rsa.pkcs12(),
                TlsSettings.pem(ec.certificate(), encrypted, ec.password()))) {
            tls.check();
            start(tls);
            assertThat(certificateFor("")).isIn(rsa.x509(), ec.x509());
            server.close();
        }
    }

    @Test
    void aClientGetsTheCertificateOfTheNameItAsksFor() throws Exception {
        start(rsa.pem().and(ec.pkcs12()));
        assertThat(certificateFor("shop.example")).isEqualTo(rsa.x509());
        assertThat(certificateFor("a.other.example")).isEqualTo(ec.x509());
        assertThat(certificateFor("unknown.example")).isIn(rsa.x509(), ec.x509());
        assertServes();
    }

    @Test
    void filesAreEncrypted() throws Exception {
        byte[] bytes = new byte[1_000_003];
        new Random(7).nextBytes(bytes);
        Files.write(temp.resolve("bytes"), bytes);
        start(ec.pem());
        try (SSLSocket socket = connect("")) {
            EngineUnderTest.send(socket, "GET /files/bytes HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            assertThat(EngineUnderTest.head(socket)).contains("Content-Length: 1000003\r\n");
            assertThat(socket.getInputStream().readAllBytes()).isEqualTo(bytes);
        }
    }

    @Test
    void handlersMayBlockOnAllConnections() throws Exception {
        start(ec.pem());
        List<SSLSocket> sockets = new ArrayList<>();
        for (int i = 0; i < 20; i++) { // more than the threads of the engine itself
            SSLSocket one = connect("");
            sockets.add(one);
            EngineUnderTest.send(one, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                    + "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(EngineUnderTest.head(one)).startsWith("HTTP/1.1 200 ");
        }
        Waiting.until(() -> blocked.get() == 20);
        mayEnd.release(20);
        for (SSLSocket one : sockets) {
            EngineUnderTest.receive(one, "3\n".length());
            assertThat(EngineUnderTest.head(one)).startsWith("HTTP/1.1 200 ");
            one.close();
        }
    }

    // ---- certificates that change ----

    @Test
    void certificatesAreReadAgain() throws Exception {
        Path certificate = Files.copy(rsa.certificate(), temp.resolve("now.pem"), StandardCopyOption.REPLACE_EXISTING);
        Path key = Files.copy(rsa.key(), temp.resolve("now.key"), StandardCopyOption.REPLACE_EXISTING);
        start(TlsSettings.pem(certificate, key));
        try (SSLSocket before = connect("")) {
            EngineUnderTest.send(before, GET);
            assertThat(EngineUnderTest.head(before)).startsWith("HTTP/1.1 200 ");
            EngineUnderTest.receive(before, "hello\n".length());

            Files.copy(other.certificate(), certificate, StandardCopyOption.REPLACE_EXISTING);
            assertThatThrownBy(server.engine::reloadCertificates).isInstanceOf(IOException.class)
                    .hasMessage("TLS: file " + key + " has another key than the certificate in " + certificate
                            + ": name the key with which the certificate was asked for, and put the certificate first");
            assertThat(certificateFor("")).isEqualTo(rsa.x509()); // the old one goes on

            Files.copy(other.key(), key, StandardCopyOption.REPLACE_EXISTING);
            server.engine.reloadCertificates();
            assertThat(certificateFor("")).isEqualTo(other.x509());

            EngineUnderTest.send(before, GET_LAST); // and so do the connections that there were
            assertThat(EngineUnderTest.receive(before, 10_000)).startsWith("HTTP/1.1 200 ");
        }
    }

    private static void assertRefused(TlsSettings tls, Path file, String cause) {
        assertThatThrownBy(tls::check).isInstanceOf(IOException.class)
                .hasMessageStartingWith("TLS: file " + file + " ")
                .hasMessageContaining(cause)
                .message()
                .hasLineCount(1)
                .doesNotContain(TestCertificates.PASSWORD)
                .matches("(?s).*: .+");
    }

    @Test
    void whatIsBrokenIsNamed() throws Exception {
        Path none = temp.resolve("none");
        Path empty = Files.writeString(temp.resolve("empty"), "");
        Path wrong = Files.writeString(temp.resolve("wrong"), "wrong\n");
        Path old = TestCertificates.write(temp.resolve("old.key"), "RSA PRIVATE KEY", new byte[] {1});
        Path damaged = TestCertificates.write(temp.resolve("damaged"), "CERTIFICATE", new byte[] {1, 2, 3});
        Path damagedKey = TestCertificates.write(temp.resolve("damaged.key"), "PRIVATE KEY", new byte[] {1, 2, 3});
        Path encrypted = TestCertificates.encrypt(rsa, temp.resolve("rsa encrypted.key"));
        Path chain = Files.writeString(
                temp.resolve("chain"), Files.readString(rsa.certificate()) + Files.readString(ec.certificate()));
        Path large = Files.write(temp.resolve("large"), new byte[(1 << 20) + 1]);
        assertRefused(TlsSettings.pem(none, rsa.key()), none, "is not there");
        assertRefused(TlsSettings.pem(rsa.certificate(), none), none, "is not there");
        assertRefused(TlsSettings.pem(temp, rsa.key()), temp, "cannot be read");
        assertRefused(TlsSettings.pem(empty, rsa.key()), empty, "has no certificate in PEM");
        assertRefused(TlsSettings.pem(rsa.certificate(), empty), empty, "has no private key in PEM");
        assertRefused(TlsSettings.pem(rsa.certificate(), old), old, "openssl pkcs8 -topk8");
        assertRefused(TlsSettings.pem(damaged, rsa.key()), damaged, "cannot be read");
        assertRefused(TlsSettings.pem(rsa.certificate(), damagedKey), damagedKey, "is damaged");
        assertRefused(TlsSettings.pem(rsa.certificate(), ec.key()), ec.key(), "another key than the certificate");
        assertRefused(TlsSettings.pem(chain, rsa.key()), chain, "certificate 2 has not signed certificate 1");
        assertRefused(TlsSettings.pem(large, rsa.key()), large, "has more than");
        assertRefused(TlsSettings.pem(rsa.certificate(), encrypted), encrypted, "has a key with a password");
        assertRefused(TlsSettings.pem(rsa.certificate(), encrypted, wrong), encrypted, "does not open");
        assertRefused(TlsSettings.pem(rsa.certificate(), encrypted, empty), empty, "has no password");
        assertRefused(TlsSettings.pkcs12(rsa.store(), wrong), rsa.store(), "opens");
        assertRefused(TlsSettings.pkcs12(rsa.certificate(), rsa.password()), rsa.certificate(), "is no PKCS12 store");
        assertRefused(rsa.pem().and(TlsSettings.pem(empty, empty)), empty, "has no");
        assertThat(rsa.pkcs12()).hasToString("TLS with [" + rsa.store() + "]");
        assertThatThrownBy(() -> start(TlsSettings.pem(none, none))).hasMessageStartingWith("TLS: file " + none);
    }

    @Test
    void aProxyTellsTheSchemeOfItsClient() throws Exception {
        Routes routes = Routes.create().get("/", request -> WebResponse.text(request.scheme()));
        FrontSettings front = FrontSettings.DEFAULTS.proxies(List.of("127.0.0.0/8"));
        server = new EngineUnderTest(routes, ServerSettings.DEFAULTS, front, ec.pem());
        try (SSLSocket socket = connect("")) {
            EngineUnderTest.send(socket, GET_LAST.replace("/ ", "http://a/ "));
            assertThat(EngineUnderTest.receive(socket, 10_000)).as("nobody has told another")
                    .endsWith("\r\n\r\nhttps");
        }
        for (String told : List.of("http", "https")) {
            try (SSLSocket socket = connect("")) {
                EngineUnderTest.send(socket, GET_LAST.replace("\r\n\r\n", "\r\nX-Forwarded-For: 203.0.113.7\r\n"
                        + "X-Forwarded-Proto: " + told + "\r\n\r\n"));
                assertThat(EngineUnderTest.receive(socket, 10_000)).endsWith("\r\n\r\n" + told);
            }
        }
    }

    // ---- clients that do not shake hands ----

    @Test
    void aRequestWithoutTlsIsClosed() throws Exception {
        start(ec.pem());
        assertThat(server.exchange(GET)).doesNotContain("hello", "200");
        assertServes();
        assertThat(server.worked).hasValue(1);
    }

    @Test
    void handshakesThatDoNotEndAreGivenUp() throws Exception {
        byte[] hello = clientHello();
        start(ec.pem(), ServerSettings.DEFAULTS.headerLimit(ENOUGH).connections(40));
        try (SSLSocket idle = connect("")) {
            idle.startHandshake();
            List<Socket> halves = new ArrayList<>();
            for (int i = 0; i < 80; i++) { // no more than 40 are accepted at a time
                Socket half = server.connect();
                halves.add(half);
                half.getOutputStream().write(hello, 0, new int[] {0, 1, 6, hello.length - 1, hello.length}[i % 5]);
            }
            for (Socket half : halves) {
                byte[] said = half.getInputStream().readAllBytes(); // its end
                assertThat(new String(said, StandardCharsets.ISO_8859_1)).doesNotContain("HTTP");
                half.close();
            }
            EngineUnderTest.send(idle, GET_LAST); // its handshake has ended in time
            assertThat(EngineUnderTest.receive(idle, 10_000)).startsWith("HTTP/1.1 200 ");
        }
        assertServes();
        Waiting.until(() -> server.engine.connections() == 0);
    }

    /** Returns the first bytes that a client sends. */
    private byte[] clientHello() throws Exception {
        try (var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket raw = new Socket(listener.getInetAddress(), listener.getLocalPort());
                Socket seen = listener.accept();
                SSLSocket client =
                        (SSLSocket) TestCertificates.trusting().getSocketFactory().createSocket(raw, "a.b", 1, true)) {
            Thread shakes = Thread.ofVirtual().start(() -> {
                try {
                    client.startHandshake();
                } catch (IOException e) {
                    // nobody answers
                }
            });
            byte[] head = seen.getInputStream().readNBytes(5);
            byte[] rest = seen.getInputStream().readNBytes((head[3] & 0xff) << 8 | head[4] & 0xff);
            seen.shutdownOutput(); // so that the handshake ends
            shakes.join();
            byte[] all = new byte[head.length + rest.length];
            System.arraycopy(head, 0, all, 0, head.length);
            System.arraycopy(rest, 0, all, head.length, rest.length);
            return all;
        }
    }

    @Test
    void aHeadThatComesByDropsIsGivenUp() throws Exception {
        start(ec.pem(), ServerSettings.DEFAULTS.headerLimit(ENOUGH));
        AtomicInteger sent = new AtomicInteger();
        try (SSLSocket socket = connect("")) {
            EngineUnderTest.send(socket, "GET / HTTP/1.1\r\n");
            assertThat(EngineUnderTest.receive(socket, 1)).isEmpty();
            sent.incrementAndGet();
        } catch (IOException e) {
            sent.incrementAndGet(); // a reset
        }
        assertThat(sent).hasValue(1);
        assertServes();
    }

    // ---- the end ----

    /** Fails if the connection was cut: the peer has to say that it ends. */
    private static void assertClosed(SSLSocket socket) throws IOException {
        assertThat(socket.getInputStream().read()).isEqualTo(-1);
        socket.shutdownInput(); // throws without close_notify
    }

    @Test
    void aDrainClosesInOrder() throws Exception {
        start(ec.pem(), ServerSettings.DEFAULTS.lastRequest(SHORT));
        try (SSLSocket busy = connect("");
                SSLSocket idle = connect("");
                SSLSocket old = connect("", "TLSv1.2")) {
            EngineUnderTest.send(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
            for (SSLSocket one : List.of(idle, old)) {
                EngineUnderTest.send(one, GET);
                assertThat(EngineUnderTest.head(one)).doesNotContain("Connection: close");
                EngineUnderTest.receive(one, "hello\n".length());
            }
            server.engine.drain();
            assertClosed(idle);
            assertClosed(old);
            mayEnd.release();
            assertThat(EngineUnderTest.head(busy)).startsWith("HTTP/1.1 200 ").contains("Connection: close\r\n");
            assertThat(EngineUnderTest.receive(busy, 4)).isEqualTo("slow");
            assertClosed(busy);
            assertThat(server.engine.awaitDrained(Duration.ofSeconds(20))).isZero();
        }
    }

    @Test
    void aFileThatBecomesShorterEndsItsConnection() throws Exception {
        Files.write(temp.resolve("shrinks"), new byte[64 << 20]);
        start(ec.pem());
        try (SSLSocket socket = connect("")) {
            EngineUnderTest.send(socket, "GET /files/shrinks HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(EngineUnderTest.head(socket)).startsWith("HTTP/1.1 200 ");
            Files.write(temp.resolve("shrinks"), new byte[10]);
            assertThatThrownBy(() -> {
                socket.getInputStream().skipNBytes(64 << 20);
            }).isInstanceOf(IOException.class);
        }
        assertServes();
    }
}
