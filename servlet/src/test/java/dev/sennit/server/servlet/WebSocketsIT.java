package dev.sennit.server.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.server.ServerSettings;
import dev.sennit.server.ServletServer;
import dev.sennit.server.TlsSettings;
import jakarta.websocket.CloseReason;
import jakarta.websocket.OnClose;
import jakarta.websocket.OnError;
import jakarta.websocket.OnMessage;
import jakarta.websocket.OnOpen;
import jakarta.websocket.Session;
import jakarta.websocket.server.PathParam;
import jakarta.websocket.server.ServerEndpoint;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** WebSockets in the server, over sockets. */
@Timeout(120)
class WebSocketsIT {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final BlockingQueue<String> NOTES = new LinkedBlockingQueue<>();
    private static final Semaphore MAY_ANSWER = new Semaphore(0);

    private final HttpClient client = HttpClient.newHttpClient();

    @BeforeEach
    void clear() {
        NOTES.clear();
        MAY_ANSWER.drainPermits();
    }

    @AfterEach
    void close() {
        client.shutdownNow();
    }

    /** Answers when the test says so. */
    @ServerEndpoint("/chat/{room}")
    public static final class Chat {
        @OnOpen
        public void open(Session session, @PathParam("room") String room) {
            NOTES.add("open " + room);
        }

        @OnMessage
        public String answer(String message) throws InterruptedException {
            if (message.startsWith("slow")) {
                NOTES.add("works");
                MAY_ANSWER.acquire();
            }
            return "re: " + message;
        }

        @OnClose
        public void close(CloseReason reason) {
            NOTES.add("closed " + reason.getCloseCode().getCode());
        }
    }

    /** Sends more than a client takes that does not read. */
    @ServerEndpoint("/flood")
    public static final class Flood {
        private static final int MOST = 500;

        @OnMessage
        public void flood(Session session, String message) {
            var failed = new AtomicInteger();
            for (int i = 0; i < MOST; i++) {
                session.getAsyncRemote().sendText("x".repeat(60_000), result -> {
                    if (!result.isOK() && failed.getAndIncrement() == 0) {
                        NOTES.add("failed");
                    }
                });
            }
            NOTES.add(failed.get() > 0 ? "some failed" : "all wait");
        }

        @OnClose
        public void close() {
            NOTES.add("closed");
        }

        @OnError
        public void error(Throwable failure) {
            // of the client that does not read
        }
    }

    private static Socket deaf(ServletServer server) throws Exception {
        Socket socket = server.connect();
        ServletServer.send(socket,
                "GET /flood HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        assertThat(ServletServer.head(socket)).startsWith("HTTP/1.1 101 ");
        socket.getOutputStream().write(new byte[] {(byte) 0x81, (byte) 0x81, 0, 0, 0, 0, 'a'});
        return socket;
    }

    @Test
    void whatAClientDoesNotReadIsLimitedInNumber() throws Exception {
        var few = WebSocketSettings.DEFAULTS.unsent(10).sendLimit(LONG);
        try (var server =
                new ServletServer(ServletApplication.of(Flood.class).webSockets(few), ServerSettings.DEFAULTS);
                Socket client = deaf(server)) {
            assertThat(note()).isEqualTo("failed");
            assertThat(note()).isEqualTo("some failed");
            assertThat(client.getInputStream().readNBytes(2)).startsWith(0x81); // it may still read the others
        }
    }

    @Test
    void whatAClientDoesNotReadIsLimitedInTime() throws Exception {
        var few = WebSocketSettings.DEFAULTS.unsent(1000).sendLimit(Duration.ofSeconds(1));
        try (var server =
                new ServletServer(ServletApplication.of(Flood.class).webSockets(few), ServerSettings.DEFAULTS);
                Socket client = deaf(server)) {
            assertThat(List.of(note(), note(), note())).containsExactlyInAnyOrder("all wait", "failed", "closed");
            Waiting.until(() -> server.connections() == 0);
            assertThat(client.isConnected()).isTrue();
        }
    }

    private static final class Client implements WebSocket.Listener {
        private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean isLast) {
            heard.add(data.toString());
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            heard.add("close " + code + " " + reason);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            heard.add("error");
        }

        String next() throws InterruptedException {
            return String.valueOf(heard.poll(30, TimeUnit.SECONDS));
        }
    }

    private static String note() throws InterruptedException {
        return String.valueOf(NOTES.poll(30, TimeUnit.SECONDS));
    }

    private static ServletServer serve(WebSocketSettings settings, ServerSettings limits) throws Exception {
        return new ServletServer(ServletApplication.of(Chat.class).webSockets(settings), limits);
    }

    private WebSocket open(ServletServer server, Client listener) {
        return client.newWebSocketBuilder().buildAsync(server.uri("ws", "/chat/red"), listener).join();
    }

