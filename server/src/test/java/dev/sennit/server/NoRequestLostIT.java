package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.service.SlotState;
import dev.sennit.service.SlotStatus;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * No request fails while workers are replaced, by clients that never retry. {@code -Dsennit.serverRequests=100000} is
 * the long form: so many requests in each test, with one change after another.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class NoRequestLostIT {
    private static final int REQUESTS = Integer.getInteger("sennit.serverRequests", 500);
    private static final boolean IS_LONG = REQUESTS > 500;
    /** In the short form few, as they take the processors from the workers that start. */
    private static final int CLIENTS = IS_LONG ? 16 : 4;

    private static final WebApplication PID = () -> Routes.create()
            .get("/pid", _ -> WebResponse.text(Long.toString(ProcessHandle.current().pid())));

    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private ServiceManager manager;
    private InetSocketAddress address;

    @BeforeEach
    void listen() throws Exception {
        manager = ServiceManager.create("shop", ServiceLog.to(log, ServiceLog.Format.TEXT));
        address = (InetSocketAddress) manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
        assertThat(manager.listeners().getFirst().isShared()).isTrue();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static ServiceSettings.Builder web(WebService service) {
        ServiceSettings.Builder web = ServiceSettings.of("web", service).listener("web").heap("64m");
        return IS_LONG ? web : web.jvmOptions("-XX:TieredStopAtLevel=1"); // they live too short for the other compiler
    }

    private void start(int workers, long maxWork) throws Exception {
        ServiceSettings.Builder web = web(WebService.of(PID)).workers(workers);
        manager.add((maxWork > 0 ? web.maxWork(maxWork) : web).build());
        manager.start();
        manager.whenUp().get(60, TimeUnit.SECONDS);
    }

    private String log() {
        return log.toString(StandardCharsets.UTF_8);
    }

    private interface Change {
        void make() throws Exception;
    }

    /** Makes a change again and again, until the clients have asked often enough. */
    private void during(int least, Change change) throws Exception {
        List<RestlessClients.Failure> failures;
        long answered;
        int made = 0;
        try (RestlessClients clients = new RestlessClients(address, CLIENTS)) {
            while (made < least || clients.answered() < REQUESTS) {
                change.make();
                made++;
            }
            long then = clients.answered();
            Waiting.until(() -> clients.answered() > then + CLIENTS || !clients.failures().isEmpty());
            clients.end();
            failures = clients.failures();
            answered = clients.answered();
        }
        System.out.println(made + " changes, " + answered + " requests, " + failures.size() + " failed");
        assertThat(failures).as(this::log).isEmpty();
    }

    @Test
    void reloads() throws Exception {
        start(2, 0);
        during(1, () -> manager.reload("web").get(120, TimeUnit.SECONDS));
    }

    @Test
    void fewerWorkers() throws Exception {
        start(1, 0);
        during(1, () -> {
            manager.scale("web", 5).get(120, TimeUnit.SECONDS);
            manager.scale("web", 1).get(120, TimeUnit.SECONDS);
        });
        assertThat(manager.status()).hasSize(1);
    }

    @Test
    void workersThatHaveDoneEnough() throws Exception {
        start(2, Math.max(500, REQUESTS / 20));
        during(1, () -> {
            List<Long> before = pids();
            Waiting.until(() -> isUp() && pids().stream().noneMatch(before::contains));
        });
    }

    private List<Long> pids() {
        return manager.status().stream().map(SlotStatus::pid).toList();
    }

    private boolean isUp() {
        return manager.status().stream().allMatch(one -> one.state() == SlotState.READY);
    }

    @Test
    void aWorkerThatIsKilledLosesOnlyItsOwn() throws Exception {
        start(2, 0);
        List<RestlessClients.Failure> failures;
        long victim;
        try (RestlessClients clients = new RestlessClients(address, CLIENTS)) {
            Waiting.until(() -> clients.answered() > REQUESTS);
            victim = manager.status().getFirst().pid();
            ProcessHandle.of(victim).orElseThrow().destroyForcibly();
            long killed = victim;
            Waiting.until(() -> isUp() && !pids().contains(killed));
            long then = clients.answered();
            Waiting.until(() -> clients.answered() > then + REQUESTS);
            clients.end();
            failures = clients.failures();
        }
        System.out.println("kill -9: " + failures.size() + " failed");
        assertThat(failures).hasSizeLessThanOrEqualTo(CLIENTS)
                .allSatisfy(one -> assertThat(one.pid()).isIn(0L, victim));
    }

    @Test
    void aWorkerWithAHandlerThatHeedsNoInterruptIsReplaced() throws Exception {
        ServerSettings settings = ServerSettings.DEFAULTS
                .deadline(Duration.ofMillis(300))
                .heedLimit(Duration.ofMillis(300));
        WebApplication deaf = () -> PID.routes().get("/deaf", _ -> {
            while (true) {
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    // goes on
                }
            }
        });
        manager.add(web(WebService.of(deaf, settings)).build());
        manager.start();
        manager.whenUp().get(60, TimeUnit.SECONDS);
        long before = pids().getFirst();
        try (var client = new Socket(address.getAddress(), address.getPort())) {
            EngineUnderTest.send(client, "GET /deaf HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(EngineUnderTest.head(client)).startsWith("HTTP/1.1 503 ");
        }
        Waiting.until(() -> isUp() && pids().getFirst() != before);
        assertThat(log()).contains("GET /deaf goes on", "so this worker is replaced");
    }
}
