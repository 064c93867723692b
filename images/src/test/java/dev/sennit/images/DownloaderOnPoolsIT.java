package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.images.internal.files.PartFile;
import dev.sennit.images.internal.web.Permits;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Many downloads at once, on execution units of every kind, and their ends. */
@Timeout(120)
class DownloaderOnPoolsIT {
    private static final byte[] IMAGE = new byte[100_000];

    private static SSLContext tls;

    @TempDir
    private Path folder;

    private NastyServer server;

    @BeforeAll
    static void makeCertificate(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("keys.p12");
        char[] password = "changeit".toCharArray();
        Process keytool = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", "server", "-keyalg", "EC", "-dname", "CN=server", "-ext", "SAN=dns:localhost",
                "-validity", "2", "-storetype", "PKCS12", "-keystore", file.toString(), "-storepass", "changeit")
                .redirectErrorStream(true)
                .start();
        String output = new String(keytool.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(keytool.waitFor()).as(output).isZero();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, password);
        }
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, password);
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        tls = SSLContext.getInstance("TLS");
        tls.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    }

    @BeforeEach
    void start() throws IOException {
        server = new NastyServer();
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(Path::getFileName).map(Path::toString).sorted().toList();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:4", "virtual", "loop"})
    void downloadsRunAtTheSameTime(String plan) throws Exception {
        var meeting = new CyclicBarrier(4);
        server.on("/cat.jpg", exchange -> {
            try {
                meeting.await(); // four of them are here at once, or nobody gets anything
            } catch (java.util.concurrent.BrokenBarrierException e) {
                throw new IllegalStateException(e);
            }
            exchange.whole(IMAGE);
        });
        try (Downloader downloader = Downloader.builder().allowPrivate(true).perHost(4).open();
                Pool pool = Pools.open(plan)) {
            List<TaskFuture<Download<Path>>> cats = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                Path file = folder.resolve("cat" + i);
                cats.add(pool.submit(() -> downloader.toFile(server.uri("/cat.jpg"), file)));
            }
            for (TaskFuture<Download<Path>> cat : cats) {
                assertThat(cat.join().body()).hasBinaryContent(IMAGE);
            }
        }
        assertThat(files()).hasSize(20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:2", "virtual", "loop"})
    void cancelEndsTheTransferAndLeavesNoFile(String plan) throws Exception {
        server.on("/stops", exchange -> exchange.head("200 OK", "Content-Length: 100000").send(IMAGE, 0, 5000).stall());
        try (Downloader downloader = Downloader.builder().allowPrivate(true).open();
                Pool pool = Pools.open(plan)) {
            TaskFuture<Download<Path>> cat =
                    pool.submit(() -> downloader.toFile(server.uri("/stops"), folder.resolve("cat")));
            server.stalled.await();
            Awaitility.await().until(() -> !files().isEmpty());
            cat.cancel(true);
            assertThatThrownBy(cat::join).isInstanceOf(CancellationException.class);
            server.left.await();
            Awaitility.await().until(() -> files().isEmpty());
            Awaitility.await().until(() -> downloader.toString().equals("Downloader[0 of 16 running, 0 hosts]"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:2", "virtual", "loop"})
    void cancelEndsTheWaitForHeadersAndForATurn(String plan) throws Exception {
        server.on("/silent", NastyServer.Exchange::stall);
        try (Downloader downloader = Downloader.builder().allowPrivate(true).perHost(1).open();
                Pool pool = Pools.open(plan)) {
            TaskFuture<?> first = pool.submit(() -> downloader.toMemory(server.uri("/silent")));
            server.stalled.await();
            TaskFuture<?> second = pool.submit(() -> downloader.toMemory(server.uri("/silent")));
            Awaitility.await().until(() -> pool.statistics().running() == 2);
            second.cancel(true);
            first.cancel(true);
            server.left.await();
            Awaitility.await().until(() -> downloader.toString().equals("Downloader[0 of 16 running, 0 hosts]"));
        }
        assertThat(server.requests("/silent")).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"2, 3", "10, 2"})
    void noMoreThanAllowedAndInTheOrderTheyCame(int perHost, int downloads) throws Exception {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        var order = new CopyOnWriteArrayList<String>();
        var goOn = new Semaphore(0);
        for (int i = 0; i < 12; i++) {
            server.on("/" + i, exchange -> {
                order.add(exchange.path);
                most.accumulateAndGet(running.incrementAndGet(), Math::max);
                goOn.acquire();
                running.decrementAndGet();
                exchange.whole(IMAGE);
            });
        }
        try (Downloader downloader =
                Downloader.builder().allowPrivate(true).perHost(perHost).downloads(downloads).open();
                Pool pool = Pools.open("virtual")) {
            List<TaskFuture<Download<byte[]>>> images = new ArrayList<>();
            List<Thread> threads = new CopyOnWriteArrayList<>();
            for (int i = 0; i < 12; i++) {
                URI uri = server.uri("/" + i);
                images.add(pool.submit(() -> {
                    threads.add(Thread.currentThread());
                    return downloader.toMemory(uri);
                }));
                int submitted = i + 1;
                // the next one comes when this one runs or waits for its turn
                Awaitility.await().until(() -> threads.stream().filter(DownloaderOnPoolsIT::waitsForItsTurn).count()
                        == Math.max(0, submitted - 2));
            }
            for (int i = 0; i < 12; i++) {
                int begun = Math.min(12, i + 2);
                Awaitility.await().until(() -> order.size() == begun);
                goOn.release();
            }
            images.forEach(TaskFuture::join);
        }
        assertThat(most).hasValue(2);
        assertThat(order.subList(2, 12)).containsExactly("/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/10", "/11");
    }

    private static boolean waitsForItsTurn(Thread thread) {
        return thread.getState() == Thread.State.WAITING
                && Arrays.stream(thread.getStackTrace())
                        .anyMatch(frame -> frame.getClassName().equals(Permits.class.getName()));
    }

    @Test
    void aSlowHostKeepsNobodyFromOthers() throws Exception {
        try (var other = new NastyServer();
                Downloader downloader = Downloader.builder()
                        .allowPrivate(true)
                        .names(host -> new java.net.InetAddress[] {java.net.InetAddress.getLoopbackAddress()}, false)
                        .perHost(1)
                        .downloads(2)
                        .open();
                Pool pool = Pools.open("virtual")) {
            var goOn = new CountDownLatch(1);
            server.on("/slow", exchange -> {
                goOn.await();
                exchange.whole(IMAGE);
            });
            other.on("/fast", exchange -> exchange.whole(IMAGE));
            List<TaskFuture<Download<byte[]>>> slow = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                slow.add(pool.submit(() -> downloader.toMemory(server.uri("/slow"))));
            }
            Awaitility.await().until(() -> server.requests("/slow") == 1);
            assertThat(downloader.toMemory(other.uri("localhost", "/fast")).body()).isEqualTo(IMAGE);
            goOn.countDown();
            slow.forEach(TaskFuture::join);
        }
    }

    @Test
    void closeEndsWhatRuns() throws Exception {
        server.on("/silent", NastyServer.Exchange::stall);
        Downloader downloader = Downloader.builder().allowPrivate(true).open();
        try (downloader;
                Pool pool = Pools.open("virtual")) {
            TaskFuture<Download<Path>> cat =
                    pool.submit(() -> downloader.toFile(server.uri("/silent"), folder.resolve("cat")));
            server.stalled.await();
            downloader.close();
            assertThatThrownBy(cat::join).rootCause().isInstanceOf(IOException.class);
            assertThatThrownBy(cat::join).hasMessageContaining(": the downloader is closed; open another");
            var later = catchThrowableOfType(DownloadException.class, () -> downloader.toMemory(server.uri("/silent")));
            assertThat(later).hasMessage(server.uri("/silent") + ": the downloader is closed; open another");
            assertThat(downloader).hasToString("Downloader[closed]");
        }
        assertThat(files()).isEmpty();
    }

    @Test
    void aKilledProcessLeavesAPartThatTheNextOneRemoves() throws Exception {
        server.on("/stops", exchange -> exchange.head("200 OK", "Content-Length: 100000").send(IMAGE, 0, 5000).stall())
                .on("/cat.jpg", exchange -> exchange.whole(IMAGE));
        Process process = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", Programs.classPath(), Programs.class.getName(), "download",
                server.uri("/stops").toString(), folder.resolve("cat").toString())
                .inheritIO()
                .start();
        try {
            server.stalled.await();
            // One without a byte may not have been locked yet; then it is removed, and its process makes another.
            Awaitility.await().until(() -> files().size() == 1 && Files.size(folder.resolve(files().getFirst())) > 0);
            assertThat(files().getFirst()).matches("\\.sennit-" + process.pid() + "-[0-9a-z]+\\.part");
            PartFile.removeDead(folder);
            assertThat(files()).hasSize(1); // it lives
        } finally {
            process.destroyForcibly().waitFor();
        }
        assertThat(files()).hasSize(1);
        try (Downloader downloader = Downloader.builder().allowPrivate(true).open()) {
            downloader.toFile(server.uri("/cat.jpg"), folder.resolve("dog"));
        }
        assertThat(files()).containsExactly("dog");
    }

    // ---- https ----

    @Test
    void aServerWithoutACertificateForTheNameGetsNoRequest() throws Exception {
        try (var secure = new NastyServer(tls);
                Downloader downloader = Downloader.builder()
                        .allowPrivate(true)
                        .tls(tls)
                        .time(new NoWaiting())
                        .open()) {
            secure.on("/cat.jpg", exchange -> exchange.whole(IMAGE));
            var failure = catchThrowableOfType(
                    DownloadException.class, () -> downloader.toMemory(secure.uri("127.0.0.1", "/cat.jpg")));
            assertThat(failure).hasMessageContaining(": no secure connection: ");
            assertThat(secure.requests("/cat.jpg")).isZero();
            assertThat(secure.connected).hasValue(1); // and is not asked again
        }
    }

    @Test
    void redirectsFromHttpsToHttpOnlyIfAllowed() throws Exception {
        server.on("/cat.jpg", exchange -> exchange.whole(IMAGE));
        try (var secure = new NastyServer(tls);
                Downloader strict = Downloader.builder().allowPrivate(true).tls(tls).open();
                Downloader lax = Downloader.builder().allowPrivate(true).tls(tls).allowDowngrade(true).open()) {
            secure.on("/down", exchange -> exchange.head("302 Found", "Location: " + server.uri("/cat.jpg")))
                    .on("/cat.jpg", exchange -> exchange.whole(IMAGE));
            URI down = secure.uri("localhost", "/down");
            assertThat(strict.toMemory(secure.uri("localhost", "/cat.jpg")).body()).isEqualTo(IMAGE);
            var failure = catchThrowableOfType(DownloadException.class, () -> strict.toMemory(down));
            assertThat(failure)
                    .hasMessage(down + ": redirects from https to " + server.uri("/cat.jpg")
                            + "; allow that, or give an https address");
            assertThat(lax.toMemory(down).body()).isEqualTo(IMAGE);
        }
    }
}
