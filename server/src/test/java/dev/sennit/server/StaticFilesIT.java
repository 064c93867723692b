package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of a folder, over sockets. */
@Timeout(120)
class StaticFilesIT {
    private static final String TEXT = "0123456789";
    private static final Instant CHANGED = Instant.parse("2024-02-29T12:00:00.123456789Z");
    private static final String CHANGED_DATE = "Thu, 29 Feb 2024 12:00:00 GMT";
    private static final int HUGE = 64 << 20;

    @TempDir
    private Path temp;

    private Path root;
    private EngineUnderTest server;

    @BeforeEach
    void start() throws Exception {
        root = Files.createDirectories(temp.resolve("public"));
        Files.writeString(temp.resolve("secret"), "the secret");
        write("digits.txt", TEXT);
        server = new EngineUnderTest(Routes.create()
                .get("/assets/route", _ -> WebResponse.text("of a route"))
                .files("/assets", StaticFiles.of(root).cacheControl("max-age=60").type("DATA", "text/x-data"))
                .files("/plain/", root), ServerSettings.DEFAULTS);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private Path write(String name, String text) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        return Files.setLastModifiedTime(file, FileTime.from(CHANGED));
    }

    private String ask(String method, String target, String... fields) throws IOException {
        StringBuilder request = new StringBuilder(method + " " + target + " HTTP/1.1\r\nHost: a\r\n");
        for (String field : fields) {
            request.append(field).append("\r\n");
        }
        return server.exchange(request + "Connection: close\r\n\r\n");
    }

    private String get(String target, String... fields) throws IOException {
        return ask("GET", target, fields);
    }

    private static String field(String response, String name) {
        Matcher line = Pattern.compile("\r\n" + name + ": ([^\r]*)\r\n").matcher(response);
        assertThat(line.find()).as(name + " in " + response).isTrue();
        return line.group(1);
    }

    private static String body(String response) {
        return response.substring(response.indexOf("\r\n\r\n") + 4);
    }

    // ---- what is served ----

    @Test
    void aFile() throws Exception {
        String response = get("/assets/digits.txt");
        assertThat(response).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\n" + TEXT)
                .contains("Content-Type: text/plain; charset=utf-8\r\n", "Content-Length: 10\r\n",
                        "Cache-Control: max-age=60\r\n", "Last-Modified: " + CHANGED_DATE + "\r\n",
                        "Accept-Ranges: bytes\r\n", "X-Content-Type-Options: nosniff\r\n");
        assertThat(field(response, "ETag")).matches("\"[0-9a-f-]+\"");
        assertThat(get("/plain/digits.txt")).contains("Cache-Control: no-cache\r\n").endsWith(TEXT);
        assertThat(get("/assets/route")).endsWith("of a route");
        String head = ask("HEAD", "/assets/digits.txt");
        assertThat(head).contains("Content-Length: 10\r\n", "ETag: " + field(response, "ETag")).endsWith("\r\n\r\n");
        assertThat(ask("POST", "/assets/digits.txt")).startsWith("HTTP/1.1 405 ").contains("Allow: GET, HEAD\r\n");
    }

    @Test
    void typesAndNames() throws Exception {
        write("a.DATA", "x");
        write("b", "x");
        write("a b+c&d.js", "x");
        write("index.html", "the index");
        write("docs/index.html", "the docs");
        write("empty/nothing", "");
        assertThat(field(get("/assets/a.DATA"), "Content-Type")).isEqualTo("text/x-data");
        assertThat(field(get("/assets/b"), "Content-Type")).isEqualTo("application/octet-stream");
        assertThat(field(get("/assets/a%20b+c&d.js"), "Content-Type")).isEqualTo("text/javascript; charset=utf-8");
        assertThat(get("/assets/empty/nothing")).startsWith("HTTP/1.1 200 ").contains("Content-Length: 0\r\n");
        assertThat(get("/plain/")).contains("text/html").endsWith("the index");
        assertThat(get("/assets/docs/?a=b")).endsWith("the docs");
        assertThat(get("/assets/docs?a=b")).startsWith("HTTP/1.1 301 ").contains("Location: ./docs/?a=b\r\n");
        assertThat(get("/assets")).startsWith("HTTP/1.1 301 ").contains("Location: ./assets/\r\n");
        assertThat(get("/assets/empty")).startsWith("HTTP/1.1 404 ");
        assertThat(get("/assets/empty/")).startsWith("HTTP/1.1 404 ").doesNotContain("nothing\r\n");
        assertThat(get("/assets/digits.txt/")).startsWith("HTTP/1.1 404 ");
    }

