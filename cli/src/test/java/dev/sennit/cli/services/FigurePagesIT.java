package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import dev.sennit.cli.command.PageServer;
import dev.sennit.cli.command.PageServer.Limits;
import dev.sennit.internal.Backend;
import dev.sennit.service.SlotState;
import dev.sennit.service.SlotStatus;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Figures over HTTP, for clients that behave and for others. */
@Timeout(120)
class FigurePagesIT {
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final String SETTING = "address in [metrics]";
    private static final int READ_LIMIT_MILLIS = 30_000;

    /**
     * An answer.
     *
     * @param headers by their names in small letters
     */
    record Answer(String statusLine, Map<String, String> headers, String content) {
        int status() {
            assertThat(statusLine).matches("HTTP/1\\.1 \\d{3} [A-Z][A-Za-z ]+");
            return Integer.parseInt(statusLine.substring(9, 12));
        }
    }

    private final FakeSource source = new FakeSource();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    private static InetSocketAddress local() {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
    }

    private PageServer open(FigurePages.Source from, Limits limits) throws IOException {
        return open(from, limits, Duration.ofMinutes(1));
    }

    private PageServer open(FigurePages.Source from, Limits limits, Duration proof) throws IOException {
        PageServer server = PageServer.open(local(), SETTING, new FigurePages(from, proof).byPath(), limits);
        opened.add(server);
        return server;
    }

    private static PageServer start(InetSocketAddress address, FigurePages.Source from) throws IOException {
        return PageServer.open(address, SETTING, new FigurePages(from).byPath(), Limits.USUAL);
    }

    private PageServer open() throws IOException {
        return open(source, Limits.USUAL);
    }

    private Socket connect(PageServer server) throws IOException {
        return connect(server.address());
    }

