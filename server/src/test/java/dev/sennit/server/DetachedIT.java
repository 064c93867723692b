package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers without a place, tasks after the response, refusals and forms, over sockets. */
@Timeout(120)
class DetachedIT {
    private static final String TEMPORARY = "java.io.tmpdir";

    private final String usual = System.getProperty(TEMPORARY);
    /** A folder of the test's own for temporary files. */
    @TempDir
    Path temporary;

    private static final Duration SHORT = Duration.ofMillis(300);
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final String CLOSE = "Host: a\r\nConnection: close\r\n";

    private static String get(String path) {
        return "GET " + path + " HTTP/1.1\r\n" + CLOSE + "\r\n";
    }

    private static void awaitEnding(Detached answer) throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(1);
        answer.ending().thenRun(asked::countDown);
        asked.await();
    }

    private static WebResponse untilAsked(Detached answer) {
        return WebResponse.stream("text/plain", out -> {
            out.write("begun".getBytes(StandardCharsets.UTF_8));
            out.flush();
            awaitEnding(answer);
            out.write("ended".getBytes(StandardCharsets.UTF_8));
        });
    }

    private static WebResponse untilInterrupted(CountDownLatch interrupted) throws InterruptedException {
        try {
            new CountDownLatch(1).await();
            return WebResponse.of(200);
        } catch (InterruptedException e) {
            interrupted.countDown();
            throw e;
        }
    }

    // ---- answers without a place ----

    @ParameterizedTest
    @ValueSource(strings = {"virtual:1", "threads:1", "loop:1"})
    void aDetachedAnswerHoldsNoPlaceAndOutlivesTheDeadline(String on) throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        CountDownLatch cut = new CountDownLatch(1);
        Routes routes = Routes.create()
                .get("/long", _ -> WebResponse.detached(new DetachedLimits(LONG, LONG), _ -> {
                    mayEnd.await();
                    return WebResponse.text("long").status(203);
                }).header("X-Outer", "yes"))
                .get("/cut", _ -> untilInterrupted(cut))
                .get("/free", _ -> WebResponse.text("free"));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.on(on).deadline(SHORT));
                Socket waits = server.connect()) {
            EngineUnderTest.send(waits, get("/long"));
            Waiting.until(() -> server.worked.get() == 1);
            assertThat(server.exchange(get("/free"))).endsWith("free"); // the only place
            assertThat(server.exchange(get("/cut"))).startsWith("HTTP/1.1 503 "); // the deadline of others has passed
            assertThat(cut.await(20, TimeUnit.SECONDS)).isTrue();
            mayEnd.countDown();
            assertThat(EngineUnderTest.receive(waits, 10_000))
                    .startsWith("HTTP/1.1 203 ").contains("X-Outer: yes\r\n").endsWith("long");
            assertThat(server.broken).isNotDone();
        }
    }

    @Test
    void aStreamIsAskedToEndWhenItsTimeIsOver() throws Exception {
        Routes routes = Routes.create()
                .get("/", _ -> WebResponse.detached(new DetachedLimits(SHORT, LONG), DetachedIT::untilAsked));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            assertThat(server.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
                    .contains("Connection: close\r\n", "begun", "ended").endsWith("\r\n0\r\n\r\n");
        }
    }

    @Test
    void aDrainEndsStreamsAndLongPolls() throws Exception {
        DetachedLimits limits = new DetachedLimits(LONG, LONG);
        Routes routes = Routes.create()
                .get("/stream", _ -> WebResponse.detached(limits, DetachedIT::untilAsked))
                .get("/poll", _ -> WebResponse.detached(limits, answer -> {
                    awaitEnding(answer);
                    return WebResponse.of(204);
                }));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.lastRequest(SHORT));
                Socket stream = server.connect();
                Socket poll = server.connect()) {
            EngineUnderTest.send(stream, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
            EngineUnderTest.send(poll, "GET /poll HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(EngineUnderTest.head(stream)).contains("Transfer-Encoding: chunked");
            Waiting.until(() -> server.worked.get() == 2);
            server.engine.drain();
            assertThat(EngineUnderTest.receive(stream, 10_000)).contains("ended").endsWith("\r\n0\r\n\r\n");
            assertThat(EngineUnderTest.receive(poll, 10_000)).startsWith("HTTP/1.1 204 ").contains("Connection: close");
            assertThat(server.engine.awaitDrained(Duration.ofSeconds(20))).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatGoesOnAfterItsGraceIsCut(boolean hasBegun) throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        Routes routes = Routes.create().get("/", _ -> WebResponse.detached(
                new DetachedLimits(SHORT, SHORT),
                _ -> hasBegun
                        ? WebResponse.stream("text/plain", out -> {
                            out.write('x');
                            out.flush();
                            untilInterrupted(interrupted);
                        })
                        : untilInterrupted(interrupted)));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.heedLimit(SHORT))) {
            String answer = server.exchange(get("/"));
            assertThat(answer).startsWith(hasBegun ? "HTTP/1.1 200 " : "HTTP/1.1 503 ").doesNotEndWith("0\r\n\r\n");
            assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(server.exchange(get("/none"))).startsWith("HTTP/1.1 404 ");
        }
    }

    @Test
    void aDetachedAnswerThatFails() throws Exception {
        Routes routes = Routes.create().get("/", _ -> WebResponse.detached(DetachedLimits.DEFAULTS, _ -> {
            throw new IllegalStateException("on purpose");
        }));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            assertThat(server.exchange(get("/"))).startsWith("HTTP/1.1 500 ").doesNotContain("purpose");
        }
    }

    @Test
    void refusalsAreAnswered() throws Exception {
        Routes routes = Routes.create()
                .get("/no", _ -> {
                    throw new RefusedException(422, "the name is missing");
                })
                .get("/later", _ -> {
                    throw new RefusedException(503, "later");
                });
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            assertThat(server.exchange(get("/no"))).startsWith("HTTP/1.1 422 ").endsWith("the name is missing\n");
            assertThat(server.exchange(get("/later"))).startsWith("HTTP/1.1 503 ").contains("Retry-After: 1\r\n");
        }
    }

    // ---- tasks after the response ----

    @Test
    void tasksRunAfterTheResponseAndADrainWaitsForThem() throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        BlockingQueue<String> done = new LinkedBlockingQueue<>();
        Routes routes = Routes.create()
                .get("/", request -> {
                    request.afterResponse(() -> {
                        mayEnd.await();
                        done.add("first");
                        throw new IllegalStateException("on purpose, and the next runs");
                    });
                    request.afterResponse(() -> done.add("second"));
                    return WebResponse.text("sent");
                })
                .get("/fails", request -> {
                    request.afterResponse(() -> done.add("never"));
                    throw new IllegalStateException("on purpose");
                });
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            assertThat(server.exchange(get("/fails"))).startsWith("HTTP/1.1 500 ");
            assertThat(server.exchange(get("/"))).endsWith("sent"); // while the task waits
            assertThat(done).isEmpty();
            server.engine.drain();
            server.engine.awaitDrained(Duration.ofMillis(1)); // not for ever
            mayEnd.countDown();
            assertThat(server.engine.awaitDrained(Duration.ofSeconds(20))).isZero();
            assertThat(done).containsExactly("first", "second");
        }
    }

    @Test
    void tasksHaveABoundAndALimit() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(2);
        AtomicInteger asked = new AtomicInteger();
        Routes routes = Routes.create().get("/", request -> {
            request.afterResponse(() -> untilInterrupted(interrupted));
            asked.incrementAndGet();
            return WebResponse.text("sent");
        });
        ServerSettings settings = ServerSettings.DEFAULTS.on("virtual:1").queue(1).deadline(Duration.ofSeconds(1));
        try (var server = new EngineUnderTest(routes, settings)) {
            assertThat(server.exchange(get("/"))).endsWith("sent");
            assertThat(server.exchange(get("/"))).endsWith("sent");
            assertThat(server.exchange(get("/"))).startsWith("HTTP/1.1 503 ").contains("Retry-After: ");
            assertThat(asked).hasValue(2);
            assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
            Waiting.until(() -> server.exchange(get("/")).endsWith("sent")); // there is room again
        }
    }

    @Test
    void aTaskThatDoesNotHeedItsLimitHasTheWorkerReplaced() throws Exception {
        AtomicBoolean mayEnd = new AtomicBoolean();
        Routes routes = Routes.create().get("/", request -> {
            request.afterResponse(() -> {
                while (!mayEnd.get()) {
                    Thread.onSpinWait();
                }
            });
            return WebResponse.text("sent");
        });
        ServerSettings settings =
                ServerSettings.DEFAULTS.on("threads:1").deadline(SHORT).heedLimit(Duration.ofMillis(50));
        try (var server = new EngineUnderTest(routes, settings)) {
            assertThat(server.exchange(get("/"))).endsWith("sent");
            assertThat(server.broken.get(20, TimeUnit.SECONDS)).contains("a task after GET / goes on");
        } finally {
            mayEnd.set(true);
        }
    }

    // ---- forms with parts ----

    private static String form(String... parts) {
        StringBuilder body = new StringBuilder();
        for (String part : parts) {
            body.append("--XX\r\n").append(part).append("\r\n");
        }
        body.append("--XX--\r\n");
        return post("multipart/form-data; boundary=XX", body.toString());
    }

    private static String post(String type, String body) {
        return "POST / HTTP/1.1\r\n" + CLOSE + "Content-Type: " + type + "\r\nContent-Length: " + body.length()
                + "\r\n\r\n" + body;
    }

    private static String part(String name, String content) {
        return "Content-Disposition: form-data; name=\"" + name + "\"; filename=\"../" + name
                + ".txt\"\r\nContent-Type: text/plain\r\n\r\n" + content;
    }

    @Test
    void formsWithParts() throws Exception {
        MultipartLimits limits = new MultipartLimits(3, 1000, 200, 10);
        Routes routes = Routes.create().post("/", request -> {
            StringBuilder seen = new StringBuilder();
            for (WebPart part : request.parts(limits)) {
                seen.append(part.name()).append(' ').append(part.fileName().orElse("no file")).append(' ')
                        .append(part.header("content-type").orElse("no type")).append(' ').append(part.size())
                        .append(' ').append(new String(part.bytes(), StandardCharsets.UTF_8).length()).append('\n');
            }
            return WebResponse.text(seen.toString());
        });
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS.bodySize(4000))) {
            assertThat(server.exchange(form(part("a", "abc"), part("b", "b".repeat(900)),
                    "Content-Disposition: form-data; name=\"c\"\r\n\r\nplain")))
                    .startsWith("HTTP/1.1 200 ")
                    .endsWith("a ../a.txt text/plain 3 3\nb ../b.txt text/plain 900 900\nc no file no type 5 5\n");
            Waiting.until(() -> temporaryFiles().isEmpty()); // the client may have the response first
            for (String tooMuch : List.of(
                    form(part("a", "1"), part("b", "2"), part("c", "3"), part("d", "4")),
                    form(part("a", "x".repeat(1001))),
                    form(part("a", "x".repeat(5000))),
                    form("X: " + "y".repeat(300) + "\r\n\r\nz"))) {
                assertThat(server.exchange(tooMuch)).startsWith("HTTP/1.1 413 ");
            }
            for (String wrong : List.of(
                    form("\r\nno name"),
                    post("multipart/form-data", "x"),
                    post("multipart/form-data; boundary=\"", "x"),
                    post("multipart/form-data; boundary=XX", "--XX\r\nContent-Disposition: form-data; name=\"a\""),
                    post("multipart/form-data; boundary=XX", "nothing of the kind"),
                    post("multipart/form-data; boundary=XX", ""))) {
                assertThat(server.exchange(wrong)).as(wrong).startsWith("HTTP/1.1 400 ");
            }
            assertThat(server.exchange(post("text/plain", "x"))).startsWith("HTTP/1.1 415 ");
            Waiting.until(() -> temporaryFiles().isEmpty());
        }
    }

    @Test
    void filesOfFormsAreInAFolderOfTheServer() throws Exception {
        var folders = new LinkedBlockingQueue<Path>();
        Routes routes = Routes.create().post("/", request -> {
            request.parts(new MultipartLimits(3, 1000, 200, 10));
            temporaryFiles().forEach(file -> folders.add(file.getParent()));
            return WebResponse.text("read\n");
        });
        String form = form(part("a", "a".repeat(100)));
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            assertThat(temporary).isEmptyDirectory(); // until somebody needs it
            assertThat(server.exchange(form)).endsWith("read\n");
            Path folder = folders.remove();
            assertThat(temporary.relativize(folder)).asString().matches("sennit-uploads-[0-9]+/work");
            Waiting.until(() -> temporaryFiles().isEmpty());
            Files.delete(folder); // as a cleaner of temporary folders does
            Files.delete(folder.resolveSibling("lock"));
            Files.delete(folder.getParent());
            assertThat(server.exchange(form)).endsWith("read\n");
            assertThat(folders.remove()).isNotEqualTo(folder);
        }
        assertThat(temporary).isEmptyDirectory();
    }

    @BeforeEach
    void haveTemporaryFiles() throws IOException {
        temporary = temporary.toRealPath();
        System.setProperty(TEMPORARY, temporary.toString());
    }

    @AfterEach
    void haveThemWhereTheyWere() {
        System.setProperty(TEMPORARY, usual);
    }

    private List<Path> temporaryFiles() throws IOException {
        try (Stream<Path> files = Files.walk(temporary)) {
            return files.filter(file -> file.getFileName().toString().startsWith("MultiPart")).toList();
        }
    }
}
