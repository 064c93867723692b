package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** TLS that starts in the middle of a conversation, and clients that show a certificate. */
@Timeout(120)
@ParameterizedClass
@EnumSource
record StartTlsIT(EventLoop.Mechanism mechanism) {
    private static final Duration LONG = Duration.ofSeconds(60);

    /** Is the server, and trusts the one client. */
    private static SSLContext serverSide;
    /** Has no certificate, and trusts the server. */
    private static SSLContext nobody;
    /** Has the certificate that the server trusts. */
    private static SSLContext client;
    /** Has one that the server does not trust. */
    private static SSLContext stranger;

    @BeforeAll
    static void certify(@TempDir Path folder) throws Exception {
        KeyStore server = Certificates.make(folder, "server");
        KeyStore known = Certificates.make(folder, "client");
        serverSide = Certificates.context(server, known);
        nobody = Certificates.context(null, server);
        client = Certificates.context(known, server);
        stranger = Certificates.context(Certificates.make(folder, "stranger"), server);
    }

    private interface Body {
        void run(EventLoop loop) throws Exception;
    }

    private void inLoop(Body body) throws Exception {
        try (EventLoop loop = EventLoop.builder().mechanism(mechanism).open()) {
            try {
                loop.submit(() -> {
                    body.run(loop);
                    return null;
                }).get();
            } finally {
                loop.shutdownNow();
            }
        }
    }

    private record Pair(ByteStream client, ByteStream server) implements AutoCloseable {
        static Pair open() throws Exception {
            try (Listener listener = Listener.open(0)) {
                ByteStream client = ByteStream.connect("127.0.0.1", listener.port());
                return new Pair(client, listener.accept());
            }
        }

        @Override
        public void close() {
            client.close();
            server.close();
        }
    }

