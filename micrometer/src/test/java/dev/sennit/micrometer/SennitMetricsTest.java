package dev.sennit.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.RejectedSubmissionException;
import dev.sennit.Retry;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.observe.TaskEvents;
import dev.sennit.observe.TaskFigures;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class SennitMetricsTest {
    private static final Duration LONG = Duration.ofDays(1);

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    /** Looks at the pools only when it is told to. */
    private static SennitMetrics patient() {
        return new SennitMetrics(null, LONG, LONG);
    }

    private double counted(String meter, String pool) {
        return registry.get(meter).tag("pool", pool).functionCounter().count();
    }

    private static List<String> pools(MeterRegistry registry) {
        return registry.getMeters().stream()
                .map(meter -> meter.getId().getTag("pool"))
                .filter(pool -> pool != null)
                .distinct().sorted().toList();
    }

    /** Tasks of each end on two pools. */
    private static void run(Pool pool) throws Exception {
        for (int i = 0; i < 20; i++) {
            pool.submit(() -> 6 * 7, TaskOptions.named("answer")).get();
        }
        TaskFuture<?> failed = pool.submit(() -> {
            throw new IllegalStateException();
        }, TaskOptions.named("fails").retry(Retry.attempts(3)));
        assertThat(failed.handle((_, failure) -> failure != null).get()).isTrue();
        var begun = new CountDownLatch(1);
        TaskFuture<?> cancelled = pool.submit(() -> {
            begun.countDown();
            new CountDownLatch(1).await();
        }, TaskOptions.named("cancelled"));
        begun.await();
        cancelled.cancel(true);
        while (pool.statistics().running() + pool.statistics().queued() > 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void metersAndThePageOfTheLibraryAgreeOverARun() throws Exception {
        var figures = new TaskFigures();
        var prometheus = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (var listening = TaskEvents.listen(figures);
                var metrics = new SennitMetrics(figures, LONG, LONG);
                Pool photos = Pools.open("threads:2?name=photos&backlog=1&full=reject");
                Pool net = Pools.open("virtual?name=net")) {
            metrics.bindTo(registry);
            metrics.bindTo(prometheus);
            run(photos);
            run(net);
            refuse(photos);
            assertThat(listening.awaitTold(Duration.ofSeconds(30))).isTrue();
            metrics.refresh();

            Map<String, Double> page = PageSamples.ofLibrary(figures);
            assertThat(page).hasSizeGreaterThan(40)
                    .containsEntry("sennit_pool_succeeded_total[pool=photos]", 23.0)
                    .containsEntry("sennit_pool_rejected_total[pool=photos]", 1.0)
                    .containsEntry("sennit_task_ended_total[outcome=failed, task=fails]", 2.0);
            assertAgree(PageSamples.ofMeters(registry), page);
            assertAgree(PageSamples.ofPage(prometheus.scrape()), withPercentiles(page));
        }
    }

    private static void refuse(Pool pool) {
        var hold = new CountDownLatch(1);
        List<TaskFuture<?>> taken = new ArrayList<>();
        for (int i = 0; i < 3; i++) { // two workers and the backlog
            taken.add(pool.submit(() -> hold.await()));
        }
        assertThatThrownBy(() -> pool.submit(() -> hold.await())).isInstanceOf(RejectedSubmissionException.class);
        hold.countDown();
        taken.forEach(TaskFuture::join);
    }

    /** Every sample of the page is there, and but for the longest times nothing else. */
    private static void assertAgree(Map<String, Double> seen, Map<String, Double> page) {
        assertThat(seen.keySet()).filteredOn(name -> !name.contains("_max_")).containsExactlyElementsOf(page.keySet());
        page.forEach((name, value) -> assertThat(seen.get(name)).as(name).isEqualTo(value, within(1e-9)));
    }

    /** Micrometer knows no summaries of others, and tells their quantiles under a name of their own. */
    private static Map<String, Double> withPercentiles(Map<String, Double> page) {
        Map<String, Double> renamed = new TreeMap<>();
        page.forEach((name, value) -> renamed.put(
                name.contains("quantile=")
                        ? name.replaceFirst("_seconds\\[quantile=([^,]*), (.*)]", "_percentile_seconds[phi=$1, $2]")
                        : name,
                value));
        return renamed;
    }

    @Test
    void poolsComeAndGo() throws Exception {
        try (var metrics = patient(); Pool _ = Pools.open("inline?name=first")) {
            metrics.bindTo(registry);
            assertThat(pools(registry)).containsExactly("first");
            try (Pool later = Pools.open("inline?name=later")) {
                later.submit(() -> 1).get();
                metrics.refresh();
                assertThat(pools(registry)).containsExactly("first", "later");
                assertThat(counted("sennit.pool.submitted", "later")).isEqualTo(1);
                assertThat(registry.get("sennit.pool.workers").tag("pool", "later").gauge().value()).isEqualTo(1);
            }
            metrics.refresh();
            assertThat(pools(registry)).containsExactly("first");
        }
        assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void whatIsNotKnownHasNoMeter() {
        try (var metrics = patient(); Pool _ = Pools.open("virtual?name=v"); Pool _ = Pools.open("threads:1?name=t")) {
            metrics.bindTo(registry);
            assertThat(registry.find("sennit.pool.cpu").tag("pool", "v").meter()).isNull();
            assertThat(registry.get("sennit.pool.cpu").tag("pool", "t").functionCounter().getId().getBaseUnit())
                    .isEqualTo("seconds");
            assertThat(registry.find("sennit.task.ended").meters()).as("without figures of tasks").isEmpty();
        }
    }

    @Test
    void aThreadLooksByItself() {
        try (var metrics = new SennitMetrics(null, Duration.ofMillis(1), LONG)) {
            metrics.bindTo(registry);
            try (Pool _ = Pools.open("inline?name=seen")) {
                Waits.until(() -> pools(registry).contains("seen"));
            }
            Waits.until(() -> pools(registry).isEmpty());
        }
        Waits.until(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("sennit-micrometer")));
    }

    @Test
    void aMeterReadsAnewOnceItsFiguresAreOld() throws Exception {
        try (var metrics = new SennitMetrics(null, LONG, Duration.ZERO); Pool pool = Pools.open("inline?name=now")) {
            metrics.bindTo(registry);
            pool.submit(() -> 1).get();
            assertThat(counted("sennit.pool.succeeded", "now")).isEqualTo(1);
            pool.submit(() -> 1).get();
            assertThat(counted("sennit.pool.succeeded", "now")).isEqualTo(2);
        }
    }

    @Test
    void poolsOfOneNameAreOneAndTheirCountsOnlyGrow() throws Exception {
        try (var metrics = patient(); Pool stays = Pools.open("inline?name=twice")) {
            metrics.bindTo(registry);
            stays.submit(() -> 1).get();
            FunctionCounter counter = registry.get("sennit.pool.submitted").tag("pool", "twice").functionCounter();
            try (Pool ends = Pools.open("virtual?name=twice")) {
                ends.map(n -> n, List.of(1, 2));
                metrics.refresh();
                long submitted = stays.statistics().submitted() + ends.statistics().submitted();
                assertThat(counter.count()).isEqualTo(submitted).isGreaterThan(1);
            }
            double before = counter.count();
            metrics.refresh();
            assertThat(counter.count()).isEqualTo(before);
            stays.submit(() -> 1).get();
            metrics.refresh();
            assertThat(counter.count()).isEqualTo(before + 1);
            assertThat(registry.find("sennit.pool.submitted").meters()).hasSize(1);
        }
    }

    @Test
    void theNumberOfMetersHasABound() {
        List<Pool> open = new ArrayList<>();
        try (var metrics = patient()) {
            open.add(Pools.open("inline?name=z"));
            metrics.bindTo(registry);
            for (int i = 0; i < 2 * Snapshot.MOST_NAMES; i++) {
                open.add(Pools.open("inline?name=many-" + i));
            }
            metrics.refresh();
            assertThat(pools(registry)).hasSize(Snapshot.MOST_NAMES + 1).contains("z", Snapshot.OTHERS);
            assertThat(registry.get("sennit.pool.workers").tag("pool", Snapshot.OTHERS).gauge().value())
                    .isEqualTo(Snapshot.MOST_NAMES + 1);
            List<String> before = pools(registry);
            open.add(Pools.open("inline?name=a"));
            metrics.refresh();
            assertThat(pools(registry)).as("those that have meters keep them").isEqualTo(before);
        } finally {
            open.forEach(Pool::close);
        }
    }

    @Test
    void servicesHaveMeters() throws Exception {
        try (var metrics = patient(); ServiceManager manager = ServiceManager.create("shop")) {
            manager.add(ServiceSettings.of("printer", me -> me.awaitStop()).workers(2).build());
            metrics.bindTo(registry);
            assertThat(registry.get("sennit.service.wanted.workers").tag("service", "printer").gauge().value())
                    .isEqualTo(2);
            assertThat(registry.get("sennit.service.ready.workers").tag("service", "printer").gauge().value()).isZero();
            assertThat(registry.get("sennit.service.up").tag("service", "printer").gauge().value()).isZero();
        }
    }

    @Test
    void closingRemovesTheMetersOfThisAloneFromAllRegistries() {
        var other = new SimpleMeterRegistry();
        var composite = new CompositeMeterRegistry();
        composite.add(other);
        registry.counter("mine").increment();
        var metrics = patient();
        try (metrics; Pool _ = Pools.open("inline?name=here")) {
            metrics.bindTo(registry);
            metrics.bindTo(registry);
            metrics.bindTo(composite);
            assertThat(pools(other)).containsExactly("here");
            assertThat(metrics).hasToString("SennitMetrics[open, 2 registries]");
        }
        metrics.close();
        assertThat(registry.getMeters()).extracting(meter -> meter.getId().getName()).containsExactly("mine");
        assertThat(composite.getMeters()).isEmpty();
        assertThat(other.getMeters()).isEmpty();
        assertThatThrownBy(() -> metrics.bindTo(registry)).isInstanceOf(IllegalStateException.class);
        assertThat(metrics).hasToString("SennitMetrics[closed, 0 registries]");
    }

    @Test
    void aRegistryThatFailsHarmsNoOther() {
        var broken = new SimpleMeterRegistry();
        broken.config().meterFilter(MeterFilter.deny(id -> {
            throw new IllegalStateException("broken");
        }));
        try (var metrics = patient(); Pool _ = Pools.open("inline?name=well")) {
            metrics.bindTo(broken);
            metrics.bindTo(registry);
            assertThat(pools(registry)).containsExactly("well");
        }
    }

    /** A listener of a registry may call what it likes. */
    @Test
    void aRegistryMayCallBack() {
        try (var metrics = patient(); Pool _ = Pools.open("inline?name=first")) {
            registry.config().onMeterAdded(_ -> metrics.refresh());
            registry.config().onMeterRemoved(_ -> metrics.refresh());
            metrics.bindTo(registry);
            List<Meter> before = registry.getMeters();
            try (Pool _ = Pools.open("inline?name=second")) {
                metrics.refresh();
            }
            metrics.refresh();
            assertThat(registry.getMeters()).containsExactlyInAnyOrderElementsOf(before);
        }
        assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void threadsThatRefreshAtOnceLeaveTheMetersOfWhatIsThere() throws Exception {
        try (var metrics = patient(); Pool callers = Pools.open("threads:4?name=callers")) {
            metrics.bindTo(registry);
            callers.forEach(List.of(1, 2, 3, 4), number -> {
                for (int i = 0; i < 50; i++) {
                    try (Pool _ = Pools.open("inline?name=short-" + number)) {
                        metrics.refresh();
                    }
                    metrics.refresh();
                }
            });
            assertThat(pools(registry)).containsExactly("callers");
        }
    }
}
