package dev.sennit.server.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.server.DetachedLimits;
import dev.sennit.server.ETag;
import dev.sennit.server.RefusedException;
import dev.sennit.server.ResourceVersion;
import dev.sennit.server.Routes;
import dev.sennit.server.WebHandler;
import dev.sennit.server.WebResponse;
import dev.sennit.server.WebTestServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Conditional requests, streams of events, long polls, jobs and the server for tests, over sockets. */
@Timeout(120)
class RestIT {
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");
    private static final String AT_NOON = "Thu, 01 Jan 2026 12:00:00 GMT";

    @AutoClose
    private final HttpClient http = HttpClient.newHttpClient();

    private Client client(WebTestServer server) {
        return new Client(server, http);
    }

    // ---- conditional requests ----

    @Test
    void whatTheClientHasIsNotSentAgain() throws Exception {
        AtomicInteger made = new AtomicInteger();
        WebHandler large = _ -> WebResponse.bytes("text/plain", new byte[2000]);
        Routes routes = Routes.create()
                .get("/digest", Conditional.of(_ -> WebResponse.text("hello").header("Cache-Control", "no-cache")))
                .get("/own", Conditional.of(_ -> WebResponse.text("hello").header("ETag", "W/\"7\"")
                        .header("Last-Modified", AT_NOON)))
                .get("/known", Conditional.of(_ -> {
                    made.incrementAndGet();
                    return WebResponse.text("hello");
                }).version(_ -> Optional.of(ResourceVersion.of(ETag.strong("v1"), NOON))))
                .get("/large", Conditional.of(large).mostBytes(1999))
                .get("/streamed", Conditional.of(_ -> WebResponse.stream("text/plain", out -> out.write('x'))))
                .get("/none", Conditional.of(_ -> {
                    throw new RefusedException(404, "nothing here");
                }).version(_ -> Optional.empty()));
        try (WebTestServer server = WebTestServer.start(() -> routes).failingOnClose()) {
            Client client = client(server);
            HttpResponse<String> first = client.get("/digest");
            String tag = Client.field(first, "ETag");
            assertThat(tag).startsWith("\"");
            HttpResponse<String> again = client.get("/digest", "If-None-Match", tag);
            assertThat(again.statusCode()).isEqualTo(304);
            assertThat(again.body()).isEmpty();
            assertThat(Client.field(again, "ETag")).isEqualTo(tag);
            assertThat(Client.field(again, "Cache-Control")).isEqualTo("no-cache");
            assertThat(client.get("/digest", "If-None-Match", "\"other\"").body()).isEqualTo("hello");
            assertThat(client.send("HEAD", "/digest", "", "If-None-Match", tag).statusCode()).isEqualTo(304);

            assertThat(client.get("/own", "If-None-Match", "\"7\"").statusCode()).isEqualTo(304);
            assertThat(client.get("/own", "If-Modified-Since", AT_NOON).statusCode()).isEqualTo(304);
            assertThat(client.get("/own", "If-Match", "\"7\"").statusCode()).isEqualTo(412); // it is weak

            assertThat(client.get("/known", "If-None-Match", "\"v1\"").statusCode()).isEqualTo(304);
            assertThat(made).hasValue(0);
            HttpResponse<String> known = client.get("/known");
            assertThat(Client.field(known, "ETag")).isEqualTo("\"v1\"");
            assertThat(Client.field(known, "Last-Modified")).isEqualTo(AT_NOON);

            assertThat(Client.field(client.get("/large"), "ETag")).isEmpty();
            assertThat(client.get("/streamed", "If-None-Match", "\"a\"").body()).isEqualTo("x");
            assertThat(client.get("/none", "If-None-Match", "*").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void noClientChangesWhatItHasNotSeen() throws Exception {
        Map<String, String> notes = new ConcurrentHashMap<>();
        VersionSource versions = request -> Optional.ofNullable(notes.get(request.parameter("id")))
                .map(note -> ResourceVersion.of(ETag.of(note.getBytes(StandardCharsets.UTF_8))));
        WebHandler put = request -> {
            notes.put(request.parameter("id"), new String(request.bytes(), StandardCharsets.UTF_8));
            return WebResponse.of(204);
        };
        Routes routes = Routes.create()
                .get("/notes/{id}", Conditional.of(request -> WebResponse.text(notes.get(request.parameter("id")))))
                .on("PUT", "/notes/{id}", Conditional.of(put).version(versions).demandingMatch())
                .on("PUT", "/wrong/{id}", Conditional.of(put));
        try (WebTestServer server = WebTestServer.start(() -> routes)) {
            Client client = client(server);
            assertThat(client.send("PUT", "/notes/a", "one").statusCode()).isEqualTo(428);
            assertThat(client.send("PUT", "/notes/a", "one", "If-Match", "*").statusCode()).isEqualTo(412);
            assertThat(client.send("PUT", "/notes/a", "one", "If-None-Match", "*").statusCode()).isEqualTo(204);
            assertThat(client.send("PUT", "/notes/a", "two", "If-None-Match", "*").statusCode()).isEqualTo(412);
            String tag = Client.field(client.get("/notes/a"), "ETag");
            assertThat(client.send("PUT", "/notes/a", "two", "If-Match", tag).statusCode()).isEqualTo(204);
            assertThat(client.send("PUT", "/notes/a", "three", "If-Match", tag).statusCode()).isEqualTo(412);
            String noon = "Wed, 25 Nov 2026 12:00:00 GMT"; // a date counts for nothing, as no time is known
            assertThat(client.send("PUT", "/notes/a", "x", "If-Unmodified-Since", noon).statusCode()).isEqualTo(428);
            assertThat(client.send("PUT", "/notes/a", "x", "If-None-Match", "\"z\"").statusCode()).isEqualTo(428);
            assertThat(notes).containsEntry("a", "two");

            assertThat(client.send("PUT", "/wrong/a", "x", "If-Match", tag).statusCode()).isEqualTo(500);
            assertThat(server.failures()).singleElement().asString().contains("needs Conditional.version");
        }
    }

    @Test
    void aServerThatDrainsAcceptsNoMore() throws Exception {
        try (WebTestServer server = WebTestServer.start(() -> Routes.create().get("/", _ -> WebResponse.of(204)))) {
            assertThat(client(server).get("/").statusCode()).isEqualTo(204);
            server.drain(LONG);
            assertThatThrownBy(() -> client(server).get("/")).isInstanceOf(IOException.class);
            assertThatIllegalArgumentException().isThrownBy(() -> server.uri("hello"))
                    .withMessage("path must begin with /, was \"hello\"");
        }
    }

    @Test
    void aTimeOutOfAHandlerIsAFaultOfTheServer() throws Exception {
        Routes routes = Routes.create().get("/", _ -> {
            throw new IllegalStateException("the database", new TimeoutException("on purpose"));
        });
        try (WebTestServer server = WebTestServer.start(() -> routes)) {
            assertThat(client(server).get("/").statusCode()).isEqualTo(500);
            assertThat(server.failures()).singleElement().asString().contains("the database");
        }
    }

    // ---- streams of events ----

    /** A stream as a browser reads it, line by line. */
    private static final class Stream implements AutoCloseable {
        private final Socket socket;
        private final BufferedReader in;

        Stream(WebTestServer server, String fields) throws IOException {
            socket = new Socket("127.0.0.1", server.port());
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(("GET /events HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        }

        String until(String text) throws IOException {
            StringBuilder all = new StringBuilder();
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                all.append(line).append('\n');
                if (line.startsWith(text)) {
                    return all.toString();
                }
            }
            throw new IOException("the stream ended after " + all);
        }

        /** Returns the rest, and fails if the response has no proper end. */
        String rest() throws IOException {
            StringBuilder all = new StringBuilder();
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                all.append(line).append('\n');
            }
            assertThat(all.toString()).endsWith("\n0\n\n");
            return all.toString();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @Test
    void eventsReachEachStreamAndADrainEndsThem() throws Exception {
        Topic topic = Topic.inProcess(10);
        EventStreams streams = EventStreams.of(topic).most(2).heartbeat(Duration.ofMillis(50))
                .limits(new DetachedLimits(LONG, LONG));
        try (WebTestServer server = WebTestServer.start(() -> Routes.create().get("/events", streams)).failingOnClose();
                Stream one = new Stream(server, "");
                Stream two = new Stream(server, "")) {
            assertThat(one.until("retry: 2000")).contains("Content-Type: text/event-stream\n", "Connection: close\n",
                    "Cache-Control: no-store\n", "Transfer-Encoding: chunked\n");
            two.until("retry: 2000");
            one.until(": still here"); // it waits, and so it is subscribed
            two.until(": still here");
            HttpResponse<String> refused = client(server).get("/events");
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(Client.field(refused, "Retry-After")).isNotEmpty();
            assertThat(client(server).send("HEAD", "/events", "").statusCode()).isEqualTo(200);

            String id = topic.publish("news", "first line\nsecond line").id();
            assertThat(one.until("data: second")).contains("id: " + id + "\nevent: news\ndata: first line\n");
            two.until("data: second");
            assertThat(streams.open()).isEqualTo(2);

            assertThat(server.drain(LONG)).isZero(); // it does not wait for the limit
            assertThat(one.rest()).contains(": the stream ends");
            two.rest();
            assertThat(streams.open()).isZero();
        }
    }

    @Test
    void aClientThatComesBackGetsWhatItHasMissed() throws Exception {
        Topic topic = Topic.inProcess(2);
        String first = topic.publish("", "1").id();
        String second = topic.publish("", "2").id();
        topic.publish("", "3");
        topic.publish("", "4");
        try (WebTestServer server =
                WebTestServer.start(() -> Routes.create().get("/events", EventStreams.of(topic))).failingOnClose()) {
            try (Stream stream = new Stream(server, "Last-Event-ID: " + second + "\r\n")) {
                assertThat(stream.until("data: 4")).contains("data: 3\n").doesNotContain("missed");
            }
            try (Stream stream = new Stream(server, "Last-Event-ID: " + first + "\r\n")) {
                assertThat(stream.until("data: 4")).contains("event: missed\ndata: 1\n");
            }
            try (Stream stream = new Stream(server, "Last-Event-ID: another-17\r\n")) {
                assertThat(stream.until("data: 4")).contains("event: missed\ndata: unknown\n");
            }
        }
    }

    @Test
    void aStreamEndsWhenItsTimeIsOverAndItsClientHasGone() throws Exception {
        Topic topic = Topic.inProcess(0);
        EventStreams streams = EventStreams.of(topic).heartbeat(Duration.ofMillis(20)).retry(Duration.ofSeconds(7));
        EventStreams brief = streams.limits(new DetachedLimits(Duration.ofMillis(200), LONG));
        Routes routes = Routes.create().get("/events", brief).get("/long", streams);
        try (WebTestServer server = WebTestServer.start(() -> routes).failingOnClose()) {
            try (Stream stream = new Stream(server, "")) {
                assertThat(stream.rest()).contains("retry: 7000\n", ": the stream ends");
            }
            try (Socket gone = new Socket("127.0.0.1", server.port())) {
                gone.getOutputStream()
                        .write("GET /long HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                Awaitility.await().until(() -> streams.open() == 1);
            }
            Awaitility.await().until(() -> streams.open() == 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"DROP_OLDEST", "CLOSE"})
    void aSlowReaderIsToldOrClosed(SlowReader slow) throws Exception {
        Topic topic = Topic.inProcess(0);
        EventStreams streams = EventStreams.of(topic).buffer(2, slow);
        String much = "x".repeat(1 << 20);
        try (WebTestServer server = WebTestServer.start(() -> Routes.create().get("/events", streams));
                Stream stream = new Stream(server, "")) {
            stream.until("retry");
            Awaitility.await().until(() -> topic.toString().endsWith("1 subscribers"));
            for (int i = 0; i < 60; i++) { // more than sockets hold
                topic.publish("", much);
            }
            topic.publish("", "the last");
            if (slow == SlowReader.CLOSE) {
                assertThat(stream.rest()).contains(": too slow").doesNotContain("the last");
            } else {
                assertThat(stream.until("data: the last")).contains("event: missed\ndata: ");
            }
        }
    }

    @Test
    void aLongPollWaitsForAnEvent() throws Exception {
        Topic topic = Topic.inProcess(10);
        Routes routes = Routes.create()
                .get("/next", LongPolls.of(topic, 1, LONG))
                .get("/soon", LongPolls.of(topic, 1, Duration.ofMillis(100)));
        try (WebTestServer server = WebTestServer.start(() -> routes).failingOnClose()) {
            Client client = client(server);
            assertThat(client.get("/soon").statusCode()).isEqualTo(204);
            var waits = http.sendAsync(
                    HttpRequest.newBuilder(server.uri("/next")).build(),
                    HttpResponse.BodyHandlers.ofString());
            Awaitility.await().until(() -> topic.toString().endsWith("1 subscribers"));
            assertThat(client.get("/next").statusCode()).isEqualTo(503);
            String id = topic.publish("news", "a \"quoted\" text").id();
            assertThat(waits.get().body()).isEqualTo("{\"missed\":0,\"events\":[{\"id\":\"" + id
                    + "\",\"name\":\"news\",\"data\":\"a \\\"quoted\\\" text\"}]}");
            topic.publish("news", "more");
            topic.publish("news", "and more");
            assertThat(client.get("/next?after=" + id).body()).contains("\"more\"", "\"and more\"")
                    .doesNotContain("quoted");
            assertThat(client.get("/next?after=unknown").body()).startsWith("{\"missed\":null,").contains("quoted");
        }
    }

    /** A topic that loses an event between the first and the second that a subscriber takes. */
    private static final class Leaky implements Topic {
        @Override
        public TopicEvent publish(String name, String data) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Subscription subscribe(String lastId, int buffer, SlowReader slow) {
            return new Subscription() {
                private int taken;

                @Override
                public Optional<TopicEvent> next(Duration limit) {
                    taken++;
                    return Optional.of(new TopicEvent(Integer.toString(taken), "", "event " + taken));
                }

                @Override
                public long missed() {
                    return taken == 2 ? 1 : 0;
                }

                @Override
                public void end() {
                    // nothing waits
                }

                @Override
                public boolean hasEnded() {
                    return false;
                }

                @Override
                public void close() {
                    // nothing is held
                }
            };
        }
    }

    @Test
    void aLongPollEndsBeforeAGap() throws Exception {
        Routes routes = Routes.create().get("/next", LongPolls.of(new Leaky(), 1, LONG));
        try (WebTestServer server = WebTestServer.start(() -> routes).failingOnClose()) {
            assertThat(client(server).get("/next").body()).startsWith("{\"missed\":0,").contains("event 1")
                    .doesNotContain("event 2");
        }
        assertThatIllegalArgumentException().isThrownBy(() -> LongPolls.of(new Leaky(), 1, Duration.ZERO));
    }

    // ---- jobs ----

    private static String shout(String text) {
        if (text.equals("fail")) {
            throw new IllegalStateException("on purpose");
        }
        if (text.equals("wait")) {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        return text + "!";
    }

    private static Jobs<String, String> jobs(Pool pool) {
        return Jobs.over(pool, RestIT::shout, (_, body) -> {
            if (body.length == 0) {
                throw new RefusedException(400, "there is nothing to shout");
            }
            return new String(body, StandardCharsets.UTF_8);
        }, WebResponse::text, new JobLimits(3, 10, LONG));
    }

    private static void awaitState(Client client, String path, String state) {
        Awaitility.await().pollInterval(Duration.ofMillis(10))
                .until(() -> client.get(path).body().contains("\"state\":\"" + state + "\""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"virtual", "processes:1"})
    void jobsOverAnyPool(String plan) throws Exception {
        try (Pool pool = Pools.open(plan);
                Jobs<String, String> jobs = jobs(pool);
                WebTestServer server = WebTestServer.start(() -> jobs.addTo(Routes.create(), "/jobs"))) {
            Client client = client(server);
            HttpResponse<String> made = client.send("POST", "/jobs", "hey");
            assertThat(made.statusCode()).isEqualTo(202);
            String path = Client.field(made, "Location");
            assertThat(path).matches("/jobs/[0-9a-f]{32}");
            awaitState(client, path, "SUCCEEDED");
            HttpResponse<String> job = client.get(path);
            assertThat(job.body()).contains("\"result\":\"" + path + "/result\"");
            assertThat(client.get(path, "If-None-Match", Client.field(job, "ETag")).statusCode()).isEqualTo(304);
            assertThat(client.get(path + "/result").body()).isEqualTo("hey!");

            String waits = Client.field(client.send("POST", "/jobs", "wait"), "Location");
            awaitState(client, waits, "RUNNING");
            assertThat(client.get(waits + "/result").statusCode()).isEqualTo(202);
            assertThat(client.send("DELETE", waits, "").body()).contains("\"state\":\"CANCELLED\"");
            assertThat(client.get(waits + "/result").statusCode()).isEqualTo(410);

            String fails = Client.field(client.send("POST", "/jobs", "fail"), "Location");
            awaitState(client, fails, "FAILED");
            assertThat(client.get(fails).body()).contains("\"failure\":\"the job failed\"");
            assertThat(client.get(fails + "/result").statusCode()).isEqualTo(500);
            assertThat(client.get("/jobs/none").statusCode()).isEqualTo(404);
            assertThat(client.send("POST", "/jobs", "").statusCode()).isEqualTo(400);
        }
    }

    @Test
    void aRequestThatIsSentAgainMakesNoOtherJob() throws Exception {
        try (Pool pool = Pools.open("virtual:1");
                Jobs<String, String> jobs = jobs(pool).showingFailures();
                WebTestServer server = WebTestServer.start(() -> jobs.addTo(Routes.create(), "/jobs"))) {
            Client client = client(server);
            String first = Client.field(client.send("POST", "/jobs", "wait", "Idempotency-Key", "k1"), "Location");
            HttpResponse<String> again = client.send("POST", "/jobs", "wait", "Idempotency-Key", "k1");
            assertThat(again.statusCode()).isEqualTo(202);
            assertThat(Client.field(again, "Location")).isEqualTo(first);
            assertThat(client.send("POST", "/jobs", "else", "Idempotency-Key", "k1").statusCode()).isEqualTo(422);
            assertThat(client.send("POST", "/jobs", "wait", "Idempotency-Key", "x".repeat(300)).statusCode())
                    .isEqualTo(400);
            List<String> others = new ArrayList<>();
            others.add(Client.field(client.send("POST", "/jobs", "fail"), "Location"));
            others.add(Client.field(client.send("POST", "/jobs", "b"), "Location"));
            HttpResponse<String> full = client.send("POST", "/jobs", "c");
            assertThat(full.statusCode()).isEqualTo(503);
            assertThat(Client.field(full, "Retry-After")).isNotEmpty();
            client.send("DELETE", first, "");
            awaitState(client, others.get(0), "FAILED");
            assertThat(client.get(others.get(0)).body()).contains("\"failure\":\"on purpose\"");
            awaitState(client, others.get(1), "SUCCEEDED");
            assertThatIllegalArgumentException().isThrownBy(() -> jobs.addTo(Routes.create(), "/{a}"));
        }
    }

    // ---- the server for tests ----

    @Test
    void aTestFailsIfAHandlerHasThrown() throws Exception {
        Routes routes = Routes.create()
                .get("/", _ -> {
                    throw new IllegalStateException("on purpose");
                })
                .get("/refused", _ -> {
                    throw new RefusedException(404, "not here");
                });
        WebTestServer server = WebTestServer.start(() -> routes).failingOnClose();
        assertThat(client(server).get("/").statusCode()).isEqualTo(500);
        assertThat(client(server).get("/refused").statusCode()).isEqualTo(404);
        assertThatExceptionOfType(AssertionError.class).isThrownBy(server::close)
                .withMessage("1 requests failed in their handlers").havingCause().withMessage("on purpose");
        try (WebTestServer lenient = WebTestServer.start(() -> routes)) {
            client(lenient).get("/");
            assertThat(lenient.failures()).hasSize(1);
        }
    }
}
