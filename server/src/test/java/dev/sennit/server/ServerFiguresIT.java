package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.service.ServiceStatus;
import dev.sennit.service.SlotState;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The figures of workers come to their manager, by generation. */
@Timeout(180)
class ServerFiguresIT {
    private static final WebApplication APPLICATION = () -> Routes.create().get("/", _ -> WebResponse.text("x"));

    private static void ask(InetSocketAddress address, String path, int status) throws Exception {
        try (var client = new Socket(address.getAddress(), address.getPort())) {
            EngineUnderTest.send(client, "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            assertThat(EngineUnderTest.receive(client, 1000)).startsWith("HTTP/1.1 " + status + " ");
        }
    }

    private static Map<String, Long> sums(ServiceManager manager, int generation) {
        return manager.figures().stream()
                .filter(one -> one.generation() == generation)
                .map(ServiceStatus.Figures::sums)
                .findFirst()
                .orElse(Map.of());
    }

    private static long count(Map<String, Long> sums, String status) {
        return sums.entrySet().stream()
                .filter(one -> one.getKey().startsWith("http.time." + status) && !one.getKey().endsWith("micros"))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    @Test
    void noRequestIsForgottenWhenItsWorkerIsReplaced() throws Exception {
        try (ServiceManager manager = ServiceManager.create("shop")) {
            var address = (InetSocketAddress) manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
            manager.add(ServiceSettings.of("web", WebService.of(APPLICATION)).listener("web").heap("64m")
                    .jvmOptions("-XX:TieredStopAtLevel=1").build());
            manager.start();
            manager.whenUp().get(60, TimeUnit.SECONDS);
            Waiting.until(() -> !manager.figures().isEmpty()
                    && manager.figures().getFirst().gauges().getOrDefault("http.places", 0L) == 256);
            for (int i = 0; i < 5; i++) {
                ask(address, "/", 200);
            }
            ask(address, "/none", 404);
            manager.reload("web").get(60, TimeUnit.SECONDS); // the last figures come when the worker ends
            Waiting.until(() -> count(sums(manager, 1), "2xx") == 5);
            assertThat(count(sums(manager, 1), "4xx")).isEqualTo(1);
            assertThat(sums(manager, 1)).containsEntry("http.connections", 6L).containsEntry("http.bytes", 35L);
            Waiting.until(() -> manager.figures().getFirst().gauges().isEmpty());

            ask(address, "/", 200);
            Waiting.until(() -> count(sums(manager, 2), "2xx") == 1);
            long victim = manager.status().getFirst().pid();
            ProcessHandle.of(victim).orElseThrow().destroyForcibly();
            Waiting.until(() -> manager.status().getFirst().state() == SlotState.READY
                    && manager.status().getFirst().pid() != victim);
            ask(address, "/", 200);
            Waiting.until(() -> count(sums(manager, 2), "2xx") == 2);
            List<ServiceStatus.Figures> all = manager.figures();
            assertThat(all).extracting(ServiceStatus.Figures::generation).containsExactly(1L, 2L);
            assertThat(all.getFirst().deaths()).isEmpty();
            assertThat(all.getLast().deaths()).isEqualTo(Map.of("signal", 1L));
            assertThat(all.getLast().gauges()).containsEntry("http.queued", 0L).containsEntry("http.places", 256L);
        }
    }
}
