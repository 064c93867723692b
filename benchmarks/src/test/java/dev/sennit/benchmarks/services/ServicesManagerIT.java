package dev.sennit.benchmarks.services;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Python;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The managers that {@code services} compares: those that can be had here. */
class ServicesManagerIT {
    @Test
    void eachManagerReplacesAWorkerThatIsKilled() throws Exception {
        try (var bench = new Bench(true, 1, Python.find())) {
            List<ServicesManager.Kind> kinds = new ArrayList<>();
            assertThat(ServicesExperiment.addKinds(bench, kinds)).startsWith("systemd");
            for (ServicesManager.Kind kind : kinds) {
                boolean isOurs = kind.name().equals(ServicesExperiment.SENNIT);
                String service = isOurs ? ServicesExperiment.COMMAND : ServicesExperiment.SLEEPER;
                long first;
                long second;
                try (ServicesManager manager = kind.start(bench, "kills")) {
                    first = manager.last("ready", service).pid();
                    long killed = manager.kill(service);
                    second = manager.await("ready", service, killed).pid();
                    manager.await("died", service, killed);
                }
                assertThat(second).as(kind.name()).isNotEqualTo(first);
                assertThat(ServicesManager.secondsUntilGone(List.of(first, second), System.nanoTime(), 10))
                        .as(kind.name() + " leaves its worker behind")
                        .isFinite();
            }
        }
    }
}