    private static String handshake(ServletServer server) throws Exception {
        try (Socket socket = server.connect()) {
            ServletServer.send(socket,
                    "GET /chat/red HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
            return ServletServer.head(socket);
        }
    }

    @Test
    void messagesAreAnsweredBeyondTheDeadlineOfTheRequest() throws Exception {
        var limits = ServerSettings.DEFAULTS.on("virtual:1").deadline(Duration.ofSeconds(3));
        try (ServletServer server = serve(WebSocketSettings.DEFAULTS, limits)) {
            var listener = new Client();
            WebSocket socket = open(server, listener);
            assertThat(note()).isEqualTo("open red");
            socket.sendText("slow", true).join();
            assertThat(note()).isEqualTo("works");
            assertThat(server.get("/none")).startsWith("HTTP/1.1 404 "); // the WebSocket holds no place
            long from = System.nanoTime();
            Waiting.until(() -> System.nanoTime() - from > 3_500_000_000L);
            MAY_ANSWER.release();
            assertThat(listener.next()).isEqualTo("re: slow");
            socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
            assertThat(note()).isEqualTo("closed 1000");
            Waiting.until(() -> server.connections() == 0);
        }
    }

    @Test
    void numberAndSizeAndIdlenessAreLimited() throws Exception {
        var few = WebSocketSettings.DEFAULTS.most(1).messageSize(1000).idle(Duration.ofSeconds(2));
        try (ServletServer server = serve(few, ServerSettings.DEFAULTS)) {
            var listener = new Client();
            WebSocket socket = open(server, listener);
            assertThat(handshake(server)).startsWith("HTTP/1.1 503 ").contains("Retry-After");
            socket.sendText("x".repeat(1001), true).join();
            assertThat(listener.next()).startsWith("close 1009");
            Waiting.until(() -> server.connections() == 0);
            for (int i = 0; i < 3; i++) { // a place is free again, also after a request that was no handshake
                assertThat(server.exchange("GET /none HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\n"
                        + "Upgrade: websocket\r\n\r\n")).startsWith("HTTP/1.1 404 ");
            }
            var second = new Client();
            open(server, second);
            assertThat(second.next()).startsWith("close 1001").containsIgnoringCase("idle");
        }
    }

    @Test
    void otherUpgradesAreNoWebSockets() throws Exception {
        try (ServletServer server = serve(WebSocketSettings.DEFAULTS.most(0), ServerSettings.DEFAULTS)) {
            assertThat(handshake(server)).startsWith("HTTP/1.1 503 ");
            assertThat(server.exchange("GET /none HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade, HTTP2-Settings\r\n"
                    + "Upgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n\r\n"))
                    .startsWith("HTTP/1.1 404 ");
            assertThat(server.exchange("GET /none HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\n"
                    + "Upgrade: h2c, WebSocket\r\n\r\n")).startsWith("HTTP/1.1 503 ");
        }
    }

    @Test
    void theDrainTellsThemWhenNoMessageIsBeingAnswered() throws Exception {
        try (ServletServer server = serve(WebSocketSettings.DEFAULTS.goingAway(LONG), ServerSettings.DEFAULTS)) {
            var idle = new Client();
            var busy = new Client();
            open(server, idle);
            WebSocket socket = open(server, busy);
            socket.sendText("slow", true).join();
            assertThat(NOTES.take() + NOTES.take() + NOTES.take()).endsWith("works");
            server.drain();
            assertThat(idle.next()).isEqualTo("close 1001 going away");
            assertThat(note()).isEqualTo("closed 1001");
            MAY_ANSWER.release();
            assertThat(busy.next()).isEqualTo("re: slow");
            assertThat(busy.next()).isEqualTo("close 1001 going away");
            assertThat(server.awaitDrained(LONG)).isZero();
        }
    }

    @Test
    void theyAreToldOverTlsToo(@TempDir Path folder) throws Exception {
        Path store = folder.resolve("store.p12");
        char[] password = "of the test".toCharArray();
        Process keytool = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair", "-keystore",
                store.toString(), "-storetype", "PKCS12", "-storepass", new String(password), "-alias", "test",
                "-keyalg",
                "EC", "-dname", "CN=test", "-ext", "san=ip:127.0.0.1")
                .inheritIO()
                .start();
        assertThat(keytool.waitFor()).isZero();
        var trusts = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusts.init(KeyStore.getInstance(store.toFile(), password));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trusts.getTrustManagers(), null);
        var tls = TlsSettings.pkcs12(store, Files.writeString(folder.resolve("password"), new String(password)));
        var application = ServletApplication.of(Chat.class)
                .webSockets(WebSocketSettings.DEFAULTS.goingAway(LONG));
        try (HttpClient secure = HttpClient.newBuilder().sslContext(context).build();
                ServletServer server = new ServletServer(application, ServerSettings.DEFAULTS, tls)) {
            var listener = new Client();
            WebSocket socket = secure.newWebSocketBuilder()
                    .buildAsync(server.uri("wss", "/chat/red"), listener)
                    .join();
            MAY_ANSWER.release();
            socket.sendText("slow", true).join();
            assertThat(listener.next()).isEqualTo("re: slow");
            server.drain();
            assertThat(listener.next()).isEqualTo("close 1001 going away");
            assertThat(server.awaitDrained(LONG)).isZero();
        }
    }

    @Test
    void theLimitCutsThemThatDoNotHeedIt() throws Exception {
        var shortly = WebSocketSettings.DEFAULTS.goingAway(Duration.ofSeconds(1));
        try (ServletServer server = serve(shortly, ServerSettings.DEFAULTS); Socket deaf = server.connect()) {
            ServletServer.send(deaf,
                    "GET /chat/red HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
            assertThat(ServletServer.head(deaf)).startsWith("HTTP/1.1 101 ").contains("Connection: Upgrade")
                    .doesNotContain("close");
            server.drain();
            assertThat(deaf.getInputStream().readNBytes(4)).startsWith(0x88, 12, 1001 >> 8, 1001 & 0xFF);
            assertThat(server.awaitDrained(LONG)).isZero();
        }
    }
}
