package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The answers and the limits of the server, over sockets. */
@Timeout(120)
class EngineIT {
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final String CLOSE = "Host: a\r\nConnection: close\r\n";

    private static String get(String path) {
        return "GET " + path + " HTTP/1.1\r\n" + CLOSE + "\r\n";
    }

    private static String post(String path, String body) {
        return "POST " + path + " HTTP/1.1\r\n" + CLOSE + "Content-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static WebResponse read(WebRequest request) throws IOException {
        request.bytes();
        return WebResponse.text("hello\n");
    }

    // ---- what is served ----

    @ParameterizedTest
    @ValueSource(strings = {"virtual:8", "threads:2", "loop:8"})
    void routesAnswer(String on) throws Exception {
        Routes routes = Routes.create()
                .get("/photos/{id}",
                        request -> WebResponse.text(request.parameter("id") + request.query("size").orElse("")
                                + request.header("x-a").orElse("")))
                .get("/photos/latest", _ -> WebResponse.text("the latest"))
                .post("/echo", request -> WebResponse.bytes("application/octet-stream", request.bytes()).status(201))
                .get("/stream", _ -> WebResponse.stream("text/plain", out -> {
                    for (int i = 0; i < 3000; i++) {
                        out.write("0123456789".getBytes(StandardCharsets.UTF_8));
                    }
                }))
                .get("/empty", _ -> WebResponse.of(204).header("X-B", "c"));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.on(on))) {
            assertThat(server.exchange("GET /photos/a%20b?size=%37 HTTP/1.1\r\nX-A: z\r\n" + CLOSE + "\r\n"))
                    .startsWith("HTTP/1.1 200 OK\r\n")
                    .contains("Connection: close\r\n", "Content-Type: text/plain; charset=utf-8\r\n")
                    .endsWith("\r\n\r\na b7z");
            assertThat(server.exchange(get("/photos/latest"))).endsWith("the latest");
            assertThat(server.exchange(post("/echo", "abc"))).startsWith("HTTP/1.1 201 ").endsWith("\r\n\r\nabc");
            assertThat(server.exchange(get("/stream"))).contains("Transfer-Encoding: chunked").endsWith("\r\n0\r\n\r\n")
                    .hasSizeGreaterThan(30_000);
            assertThat(server.exchange(get("/empty"))).startsWith("HTTP/1.1 204 ").contains("X-B: c")
                    .doesNotContain("Content-Length");
            assertThat(server.exchange("HEAD /photos/7 HTTP/1.1\r\n" + CLOSE + "\r\n"))
                    .startsWith("HTTP/1.1 200 ").contains("Content-Length: 1\r\n").endsWith("\r\n\r\n");
            assertThat(server.exchange(get("/x/../photos/%41"))).endsWith("\r\n\r\nA");
            assertThat(server.exchange(get("/photos/a%2fb"))).startsWith("HTTP/1.1 400 ");
            assertThat(server.exchange(get("/none"))).startsWith("HTTP/1.1 404 ");
            assertThat(server.exchange(post("/photos/7", ""))).startsWith("HTTP/1.1 405 ").contains("Allow: GET, HEAD");
            assertThat(server.worked).hasValue(9);
        }
    }

    @Test
    void aLiteralPartGoesBeforeAParameterInAnyOrderOfTheRoutes() throws Exception {
        Routes routes = Routes.create()
                .get("/photos/{id}", request -> WebResponse.text(request.parameter("id")))
                .get("/photos", _ -> WebResponse.text("all"))
                .get("/photos/latest", _ -> WebResponse.text("the latest"));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            assertThat(server.exchange(get("/photos/latest"))).endsWith("\r\n\r\nthe latest");
            assertThat(server.exchange(get("/photos/7"))).endsWith("\r\n\r\n7");
            assertThat(server.exchange(get("/photos"))).endsWith("\r\n\r\nall");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"virtual:8", "threads:2", "loop:8"})
    void handlersOfTheJdkAnswer(String on) throws Exception {
        Routes routes = Routes.create().under("/", EngineIT::whole).under("/chunks", EngineIT::chunks);
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.on(on))) {
            assertThat(server.exchange(post("/x?y=z", "body")))
                    .startsWith("HTTP/1.1 202 ")
                    .contains("X-path: /x?y=z\r\n", "Content-Length: 4\r\n")
                    .endsWith("\r\n\r\nbody");
            assertThat(server.exchange(get("/chunks/1"))).contains("Content-Length: 4").contains("some");
            assertThat(server.exchange(get("/chunksX"))).startsWith("HTTP/1.1 202 ");
            assertThat(server.exchange("HEAD /chunks HTTP/1.1\r\n" + CLOSE + "\r\n")).endsWith("\r\n\r\n");
            assertThat(server.exchange("GET /a|b HTTP/1.1\r\n" + CLOSE + "\r\n")).startsWith("HTTP/1.1 400 ");
        }
    }

    private static void whole(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        exchange.getResponseHeaders().add("X-Path", exchange.getRequestURI().toString());
        exchange.sendResponseHeaders(202, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static void chunks(HttpExchange exchange) throws IOException {
        exchange.sendResponseHeaders(200, 0);
        if (!exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseBody().write("some".getBytes(StandardCharsets.UTF_8));
        }
        // it returns without a close
    }

    @Test
    void handlersOnALoopTakeTurns() throws Exception {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Routes routes = Routes.create().get("/", _ -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            for (int i = 0; i < 1_000_000; i++) {
                Thread.onSpinWait();
            }
            running.decrementAndGet();
            return WebResponse.text("done");
        });
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.on("loop"));
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                answers.add(threads.submit(() -> server.exchange(get("/"))));
            }
            for (Future<String> each : answers) {
                assertThat(each.get()).endsWith("done");
            }
            assertThat(most).hasValue(1);
        }
    }

    @Test
    void aHeadTellsTheLengthThatAGetWouldHaveOrNone() throws Exception {
        Routes routes = Routes.create().under("/", exchange -> {
            String own = exchange.getRequestURI().getQuery();
            if (own != null) {
                exchange.getResponseHeaders().set("Content-Length", own);
            }
            exchange.sendResponseHeaders(200, Long.parseLong(exchange.getRequestURI().getPath().substring(1)));
        });
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            String close = " HTTP/1.1\r\n" + CLOSE + "\r\n";
            for (String unknown : List.of("/-1", "/0", "/-1?x", "/-1?-7")) {
                assertThat(server.exchange("HEAD " + unknown + close)).as(unknown).startsWith("HTTP/1.1 200 ")
                        .doesNotContain("Content-Length").endsWith("\r\n\r\n");
            }
            assertThat(server.exchange("HEAD /-1?1234" + close)).contains("Content-Length: 1234\r\n");
            assertThat(server.exchange("HEAD /99" + close)).contains("Content-Length: 99\r\n");
            try (Socket kept = server.connect()) { // the connection goes on
                for (String path : List.of("/0", "/-1", "/-1?5", "/7")) {
                    EngineUnderTest.send(kept, "HEAD " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
                    assertThat(EngineUnderTest.head(kept)).startsWith("HTTP/1.1 200 ");
                }
            }
        }
    }

    @Test
    void aResponseThatNothingHasChangedTellsNoLength() throws Exception {
        Routes routes = Routes.create()
                .get("/route", _ -> WebResponse.of(304).header("ETag", "\"a\""))
                .under("/sun", exchange -> exchange.sendResponseHeaders(304, -1));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS);
                Socket kept = server.connect()) {
            for (String path : List.of("/route", "/sun", "/route")) {
                EngineUnderTest.send(kept, "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(EngineUnderTest.head(kept)).startsWith("HTTP/1.1 304 ")
                        .doesNotContain("Content-Length", "Transfer-Encoding");
                assertThat(server.exchange(get(path))).startsWith("HTTP/1.1 304 ")
                        .doesNotContain("Content-Length", "Transfer-Encoding").endsWith("\r\n\r\n");
            }
        }
    }

    @Test
    void handlersThatFail() throws Exception {
        Routes routes = Routes.create()
                .get("/throws", _ -> {
                    throw new IllegalStateException("on purpose");
                })
                .get("/later", _ -> WebResponse.stream("text/plain", out -> {
                    out.write("part".getBytes(StandardCharsets.UTF_8));
                    out.flush();
                    throw new IOException("on purpose");
                }))
                .get("/short",
                        _ -> WebResponse.stream("text/plain", out -> out.write('x')).header("Content-Length", "9"))
                .under("/silent", _ -> {});
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            assertThat(server.exchange(get("/throws"))).startsWith("HTTP/1.1 500 ").doesNotContain("purpose");
            assertThat(server.exchange(get("/silent"))).startsWith("HTTP/1.1 500 ");
            assertThat(server.exchange(get("/later"))).contains("part").doesNotEndWith("0\r\n\r\n");
            assertThat(server.exchange(get("/short"))).doesNotContain("\r\n\r\nxxxxxxxxx");
            assertThat(server.exchange(get("/throws"))).startsWith("HTTP/1.1 500 ");
        }
    }

    @Test
    void badRequests() throws Exception {
        List<BadRequests.Case> cases;
        try (InputStream list = Objects.requireNonNull(getClass().getResourceAsStream("bad-requests.txt"))) {
            cases = BadRequests.read(new String(list.readAllBytes(), StandardCharsets.UTF_8).lines().toList());
        }
        assertThat(cases).hasSizeGreaterThan(70);
        Routes routes = Routes.create();
        for (String method : List.of("GET", "POST", "OPTIONS", "CONNECT", "PRI", "get")) {
            routes.on(method, "/", EngineIT::read).on(method, "/{a}", EngineIT::read);
        }
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            assertThat(BadRequests.send(cases, server.port())).isEmpty();
            assertThat(server.exchange(get("/"))).startsWith("HTTP/1.1 200 ");
        }
    }

    // ---- limits ----

    @Test
    void bodiesThatAreTooLarge() throws Exception {
        Routes routes = Routes.create().post("/", EngineIT::read);
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.bodySize(3))) {
            assertThat(server.exchange(post("/", "abc"))).startsWith("HTTP/1.1 200 ");
            assertThat(server.exchange(post("/", "abcd"))).startsWith("HTTP/1.1 413 ");
            assertThat(server.exchange("POST / HTTP/1.1\r\n" + CLOSE + "Transfer-Encoding: chunked\r\n\r\n"
                    + "4\r\nabcd\r\n0\r\n\r\n")).startsWith("HTTP/1.1 413 ");
        }
    }

    @Test
    void headsThatAreTooLarge() throws Exception {
        Routes routes = Routes.create().get("/", EngineIT::read);
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.headerSize(1000))) {
            assertThat(server.exchange("GET / HTTP/1.1\r\nX: " + "a".repeat(800) + "\r\n" + CLOSE + "\r\n"))
                    .startsWith("HTTP/1.1 200 ");
            assertThat(server.exchange("GET / HTTP/1.1\r\nX: " + "a".repeat(1000) + "\r\n" + CLOSE + "\r\n"))
                    .startsWith("HTTP/1.1 431 ");
        }
    }

    @Test
    void aHeadThatComesByDropsIsGivenUp() throws Exception {
        Routes routes = Routes.create().get("/", EngineIT::read);
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.headerLimit(SHORT));
                Socket socket = server.connect()) {
            EngineUnderTest.send(socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); // a good one before
            assertThat(EngineUnderTest.head(socket)).startsWith("HTTP/1.1 200 ");
            EngineUnderTest.receive(socket, "hello\n".length());
            assertThatThrownBy(() -> {
                for (int i = 0; i < 10_000; i++) {
                    EngineUnderTest.send(socket, "a");
                    Thread.sleep(10);
                }
            }).isInstanceOf(IOException.class);
        }
    }

    @Test
    void theRestOfABodyIsNoHead() throws Exception {
        Semaphore mayAnswer = new Semaphore(0);
        Routes routes = Routes.create().get("/", EngineIT::read).post("/unread", _ -> {
            mayAnswer.acquire();
            return WebResponse.text("hello\n");
        });
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.headerLimit(SHORT));
                Socket socket = server.connect()) {
            EngineUnderTest.send(socket, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
            Waiting.until(() -> server.worked.get() == 1);
            EngineUnderTest.send(socket, "the body.");
            mayAnswer.release();
            assertThat(EngineUnderTest.head(socket)).startsWith("HTTP/1.1 200 ").doesNotContain("close");
            EngineUnderTest.receive(socket, "hello\n".length());
            try (Socket later = server.connect()) { // begins a head afterwards, and is closed as that does not end
                EngineUnderTest.send(later, "GET");
                assertThat(EngineUnderTest.receive(later, 1)).isEmpty();
            }
            EngineUnderTest.send(socket, get("/"));
            assertThat(EngineUnderTest.receive(socket, 10_000)).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void theShortestLimitIsOne() throws Exception {
        Routes routes = Routes.create().post("/", EngineIT::read);
        ServerSettings settings =
                ServerSettings.DEFAULTS.stallLimit(Duration.ofNanos(1)).keepAlive(Duration.ofNanos(1));
        try (var server = new EngineUnderTest(routes, settings.deadline(Duration.ofSeconds(100)));
                Socket stalls = server.connect();
                Socket idle = server.connect()) {
            EngineUnderTest.send(stalls, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
            assertThat(EngineUnderTest.receive(stalls, 10_000)).doesNotContain("hello");
            assertThat(EngineUnderTest.receive(idle, 1)).isEmpty();
        }
    }

    @Test
    void aBodyThatDripsIsGivenUp() throws Exception {
        Routes routes = Routes.create().post("/", EngineIT::read);
        ServerSettings settings =
                ServerSettings.DEFAULTS.bodyRate(1 << 20).bodyGrace(Duration.ofMillis(1));
        try (var server = new EngineUnderTest(routes, settings);
                Socket socket = server.connect()) {
            EngineUnderTest.send(socket, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
            var stops = new Semaphore(0);
            Thread drips = Thread.ofVirtual().start(() -> {
                try {
                    while (!stops.tryAcquire(5, TimeUnit.MILLISECONDS)) {
                        EngineUnderTest.send(socket, "a");
                    }
                } catch (IOException | InterruptedException e) {
                    // the server has closed the connection
                }
            });
            assertThat(EngineUnderTest.head(socket)).startsWith("HTTP/1.1 408 ").contains("Connection: close");
            stops.release();
            drips.join();
        }
        try (var server = new EngineUnderTest(routes, settings.bodyGrace(Duration.ofMinutes(1)))) {
            assertThat(server.exchange(post("/", "abc"))).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void aBodyThatStopsIsGivenUp() throws Exception {
        CountDownLatch failed = new CountDownLatch(1);
        Routes routes = Routes.create().post("/", request -> {
            try {
                return read(request);
            } catch (IOException e) {
                failed.countDown();
                throw e;
            }
        });
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.stallLimit(SHORT))) {
            assertThat(server.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"))
                    .startsWith("HTTP/1.1 408 ");
            assertThat(failed.await(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aClientThatReadsNothingIsGivenUp() throws Exception {
        CountDownLatch failed = new CountDownLatch(1);
        Routes routes = Routes.create().get("/", _ -> WebResponse.stream("text/plain", out -> {
            byte[] much = new byte[1 << 20];
            try {
                while (true) {
                    out.write(much);
                }
            } catch (IOException e) {
                failed.countDown();
                throw e;
            }
        }));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.stallLimit(SHORT));
                Socket socket = server.connect()) {
            EngineUnderTest.send(socket, get("/"));
            assertThat(failed.await(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aHandlerMayTakeLongerThanAClientMayStall() throws Exception {
        Semaphore never = new Semaphore(0);
        Routes routes = Routes.create().get("/", _ -> WebResponse.text("" + never.tryAcquire(
                SHORT.toMillis() * 3, TimeUnit.MILLISECONDS)));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.stallLimit(SHORT))) {
            assertThat(server.exchange(get("/"))).endsWith("false");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"virtual:1", "threads:1", "loop:1"})
    void theDeadlineEndsARequest(String on) throws Exception {
        CountDownLatch interrupted = new CountDownLatch(2);
        Routes routes = Routes.create()
                .get("/", _ -> {
                    awaitInterrupt(interrupted);
                    return WebResponse.of(200);
                })
                .get("/begun", _ -> WebResponse.stream("text/plain", out -> {
                    out.write("part".getBytes(StandardCharsets.UTF_8));
                    out.flush();
                    awaitInterrupt(interrupted);
                }))
                .get("/free", EngineIT::read);
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.on(on).deadline(SHORT))) {
            assertThat(server.exchange(get("/"))).startsWith("HTTP/1.1 503 ").contains("Retry-After: 1\r\n");
            assertThat(server.exchange(get("/begun"))).contains("part").doesNotContain("\r\n0\r\n");
            assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(server.exchange(get("/free"))).startsWith("HTTP/1.1 200 "); // the place is free
            assertThat(server.broken).isNotDone();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"virtual:2", "threads:2"})
    void aResponseOfWhichNothingWasSentIsReplaced(String on) throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        Routes routes = Routes.create()
                .get("/late", _ -> WebResponse.stream("text/html", out -> {
                    out.write(new byte[1000]);
                    awaitInterrupt(interrupted);
                }).header("X-Mine", "a"))
                .get("/throws", _ -> WebResponse.stream("text/html", out -> {
                    out.write(new byte[1000]);
                    throw new IllegalStateException("on purpose");
                }).header("X-Mine", "a"))
                .under("/short", exchange -> {
                    exchange.sendResponseHeaders(200, 9);
                    exchange.getResponseBody().write('x');
                });
        FrontSettings front = FrontSettings.DEFAULTS.accessLog("/dev/null"); // so that ids are sent
        try (var server =
                new EngineUnderTest(routes, ServerSettings.DEFAULTS.on(on).deadline(SHORT), front)) {
            assertThat(server.exchange(get("/late"))).startsWith("HTTP/1.1 503 ")
                    .contains("Retry-After: 1\r\n", "Connection: close\r\n", "Date: ", "X-Request-Id: ")
                    .doesNotContain("X-Mine", "html").endsWith("\r\n\r\nthe request took too long\n");
            assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
            for (String path : List.of("/throws", "/short")) {
                assertThat(server.exchange(get(path))).startsWith("HTTP/1.1 500 ")
                        .contains("Date: ", "X-Request-Id: ")
                        .doesNotContain("X-Mine", "html").endsWith("\r\n\r\nthe server failed\n");
            }
            assertThat(server.broken).isNotDone();
        }
    }

    private static void awaitInterrupt(CountDownLatch interrupted) throws InterruptedException {
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            interrupted.countDown();
            throw e;
        }
    }

    @Test
    void aHandlerThatHeedsNoInterruptIsReported() throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        Routes routes = Routes.create().get("/deaf", _ -> {
            boolean isEnded = false;
            while (!isEnded) {
                try {
                    mayEnd.await();
                    isEnded = true;
                } catch (InterruptedException e) {
                    // goes on
                }
            }
            return WebResponse.of(200);
        });
        ServerSettings settings = ServerSettings.DEFAULTS.on("threads:1").deadline(SHORT).heedLimit(SHORT);
        try (var server = new EngineUnderTest(routes, settings)) {
            assertThat(server.exchange(get("/deaf"))).startsWith("HTTP/1.1 503 ");
            assertThat(server.broken.get(20, TimeUnit.SECONDS)).contains("GET /deaf", "300 ms");
            mayEnd.countDown();
        }
    }

    @Test
    void aLookThatFailsEndsNoOtherLimit() throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        CountDownLatch isTold = new CountDownLatch(1);
        AtomicInteger reports = new AtomicInteger();
        Routes routes = Routes.create().get("/deaf", _ -> {
            while (mayEnd.getCount() > 0) {
                try {
                    mayEnd.await();
                } catch (InterruptedException e) {
                    // goes on
                }
            }
            return WebResponse.of(200);
        });
        ServerSettings settings = ServerSettings.DEFAULTS.deadline(SHORT).heedLimit(SHORT);
        try (var server = new LoopbackServer(
                routes, settings, FrontSettings.DEFAULTS, null, _ -> {}, _ -> {
                    reports.incrementAndGet();
                    throw new IllegalStateException("on purpose");
                }, _ -> {})) {
            for (int i = 0; i < 2; i++) {
                try (Socket client = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
                    client.setSoTimeout(20_000);
                    EngineUnderTest.send(client, get("/deaf"));
                    assertThat(EngineUnderTest.head(client)).startsWith("HTTP/1.1 503 ");
                }
            }
            Waiting.until(() -> reports.get() > 2);
            server.engine().tellFigures((_, _) -> {
                isTold.countDown();
                return true;
            });
            assertThat(isTold.await(20, TimeUnit.SECONDS)).isTrue();
            mayEnd.countDown();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"virtual:2", "threads:2", "loop:2"})
    void whatTheQueueHasNoRoomForIsRefused(String on) throws Exception {
        Semaphore mayEnd = new Semaphore(0);
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Routes routes = Routes.create().get("/", _ -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            mayEnd.acquire();
            running.decrementAndGet();
            return WebResponse.text("done");
        });
        ServerSettings settings = ServerSettings.DEFAULTS.on(on).queue(3).retryAfter(Duration.ofSeconds(7));
        List<Socket> clients = new ArrayList<>();
        try (var server = new EngineUnderTest(routes, settings)) {
            for (int i = 0; i < 5; i++) { // two run, three wait
                Socket client = server.connect();
                clients.add(client);
                EngineUnderTest.send(client, get("/"));
                Waiting.until(() -> server.worked.get() == clients.size());
            }
            Waiting.until(() -> server.engine.queued() == 3);
            assertThat(server.exchange(get("/"))).startsWith("HTTP/1.1 503 ").contains("Retry-After: 7\r\n");
            mayEnd.release(5);
            for (Socket client : clients) {
                assertThat(EngineUnderTest.receive(client, 10_000)).startsWith("HTTP/1.1 200 ").endsWith("done");
                client.close();
            }
            assertThat(most).hasValue(2);
        }
    }

    @Test
    void noMoreConnectionsThanAreAllowed() throws Exception {
        Routes routes = Routes.create().get("/", EngineIT::read);
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.connections(2));
                Socket first = server.connect();
                Socket second = server.connect()) {
            for (Socket one : List.of(first, second)) {
                EngineUnderTest.send(one, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(EngineUnderTest.head(one)).startsWith("HTTP/1.1 200 ");
            }
            try (Socket third = server.connect()) {
                EngineUnderTest.send(third, get("/"));
                assertThat(server.worked).hasValue(2); // the third waits to be accepted
                first.shutdownOutput();
                assertThat(EngineUnderTest.head(third)).startsWith("HTTP/1.1 200 ");
            }
        }
    }

    // ---- the end ----

    @Test
    void aDrainAnswersWhatWasAcceptedAndClosesTheRest() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        Semaphore mayEnd = new Semaphore(0);
        Routes routes = Routes.create().get("/", EngineIT::read).get("/slow", _ -> {
            entered.countDown();
            mayEnd.acquire();
            return WebResponse.text("slow");
        });
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.lastRequest(Duration.ofSeconds(1)));
                Socket busy = server.connect();
                Socket idle = server.connect();
                Socket silent = server.connect();
                Socket asks = server.connect()) {
            for (Socket one : List.of(idle, asks)) {
                EngineUnderTest.send(one, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(EngineUnderTest.head(one)).doesNotContain("Connection: close");
                EngineUnderTest.receive(one, "hello\n".length());
            }
            EngineUnderTest.send(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
            Waiting.until(() -> server.engine.connections() == 4);

            server.engine.drain();
            EngineUnderTest.send(asks, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); // its last request
            assertThat(EngineUnderTest.receive(asks, 10_000)).startsWith("HTTP/1.1 200 ").contains("Connection: close");
            assertThat(EngineUnderTest.receive(idle, 1)).isEmpty();
            assertThat(EngineUnderTest.receive(silent, 1)).isEmpty();
            Waiting.until(() -> server.engine.connections() == 1); // a client may see the close first
            assertThat(server.engine.awaitDrained(Duration.ofMillis(1))).isEqualTo(1);
            mayEnd.release();
            assertThat(EngineUnderTest.receive(busy, 10_000)).contains("Connection: close").endsWith("slow");
            assertThat(server.engine.awaitDrained(Duration.ofSeconds(20))).isZero();
        }
    }
}