    @ParameterizedTest
    @ValueSource(ints = {8191, 8192, 8193, 256 << 10, (256 << 10) + 1, 3_000_001})
    void allBytesOfAFile(int size) throws Exception {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        Files.write(root.resolve("bytes"), bytes);
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        assertThat(body(get("/assets/bytes")).equals(text)).isTrue();
        assertThat(body(get("/assets/bytes", "Range: bytes=7-")).equals(text.substring(7))).isTrue();
        String both = get("/assets/bytes", "Range: bytes=7-" + (size / 2) + ",-3");
        assertThat(both.contains("\r\n\r\n" + text.substring(7, size / 2 + 1) + "\r\n--")).isTrue();
        assertThat(Long.parseLong(field(both, "Content-Length"))).isEqualTo(body(both).length());
        try (Socket socket = server.connect()) { // and the next request on the connection
            for (int i = 0; i < 2; i++) {
                EngineUnderTest.send(socket, "GET /assets/bytes HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(EngineUnderTest.head(socket)).contains("Content-Length: " + size);
                assertThat(EngineUnderTest.receive(socket, size).equals(text)).isTrue();
            }
        }
    }

    // ---- no way out ----

    @Test
    void noPathLeadsOut() throws Exception {
        write(".env", "the secret");
        write(".git/config", "the secret");
        write(".well-known/security.txt", "a contact");
        write("sub/a", "a");
        Files.createSymbolicLink(root.resolve("out"), temp.resolve("secret"));
        Files.createSymbolicLink(root.resolve("outside"), temp);
        Files.createSymbolicLink(root.resolve("sub/up"), Path.of("../.."));
        Files.createSymbolicLink(root.resolve("circle"), Path.of("circle"));
        Files.createSymbolicLink(root.resolve("within"), Path.of("sub/../digits.txt"));
        Files.createSymbolicLink(root.resolve("sub/folder"), root.resolve("sub"));
        assertThat(get("/assets/within")).endsWith(TEXT);
        assertThat(get("/assets/sub/folder/a")).endsWith("\r\n\r\na");
        assertThat(get("/assets/.well-known/security.txt")).endsWith("a contact");
        for (String path : List.of(
                "../secret", "../../secret", "%2e%2e/secret", "%2e./secret", ".%2e/secret", "..%2fsecret",
                "%2e%2e%2fsecret", "%252e%252e%252fsecret", "..%5csecret", "..\\secret", "sub/..%5c..%5csecret",
                "%c0%ae%c0%ae/secret", "%e0%80%ae%e0%80%ae/secret", "sub/%2e%2e/%2e%2e/secret", "..;/secret",
                "..;a=b/secret", "sub/..;/..;/secret", temp + "/secret", "/" + temp + "/secret", "//etc/passwd",
                "%2fetc/passwd", "digits.txt%00.html", "%00", "out", "outside/secret", "sub/up/secret", "circle",
                "C:/secret", "C:%5csecret", "%5c%5chost%5cshare", "file:///etc/passwd", "~root/secret", ".env",
                ".git/config", "sub/./../.env", "digits.txt/../../secret", "digits.txt/.", "digits.txt%20",
                "digits.txt.", "DIGITS.TXT", "%ff%fe", "a".repeat(300), "sub/" + "b/".repeat(2000) + "c",
                "%0d%0aX:%20y",
                "digits.txt::$DATA")) {
            for (String target : List.of("/assets/" + path, "/plain/" + path, "/assets" + path)) {
                String response = get(target);
                assertThat(response).as(target).matches("(?s)HTTP/1\\.1 (400|404) .*")
                        .doesNotContain("secret", "root:", TEXT);
            }
        }
        assertThat(get("/assets/digits.txt")).endsWith(TEXT);
    }

    @Test
    void whatIsNoFileIsNotOpened() throws Exception {
        assertThat(new ProcessBuilder("mkfifo", root.resolve("pipe").toString()).start().waitFor()).isZero();
        assertThat(get("/assets/pipe")).startsWith("HTTP/1.1 404 "); // an open would wait for a writer
        assertThatIllegalArgumentException().isThrownBy(() -> StaticFiles.of(temp.resolve("none")))
                .withMessage("there is no folder " + temp.resolve("none") + ": it does not exist");
        assertThatIllegalArgumentException().isThrownBy(() -> StaticFiles.of(root.resolve("digits.txt")));
        assertThatIllegalArgumentException().isThrownBy(() -> StaticFiles.of(root).cacheControl("a\r\nb"));
        assertThatIllegalArgumentException().isThrownBy(() -> StaticFiles.of(root).type(".txt", "a/b"));
        assertThatIllegalArgumentException().isThrownBy(() -> Routes.create().files("/a", root).under("/a", _ -> {}));
    }

    // ---- conditions ----

    private int status(String... fields) throws IOException {
        return Integer.parseInt(get("/assets/digits.txt", fields).substring(9, 12));
    }

    @Test
    void conditions() throws Exception {
        String tag = field(get("/assets/digits.txt"), "ETag");
        String same = "Thu, 29 Feb 2024 12:00:00 GMT";
        String before = "Thu, 29 Feb 2024 11:59:59 GMT";
        String unchanged = get("/assets/digits.txt", "If-None-Match: " + tag);
        assertThat(unchanged).startsWith("HTTP/1.1 304 ").endsWith("\r\n\r\n")
                .contains("Content-Length: 10\r\n", "ETag: " + tag, "Cache-Control: max-age=60", "Last-Modified: ");
        for (String one : List.of("*", "W/" + tag, "\"x\", " + tag, "\"a,b\",W/\"c\" , W/" + tag)) {
            assertThat(status("If-None-Match: " + one)).as(one).isEqualTo(304);
        }
        assertThat(status("If-None-Match: \"x\"", "If-None-Match: " + tag)).isEqualTo(304);
        for (String one : List.of("\"x\"", "x", "\"", "W/", "W/\"", "," + tag.substring(1), "\"x" + tag)) {
            assertThat(status("If-None-Match: " + one, "If-Modified-Since: " + same)).as(one).isEqualTo(200);
        }
        assertThat(status("If-Modified-Since: " + same)).isEqualTo(304);
        assertThat(status("If-Modified-Since: Thursday, 29-Feb-24 12:00:00 GMT")).isEqualTo(304);
        assertThat(status("If-Modified-Since: " + before)).isEqualTo(200);
        assertThat(status("If-Modified-Since: yesterday")).isEqualTo(200);
        assertThat(status("If-Match: " + tag)).isEqualTo(200);
        assertThat(status("If-Match: *")).isEqualTo(200);
        assertThat(status("If-Match: W/" + tag)).isEqualTo(412);
        assertThat(status("If-Match: \"x\"")).isEqualTo(412);
        assertThat(status("If-Match: " + tag, "If-Unmodified-Since: " + before)).isEqualTo(200);
        assertThat(status("If-Unmodified-Since: " + before)).isEqualTo(412);
        assertThat(status("If-Unmodified-Since: " + same)).isEqualTo(200);
        assertThat(status("If-Match: " + tag, "If-None-Match: " + tag)).isEqualTo(304);

        write("digits.txt", "9876543210");
        Files.setLastModifiedTime(root.resolve("digits.txt"), FileTime.from(CHANGED.plusNanos(1_000)));
        assertThat(status("If-None-Match: " + tag)).isEqualTo(200); // another within the same second
    }

    // ---- parts ----

    @Test
    void partsOfAFile() throws Exception {
        assertThat(get("/assets/digits.txt", "Range: bytes=2-4")).startsWith("HTTP/1.1 206 ").endsWith("\r\n\r\n234")
                .contains("Content-Range: bytes 2-4/10\r\n", "Content-Length: 3\r\n", "Content-Type: text/plain");
        assertThat(get("/assets/digits.txt", "Range: bytes=-2")).endsWith("\r\n\r\n89");
        assertThat(get("/assets/digits.txt", "Range: bytes=10-")).startsWith("HTTP/1.1 416 ")
                .contains("Content-Range: bytes */10\r\n");
        assertThat(get("/assets/digits.txt", "Range: bytes=5-2")).startsWith("HTTP/1.1 200 ").endsWith(TEXT);
        assertThat(get("/assets/digits.txt", "Range: bytes=0-0", "Range: bytes=1-1")).startsWith("HTTP/1.1 200 ");
        assertThat(ask("HEAD", "/assets/digits.txt", "Range: bytes=2-4")).startsWith("HTTP/1.1 200 ")
                .contains("Content-Length: 10\r\n");

        String several = get("/assets/digits.txt", "Range: bytes=0-1, 9-, 70-80");
        String boundary = field(several, "Content-Type").substring("multipart/byteranges; boundary=".length());
        String type = "Content-Type: text/plain; charset=utf-8\r\n";
        assertThat(several).startsWith("HTTP/1.1 206 ");
        assertThat(body(several))
                .isEqualTo("\r\n--" + boundary + "\r\n" + type + "Content-Range: bytes 0-1/10\r\n\r\n01"
                        + "\r\n--" + boundary + "\r\n" + type + "Content-Range: bytes 9-9/10\r\n\r\n9"
                        + "\r\n--" + boundary + "--\r\n");
        assertThat(field(several, "Content-Length")).isEqualTo("" + body(several).length());
    }

    @Test
    void partsOfTheStateThatTheClientHas() throws Exception {
        String tag = field(get("/assets/digits.txt"), "ETag");
        String range = "Range: bytes=0-1";
        assertThat(status(range, "If-Range: " + tag)).isEqualTo(206);
        assertThat(status(range, "If-Range: " + CHANGED_DATE)).isEqualTo(206);
        assertThat(status(range, "If-Range: W/" + tag)).isEqualTo(200);
        assertThat(status(range, "If-Range: \"x\"")).isEqualTo(200);
        assertThat(status(range, "If-Range: Thu, 29 Feb 2024 12:00:01 GMT")).isEqualTo(200);
        assertThat(status(range, "If-Range: x")).isEqualTo(200);
        assertThat(status("Range: bytes=99-", "If-Range: \"x\"")).isEqualTo(200);
        assertThat(status(range, "If-None-Match: " + tag)).isEqualTo(304);
        assertThat(status(range, "If-Match: \"x\"")).isEqualTo(412);
    }

    // ---- size ----

    private Path huge() throws IOException {
        Path file = root.resolve("huge");
        try (var sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(HUGE);
        }
        return file;
    }

    private long receiveAll(Socket socket) throws IOException {
        byte[] buffer = new byte[1 << 16];
        long sum = 0;
        try {
            for (int n = socket.getInputStream().read(buffer); n >= 0; n = socket.getInputStream().read(buffer)) {
                sum += n;
            }
        } catch (IOException e) {
            // a reset
        }
        return sum;
    }

    @Test
    void aFileThatBecomesShorterEndsItsConnection() throws Exception {
        Path file = huge();
        try (Socket socket = server.connect()) {
            EngineUnderTest.send(socket, "GET /assets/huge HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(EngineUnderTest.head(socket)).contains("Content-Length: " + HUGE); // then it waits for us
            Files.write(file, new byte[1000], StandardOpenOption.TRUNCATE_EXISTING);
            assertThat(receiveAll(socket)).isLessThan(HUGE);
        }
        assertThat(body(get("/assets/huge"))).hasSize(1000);
        assertThat(server.broken).isNotDone();
    }

    @Test
    void aFileTakesNoMemory() throws Exception {
        huge();
        try (Socket first = server.connect();
                Socket second = server.connect();
                Socket third = server.connect()) {
            Runtime runtime = Runtime.getRuntime();
            System.gc();
            long before = runtime.totalMemory() - runtime.freeMemory();
            for (Socket one : List.of(first, second, third)) {
                EngineUnderTest.send(one, "GET /assets/huge HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                assertThat(EngineUnderTest.head(one)).startsWith("HTTP/1.1 200 ");
            }
            System.gc();
            assertThat(runtime.totalMemory() - runtime.freeMemory() - before).isLessThan(HUGE / 16);
            for (Socket one : List.of(first, second, third)) {
                assertThat(receiveAll(one)).isEqualTo(HUGE);
            }
        }
    }
}