    private static Throwable failure(TaskFuture<?> future) throws InterruptedException {
        try {
            throw new AssertionError("should have failed: " + future.get());
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    private static TaskFuture<?> accepting(ByteStream server, SSLParameters parameters) {
        return EventLoop.current().submit(() -> {
            server.acceptTls(serverSide, parameters);
            return null;
        });
    }

    // ---- start TLS ----

    @Test
    void aPlainConversationGoesOnInTls() throws Exception {
        inLoop(loop -> {
            try (Pair pair = Pair.open()) {
                TaskFuture<?> server = loop.submit(() -> {
                    assertThat(pair.server().readLine(100)).isEqualTo("STARTTLS");
                    pair.server().write("go ahead\n");
                    pair.server().acceptTls(serverSide, null);
                    for (String line = pair.server().readLine(100); line != null; line = pair.server().readLine(100)) {
                        pair.server().write("secret " + line + "\n");
                    }
                    pair.server().shutdownOutput();
                    return null;
                });
                assertThat(pair.client().sslSession()).isNull();
                pair.client().write("STARTTLS\n");
                assertThat(pair.client().readLine(100)).isEqualTo("go ahead");
                pair.client().startTls(nobody, "127.0.0.1");
                SSLSession session = Objects.requireNonNull(pair.client().sslSession());
                assertThat(session.getPeerPrincipal().getName()).isEqualTo("CN=server");
                assertThat(session.getProtocol()).isEqualTo("TLSv1.3");
                pair.client().write("one\n");
                assertThat(pair.client().readLine(100)).isEqualTo("secret one");
                int lines = 10_000;
                byte[] much = ("x".repeat(92) + "\n").repeat(lines).getBytes(StandardCharsets.US_ASCII);
                TaskFuture<?> writer = loop.submit(() -> {
                    pair.client().write(much);
                    pair.client().shutdownOutput();
                    return null;
                });
                assertThat(pair.client().readAll(100 * lines)).hasSize(100 * lines);
                writer.get();
                server.get();
            }
        });
    }

    /** As in the PROXY protocol: a plain line, and TLS right behind it, which may have come with the line. */
    @Test
    void whatHasComeWithThePlainPartIsOfTls() throws Exception {
        inLoop(loop -> {
            try (Pair pair = Pair.open()) {
                pair.client().write("PROXY TCP4 1.2.3.4\r\n");
                TaskFuture<?> shakesHands = loop.submit(() -> {
                    pair.client().startTls(nobody, "127.0.0.1");
                    pair.client().write("hello\n");
                    return null;
                });
                EventLoop.sleep(Duration.ofMillis(50)); // so that both have come
                assertThat(pair.server().readLine(100)).isEqualTo("PROXY TCP4 1.2.3.4");
                pair.server().acceptTls(serverSide, null);
                assertThat(pair.server().readLine(100)).isEqualTo("hello");
                shakesHands.get();
            }
        });
    }

    /** Bytes that somebody in between has put behind the last plain line are never taken for what came over TLS. */
    @Test
    void plainTextThatWasSlippedInEndsTheHandshake() throws Exception {
        inLoop(loop -> {
            try (Pair pair = Pair.open()) {
                pair.server().write("go ahead\nroot, do this\n");
                TaskFuture<?> accepting = accepting(pair.server(), new SSLParameters());
                assertThat(pair.client().readLine(100)).isEqualTo("go ahead");
                assertThatThrownBy(() -> pair.client().startTls(nobody, "127.0.0.1"))
                        .isInstanceOf(SSLHandshakeException.class);
                assertThat(pair.client().isClosed()).isTrue();
                assertThatThrownBy(() -> pair.client().readLine(100)).isInstanceOf(StreamClosedException.class);
                assertThat(failure(accepting)).isInstanceOf(IOException.class);
            }
        });
    }

    @Test
    void theServerHasToBeTheOneThatIsMeant() throws Exception {
        inLoop(loop -> {
            try (Pair pair = Pair.open()) {
                TaskFuture<?> accepting = accepting(pair.server(), new SSLParameters());
                assertThatThrownBy(() -> pair.client().startTls(nobody, "example.com"))
                        .isInstanceOf(SSLHandshakeException.class)
                        .hasMessageContaining("example.com");
                assertThat(failure(accepting)).isInstanceOf(SSLException.class);
            }
        });
    }

    @Test
    void onlyAPlainConnectionOfOneUserStartsIt() throws Exception {
        inLoop(loop -> {
            try (Pair pair = Pair.open()) {
                TaskFuture<?> reader = loop.submit(() -> pair.server().readLine(100));
                EventLoop.sleep(Duration.ofMillis(10));
                assertThatThrownBy(() -> pair.server().acceptTls(serverSide, null))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("is being read by");
                pair.client().write("\n");
                reader.get();
                TaskFuture<?> accepting = accepting(pair.server(), new SSLParameters());
                pair.client().startTls(nobody, "127.0.0.1");
                accepting.get();
                assertThatThrownBy(() -> pair.client().startTls(nobody, "127.0.0.1"))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("speaks TLS already");
                pair.client().close();
                assertThatThrownBy(() -> pair.client().startTls(nobody, "127.0.0.1"))
                        .isInstanceOf(StreamClosedException.class);
            }
        });
    }

    @Test
    void aStartThatIsCancelledOrTakesTooLongCanBeGoneOnWith() throws Exception {
        inLoop(loop -> {
            try (Pair pair = Pair.open()) {
                var over = new CountDownLatch(1);
                TaskFuture<?> first = loop.submit(() -> {
                    try {
                        pair.client().startTls(nobody, "127.0.0.1");
                        return null;
                    } finally {
                        over.countDown();
                    }
                });
                EventLoop.sleep(Duration.ofMillis(50));
                first.cancel(true);
                EventLoop.suspending(() -> over.await(60, TimeUnit.SECONDS));
                pair.client().setReadTimeout(Duration.ofMillis(50));
                assertThatThrownBy(() -> pair.client().handshake()).isInstanceOf(SocketTimeoutException.class);
                assertThat(pair.client().sslSession()).isNull();
                pair.client().setReadTimeout(LONG);
                TaskFuture<?> accepting = accepting(pair.server(), new SSLParameters());
                pair.client().handshake();
                accepting.get();
                pair.client().write("hello\n");
                assertThat(pair.server().readLine(100)).isEqualTo("hello");
            }
        });
    }

    @Test
    void closingEndsAStart() throws Exception {
        inLoop(loop -> {
            try (Pair pair = Pair.open()) {
                TaskFuture<?> start = loop.submit(() -> {
                    pair.client().startTls(nobody, "127.0.0.1");
                    return null;
                });
                EventLoop.sleep(Duration.ofMillis(50));
                Thread other = Thread.ofPlatform().start(() -> pair.client().close());
                assertThat(failure(start)).isInstanceOf(StreamClosedException.class);
                EventLoop.suspending(() -> {
                    other.join();
                    return true;
                });
            }
        });
    }

    // ---- certificates of clients ----

    private static SSLParameters asking(boolean needed) {
        var parameters = new SSLParameters();
        if (needed) {
            parameters.setNeedClientAuth(true);
        } else {
            parameters.setWantClientAuth(true);
        }
        return parameters;
    }

    private static Listener listen(SSLParameters parameters) throws IOException {
        return Listener.openTls(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), serverSide, parameters);
    }

    /** Says who the client is; nobody it says of one without a certificate. */
    private static TaskFuture<?> greeter(Listener listener) {
        return EventLoop.current().submit(() -> {
            listener.serve(10, stream -> {
                stream.handshake();
                String name;
                try {
                    name = Objects.requireNonNull(stream.sslSession()).getPeerPrincipal().getName();
                } catch (javax.net.ssl.SSLPeerUnverifiedException e) {
                    name = "nobody";
                }
                stream.write("hello " + name + "\n");
            });
            return null;
        });
    }

    private static String greeting(Listener listener, SSLContext who) throws Exception {
        try (ByteStream stream = ByteStream.connectTls("127.0.0.1", listener.port(), who, LONG)) {
            return Objects.requireNonNull(stream.readLine(100), "no greeting");
        }
    }

    @Test
    void aServerThatNeedsCertificatesKnowsItsClients() throws Exception {
        inLoop(loop -> {
            SSLParameters parameters = asking(true);
            try (Listener listener = listen(parameters)) {
                parameters.setNeedClientAuth(false); // which comes too late
                greeter(listener);
                assertThat(greeting(listener, client)).isEqualTo("hello CN=client");
                assertThatThrownBy(() -> greeting(listener, nobody)).isInstanceOf(SSLException.class)
                        .hasMessageContaining("fatal alert");
                assertThatThrownBy(() -> greeting(listener, stranger)).isInstanceOf(SSLException.class)
                        .hasMessageContaining("fatal alert");
                assertThat(greeting(listener, client)).isEqualTo("hello CN=client");
            }
        });
    }

    @Test
    void aServerThatWantsCertificatesServesThoseWithoutToo() throws Exception {
        inLoop(loop -> {
            try (Listener listener = listen(asking(false))) {
                greeter(listener);
                assertThat(greeting(listener, client)).isEqualTo("hello CN=client");
                assertThat(greeting(listener, nobody)).isEqualTo("hello nobody");
                // the server says whom it trusts, so it is not shown
                assertThat(greeting(listener, stranger)).isEqualTo("hello nobody");
            }
        });
    }

    @Test
    void aServerThatAsksForNothingIsShownNothing() throws Exception {
        inLoop(loop -> {
            try (Listener listener =
                    Listener.openTls(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), serverSide)) {
                greeter(listener);
                assertThat(greeting(listener, client)).isEqualTo("hello nobody");
            }
        });
    }

