package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.server.FrontSettings.AccessFormat;
import dev.sennit.server.FrontSettings.ProxyFields;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What a server does between its clients and the application. */
@Timeout(120)
class FrontIT {
    private static final Routes ROUTES = Routes.create()
            .get("/hello", request -> WebResponse.text("hello\n"))
            .get("/origin", request -> WebResponse.text(String.join(" ", request.remoteAddress().getHostString(),
                    Integer.toString(request.remoteAddress().getPort()), request.scheme(), request.host())))
            .get("/id", request -> WebResponse.text(request.id()))
            .get("/own-id", request -> WebResponse.text("x").header("x-request-id", "mine"))
            .post("/echo", request -> WebResponse.bytes("text/plain", request.bytes()))
            .get("/torn", _ -> WebResponse.stream("text/plain", out -> {
                out.write("part".getBytes(StandardCharsets.UTF_8));
                out.flush();
                throw new IOException("on purpose");
            }))
            .get("/slow", _ -> {
                new CountDownLatch(1).await();
                return WebResponse.of(204);
            })
            .under("/sun", exchange -> {
                byte[] text = exchange.getRemoteAddress().getHostString().getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(200, text.length);
                exchange.getResponseBody().write(text);
                exchange.close();
            });

    @TempDir
    Path folder;

    private static String get(String path, String fields) {
        return "GET " + path + " HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n" + fields + "\r\n";
    }

    private static String body(String response) {
        return response.substring(response.indexOf("\r\n\r\n") + 4);
    }

    // ---- the access log ----

