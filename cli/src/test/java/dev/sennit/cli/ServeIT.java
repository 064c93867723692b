package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The packaged command serves a user's application. */
@EnabledOnOs(OS.LINUX)
@Timeout(180)
class ServeIT {
    private static final Path JAR = Path.of("target/sennit.jar").toAbsolutePath();
    private static final int LIMIT_SECONDS = 60;

    @TempDir
    Path temp;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void endAll() {
        started.forEach(Process::destroyForcibly);
    }

    private static String application(String greeting) {
        return """
                package com.acme;

                import dev.sennit.server.Routes;
                import dev.sennit.server.WebApplication;
                import dev.sennit.server.WebResponse;

                final class Shop implements WebApplication {
                    private static final long serialVersionUID = 1L;

                    @Override
                    public Routes routes() {
                        return Routes.create().get("/hello/{name}",
                                request -> WebResponse.text("%s " + request.parameter("name")));
                    }
                }
                """.formatted(greeting);
    }

    private static final String HANDLER = """
            package com.acme;

            import com.sun.net.httpserver.HttpExchange;
            import com.sun.net.httpserver.HttpHandler;
            import java.io.IOException;

            public class Plain implements HttpHandler {
                @Override
                public void handle(HttpExchange exchange) throws IOException {
                    exchange.sendResponseHeaders(200, 5);
                    exchange.getResponseBody().write("plain".getBytes());
                    exchange.close();
                }
            }
            """;

