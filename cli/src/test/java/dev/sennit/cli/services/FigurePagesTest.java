package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.cli.command.PageServer.Page;
import dev.sennit.service.ServiceStatus;
import dev.sennit.service.SlotState;
import dev.sennit.service.SlotStatus;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What the pages of figures say. */
class FigurePagesTest {
    private static final long SELF = ProcessHandle.current().pid();
    private static final long NOBODY = Integer.MAX_VALUE;

    private final FakeSource source = new FakeSource();
    private final FigurePages pages = new FigurePages(source, Duration.ofMillis(20));

    private Page page(String path) throws Exception {
        return pages.byPath().get(path).call();
    }

    private static String text(Page page) {
        return new String(page.content(), StandardCharsets.UTF_8);
    }

    private MetricsReader metrics() throws Exception {
        Page page = page("/metrics");
        assertThat(page.status()).isEqualTo(200);
        assertThat(page.type()).isEqualTo("text/plain; version=0.0.4; charset=utf-8");
        return MetricsReader.read(text(page));
    }

    private void assertPage(String path, int status, String text) throws Exception {
        Page page = page(path);
        assertThat(text(page)).isEqualTo(text + "\n");
        assertThat(page.status()).isEqualTo(status);
    }

    // ---- health ----

    @Test
    void aManagerThatDecidesIsHealthy() throws Exception {
        source.isUp = false;
        source.workers = List.of(FakeSource.worker("printer", 0, SlotState.STARTING, 0, 0));
        assertPage("/healthz", 200, "ok");
        source.isStopping = true;
        assertPage("/healthz", 200, "ok");
    }

    @Test
    void aFailedServiceIsUnhealthy() throws Exception {
        source.workers = List.of(
                FakeSource.worker("printer", 0, SlotState.READY, NOBODY, 0),
                FakeSource.worker("printer", 1, SlotState.FAILED, 0, 0));
        assertPage("/healthz", 503, "printer(1) has failed: because of FAILED");
        source.workers = List.of(
                FakeSource.worker("clock", 0, SlotState.FAILED, 0, 0),
                FakeSource.worker("printer", 1, SlotState.FAILED, 0, 0));
        assertPage("/healthz", 503, "clock(0) has failed, and 1 more: because of FAILED");
    }

    @Test
    void aManagerThatDoesNotDecideIsUnhealthyUntilItDoes() throws Exception {
        source.alive = new CompletableFuture<>();
        assertPage("/healthz", 503, "the manager has not decided anything for 20 ms");
        source.alive.complete(null);
        assertPage("/healthz", 200, "ok");
    }

    @Test
    void aManagerThatHangsIsAskedOnce() throws Exception {
        var asked = new AtomicInteger();
        var hanging = new FigurePages(
                new FakeSource() {
                    @Override
                    public CompletableFuture<Void> whenAlive() {
                        asked.incrementAndGet();
                        return new CompletableFuture<>();
                    }
                },
                Duration.ofNanos(1));
        for (int i = 0; i < 10; i++) {
            assertThat(hanging.byPath().get("/healthz").call().status()).isEqualTo(503);
        }
        assertThat(asked).hasValue(1);
    }

    @Test
    void aManagerThatHasEndedIsUnhealthy() throws Exception {
        source.alive = CompletableFuture.failedFuture(new IllegalStateException("manager demo was shut down"));
        assertPage("/healthz", 503, "the manager has ended");
    }

    // ---- readiness ----

    @Test
    void allAreUp() throws Exception {
        assertPage("/readyz", 200, "ok");
        source.isStopping = true;
        assertPage("/readyz", 503, "the manager is stopping");
    }

    @Test
    void workersThatAreNotReadyAreListed() throws Exception {
        source.isUp = false;
        source.wanted = Map.of("printer", 4, "clock", 0, "new", 2);
        source.workers = List.of(
                FakeSource.worker("printer", 0, SlotState.READY, NOBODY, 0),
                FakeSource.worker("printer", 1, SlotState.STARTING, NOBODY, 0),
                FakeSource.worker("printer", 2, SlotState.WAITING, 0, 0),
                FakeSource.worker("printer", 3, SlotState.STOPPED, 0, 0),
                FakeSource.worker("printer", 4, SlotState.DRAINING, NOBODY, 0),
                FakeSource.worker("clock", 0, SlotState.FAILED, 0, 0),
                FakeSource.worker("removed", 0, SlotState.DRAINING, NOBODY, 0));
        Page page = page("/readyz");
        assertThat(page.status()).isEqualTo(503);
        assertThat(text(page).lines()).satisfiesExactly(
                line -> assertThat(line).matches("printer\\(1\\) starting for 6\\d(\\.\\d+)? s: because of STARTING"),
                line -> assertThat(line).matches("printer\\(2\\) waiting for 6\\d(\\.\\d+)? s: because of WAITING"),
                line -> assertThat(line).matches("clock\\(0\\) failed for 6\\d(\\.\\d+)? s: because of FAILED"),
                line -> assertThat(line).isEqualTo("new has 0 of 2 workers"));
    }

