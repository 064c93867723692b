package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sennit.images.internal.web.HostAddresses;
import dev.sennit.images.internal.web.WebUri;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a server on this machine that does all that servers should not do. */
@Timeout(120)
class DownloaderIT {
    private static final byte[] IMAGE = new byte[300_000];
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final Duration LONG = Duration.ofMinutes(1);

    static {
        new SplittableRandom(1).nextBytes(IMAGE);
    }

    @TempDir
    private Path folder;

    private final NoWaiting time = new NoWaiting();
    private NastyServer server;

    @BeforeEach
    void start() throws IOException {
        server = new NastyServer();
    }

    @AfterEach
    void leavesNothingBehind() throws IOException {
        server.close();
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(Path::getFileName).map(Path::toString)).noneMatch(name -> name.endsWith(".part"));
        }
    }

    private Downloader.Builder local() {
        return Downloader.builder().allowPrivate(true).time(time);
    }

    private DownloadException failure(Downloader.Builder builder, String path) {
        return failure(builder, server.uri(path));
    }

    /** What both kinds of download fail with, after which no file is there. */
    private DownloadException failure(Downloader.Builder builder, URI uri) {
        try (Downloader downloader = builder.open()) {
            Path file = folder.resolve("failed");
            var ofMemory = catchThrowableOfType(DownloadException.class, () -> downloader.toMemory(uri));
            var ofFile = catchThrowableOfType(DownloadException.class, () -> downloader.toFile(uri, file));
            assertThat(ofFile).isNotNull();
            assertThat(ofMemory).isNotNull().hasMessageStartingWith(WebUri.text(uri) + ": ");
            assertThat(ofMemory.getMessage()).hasLineCount(1);
            assertThat(ofMemory.uri()).isEqualTo(uri);
            assertThat(file).doesNotExist();
            return ofMemory;
        }
    }

    private Download<byte[]> fetched(Downloader.Builder builder, String path) throws Exception {
        try (Downloader downloader = builder.open()) {
            Download<byte[]> download = downloader.toMemory(server.uri(path));
            assertThat(downloader.toString()).isEqualTo("Downloader[0 of 16 running, 0 hosts]");
            return download;
        }
    }

    private static String chunk(byte[] bytes) {
        return Integer.toHexString(bytes.length) + "\r\n"
                + new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1) + "\r\n";
    }

    // ---- what should work ----

    @Test
    void intoMemory() throws Exception {
        server.on("/cat.jpg?a=b%20c", exchange -> exchange.whole(IMAGE, "Content-Type: image/jpeg"));
        Download<byte[]> cat = fetched(local(), "/cat.jpg?a=b%20c");
        assertThat(cat.body()).isEqualTo(IMAGE);
        assertThat(cat.uri()).isEqualTo(server.uri("/cat.jpg?a=b%20c"));
        assertThat(cat.contentType()).isEqualTo("image/jpeg");
        assertThat(cat.bytesIn()).isEqualTo(IMAGE.length);
        assertThat(cat.attempts()).isEqualTo(1);
        assertThat(cat.time()).isPositive();
        assertThat(cat).hasToString("Download[" + cat.uri() + ", 300000 bytes, 1 attempt]");
    }

    @Test
    void intoAFileThatIsReplaced() throws Exception {
        server.on("/cat.jpg", exchange -> exchange.whole(IMAGE));
        Path file = Files.writeString(folder.resolve("cat"), "old");
        try (Downloader downloader = local().open()) {
            Download<Path> cat = downloader.toFile(server.uri("/cat.jpg"), file);
            assertThat(cat.body()).isEqualTo(file).hasBinaryContent(IMAGE);
            assertThat(cat.contentType()).isNull();
        }
    }

    @Test
    void anEmptyFile() throws Exception {
        server.on("/empty", exchange -> exchange.whole(new byte[0]));
        assertThat(fetched(local(), "/empty").body()).isEmpty();
        try (Downloader downloader = local().open()) {
            assertThat(downloader.toFile(server.uri("/empty"), folder.resolve("empty")).body()).isEmptyFile();
        }
    }

    @Test
    void inChunksAndWithoutALength() throws Exception {
        server.on("/chunked", exchange -> exchange.head("200 OK", "Transfer-Encoding: chunked")
                .send(chunk(IMAGE))
                .send(chunk(IMAGE))
                .send("0\r\n\r\n"))
                .on("/open", exchange -> exchange.head("200 OK").send(IMAGE));
        assertThat(fetched(local(), "/chunked").body()).hasSize(2 * IMAGE.length).startsWith(IMAGE).endsWith(IMAGE);
        assertThat(fetched(local(), "/open").body()).isEqualTo(IMAGE);
    }

    @Test
    void argumentsAreChecked() {
        assertThatThrownBy(() -> Downloader.builder().attempts(0)).hasMessage("attempts must be >= 1, was 0");
        assertThatThrownBy(() -> Downloader.builder().maxBytes(0)).hasMessage("maxBytes must be >= 1, was 0");
        assertThatThrownBy(() -> Downloader.builder().redirects(-1)).hasMessage("redirects must be >= 0, was -1");
        assertThatThrownBy(() -> Downloader.builder().deadline(Duration.ZERO))
                .hasMessage("deadline must be > 0, was PT0S");
        assertThatThrownBy(() -> Downloader.builder().longestWait(Duration.ofSeconds(-1)))
                .hasMessage("longestWait must be >= 0, was PT-1S");
    }

    // ---- size ----

    @Test
    void asLargeAsAllowed() throws Exception {
        server.on("/cat.jpg", exchange -> exchange.whole(IMAGE));
        assertThat(fetched(local().maxBytes(IMAGE.length), "/cat.jpg").body()).isEqualTo(IMAGE);
    }

    @Test
    void tooLargeByWhatIsAnnounced() throws Exception {
        server.on("/large", exchange -> exchange.head("200 OK", "Content-Length: 9000000000000").stall());
        assertThat(failure(local(), "/large"))
                .hasMessageEndingWith(
                        ": it has 9000000000000 bytes, more than 100000000 bytes; allow more if that is meant");
        server.left.await();
    }

    @Test
    void tooLargeByWhatArrives() throws Exception {
        server.on("/endless", exchange -> {
            exchange.head("200 OK", "Transfer-Encoding: chunked");
            while (true) {
                exchange.send(chunk(new byte[50_000]));
            }
        });
        assertThat(failure(local().maxBytes(200_000), "/endless"))
                .hasMessageEndingWith(": it has more than 200000 bytes; allow more if that is meant");
    }

    @Test
    void compressedIsRefused() {
        server.on("/bomb", exchange -> {
            assertThat(exchange.headers).containsEntry("accept-encoding", "identity");
            exchange.whole(IMAGE, "Content-Encoding: gzip");
        });
        assertThat(failure(local(), "/bomb"))
                .hasMessageContaining("sends it compressed (gzip), which was not asked for");
    }

    // ---- status ----

    @ParameterizedTest
    @ValueSource(strings = {"404 Not Found", "410 Gone", "403 Forbidden", "500 Internal Server Error",
        "304 Not Modified", "206 Partial Content"})
    void otherStatusIsFinalAndItsBodyIsNotTaken(String status) {
        server.on("/gone", exchange -> exchange.head(status, "Content-Length: 7").send("no such"));
        assertThat(failure(local(), "/gone")).hasMessageContaining(": answered " + status.substring(0, 3));
        assertThat(server.requests("/gone")).isEqualTo(2); // one in memory, one into a file
        assertThat(time.waits).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"429 Too Many Requests", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"})
    void otherStatusPasses(String status) throws Exception {
        server.on("/busy", exchange -> {
            if (exchange.earlier < 3) {
                exchange.head(status, "Content-Length: 4").send("busy");
            } else {
                exchange.whole(IMAGE);
            }
        });
        Download<byte[]> download = fetched(local(), "/busy");
        assertThat(download.body()).isEqualTo(IMAGE);
        assertThat(download.attempts()).isEqualTo(4);
        assertThat(time.waits).hasSize(3);
        assertThat(time.waits.get(2)).isLessThanOrEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void givesUpAfterAllAttempts() {
        server.on("/busy", exchange -> exchange.head("503 Service Unavailable"));
        assertThat(failure(local().attempts(3), "/busy"))
                .hasMessageEndingWith(": answered 503 (the server failed); try again later (3 attempts)");
        assertThat(server.requests("/busy")).isEqualTo(6);
        assertThat(failure(local().attempts(1), "/busy")).hasMessageEndingWith("; try again later");
    }

    @Test
    void comesBackWhenTheServerSaysSo() throws Exception {
        server.on("/seconds", exchange -> {
            if (exchange.earlier == 0) {
                exchange.head("429 Too Many Requests", "Retry-After: 7");
            } else {
                exchange.whole(IMAGE);
            }
        })
                .on("/date", exchange -> {
                    if (exchange.earlier == 0) {
                        exchange.head("503 Service Unavailable", "Retry-After: Mon, 4 May 2026 12:00:20 GMT");
                    } else {
                        exchange.whole(IMAGE);
                    }
                })
                .on("/past", exchange -> {
                    if (exchange.earlier == 0) {
                        exchange.head("503 Service Unavailable", "Retry-After: Mon, 4 May 2020 12:00:20 GMT");
                    } else {
                        exchange.whole(IMAGE);
                    }
                });
        fetched(local(), "/seconds");
        assertThat(time.waits.getFirst()).isBetween(Duration.ofSeconds(7), Duration.ofMillis(7700));
        fetched(local(), "/date");
        assertThat(time.waits.get(1)).isBetween(Duration.ofSeconds(20), Duration.ofSeconds(22));
        fetched(local(), "/past");
        assertThat(time.waits.get(2)).isZero();
    }

    @Test
    void doesNotComeBackAsLateAsTheServerSays() {
        server.on("/seconds", exchange -> exchange.head("429 Too Many Requests", "Retry-After: 31"));
        assertThat(failure(local(), "/seconds"))
                .hasMessageEndingWith(": answered 429 and wants to be left alone for 31 s; try again then");
        assertThat(failure(local().longestWait(LONG).deadline(Duration.ofSeconds(20)), "/seconds"))
                .hasMessageContaining(": answered 429 ");
        assertThat(time.waits).isEmpty();
    }

    // ---- connections ----

    @Test
    void nobodyListens() throws Exception {
        try (var taken = new Socket()) { // so that no other program can listen there meanwhile
            taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            URI nowhere = URI.create("http://127.0.0.1:" + taken.getLocalPort() + "/");
            assertThat(failure(local(), nowhere)).hasMessageContaining(": no connection: ")
                    .hasMessageEndingWith(" (4 attempts)");
        }
        assertThat(time.waits).hasSize(6);
    }

    @Test
    void noSuchHost() {
        assertThat(failure(local(), URI.create("http://nowhere.invalid/cat.jpg")))
                .hasMessageEndingWith(": there is no host nowhere.invalid; correct the address, or the network");
        assertThat(time.waits).isEmpty();
    }

    @Test
    void theConnectionEndsBeforeTheAnswer() {
        server.on("/end", exchange -> {}).on("/reset", NastyServer.Exchange::reset);
        assertThat(failure(local(), "/end")).hasMessageContaining(": the connection broke off: ");
        assertThat(failure(local(), "/reset")).hasMessageContaining(": the connection broke off: ");
        assertThat(time.waits).hasSizeGreaterThanOrEqualTo(9);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: a\r\n\r\n", "\0\0\0\0\r\n\r\n"})
    void notHttp(String answer) {
        server.on("/other", exchange -> exchange.send(answer));
        assertThat(failure(local(), "/other")).hasMessageContaining(": an answer that is not HTTP: ");
        assertThat(time.waits).isEmpty();
    }

    @Test
    void hugeHeaders() {
        server.on("/huge", exchange -> {
            exchange.send("HTTP/1.1 200 OK\r\n");
            while (true) {
                exchange.send("X-" + "y".repeat(10_000) + ": " + "z".repeat(10_000) + "\r\n");
            }
        });
        assertThat(failure(local(), "/huge")).hasMessageContaining("Header size too big");
    }

    @Test
    void breaksOffAndGoesOnWhereItWas() throws Exception {
        List<String> asked = new CopyOnWriteArrayList<>();
        server.on("/cat.jpg", exchange -> {
            asked.add(exchange.headers.get("range") + " " + exchange.headers.get("if-range"));
            if (exchange.earlier == 0) {
                exchange.head("200 OK", "Content-Length: 300000", "ETag: \"a\"").send(IMAGE, 0, 100_000);
                return; // and the connection ends; a reset might lose what was sent
            }
            int from = Integer.parseInt(exchange.headers.get("range").replaceAll("\\D", ""));
            int to = exchange.earlier == 1 ? from + 1000 : IMAGE.length;
            exchange.head("206 Partial Content", "Content-Range: bytes " + from + "-299999/300000", "ETag: \"a\"",
                    "Content-Length: " + (IMAGE.length - from))
                    .send(IMAGE, from, to);
        });
        try (Downloader downloader = local().open()) {
            Download<Path> cat = downloader.toFile(server.uri("/cat.jpg"), folder.resolve("cat"));
            assertThat(cat.body()).hasBinaryContent(IMAGE);
            assertThat(cat.attempts()).isEqualTo(3);
            assertThat(cat.bytesIn()).isEqualTo(IMAGE.length);
        }
        assertThat(asked.getFirst()).isEqualTo("null null");
        assertThat(asked.get(1)).matches("bytes=\\d+- \"a\"");
        assertThat(asked.get(2)).matches("bytes=\\d+- \"a\"");
    }

    @Test
    void aDateWillDoIfItIsOldEnough() throws Exception {
        List<String> asked = new CopyOnWriteArrayList<>();
        String old = "Mon, 4 May 2026 11:00:00 GMT";
        for (String path : List.of("/old", "/new")) {
            server.on(path, exchange -> {
                asked.add(path + " " + exchange.headers.get("if-range"));
                if (exchange.earlier == 0) {
                    exchange.head("200 OK", "Content-Length: 300000", "Last-Modified: " + old,
                            "Date: Mon, 4 May 2026 " + (path.equals("/old") ? "12:00:00 GMT" : "11:00:59 GMT"))
                            .send(IMAGE, 0, 100_000);
                } else {
                    exchange.whole(IMAGE);
                }
            });
            assertThat(fetched(local(), path).body()).isEqualTo(IMAGE);
        }
        assertThat(asked).containsExactly("/old null", "/old " + old, "/new null", "/new null");
    }

    @Test
    void startsAnewWhenTheFileHasChanged() throws Exception {
        byte[] changed = new byte[200_000];
        server.on("/cat.jpg", exchange -> {
            if (exchange.earlier == 0) {
                exchange.head("200 OK", "Content-Length: 300000", "ETag: \"a\"").send(IMAGE, 0, 100_000);
            } else {
                exchange.whole(changed, "ETag: \"b\"");
            }
        });
        Download<byte[]> cat = fetched(local(), "/cat.jpg");
        assertThat(cat.body()).isEqualTo(changed);
        assertThat(cat.bytesIn()).isEqualTo(300_000);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "206 Partial Content,Content-Range: bytes 5-299999/300000", // another part
        "206 Partial Content,Content-Range: bytes 100000-299999/300000,ETag: \"b\"", // of another file
        "206 Partial Content", // of what?
        "206 Partial Content,Content-Range: bytes 100000-299999/900000", // then something is missing
        "416 Range Not Satisfiable,Content-Range: bytes */5"
    })
    void partsThatDoNotFitAreNotUsed(String answer) throws Exception {
        String[] lines = answer.split(",");
        server.on("/cat.jpg", exchange -> {
            if (exchange.earlier == 0) {
                exchange.head("200 OK", "Content-Length: 300000", "ETag: \"a\"").send(IMAGE, 0, 100_000);
            } else if (exchange.headers.containsKey("range")) {
                exchange.head(lines[0], java.util.Arrays.copyOfRange(lines, 1, lines.length)).send(IMAGE, 100_000,
                        IMAGE.length);
            } else {
                exchange.whole(IMAGE);
            }
        });
        Download<byte[]> cat = fetched(local(), "/cat.jpg");
        assertThat(cat.body()).isEqualTo(IMAGE);
        assertThat(cat.attempts()).isEqualTo(3);
    }

    @Test
    void lessThanWasAnnounced() {
        server.on("/short", exchange -> exchange.head("200 OK", "Content-Length: 300000").send(IMAGE, 0, 299_999));
        assertThat(failure(local(), "/short"))
                .hasMessageContaining(": the connection broke off after 299999 bytes: ")
                .hasMessageEndingWith(" (4 attempts)");
    }

    @Test
    void aResumedFileIsNoLargerThanAllowed() {
        server.on("/grows", exchange -> {
            if (exchange.earlier % 2 == 0) {
                exchange.head("200 OK", "Content-Length: 300000", "ETag: \"a\"").send(IMAGE, 0, 100_000);
            } else {
                exchange.head("206 Partial Content", "Content-Range: bytes 100000-899999/900000", "ETag: \"a\"")
                        .send(new byte[800_000]);
            }
        });
        assertThat(failure(local().maxBytes(500_000), "/grows"))
                .hasMessageContaining(": it has 900000 bytes, more than 500000");
    }

    // ---- time ----

    @Test
    void noAnswer() throws Exception {
        server.on("/silent", NastyServer.Exchange::stall);
        assertThat(failure(local().answerTimeout(SHORT).attempts(2), "/silent"))
                .hasMessageEndingWith(": no answer in 300 ms; try again later (2 attempts)");
        server.left.await();
        assertThat(server.requests("/silent")).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"X-Y: z\r\n", "z"})
    void headersThatNeverEnd(String line) {
        server.on("/slow", exchange -> {
            exchange.send("HTTP/1.1 200 OK\r\n");
            while (true) {
                exchange.send(line);
                Thread.sleep(20);
            }
        });
        assertThat(failure(local().answerTimeout(SHORT).attempts(1), "/slow"))
                .hasMessageContaining(": no answer in 300 ms");
    }

    @Test
    void answersThatAreNone() {
        server.on("/soon", exchange -> {
            while (true) {
                exchange.send("HTTP/1.1 102 Processing\r\n\r\n");
            }
        });
        assertThat(failure(local(), "/soon"))
                .hasMessageContaining(": an answer that is not HTTP: Too many interim responses");
    }

    @Test
    void aBodyThatStops() throws Exception {
        server.on("/stops", exchange -> exchange.head("200 OK", "Content-Length: 300000").send(IMAGE, 0, 1000).stall());
        assertThat(failure(local().minRate(10_000, SHORT), "/stops"))
                .hasMessageEndingWith(": sends less than 10000 bytes a second; try again later, or allow a lower rate");
        server.left.await();
        assertThat(time.waits).isEmpty();
    }

    @Test
    void aBodyThatDrips() {
        server.on("/drips", exchange -> {
            exchange.head("200 OK", "Content-Length: 300000");
            for (byte one : IMAGE) {
                exchange.send(new byte[] {one});
                Thread.sleep(20);
            }
        });
        assertThat(failure(local().minRate(10_000, SHORT), "/drips"))
                .hasMessageContaining(": sends less than 10000 bytes a second");
        assertThat(failure(local().minRate(0, SHORT).deadline(SHORT), "/drips"))
                .hasMessageContaining(": not done after 300 ms, ")
                .hasMessageEndingWith(" bytes have arrived; try again later, or allow more time");
    }

    @Test
    void slowButFastEnough() throws Exception {
        server.on("/slow", exchange -> {
            exchange.head("200 OK", "Content-Length: 10000");
            for (int from = 0; from < 10_000; from += 1000) {
                exchange.send(IMAGE, from, from + 1000);
                Thread.sleep(20);
            }
        });
        assertThat(fetched(local().minRate(500, Duration.ofSeconds(2)), "/slow").body()).hasSize(10_000);
    }

    @Test
    void limitsMayBeAsLongAsDurationsAre() throws Exception {
        Duration ever = Duration.ofSeconds(Long.MAX_VALUE);
        server.on("/cat.jpg", exchange -> exchange.whole(IMAGE));
        Downloader.Builder patient =
                local().deadline(ever).connectTimeout(ever).answerTimeout(ever).minRate(Long.MAX_VALUE, ever)
                        .longestWait(ever);
        assertThat(fetched(patient, "/cat.jpg").body()).isEqualTo(IMAGE);
    }

    @Test
    void theDeadlineIsForAllAttemptsAndTheWaitsBetween() {
        server.on("/busy", exchange -> exchange.head("503 Service Unavailable", "Retry-After: 10"));
        assertThat(failure(local().deadline(Duration.ofSeconds(25)).attempts(100), "/busy"))
                .hasMessageEndingWith(": answered 503 (the server failed); try again later (3 attempts)");
        server.on("/silent", NastyServer.Exchange::stall);
        assertThat(failure(local().deadline(SHORT).attempts(100), "/silent"))
                .hasMessageContaining(": not done after 300 ms");
    }

    // ---- redirects ----

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void followsRedirects(int status) throws Exception {
        server.on("/a/one",
                exchange -> exchange.head(status + " Elsewhere", "Location: ../two?x", "Content-Length: 4")
                        .send("gone"))
                .on("/two?x",
                        exchange -> exchange.head(status + " Elsewhere", "Location: " + server.uri("/three") + "#top"))
                .on("/three", exchange -> exchange.whole(IMAGE));
        Download<byte[]> cat = fetched(local().redirects(2), "/a/one");
        assertThat(cat.body()).isEqualTo(IMAGE);
        assertThat(cat.uri()).isEqualTo(server.uri("/three"));
        assertThat(cat.attempts()).isEqualTo(1);
    }

    @Test
    void redirectsThatNeverEnd() {
        server.on("/loop", exchange -> exchange.head("302 Found", "Location: /loop"));
        assertThat(failure(local(), "/loop"))
                .hasMessageEndingWith(": more than 5 redirects; give the address where they end");
        assertThat(server.requests("/loop")).isEqualTo(12);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file:///etc/passwd", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://2130706433/",
        "gopher:x", "\u001b[31mx:y"})
    void redirectsElsewhereAreRefused(String location) {
        server.on("/away", exchange -> exchange.head("302 Found", "Location: " + location));
        assertThat(failure(local(), "/away").getMessage()).doesNotContain("\u001b");
        assertThat(server.requests("/away")).isEqualTo(2);
        server.on("/nowhere", exchange -> exchange.head("302 Found"));
        assertThat(failure(local(), "/nowhere")).hasMessageContaining(": redirects to nowhere");
    }

    @Test
    void aFailureWithoutARedirectSaysNothingOfOne() {
        URI bare = URI.create(server.uri("").toString().replace("http", "HTTP"));
        assertThat(failure(local(), bare)).hasMessage(bare + ": answered 404 (not found); correct the address");
    }

    @Test
    void aFailureAfterARedirectSaysWhere() {
        server.on("/moved", exchange -> exchange.head("302 Found", "Location: /gone"));
        assertThat(failure(local(), "/moved"))
                .hasMessage(server.uri("/moved") + ": redirected to " + server.uri("/gone")
                        + ": answered 404 (not found); correct the address");
    }

    // ---- addresses ----

    @ParameterizedTest
    @ValueSource(strings = {
        "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "169.254.169.254", "100.64.0.1", "[::1]", "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]", "[fd00::1]", "localhost"
    })
    void privateAddressesAreRefused(String host) {
        assertThat(failure(Downloader.builder(), URI.create("http://" + host + ":" + server.port() + "/")))
                .hasMessageContaining("is not a public address")
                .hasMessageEndingWith("; allow private addresses if that is meant");
        assertThat(server.connected).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://2130706433/", "http://0x7f000001/", "http://u@127.0.0.1/"})
    void soAreOtherFormsOfThem(String address) {
        assertThat(failure(local(), URI.create(address))).isNotNull();
    }

    private static HostAddresses.NameService answering(String... addresses) {
        var calls = new AtomicInteger();
        return host -> {
            int call = Math.min(calls.getAndIncrement(), addresses.length - 1);
            return Stream.of(addresses[call].split(" ")).map(InetAddress::ofLiteral).toArray(InetAddress[]::new);
        };
    }

    @Test
    void oneSpecialAddressAmongOthersIsEnough() {
        assertThat(failure(Downloader.builder().names(answering("93.184.215.14 10.0.0.1"), false),
                URI.create("http://images.test/")))
                .hasMessageContaining(
                        ": host images.test has address 10.0.0.1 is not a public address (10.0.0.0/8, private)");
    }

    @Test
    void aRedirectToAPrivateAddressIsRefused() throws Exception {
        // localhost is taken for a public host here; where it leads to is not
        server.on("/in",
                exchange -> exchange.head("302 Found", "Location: http://127.0.0.1:" + server.port() + "/secret"));
        assertThat(
                failure(Downloader.builder().names(answering("93.184.215.14"), false), server.uri("localhost", "/in")))
                .hasMessageContaining(": redirected to http://127.0.0.1:")
                .hasMessageContaining(": 127.0.0.1 is not a public address");
        assertThat(server.requests("/in")).isEqualTo(2);
        assertThat(server.requests("/secret")).isZero();
    }

    @Test
    void ofANameThatChangesNothingIsKept() throws Exception {
        server.on("/secret", exchange -> exchange.whole(IMAGE));
        var downloader = Downloader.builder().names(answering("93.184.215.14", "127.0.0.1"), false).open();
        try (downloader) {
            var failure = catchThrowableOfType(
                    DownloadException.class, () -> downloader.toMemory(server.uri("localhost", "/secret")));
            assertThat(failure).hasMessageContaining("127.0.0.1 is not a public address");
        }
    }

    @Test
    void namesAreLookedUpOnceWhereTheJvmAllowsIt() throws Exception {
        org.junit.jupiter.api.Assumptions.assumeTrue(
                "host".equals(System.getProperty("jdk.httpclient.allowRestrictedHeaders")));
        server.on("/cat.jpg?x", exchange -> {
            assertThat(exchange.headers).containsEntry("host", "images.test:" + server.port());
            exchange.whole(IMAGE);
        });
        String address = server.uri("/").getHost();
        try (Downloader downloader = local().names(answering(address, "255.255.255.255"), true).open()) {
            Download<byte[]> cat = downloader.toMemory(server.uri("images.test", "/cat.jpg?x"));
            assertThat(cat.body()).isEqualTo(IMAGE);
            assertThat(cat.uri()).isEqualTo(server.uri("images.test", "/cat.jpg?x"));
        }
    }

    @Test
    void aNameServerThatDoesNotAnswer() {
        HostAddresses.NameService silent = host -> {
            try {
                Thread.sleep(60_000);
            } catch (InterruptedException e) {
                // the downloader is closed
            }
            return new InetAddress[0];
        };
        assertThat(failure(local().names(silent, false).deadline(SHORT), URI.create("http://images.test/")))
                .hasMessageContaining(": not done after 300 ms");
    }
}
