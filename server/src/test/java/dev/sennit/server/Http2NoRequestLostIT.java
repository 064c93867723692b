package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.server.TestCertificates.Made;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * No request fails over HTTP/2 while workers are replaced. {@code -Dsennit.serverRequests=100000} is the long form: so
 * many requests, with one reload after another.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class Http2NoRequestLostIT {
    private static final int REQUESTS = Integer.getInteger("sennit.serverRequests", 500);
    private static final int CLIENTS = 4;

    private static final WebApplication PID = () -> Routes.create()
            .get("/pid", _ -> WebResponse.text(Long.toString(ProcessHandle.current().pid())));

    @TempDir
    private Path temp;

    private final AtomicBoolean isOver = new AtomicBoolean();
    private final LongAdder answered = new LongAdder();
    private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    private final Set<String> pids = ConcurrentHashMap.newKeySet();

    private void ask(HttpClient client, URI uri) {
        while (!isOver.get()) {
            Instant begun = Instant.now();
            try {
                HttpResponse<String> response =
                        client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
                if (response.statusCode() != 200 || response.version() != Version.HTTP_2) {
                    failures.add(response.toString());
                }
                pids.add(response.body());
                answered.increment();
            } catch (Exception e) {
                failures.add("from " + begun + " to " + Instant.now() + ": " + e);
            }
        }
    }

    @Test
    void reloads() throws Exception {
        Made certificate = TestCertificates.make(temp, "h2", "localhost", "-keyalg", "EC", "-groupname", "secp256r1");
        var log = new ByteArrayOutputStream();
        int reloads = 0;
        List<Thread> threads = new ArrayList<>();
        try (ServiceManager manager = ServiceManager.create("shop", ServiceLog.to(log, ServiceLog.Format.TEXT));
                HttpClient client = HttpClient.newBuilder()
                        .sslContext(TestCertificates.trusting())
                        .version(Version.HTTP_2)
                        .build()) {
            var address = (InetSocketAddress) manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
            manager.add(ServiceSettings.of("web", WebService.of(PID).tls(certificate.pem()))
                    .listener("web")
                    .workers(2)
                    .heap("64m")
                    .jvmOptions("-XX:TieredStopAtLevel=1")
                    .build());
            manager.start();
            manager.whenUp().get(60, TimeUnit.SECONDS);
            URI uri = URI.create("https://127.0.0.1:" + address.getPort() + "/pid");
            for (int i = 0; i < CLIENTS; i++) { // on one connection
                threads.add(Thread.ofPlatform().daemon().start(() -> ask(client, uri)));
            }
            while (reloads < 1 || answered.sum() < REQUESTS) {
                manager.reload("web").get(120, TimeUnit.SECONDS);
                reloads++;
            }
            long then = answered.sum();
            Waiting.until(() -> answered.sum() > then + CLIENTS || !failures.isEmpty());
            isOver.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
        }
        System.out.println("HTTP/2: " + reloads + " reloads, " + answered + " requests of " + pids.size()
                + " workers, " + failures.size() + " failed");
        assertThat(failures).as(() -> log.toString(StandardCharsets.UTF_8)).isEmpty();
        assertThat(pids).hasSizeGreaterThan(1);
    }
}