    @Test
    void whatNoStateTellsIsSaid() throws Exception {
        source.isUp = false;
        source.wanted = Map.of("migrate", 1);
        source.workers = List.of(FakeSource.worker("migrate", 0, SlotState.READY, NOBODY, 0));
        assertPage("/readyz", 503, "workers are being replaced, or a service that runs once has not done its work");
    }

    @Test
    void aReloadWhileAllServeChangesNothing() throws Exception {
        source.isUp = false;
        source.isReloading = true;
        source.wanted = Map.of("web", 2);
        SlotStatus first = FakeSource.worker("web", 0, SlotState.READY, NOBODY, 0);
        source.workers = List.of(first, FakeSource.worker("web", 1, SlotState.READY, NOBODY, 0));
        assertPage("/readyz", 200, "ok");
        source.workers = List.of(first, FakeSource.worker("web", 1, SlotState.STARTING, NOBODY, 0));
        assertThat(page("/readyz").status()).as("it has died meanwhile").isEqualTo(503);
    }

    // ---- metrics ----

    @Test
    void serversAreShownByGeneration() throws Exception {
        source.figures = List.of(
                new ServiceStatus.Figures("web", 1, Map.of("http.time.2xx.1000", 3L, "http.time.2xx.5000", 2L,
                        "http.time.2xx.micros", 7_500L, "http.late", 4L), Map.of(), Map.of("signal", 2L)),
                new ServiceStatus.Figures("web", 2, Map.of("http.time.5xx.inf", 1L, "http.queue.2500", 1L),
                        Map.of("http.places", 8L, "http.running", 2L, "http.queued", 6L), Map.of()),
                new ServiceStatus.Figures("clock", 1, Map.of("ticks", 9L), Map.of(), Map.of()));
        MetricsReader metrics = metrics();
        String[] first = {"service", "web", "generation", "1"};
        String[] second = {"service", "web", "generation", "2"};
        assertThat(metrics.value("sennit_http_late_requests_total", first)).isEqualTo(4);
        assertThat(metrics.value("sennit_http_late_requests_total", second)).isZero();
        assertThat(metrics.value("sennit_http_busy_ratio", second)).isEqualTo(0.25);
        assertThat(metrics.value("sennit_http_queued_requests", second)).isEqualTo(6);
        assertThat(metrics.samples("sennit_http_queued_requests")).as("the clock serves nothing").hasSize(2);
        assertThat(metrics.value("sennit_worker_deaths_total", "service", "web", "generation", "1", "cause", "signal"))
                .isEqualTo(2);
        String old = "sennit_http_request_seconds_%s{service=\"web\",generation=\"1\",status=\"2xx\"";
        String bucket = old.formatted("bucket") + ",le=";
        String next = "{service=\"web\",generation=\"2\",";
        assertThat(text(page("/metrics"))).contains(
                "# TYPE sennit_http_request_seconds histogram\n",
                bucket + "\"0.001\"} 3\n", bucket + "\"0.0025\"} 3\n", bucket + "\"0.005\"} 5\n",
                bucket + "\"30\"} 5\n", bucket + "\"+Inf\"} 5\n",
                old.formatted("sum") + "} 0.007500\n", old.formatted("count") + "} 5\n",
                "sennit_http_request_seconds_bucket" + next + "status=\"5xx\",le=\"30\"} 0\n",
                "sennit_http_request_seconds_bucket" + next + "status=\"5xx\",le=\"+Inf\"} 1\n",
                "sennit_http_queue_seconds_bucket" + next + "le=\"0.0025\"} 1\n");
    }

    @Test
    void eachWorkerHasItsFigures() throws Exception {
        source.workers = List.of(
                FakeSource.worker("printer", 0, SlotState.READY, NOBODY, 7),
                FakeSource.worker("printer", 1, SlotState.WAITING, 0, 0),
                FakeSource.worker("clock", 0, SlotState.READY, NOBODY, 1));
        source.wanted = Map.of("printer", 2, "clock", 1);
        source.droppedLines = 9;
        MetricsReader metrics = metrics();
        for (SlotStatus worker : source.workers) {
            for (SlotState state : SlotState.values()) {
                assertThat(metrics.value(
                        "sennit_worker_state", "service", worker.service(), "worker", "" + worker.id(),
                        "state", state.name().toLowerCase()))
                        .isEqualTo(state == worker.state() ? 1 : 0);
            }
        }
        assertThat(metrics.value("sennit_worker_up", "service", "printer", "worker", "0")).isOne();
        assertThat(metrics.value("sennit_worker_up", "service", "printer", "worker", "1")).isZero();
        assertThat(metrics.value("sennit_worker_age_seconds", "service", "printer", "worker", "0")).isBetween(60.0,
                99.0);
        assertThat(metrics.samples("sennit_worker_age_seconds")).as("of those that run").hasSize(2);
        assertThat(metrics.value("sennit_worker_heartbeat_age_seconds", "service", "clock", "worker", "0"))
                .isEqualTo(0.25);
        assertThat(metrics.samples("sennit_worker_heartbeat_age_seconds")).hasSize(2);
        assertThat(metrics.value("sennit_worker_restarts_total", "service", "printer", "worker", "1")).isEqualTo(2);
        assertThat(metrics.value("sennit_worker_replacements_total", "service", "printer", "worker", "1")).isEqualTo(3);
        assertThat(metrics.value("sennit_worker_work_total", "service", "printer", "worker", "0")).isEqualTo(7);
        assertThat(metrics.value("sennit_service_wanted_workers", "service", "printer")).isEqualTo(2);
        assertThat(metrics.value("sennit_service_up", "service", "printer")).isZero();
        assertThat(metrics.value("sennit_service_up", "service", "clock")).isOne();
        assertThat(metrics.value("sennit_service_ready_workers", "service", "printer")).isOne();
        assertThat(metrics.value("sennit_service_ready_workers", "service", "clock")).isOne();
        assertThat(metrics.value("sennit_manager_dropped_log_lines_total")).isEqualTo(9);
        assertThat(metrics.value("sennit_manager_uptime_seconds")).isPositive();
    }