    private Socket connect(InetSocketAddress address) throws IOException {
        var socket = new Socket();
        opened.add(socket);
        socket.setReceiveBufferSize(4096);
        socket.connect(address);
        socket.setSoTimeout(READ_LIMIT_MILLIS);
        return socket;
    }

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
    }

    private static Answer receive(Socket socket) throws IOException {
        String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int end = all.indexOf("\r\n\r\n");
        assertThat(end).as(all).isPositive();
        String[] lines = all.substring(0, end).split("\r\n");
        Map<String, String> headers = new TreeMap<>();
        for (int i = 1; i < lines.length; i++) {
            String[] header = lines[i].split(": ", 2);
            assertThat(headers.put(header[0].toLowerCase(), header[1])).as("another " + header[0]).isNull();
        }
        return new Answer(lines[0], headers, all.substring(end + 4));
    }

    private Answer ask(PageServer server, String request) throws IOException {
        return ask(server.address(), request);
    }

    private Answer ask(InetSocketAddress address, String request) throws IOException {
        try (Socket socket = connect(address)) {
            send(socket, request);
            return receive(socket);
        }
    }

    private Answer get(PageServer server, String path) throws IOException {
        return get(server.address(), path);
    }

    private Answer get(InetSocketAddress address, String path) throws IOException {
        return ask(address, "GET " + path + " HTTP/1.1\r\nHost: here\r\n\r\n");
    }

    /** Waits until the server has closed a connection. */
    private static void awaitEnd(Socket socket) throws IOException {
        try (InputStream in = socket.getInputStream()) {
            in.readAllBytes();
        } catch (SocketTimeoutException e) {
            throw new AssertionError("the server did not close the connection", e);
        } catch (SocketException e) {
            // reset
        }
    }

    // ---- clients that behave ----

    @Test
    void pagesAreServed() throws Exception {
        source.workers = List.of(FakeSource.worker("printer", 0, SlotState.READY, ProcessHandle.current().pid(), 3));
        source.wanted = Map.of("printer", 1);
        PageServer server = open();
        Answer metrics = get(server, "/metrics");
        assertThat(metrics.status()).isEqualTo(200);
        assertThat(metrics.headers())
                .containsEntry("content-type", "text/plain; version=0.0.4; charset=utf-8")
                .containsEntry("content-length", "" + metrics.content().length())
                .containsEntry("connection", "close")
                .containsEntry("cache-control", "no-store");
        assertThat(metrics.headers().get("date"))
                .matches("[A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT");
        assertThat(MetricsReader.read(metrics.content()).value("sennit_worker_work_total", "service", "printer",
                "worker", "0"))
                .isEqualTo(3);
        Answer health = get(server, "/healthz");
        assertThat(health.status()).isEqualTo(200);
        assertThat(health.content()).isEqualTo("ok\n");
        assertThat(health.headers()).containsEntry("content-type", "text/plain; charset=utf-8");
        assertThat(get(server, "/readyz").status()).isEqualTo(200);
        source.isUp = false;
        source.workers = List.of(FakeSource.worker("printer", 0, SlotState.FAILED, 0, 0));
        assertThat(get(server, "/readyz").statusLine()).isEqualTo("HTTP/1.1 503 Service Unavailable");
        assertThat(get(server, "/healthz").content()).isEqualTo("printer(0) has failed: because of FAILED\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "GET /healthz HTTP/1.0\r\n\r\n",
        "GET /healthz HTTP/1.1\n\n",
        "GET /healthz?verbose=1 HTTP/1.1\r\nHost: here\r\n\r\n",
        "GET http://here:80/healthz HTTP/1.1\r\nHost: here\r\n\r\n"
    })
    void formsOfARequest(String request) throws Exception {
        Answer answer = ask(open(), request);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.content()).isEqualTo("ok\n");
    }

    @Test
    void aRequestMayComeInPieces() throws Exception {
        PageServer server = open();
        try (Socket socket = connect(server)) {
            socket.setTcpNoDelay(true);
            for (String piece : "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n".split("(?<=.)")) {
                send(socket, piece);
            }
            assertThat(receive(socket).content()).isEqualTo("ok\n");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/metrics", "/healthz", "/readyz", "/nothing"})
    void headHasTheHeadersOfGet(String path) throws Exception {
        source.isUp = false;
        PageServer server = open();
        Answer head = ask(server, "HEAD " + path + " HTTP/1.1\r\nHost: here\r\n\r\n");
        Answer get = get(server, path);
        assertThat(head.content()).isEmpty();
        assertThat(get.content()).isNotEmpty();
        assertThat(head.statusLine()).isEqualTo(get.statusLine());
        assertThat(head.headers().get("content-type")).isEqualTo(get.headers().get("content-type"));
        assertThat(Integer.parseInt(head.headers().get("content-length")))
                .isCloseTo(get.content().length(), within(100)); // figures differ
    }

    // ---- requests that are refused ----

    @ParameterizedTest
    @ValueSource(
            strings = {"/", "/metrics/", "/Metrics", "/metrics%20", "/../metrics", "*", "/favicon.ico", "http://here"})
    void whatIsNotThereIsNotFound(String path) throws Exception {
        Answer answer = get(open(), path);
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.content()).isEqualTo("there is nothing here: try /healthz, /metrics, /readyz\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "DELETE", "OPTIONS", "get", "TRACE"})
    void onlyGetAndHead(String method) throws Exception {
        Answer answer = ask(open(), method + " /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
        assertThat(answer.status()).isEqualTo(405);
        assertThat(answer.headers()).containsEntry("allow", "GET, HEAD");
    }

    @Test
    void aLargeContentDoesNotCostTheAnswer() throws Exception {
        PageServer server = open();
        try (Socket socket = connect(server)) {
            send(socket, "POST /metrics HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n" + "x".repeat(4_000_000));
            assertThat(receive(socket).status()).isEqualTo(405);
        }
    }

    @ParameterizedTest
    @CsvSource({"GET /metrics, 400", "GET  /metrics HTTP/1.1, 400", "PRI * HTTP/2.0, 400", "'', 400",
        "\u0016\u0003\u0001, 400"})
    void whatIsNoRequestIsRefused(String line, int status) throws Exception {
        assertThat(ask(open(), line + "\r\n\r\n").status()).isEqualTo(status);
    }

    @Test
    void aRequestHasABound() throws Exception {
        PageServer server = open();
        Answer answer = ask(server, "GET /metrics HTTP/1.1\r\nX: " + "x".repeat(100_000));
        assertThat(answer.status()).isEqualTo(431);
        assertThat(get(server, "/healthz").status()).isEqualTo(200);
    }

    // ---- clients that harm ----

    @ParameterizedTest
    @ValueSource(strings = {"", "GET /metrics HTTP/1.1\r\nHost: "})
    void clientsThatSendNothingStopNobody(String beginning) throws Exception {
        PageServer server = open(source, new Limits(4, LONG, LONG));
        List<Socket> silent = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Socket socket = connect(server);
            send(socket, beginning);
            silent.add(socket);
            assertThat(get(server, "/healthz").status()).isEqualTo(200);
        }
        for (Socket socket : silent.subList(0, 16)) {
            awaitEnd(socket);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GET /metrics HTTP/1.1\r\nHost: ", "GET /metrics HTTP/1.1\r\n\r\n"})
    void connectionsEnd(String beginning) throws Exception {
        source.workers = many(20_000);
        PageServer server = open(source, new Limits(4, Duration.ofMillis(300), LONG));
        Socket socket = connect(server);
        send(socket, beginning);
        awaitEndWithoutReading(socket);
    }

    /** Sends until the server has closed the connection: what it sends is in the way to notice the end by reading. */
    private static void awaitEndWithoutReading(Socket socket) {
        await().until(() -> {
            try {
                send(socket, "x");
                return false;
            } catch (SocketException e) {
                return true;
            }
        });
    }

    private static List<SlotStatus> many(int workers) {
        return IntStream.range(0, workers)
                .mapToObj(id -> FakeSource.worker("printer", id, SlotState.READY, 0, 0))
                .toList();
    }

    @Test
    void clientsThatReadNothingStopNobody() throws Exception {
        source.workers = many(20_000);
        PageServer server = open(source, new Limits(4, LONG, LONG));
        int size = get(server, "/metrics").content().length();
        assertThat(size).isGreaterThan(10_000_000);
        List<Socket> deaf = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            Socket socket = connect(server);
            send(socket, "GET /metrics HTTP/1.1\r\n\r\n");
            assertThat(socket.getInputStream().read()).as("the answer has begun").isEqualTo('H');
            deaf.add(socket);
            assertThat(get(server, "/healthz").status()).isEqualTo(200);
        }
        for (Socket socket : deaf.subList(0, 4)) {
            int read = 0;
            try {
                read = socket.getInputStream().readAllBytes().length;
            } catch (SocketException e) {
                // reset
            }
            assertThat(read).as("it was given up").isLessThan(size);
        }
        assertThat(receive(deaf.getLast()).content()).as("it was slow only").isNotEmpty();
    }

    @Test
    void aClientThatGoesHarmsNobody() throws Exception {
        source.workers = many(20_000);
        PageServer server = open();
        for (int i = 0; i < 20; i++) {
            try (Socket socket = connect(server)) {
                send(socket, "GET /metrics HTTP/1.1\r\n\r\n");
                socket.setSoLinger(true, 0); // a reset
            }
        }
        // Until the pages for those that are gone have been made, another may have to wait too long.
        await("the next gets its page").atMost(Duration.ofMinutes(1))
                .until(() -> get(server, "/metrics").status() == 200);
    }

    /** Serves until its standard input ends. */
    static final class Served {
        private Served() {}

        public static void main(String[] arguments) throws IOException {
            try (PageServer server = start(local(), new FakeSource())) {
                System.out.println(server.address().getPort());
                System.in.read();
            }
        }
    }

    /** A class path without what is not needed: each jar of it costs a descriptor. */
    private static String locations(Class<?>... types) throws URISyntaxException {
        List<String> parts = new ArrayList<>();
        for (Class<?> type : types) {
            parts.add(Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString());
        }
        return String.join(File.pathSeparator, parts);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aServerWithoutDescriptorsGoesOnLater() throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process process = new ProcessBuilder(
                "/bin/sh", "-c", "ulimit -n 40; exec \"$@\"", "sh", java, "-Xmx64m", "-cp",
                locations(Served.class, PageServer.class, Backend.class), Served.class.getName())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        opened.add(() -> process.destroyForcibly().waitFor());
        var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(process.inputReader().readLine()));
        assertThat(get(address, "/metrics").status()).isEqualTo(200); // loads classes, for which it has no files later
        List<Socket> silent = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            silent.add(connect(address));
        }
        await().until(() -> Files.list(Path.of("/proc/" + process.pid() + "/fd")).count() >= 40);
        for (Socket socket : silent) {
            socket.close();
        }
        assertThat(get(address, "/healthz").status()).isEqualTo(200);
    }

    // ---- a manager that hangs ----

    @Test
    void aManagerThatHangsIsAskedOnceAndStopsNobody() throws Exception {
        var asked = new AtomicInteger();
        var isOver = new CountDownLatch(1);
        var hanging = new FakeSource() {
            @Override
            public List<SlotStatus> workers() {
                asked.incrementAndGet();
                try {
                    isOver.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                return List.of();
            }
        };
        PageServer server = open(hanging, new Limits(64, LONG, Duration.ofMillis(50)));
        for (int i = 0; i < 5; i++) {
            Answer answer = get(server, "/metrics");
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.content()).isEqualTo("there was no answer within 50 ms\n");
            assertThat(get(server, "/readyz").status()).isEqualTo(200);
        }
        assertThat(asked).hasValue(1);
        isOver.countDown();
        await().untilAsserted(() -> assertThat(get(server, "/metrics").status()).isEqualTo(200));
    }

    @Test
    void aManagerThatDoesNotDecideIsToldInTime() throws Exception {
        source.alive = new CompletableFuture<>();
        PageServer server = open(source, new Limits(64, LONG, LONG), Duration.ofMillis(20));
        Answer answer = get(server, "/healthz");
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.content()).isEqualTo("the manager has not decided anything for 20 ms\n");
    }

    @Test
    void aSourceThatThrowsFailsItsPageOnly() throws Exception {
        var broken = new FakeSource() {
            @Override
            public boolean isUp() {
                throw new AssertionError("for the test");
            }
        };
        PageServer server = open(broken, Limits.USUAL);
        assertThat(get(server, "/readyz").status()).isEqualTo(500);
        assertThat(get(server, "/healthz").status()).isEqualTo(200);
        assertThat(get(server, "/readyz").content())
                .isEqualTo("figures could not be had: see the log of the process\n");
    }

    // ---- addresses, and the end ----

    @Test
    void aPortThatIsTaken() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            int port = taken.getLocalPort();
            assertThatThrownBy(() -> start(new InetSocketAddress("127.0.0.1", port), source))
                    .isInstanceOf(IOException.class)
                    .hasMessage("cannot serve figures at 127.0.0.1:" + port + ": the port is taken; end what listens "
                            + "there (see: ss -ltnp 'sport = :" + port + "'), or set another address in [metrics]");
        }
    }

    @Test
    void anAddressOfAnotherMachine() {
        assertThatThrownBy(() -> start(new InetSocketAddress("192.0.2.1", 9100), source))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("cannot serve figures at 192.0.2.1:9100: ")
                .hasMessageEndingWith("; set another address in [metrics]")
                .hasMessageNotContaining("\n");
        assertThatThrownBy(() -> start(InetSocketAddress.createUnresolved("no.such.host", 9100), source))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot serve figures at no.such.host:9100: there is no host of that name; "
                        + "correct address in [metrics]");
    }

    @Test
    void sixthVersionOfTheProtocol() throws Exception {
        InetAddress six = InetAddress.ofLiteral("::1");
        Assumptions.assumeTrue(hasAddress(six), "no IPv6 here");
        try (PageServer server = start(new InetSocketAddress(six, 0), source)) {
            assertThat(server.address().getAddress()).isEqualTo(six);
            assertThat(get(server, "/healthz").status()).isEqualTo(200);
            assertThatThrownBy(() -> start(server.address(), source))
                    .hasMessageContaining(
                            " at [0:0:0:0:0:0:0:1]:" + server.address().getPort() + ": the port is taken");
        }
    }

    private static boolean hasAddress(InetAddress address) {
        try (var _ = new ServerSocket(0, 1, address)) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void closeFreesThePortAndLeavesNoThread() throws Exception {
        PageServer server = open();
        Socket idle = connect(server);
        Socket half = connect(server);
        send(half, "GET /");
        for (int i = 0; i < 5; i++) {
            assertThat(get(server, "/metrics").status()).isEqualTo(200);
        }
        assertThat(threads()).isEqualTo(1);
        server.close();
        assertThat(threads()).isZero();
        awaitEnd(idle);
        awaitEnd(half);
        assertThatThrownBy(() -> connect(server)).isInstanceOf(IOException.class);
        server.close(); // once more does nothing
        try (PageServer next = start(server.address(), source)) {
            assertThat(next.address()).isEqualTo(server.address());
            assertThat(get(next, "/healthz").status()).isEqualTo(200);
        }
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("sennit-figures"))
                .count();
    }
}