    @Test
    void aPlainConnectionCanAskForACertificateToo() throws Exception {
        inLoop(loop -> {
            try (Pair pair = Pair.open()) {
                TaskFuture<?> accepting = accepting(pair.server(), asking(true));
                pair.client().startTls(client, "127.0.0.1");
                accepting.get();
                assertThat(Objects.requireNonNull(pair.server().sslSession()).getPeerPrincipal().getName())
                        .isEqualTo("CN=client");
            }
            try (Pair pair = Pair.open()) {
                TaskFuture<?> accepting = accepting(pair.server(), asking(true));
                assertThatThrownBy(() -> {
                    pair.client().startTls(nobody, "127.0.0.1");
                    pair.client().readLine(100); // with TLS 1.3 it is told only here
                })
                        .isInstanceOf(SSLException.class);
                assertThat(failure(accepting)).isInstanceOf(SSLHandshakeException.class)
                        .hasMessageContaining("certificate");
            }
        });
    }

    @Test
    void aContextThatWasNotInitializedIsRefusedBeforeThePortIsTaken() throws Exception {
        SSLContext empty = SSLContext.getInstance("TLS");
        inLoop(loop -> assertThatThrownBy(() -> Listener.openTls(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), empty, new SSLParameters()))
                .isInstanceOf(IllegalStateException.class));
    }
}