    @Test
    void whatIsNotKnownHasNoSample() throws Exception {
        source.workers = List.of(FakeSource.worker("printer", 0, SlotState.READY, NOBODY, 0));
        MetricsReader metrics = metrics();
        assertThat(metrics.types()).containsKey("sennit_worker_resident_bytes");
        for (String name : List.of("cpu_seconds_total", "resident_bytes", "threads", "open_descriptors")) {
            assertThat(metrics.samples("sennit_worker_" + name)).as(name).isEmpty();
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void processesHaveTheirFigures() throws Exception {
        source.workers = List.of(FakeSource.worker("self", 0, SlotState.READY, SELF, 0));
        MetricsReader metrics = metrics();
        for (String name : List.of("cpu_seconds_total", "resident_bytes", "threads", "open_descriptors")) {
            double worker = metrics.value("sennit_worker_" + name, "service", "self", "worker", "0");
            double manager = metrics.value("sennit_manager_" + name);
            assertThat(List.of(worker, manager)).as(name).allMatch(figure -> figure > 0);
            // It is the same process. As a worker it has the time of the processes, too, that it has had below it.
            assertThat(manager).as(name).isLessThan(worker * 1.5);
            assertThat(manager).as(name).isGreaterThan(name.startsWith("cpu") ? 0 : worker * 0.5);
        }
    }

    @Test
    void totalsOutliveProcesses() throws Exception {
        SlotStatus first = FakeSource.worker("printer", 0, SlotState.READY, NOBODY, 10);
        source.workers = List.of(first);
        assertThat(work()).isEqualTo(10);
        source.workers = List.of(FakeSource.restarted(first, 0, 0)); // it has died
        assertThat(work()).isEqualTo(10);
        source.workers = List.of(FakeSource.restarted(first, NOBODY - 1, 3));
        assertThat(work()).isEqualTo(13);
        source.workers = List.of(FakeSource.restarted(first, NOBODY - 1, 5));
        assertThat(work()).isEqualTo(15);
        source.workers = List.of(FakeSource.restarted(first, NOBODY - 2, 0));
        assertThat(work()).isEqualTo(15);
        source.workers = List.of(first); // another process with the number of the first
        assertThat(work()).isEqualTo(25);
        source.workers = List.of(); // scaled down, and up again
        assertThat(metrics().samples("sennit_worker_work_total")).isEmpty();
        source.workers = List.of(FakeSource.restarted(first, NOBODY - 3, 1));
        assertThat(work()).isOne();
    }

    private double work() throws Exception {
        return metrics().value("sennit_worker_work_total", "service", "printer", "worker", "0");
    }

    @Test
    void processorTimeNeverFalls() {
        var totals = new WorkerTotals();
        SlotStatus worker = FakeSource.worker("printer", 0, SlotState.READY, 5, 0);
        assertThat(cpu(totals, worker, null)).isEqualTo(-1);
        assertThat(cpu(totals, worker, 400)).isEqualTo(400);
        assertThat(cpu(totals, worker, 300)).as("a child was missed").isEqualTo(400);
        assertThat(cpu(totals, worker, null)).as("it has ended").isEqualTo(400);
        assertThat(cpu(totals, FakeSource.restarted(worker, 6, 0), null)).isEqualTo(400);
        assertThat(cpu(totals, FakeSource.restarted(worker, 6, 0), 20)).isEqualTo(420);
        assertThat(cpu(totals, FakeSource.restarted(worker, 0, 0), null)).isEqualTo(420);
        assertThat(cpu(totals, FakeSource.restarted(worker, 7, 0), 30)).isEqualTo(450);
    }

    /** The total in milliseconds after one more look; -1 if nothing is known. */
    private static long cpu(WorkerTotals totals, SlotStatus worker, Integer millis) {
        Map<Long, ProcessUsage> usage = millis == null
                ? Map.of()
                : Map.of(worker.pid(), new ProcessUsage(
                        Duration.ofMillis(millis), OptionalLong.empty(), 1, OptionalLong.empty()));
        totals.look(List.of(worker), usage);
        return totals.cpu(worker).map(Duration::toMillis).orElse(-1L);
    }
}
