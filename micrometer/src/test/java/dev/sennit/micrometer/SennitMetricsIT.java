package dev.sennit.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.observe.TaskEvents;
import dev.sennit.observe.TaskFigures;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

/** Figures of real worker processes. */
class SennitMetricsIT {
    private static double busy() {
        double sum = 0;
        for (int i = 0; i < 3_000_000; i++) {
            sum += Math.sin(ThreadLocalRandom.current().nextDouble());
        }
        return sum;
    }

    @Test
    void aLostWorkerAndProcessorTimeAreTold() throws Exception {
        var registry = new SimpleMeterRegistry();
        var figures = new TaskFigures();
        try (var listening = TaskEvents.listen(figures);
                var metrics = new SennitMetrics(figures);
                Pool pool = Pools.open("processes:1?name=shop")) {
            metrics.bindTo(registry);
            pool.submit(SennitMetricsIT::busy).get();
            var lost = pool.submit(() -> Runtime.getRuntime().halt(3));
            assertThat(lost.handle((_, failure) -> failure != null).get()).isTrue();
            pool.submit(SennitMetricsIT::busy).get(); // on another worker
            assertThat(listening.awaitTold(Duration.ofSeconds(30))).isTrue();
            metrics.refresh();
            Waits.until(() -> {
                metrics.refresh();
                return registry.get("sennit.pool.workers").tag("pool", "shop").gauge().value() == 1;
            });

            Map<String, Double> seen = PageSamples.ofMeters(registry);
            assertThat(seen).containsEntry("sennit_pool_workers_lost_total[pool=shop]", 1.0)
                    .containsEntry("sennit_pool_succeeded_total[pool=shop]", 2.0)
                    .containsEntry("sennit_pool_failed_total[pool=shop]", 1.0);
            assertThat(seen.get("sennit_pool_cpu_seconds_total[pool=shop]")).isPositive();
            Map<String, Double> page = PageSamples.ofLibrary(figures);
            page.forEach((name, value) -> assertThat(seen).as(name).containsKey(name));
        }
        assertThat(registry.getMeters()).isEmpty();
    }
}