    /** Compiles an application that greets so, into a jar that names it. */
    private Path jar(String greeting) throws Exception {
        Path classes = Files.createDirectories(temp.resolve("classes of " + greeting));
        new UserSources().with("com/acme/Shop.java", application(greeting)).with("com/acme/Plain.java", HANDLER)
                .into(classes, JAR);
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, "com.acme.Shop");
        Path jar = temp.resolve("shop of " + greeting + ".jar");
        try (var out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
            out.putNextEntry(new ZipEntry("com/acme/Shop.class"));
            out.write(Files.readAllBytes(classes.resolve("com/acme/Shop.class")));
        }
        return jar;
    }

    private Process sennit(Path classPath, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dsennit.cache=", "-jar", JAR.toString()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command);
        builder.directory(temp.toFile());
        builder.environment().put("XDG_RUNTIME_DIR", temp.resolve("run").toString());
        builder.environment().put("SENNIT_CLASSPATH", classPath.toString());
        Process process = builder.redirectErrorStream(true)
                .redirectOutput(temp.resolve("output " + started.size()).toFile())
                .start();
        started.add(process);
        return process;
    }

    private int exit(Process process) throws InterruptedException {
        assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)).as("has ended").isTrue();
        return process.exitValue();
    }

    private String output(Process process) throws IOException {
        return Files.readString(temp.resolve("output " + started.indexOf(process)));
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void awaitReady(Process serves) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(LIMIT_SECONDS))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> output(serves).contains("web(0) READY") || !serves.isAlive());
    }

    private static HttpResponse<String> get(HttpClient client, int port, String path) throws Exception {
        return client.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
                BodyHandlers.ofString());
    }

    @Test
    void aJarIsServedReloadedAndStopped() throws Exception {
        Path jar = jar("hello");
        Path newer = jar("goodbye");
        int port = freePort();
        Process serves = sennit(temp, "serve", jar.toString(), "--listen", "127.0.0.1:" + port, "--workers", "1");
        awaitReady(serves);
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertThat(get(client, port, "/hello/a%20b").body()).isEqualTo("hello a b");
            assertThat(get(client, port, "/").statusCode()).isEqualTo(404);

            Process second = sennit(temp, "serve", jar.toString(), "--listen", "127.0.0.1:" + port);
            assertThat(exit(second)).as(output(second)).isEqualTo(3);
            assertThat(output(second))
                    .startsWith("sennit: cannot listen on 127.0.0.1:" + port + ": address already in use")
                    .hasLineCount(1);

            Files.copy(newer, jar, StandardCopyOption.REPLACE_EXISTING);
            assertThat(exit(sennit(temp, "services", "reload"))).isZero();
            assertThat(get(client, port, "/hello/c").body()).isEqualTo("goodbye c");
        }
        serves.destroy();
        assertThat(exit(serves)).isZero();
        assertThat(output(serves)).doesNotContain("SLF4J").contains("web(0) STOPPED: exited with code 0");
        try (var left = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            assertThat(left.map(file -> file.resolve("serve.toml")).filter(file -> isOf(file, jar))).isEmpty();
        }
    }

    /** Whether a file of services is there, and serves a jar: the folder has those of other managers too. */
    private static boolean isOf(Path file, Path jar) {
        try {
            return Files.readString(file).contains(jar.toString());
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aHandlerOfTheJdkIsServed() throws Exception {
        jar("hello");
        int port = freePort();
        Process serves = sennit(temp.resolve("classes of hello"), "serve", "com.acme.Plain", "--listen",
                "127.0.0.1:" + port, "--workers", "1", "--on", "threads:2");
        awaitReady(serves);
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertThat(get(client, port, "/any/path").body()).isEqualTo("plain");
        }
        serves.destroy();
        assertThat(exit(serves)).isZero();
    }

    private static final String SERVLET = """
            package com.acme;

            import jakarta.servlet.annotation.WebServlet;
            import jakarta.servlet.http.HttpServlet;
            import jakarta.servlet.http.HttpServletRequest;
            import jakarta.servlet.http.HttpServletResponse;
            import java.io.IOException;

            @WebServlet("/page")
            public class Page extends HttpServlet {
                @Override
                protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
                    getServletContext().log("was asked");
                    response.getWriter().print("page " + request.getParameter("name"));
                }
            }
            """;

    private static final String LISTENER = """
            package com.acme;

            @jakarta.servlet.annotation.WebListener
            public class Broken implements jakarta.servlet.ServletContextListener {
                @Override
                public void contextInitialized(jakarta.servlet.ServletContextEvent event) {
                    throw new IllegalStateException("no database");
                }
            }
            """;

    @Test
    void aWarIsServedAndAServletToo() throws Exception {
        Path war = Files.createDirectories(temp.resolve("shop.war")); // a folder, as packed ones are in other tests
        Path classes = Files.createDirectories(war.resolve("WEB-INF/classes"));
        new UserSources().with("com/acme/Page.java", SERVLET).into(classes, JAR);
        Files.writeString(war.resolve("index.html"), "welcome");
        int port = freePort();
        int other = freePort();
        Process serves = sennit(temp, "serve", war.toString(), "--listen", "127.0.0.1:" + port, "--workers", "1");
        Process alone = sennit(classes, "serve", "com.acme.Page", "--listen", "127.0.0.1:" + other, "--workers", "1");
        awaitReady(serves);
        awaitReady(alone);
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertThat(get(client, port, "/page?name=ann").body()).isEqualTo("page ann");
            assertThat(get(client, port, "/").body()).isEqualTo("welcome");
            assertThat(get(client, other, "/page?name=ben").body()).isEqualTo("page ben");
        }
        serves.destroy();
        alone.destroy();
        assertThat(exit(serves)).isZero();
        assertThat(exit(alone)).isZero();
        assertThat(output(serves)).contains("/ - was asked").doesNotContain("SLF4J", "WARN");
        assertThat(output(alone)).doesNotContain("SLF4J", "WARN");
    }

    @Test
    void aWarThatCannotStartSaysWhy() throws Exception {
        Path war = Files.createDirectories(temp.resolve("broken/WEB-INF/classes")).getParent().getParent();
        new UserSources().with("com/acme/Broken.java", LISTENER).into(war.resolve("WEB-INF/classes"), JAR);
        Process serves = sennit(temp, "serve", war.toString(), "--listen", "127.0.0.1:" + freePort(), "--workers", "1");
        assertThat(exit(serves)).as(output(serves)).isEqualTo(3);
        assertThat(output(serves).lines().filter(line -> line.startsWith("sennit: "))).singleElement().asString()
                .startsWith("sennit: the application cannot be started: each worker died before it was ready; ")
                .contains(war + " cannot be started: java.lang.IllegalStateException: no database at com.acme.Broken");
    }

    @Test
    void aStopIsToldBeforeItHappens() throws Exception {
        Path jar = jar("hello");
        Path socket = temp.resolve("web.sock");
        int pages = freePort();
        Process serves = sennit(temp, "serve", jar.toString(), "--listen", "unix:" + socket, "--socket-mode", "0620",
                "--workers", "1", "--metrics", "127.0.0.1:" + pages, "--pre-stop", "1h");
        awaitReady(serves);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket))).isEqualTo("rw--w----");
        assertThat(overUnix(socket)).startsWith("HTTP/1.1 200 OK\r\n").endsWith("\r\n\r\nhello a");
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertThat(get(client, pages, "/readyz").statusCode()).isEqualTo(200);
            serves.destroy();
            Awaitility.await().atMost(Duration.ofSeconds(LIMIT_SECONDS)).pollInterval(Duration.ofMillis(20)).until(
                    () -> get(client, pages, "/readyz").statusCode() == 503);
            assertThat(get(client, pages, "/readyz").body()).isEqualTo("the manager is stopping\n");
            assertThat(get(client, pages, "/healthz").statusCode()).isEqualTo(200);
            assertThat(overUnix(socket)).as("served meanwhile").endsWith("hello a");
        }
        assertThat(output(serves)).contains("stops in 3600 s, and is not ready any more")
                .doesNotContain("web(0) STOPPING");
        assertThat(exit(sennit(temp, "services", "stop", "--now"))).isLessThan(2);
        assertThat(exit(serves)).isLessThan(2);
        assertThat(socket).doesNotExist();
    }

    private static String overUnix(Path path) throws IOException {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            client.write(ByteBuffer.wrap("GET /hello/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".getBytes(
                    StandardCharsets.US_ASCII)));
            return new String(Channels.newInputStream(client).readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    @Test
    void aFolderIsServed() throws Exception {
        Path folder = Files.createDirectories(temp.resolve("public \"${HOME}"));
        Files.writeString(folder.resolve("index.html"), "the index");
        int port = freePort();
        Process serves = sennit(Path.of(""), "serve", "--files", folder.toString(), "--listen", "127.0.0.1:" + port,
                "--workers", "1");
        Process both = sennit(temp, "serve", "com.acme.Shop", "--files", folder.toString());
        Process missing = sennit(temp, "serve", "--files", "none");
        awaitReady(serves);
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertThat(get(client, port, "/").body()).isEqualTo("the index");
            assertThat(get(client, port, "/none").statusCode()).isEqualTo(404);
        }
        serves.destroy();
        assertThat(exit(serves)).as(output(serves)).isZero();
        assertThat(exit(both)).isEqualTo(2);
        assertThat(output(both))
                .isEqualTo("sennit: sennit serve takes an APPLICATION or --files FOLDER; name one of them\n");
        assertThat(exit(missing)).isEqualTo(2);
        assertThat(output(missing)).isEqualTo("sennit: --files must be a folder that exists, was none\n");
    }

    /** Makes a certificate, and returns it; certificate.pem and key.pem get it and its key. */
    private Certificate makeCertificate(String name) throws Exception {
        Path store = temp.resolve(name + ".p12");
        Process keytool = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair", "-alias", name,
                "-keystore", store.toString(), "-storepass", "password", "-keyalg", "EC", "-dname", "CN=" + name)
                .redirectErrorStream(true)
                .redirectOutput(temp.resolve("keytool").toFile())
                .start();
        assertThat(exit(keytool)).isZero();
        KeyStore made = KeyStore.getInstance(store.toFile(), "password".toCharArray());
        write("certificate.pem", "CERTIFICATE", made.getCertificate(name).getEncoded());
        write("key.pem", "PRIVATE KEY", made.getKey(name, "password".toCharArray()).getEncoded());
        return made.getCertificate(name);
    }

    private void write(String file, String kind, byte[] bytes) throws IOException {
        Files.writeString(temp.resolve(file), "-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder().encodeToString(bytes) + "\n-----END " + kind + "-----\n");
    }

    /** Returns the certificate that a server shows. */
    private static Certificate shown(int port) throws Exception {
        var seen = new CompletableFuture<Certificate>();
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new X509TrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {
                seen.complete(chain[0]);
            }

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
            }
        }}, null);
        try (var socket = context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .startsWith("HTTP/1.1 200 ")
                    .endsWith("the index");
        }
        return seen.join();
    }

    @Test
    void certificatesAreReadAgainByAReloadAndBrokenOnesAreNot() throws Exception {
        Path folder = Files.createDirectories(temp.resolve("public"));
        Files.writeString(folder.resolve("index.html"), "the index");
        Certificate first = makeCertificate("first");
        int port = freePort();
        String[] command = {"serve", "--files", "public", "--listen", "127.0.0.1:" + port, "--workers", "1",
            "--tls-certificate", "certificate.pem", "--tls-key", "key.pem"};
        Process serves = sennit(Path.of(""), command);
        awaitReady(serves);
        assertThat(shown(port)).isEqualTo(first);

        Files.writeString(temp.resolve("certificate.pem"), "broken");
        Process reload = sennit(temp, "services", "reload");
        String reason = "TLS: file " + temp.resolve("certificate.pem").toRealPath() + " has no certificate in PEM: ";
        assertThat(exit(reload)).isEqualTo(1);
        assertThat(output(reload)).contains(reason).hasLineCount(1);
        Awaitility.await()
                .atMost(Duration.ofSeconds(LIMIT_SECONDS))
                .until(() -> output(serves).contains("has not reloaded: " + reason));
        assertThat(shown(port)).isEqualTo(first);
        Process second = sennit(Path.of(""), command);
        assertThat(exit(second)).isEqualTo(3);
        assertThat(output(second)).startsWith("sennit: " + reason).hasLineCount(1);

        Certificate next = makeCertificate("next");
        assertThat(exit(sennit(temp, "services", "reload"))).as(output(serves)).isZero();
        assertThat(shown(port)).isEqualTo(next);
        serves.destroy();
        assertThat(exit(serves)).isZero();
        Process keyless = sennit(Path.of(""), "serve", "--files", "public", "--tls-certificate", "certificate.pem");
        assertThat(exit(keyless)).isEqualTo(2);
        assertThat(output(keyless)).contains("must have a key for each certificate").hasLineCount(1);
    }

    @Test
    void whatIsNoApplicationIsRefused() throws Exception {
        Path classes = Files.createDirectories(temp.resolve("classes"));
        new UserSources().with("com/acme/Nothing.java", "package com.acme; class Nothing {}").into(classes, JAR);
        Process none = sennit(classes, "serve", "com.acme.Nothing");
        Process missing = sennit(classes, "serve", "com.acme.Missing");
        assertThat(exit(none)).isEqualTo(2);
        assertThat(output(none)).isEqualTo("sennit: class com.acme.Nothing does not implement "
                + "dev.sennit.server.WebApplication or com.sun.net.httpserver.HttpHandler or jakarta.servlet.Servlet; "
                + "have it do so, or start it by a command\n");
        assertThat(exit(missing)).isEqualTo(2);
        assertThat(output(missing)).isEqualTo(
                "sennit: there is no class com.acme.Missing on its class path; correct the name, or build it\n");
    }
}
