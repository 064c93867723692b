package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.server.Http2Client.Frame;
import dev.sennit.server.TestCertificates.Made;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/2 over TLS: the same limits as over HTTP/1, for each stream, and those of the connection. */
@Timeout(120)
class Http2IT {
    private static final Duration SHORT = Duration.ofMillis(300);

    @TempDir
    private static Path temp;

    private static Made certificate;

    private final Semaphore mayEnd = new Semaphore(0);
    private final AtomicInteger running = new AtomicInteger();
    private final CountDownLatch interrupted = new CountDownLatch(1);
    private final HttpClient client;
    private EngineUnderTest server;

    Http2IT() throws Exception {
        client = HttpClient.newBuilder()
                .sslContext(TestCertificates.trusting())
                .version(Version.HTTP_2)
                .build();
    }

    @BeforeAll
    static void make() throws Exception {
        certificate = TestCertificates.make(temp, "h2", "localhost", "-keyalg", "EC", "-groupname", "secp256r1");
    }

    @AfterEach
    void stop() throws IOException {
        mayEnd.release(10_000);
        client.shutdownNow();
        if (server != null) {
            server.close();
        }
    }

    private void start(ServerSettings settings) throws Exception {
        start(settings, certificate.pem());
    }

    private void start(ServerSettings settings, TlsSettings tls) throws Exception {
        server = new EngineUnderTest(Routes.create()
                .get("/", request -> WebResponse.text("hello " + request.query("a").orElse("")))
                .post("/", request -> WebResponse.text(request.bytes().length + " bytes"))
                .get("/slow", _ -> {
                    running.incrementAndGet();
                    mayEnd.acquire();
                    return WebResponse.text("slow");
                })
                .get("/begun", _ -> WebResponse.stream("text/plain", out -> {
                    out.write(new byte[100]);
                    out.flush();
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        interrupted.countDown();
                        throw e;
                    }
                }))
                .get("/same", _ -> WebResponse.of(304))
                .get("/unsent", _ -> WebResponse.stream("text/plain", out -> {
                    out.write(new byte[100]);
                    mayEnd.acquire();
                }))
                .get("/throws", _ -> {
                    throw new IllegalStateException("on purpose");
                })
                .get("/endless", _ -> WebResponse.stream("text/plain", out -> {
                    try {
                        while (true) {
                            out.write(new byte[1 << 16]);
                        }
                    } catch (IOException e) {
                        interrupted.countDown();
                        throw e;
                    }
                }))
                .files("/files", temp), settings, tls);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + server.port() + path));
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(request(path).build(), BodyHandlers.ofString());
    }

    private void assertServes() throws Exception {
        try (Http2Client other = new Http2Client(server).begin()) {
            other.get(1, "/");
            assertThat(other.next(Http2Client.DATA).payload()).asString().isEqualTo("hello ");
        }
    }

    // ---- what is served ----

    @ParameterizedTest
    @ValueSource(strings = {"virtual:64", "threads:64", "loop:64"})
    void requestsShareAConnection(String on) throws Exception {
        start(ServerSettings.DEFAULTS.on(on));
        HttpResponse<String> first = get("/?a=b");
        assertThat(first.version()).isEqualTo(Version.HTTP_2);
        assertThat(first.body()).isEqualTo("hello b");
        List<CompletableFuture<HttpResponse<String>>> slow = new ArrayList<>();
        for (int i = 0; i < 64; i++) { // all of them block at the same time
            slow.add(client.sendAsync(request("/slow").build(), BodyHandlers.ofString()));
        }
        Waiting.until(() -> running.get() == 64);
        mayEnd.release(64);
        for (CompletableFuture<HttpResponse<String>> one : slow) {
            assertThat(one.get(20, TimeUnit.SECONDS).body()).isEqualTo("slow");
        }
        assertThat(server.engine.connections()).isEqualTo(1);
        assertThat(get("/none").statusCode()).isEqualTo(404);
        assertThat(get("/same").statusCode()).isEqualTo(304);
        assertThat(get("/same").headers().firstValue("Content-Length")).isEmpty();
        assertThat(get("/throws").statusCode()).isEqualTo(500);
        assertThat(client.send(request("/").HEAD().build(), BodyHandlers.ofString()).body()).isEmpty();
    }

    @Test
    void bodiesAndFiles() throws Exception {
        byte[] bytes = new byte[1_500_001];
        new Random(3).nextBytes(bytes);
        Files.write(temp.resolve("bytes"), bytes);
        start(ServerSettings.DEFAULTS.bodySize(2_000_000));
        assertThat(client.send(request("/files/bytes").build(), BodyHandlers.ofByteArray()).body()).isEqualTo(bytes);
        assertThat(client.send(request("/").POST(BodyPublishers.ofByteArray(bytes)).build(), BodyHandlers.ofString())
                .body()).isEqualTo("1500001 bytes");
        assertThat(client.send(request("/").POST(BodyPublishers.ofByteArray(new byte[2_000_001])).build(),
                BodyHandlers.ofString()).statusCode()).isEqualTo(413);
        assertThat(get("/").body()).isEqualTo("hello ");
    }

    @Test
    void onlyIfItIsAskedFor() throws Exception {
        start(ServerSettings.DEFAULTS, certificate.pem().http2(false));
        assertThat(get("/").version()).isEqualTo(Version.HTTP_1_1);
        try (Http2Client refused = new Http2Client(server)) {
            assertThat(refused.protocol()).isNotEqualTo("h2");
        }
    }

    // ---- limits of each stream ----

    @Test
    void theDeadlineEndsAStreamAndNotItsConnection() throws Exception {
        start(ServerSettings.DEFAULTS.deadline(Duration.ofSeconds(2)));
        assertThat(get("/").statusCode()).isEqualTo(200);
        HttpResponse<String> cut = get("/slow");
        assertThat(cut.statusCode()).isEqualTo(503);
        assertThat(cut.headers().firstValue("Retry-After")).contains("1");
        HttpResponse<String> unsent = get("/unsent");
        assertThat(unsent.statusCode()).isEqualTo(503);
        assertThat(unsent.headers().firstValue("Retry-After")).contains("1");
        assertThat(unsent.body()).isEqualTo("the request took too long\n");
        assertThatThrownBy(() -> get("/begun")).isInstanceOf(IOException.class);
        assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(get("/").statusCode()).isEqualTo(200);
        assertThat(server.engine.connections()).isEqualTo(1);
        assertThat(server.broken).isNotDone();
    }

    @Test
    void theQueueIsThatOfAllStreams() throws Exception {
        start(ServerSettings.DEFAULTS.on("virtual:2").queue(3));
        List<CompletableFuture<HttpResponse<String>>> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(client.sendAsync(request("/slow").build(), BodyHandlers.ofString()));
        }
        Waiting.until(() -> all.stream().filter(CompletableFuture::isDone).count() == 3);
        mayEnd.release(5);
        List<Integer> statuses = new ArrayList<>();
        for (CompletableFuture<HttpResponse<String>> one : all) {
            statuses.add(one.get(20, TimeUnit.SECONDS).statusCode());
        }
        assertThat(statuses).containsOnly(200, 503);
        assertThat(statuses.stream().filter(status -> status == 200)).hasSize(5);
    }

    @Test
    void headersThatAreTooLarge() throws Exception {
        start(ServerSettings.DEFAULTS.headerSize(4000));
        assertThat(client.send(request("/").header("X", "a".repeat(2000)).build(), BodyHandlers.ofString())
                .statusCode()).isEqualTo(200);
        try {
            assertThat(client.send(request("/").header("X", "a".repeat(60_000)).build(), BodyHandlers.ofString())
                    .statusCode()).isIn(400, 431);
        } catch (IOException e) {
            // the stream or the connection ends
        }
        assertServes();
    }

    @Test
    void aBodyThatStopsAndAClientThatReadsNothingAreGivenUp() throws Exception {
        start(ServerSettings.DEFAULTS.stallLimit(SHORT));
        try (Http2Client stalls = new Http2Client(server).begin()) {
            stalls.get(1, "/endless"); // its window is never opened
            byte[] post = Http2Client.get("/");
            post[0] = (byte) 0x83;
            stalls.send(Http2Client.HEADERS, Http2Client.END_HEADERS, 3, post);
            assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
            Waiting.until(() -> server.worked.get() == 2);
            stalls.get(5, "/"); // the connection serves others
            Frame next = stalls.next();
            while (next.stream() != 5) {
                next = stalls.next();
            }
            assertThat(next.type()).isEqualTo(Http2Client.HEADERS);
        }
        assertServes();
    }

    // ---- limits of the connection ----

    /** Sends bytes until the server ends the connection, and looks that others are served. */
    private void assertEnds(byte[] frames, int times) throws Exception {
        try (Http2Client floods = new Http2Client(server).begin()) {
            Thread writer = Thread.ofVirtual().start(() -> {
                try {
                    for (int i = 0; i < times; i++) {
                        floods.sendRaw(frames);
                    }
                } catch (IOException e) {
                    // it has ended
                }
            });
            floods.awaitEnd();
            writer.join();
        }
        assertServes();
    }

    @Test
    void floodsAreEnded() throws Exception {
        start(ServerSettings.DEFAULTS);
        assertEnds(Http2Client.frame(Http2Client.PING, 0, 0, new byte[8]), 50_000);
        assertEnds(Http2Client.frame(Http2Client.SETTINGS, 0, 0, new byte[0]), 50_000);
        assertEnds(Http2Client.frame(Http2Client.CONTINUATION, 0, 1, new byte[100]), 1);
    }

    @Test
    void aHeadWithoutEndIsEnded() throws Exception {
        start(ServerSettings.DEFAULTS);
        try (Http2Client floods = new Http2Client(server).begin()) {
            floods.send(Http2Client.HEADERS, 0, 1, Http2Client.get("/"));
            Thread writer = Thread.ofVirtual().start(() -> {
                try {
                    for (int i = 0; i < 100_000; i++) {
                        floods.send(Http2Client.CONTINUATION, 0, 1, new byte[] {0, 1, 'x', 1, 'y'});
                    }
                } catch (IOException e) {
                    // it has ended
                }
            });
            floods.awaitEnd();
            writer.join();
        }
        assertServes();
    }

    @Test
    void streamsThatAreResetAtOnceAreEnded() throws Exception {
        start(ServerSettings.DEFAULTS.on("virtual:4").queue(10));
        try (Http2Client floods = new Http2Client(server).begin()) {
            Thread writer = Thread.ofVirtual().start(() -> {
                try {
                    for (int stream = 1; stream < 100_000; stream += 2) {
                        var both = new ByteArrayOutputStream();
                        both.writeBytes(Http2Client.frame(Http2Client.HEADERS,
                                Http2Client.END_HEADERS | Http2Client.END_STREAM, stream, Http2Client.get("/slow")));
                        both.writeBytes(Http2Client.frame(Http2Client.RST_STREAM, 0, stream, new byte[] {0, 0, 0, 8}));
                        floods.sendRaw(both.toByteArray());
                    }
                } catch (IOException e) {
                    // it has ended
                }
            });
            floods.awaitEnd();
            writer.join();
        }
        assertThat(server.worked.get()).isLessThan(Http2ConnectionFactory.MOST_EVENTS_PER_SECOND * 10);
        mayEnd.release(10_000);
        assertServes();
    }

    @Test
    void moreStreamsThanAreAllowedAreRefused() throws Exception {
        start(ServerSettings.DEFAULTS);
        try (Http2Client many = new Http2Client(server).begin()) {
            for (int i = 0; i <= Http2ConnectionFactory.MOST_STREAMS; i++) {
                many.get(1 + 2 * i, "/slow");
            }
            Frame reset = many.next(Http2Client.RST_STREAM);
            assertThat(reset.stream()).isEqualTo(1 + 2 * Http2ConnectionFactory.MOST_STREAMS);
            assertThat(reset.number(0)).as("REFUSED_STREAM").isEqualTo(7);
            mayEnd.release(Http2ConnectionFactory.MOST_STREAMS);
            for (int i = 0; i < Http2ConnectionFactory.MOST_STREAMS; i++) {
                assertThat(many.next(Http2Client.DATA).payload()).asString().isEqualTo("slow");
            }
        }
    }

    @Test
    void pingsDoNotKeepAConnectionOpen() throws Exception {
        start(ServerSettings.DEFAULTS.keepAlive(Duration.ofSeconds(2)).lastRequest(SHORT));
        try (Http2Client idle = new Http2Client(server).begin()) {
            idle.get(1, "/");
            idle.next(Http2Client.DATA);
            boolean isTold = false;
            for (int pings = 0; !isTold; pings++) { // one behind each answer, and no more a second than are allowed
                if (pings < Http2ConnectionFactory.MOST_EVENTS_PER_SECOND / 2) {
                    idle.send(Http2Client.PING, 0, 0, new byte[8]);
                }
                isTold = idle.next().type() == Http2Client.GOAWAY;
            }
            idle.awaitEnd();
        }
        assertServes();
    }

    // ---- the end ----

    @Test
    void aBusyConnectionIsToldItsLastStreamToo() throws Exception {
        start(ServerSettings.DEFAULTS.lastRequest(SHORT).deadline(Duration.ofSeconds(100)));
        try (Http2Client busy = new Http2Client(server).begin()) {
            busy.get(1, "/slow");
            Waiting.until(() -> running.get() == 1);
            server.engine.drain();
            assertThat(busy.next(Http2Client.GOAWAY).number(0)).isEqualTo(Integer.MAX_VALUE);
            assertThat(busy.next(Http2Client.GOAWAY).number(0)).isEqualTo(1); // and /slow still runs
            busy.get(3, "/slow");
            mayEnd.release(2);
            Frame slow = busy.next(Http2Client.DATA);
            assertThat(slow.stream()).isEqualTo(1);
            assertThat(slow.payload()).asString().isEqualTo("slow");
            busy.awaitEnd();
            assertThat(server.engine.awaitDrained(Duration.ofSeconds(20))).isZero();
            assertThat(running).hasValue(1);
        }
    }

    @Test
    void aDrainSaysGoAwayAndAnswersWhatIsOnItsWay() throws Exception {
        start(ServerSettings.DEFAULTS.lastRequest(Duration.ofSeconds(1)));
        try (Http2Client busy = new Http2Client(server).begin();
                Http2Client idle = new Http2Client(server).begin()) {
            busy.get(1, "/slow");
            idle.get(1, "/");
            assertThat(idle.next(Http2Client.DATA).payload()).asString().isEqualTo("hello ");
            Waiting.until(() -> running.get() == 1);
            server.engine.drain();
            for (Http2Client one : List.of(busy, idle)) {
                Frame told = one.next(Http2Client.GOAWAY);
                assertThat(told.number(0)).as("all streams that come are answered").isEqualTo(Integer.MAX_VALUE);
                assertThat(told.number(4)).isZero();
                one.get(3, "/"); // it was on its way
                assertThat(one.next(Http2Client.DATA).payload()).asString().isEqualTo("hello ");
            }
            assertThat(idle.next(Http2Client.GOAWAY).number(0)).isEqualTo(3);
            idle.awaitEnd();
            mayEnd.release();
            assertThat(new String(busy.next(Http2Client.DATA).payload(), StandardCharsets.US_ASCII)).isEqualTo("slow");
            busy.awaitEnd();
            assertThat(server.engine.awaitDrained(Duration.ofSeconds(20))).isZero();
        }
    }
}