    @Test
    void eachRequestHasALine() throws Exception {
        Path log = folder.resolve("access.log");
        ServerSettings limits = ServerSettings.DEFAULTS.deadline(Duration.ofMillis(300));
        String id;
        try (var server = new EngineUnderTest(ROUTES, limits, FrontSettings.DEFAULTS.accessLog(log.toString()))) {
            String response = server.exchange(get("/hello?a=%22b", "User-Agent: \"quoted\" \u00e9\r\nReferer: r\r\n"));
            assertThat(response).containsPattern("X-Request-Id: [0-9a-f]{16}-1\r\n");
            id = response.replaceFirst("(?s).*X-Request-Id: (\\S+).*", "$1");
            assertThat(server.exchange(get("/own-id", ""))).contains("x-request-id: mine\r\n")
                    .doesNotContain("X-Request-Id");
            server.exchange(get("/torn", ""));
            server.exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
            assertThat(server.exchange(get("/slow", ""))).startsWith("HTTP/1.1 503 ");
            server.exchange(get("/none", ""));
            server.exchange("GET /\u001b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        }
        String line = "127.0.0.1 - - \\[\\d\\d/.../\\d{4}:\\d\\d:\\d\\d:\\d\\d \\+0000] ";
        String times = "\\d+\\.\\d{6} \\d+\\.\\d{6}";
        assertThat(Files.readAllLines(log)).satisfiesExactlyInAnyOrder(
                one -> assertThat(one).matches(line + "\"GET /hello\\?a=%22b HTTP/1.1\" 200 6 \"r\" "
                        + "\"\\\\\"quoted\\\\\" \\\\xe9\" " + id + " " + times + " whole"),
                one -> assertThat(one).contains("GET /own-id "),
                one -> assertThat(one).contains("\"GET /torn HTTP/1.1\" 200 4 ").endsWith(" cut"),
                one -> assertThat(one).matches(line + "\"-\" 400 \\d+ \"-\" \"-\" - 0.000000 0.000000 whole"),
                one -> assertThat(one).matches(
                        line + "\"GET /slow HTTP/1.1\" 503 \\d+ \"-\" \"-\" \\S+ 0\\.0\\d+ 0\\.[2-9]\\d+ whole"),
                one -> assertThat(one).contains("\"GET /none HTTP/1.1\" 404 "),
                one -> assertThat(one).contains("\"-\" 400 "));
    }

    @Test
    void aClientThatGoesAwayIsCut() throws Exception {
        Path log = folder.resolve("access.log");
        FrontSettings front =
                FrontSettings.DEFAULTS.accessLog(log.toString()).accessFormat(AccessFormat.JSON);
        var isRunning = new CountDownLatch(1);
        var hasGone = new CountDownLatch(1);
        Routes routes = Routes.create().get("/big", _ -> WebResponse.stream("text/plain", out -> {
            isRunning.countDown();
            hasGone.await();
            while (true) {
                out.write(new byte[8192]);
            }
        }));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS, front)) {
            try (Socket client = server.connect()) {
                EngineUnderTest.send(client, get("/big", ""));
                isRunning.await();
            }
            hasGone.countDown();
            Waiting.until(() -> Files.exists(log) && Files.size(log) > 0);
        }
        assertThat(Files.readString(log)).contains("\"target\":\"/big\"", "\"status\":200", "\"whole\":false");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aFullDiskCostsNoRequest() throws Exception {
        try (var server =
                new EngineUnderTest(ROUTES, ServerSettings.DEFAULTS, FrontSettings.DEFAULTS.accessLog("/dev/full"))) {
            for (int i = 0; i < 3; i++) {
                assertThat(body(server.exchange(get("/hello", "")))).isEqualTo("hello\n");
            }
            Waiting.until(() -> server.engine.droppedLines() == 3);
        }
    }

    @Test
    void withoutAnAccessLogNoIdIsSent() throws Exception {
        try (var server = new EngineUnderTest(ROUTES, ServerSettings.DEFAULTS)) {
            String response = server.exchange(get("/id", "X-Request-Id: forged\r\n"));
            assertThat(response).doesNotContain("X-Request-Id");
            assertThat(body(response)).matches("[0-9a-f]{16}-1");
        }
    }

    // ---- proxies ----

    private static final String FIELDS = "X-Forwarded-For: 6.6.6.6, 203.0.113.7:99, 10.1.1.1\r\n"
            + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\nForwarded: for=9.9.9.9\r\n"
            + "X-Request-Id: given-1\r\n";

    @Test
    void aTrustedProxyIsBelieved() throws Exception {
        FrontSettings front = FrontSettings.DEFAULTS.proxies(List.of("127.0.0.0/8", "10.0.0.0/8"));
        try (var server = new EngineUnderTest(ROUTES, ServerSettings.DEFAULTS, front)) {
            assertThat(body(server.exchange(get("/origin", FIELDS)))).isEqualTo("203.0.113.7 99 https shop");
            assertThat(body(server.exchange(get("/sun", FIELDS)))).isEqualTo("203.0.113.7");
            assertThat(body(server.exchange(get("/id", FIELDS)))).isEqualTo("given-1");
            assertThat(body(server.exchange(get("/id", "X-Request-Id: a b\r\n")))).matches("[0-9a-f]{16}-1");
            assertThat(body(server.exchange(get("/origin", "X-Forwarded-For: x\r\nX-Forwarded-Host: y\r\n"))))
                    .isEqualTo("unknown 0 http y");
            assertThat(body(server.exchange(get("/origin", "X-Forwarded-For: " + "10.1.1.1,".repeat(300)
                    + "203.0.113.7\r\nX-Forwarded-Proto: a,b\r\nX-Forwarded-Host: a b\r\n"))))
                    .isEqualTo("203.0.113.7 0 http shop.example");
            assertThat(body(server.exchange("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    + "Content-Length: 4\r\n" + FIELDS + "\r\nbody"))).isEqualTo("body");
        }
        try (var server = new EngineUnderTest(
                ROUTES, ServerSettings.DEFAULTS, front.proxyFields(ProxyFields.FORWARDED))) {
            assertThat(body(server.exchange(get("/origin", FIELDS)))).isEqualTo("9.9.9.9 0 http shop.example");
            assertThat(body(server.exchange(get("/origin", "Forwarded: for=_hidden;host=\"[::1]:8\"\r\n"))))
                    .isEqualTo("_hidden 0 http [::1]:8");
        }
    }

    @Test
    void aTrustedProxyIsBelievedAlsoWhenItHasGone() throws Exception {
        var isClosed = new CountDownLatch(1);
        var id = new CompletableFuture<String>();
        Routes routes = Routes.create().get("/deaf", request -> WebResponse.stream("text/plain", out -> {
            out.write('a');
            out.flush();
            while (isClosed.getCount() > 0) {
                try {
                    isClosed.await();
                } catch (InterruptedException e) {
                    // goes on
                }
            }
            id.complete(request.id());
        }));
        FrontSettings front = FrontSettings.DEFAULTS.proxies(List.of("127.0.0.0/8"));
        try (var server =
                new EngineUnderTest(routes, ServerSettings.DEFAULTS.deadline(Duration.ofMillis(300)), front)) {
            server.exchange(get("/deaf", FIELDS)); // until it is cut
            Waiting.until(() -> server.engine.connections() == 0);
            isClosed.countDown();
            assertThat(id.get(20, TimeUnit.SECONDS)).isEqualTo("given-1");
        }
    }

    @Test
    void theSchemeIsNotTheClientsWord() throws Exception {
        FrontSettings proxied = FrontSettings.DEFAULTS.proxies(List.of("127.0.0.0/8"));
        for (FrontSettings each : List.of(FrontSettings.DEFAULTS, proxied)) {
            try (var server = new EngineUnderTest(ROUTES, ServerSettings.DEFAULTS, each)) {
                assertThat(body(server.exchange("GET https://shop.example/origin HTTP/1.1\r\n"
                        + "Host: shop.example\r\nConnection: close\r\n\r\n")))
                        .matches("127.0.0.1 \\d+ http shop.example");
            }
        }
    }

    @Test
    void nobodyElseIs() throws Exception {
        FrontSettings front = FrontSettings.DEFAULTS.proxies(List.of("10.0.0.0/8"));
        for (FrontSettings each : List.of(front, front.proxyFields(ProxyFields.FORWARDED), FrontSettings.DEFAULTS)) {
            try (var server = new EngineUnderTest(ROUTES, ServerSettings.DEFAULTS, each)) {
                assertThat(body(server.exchange(get("/origin", FIELDS)))).matches("127.0.0.1 \\d+ http shop.example");
                assertThat(body(server.exchange(get("/id", FIELDS)))).isNotEqualTo("given-1");
            }
        }
    }
}
