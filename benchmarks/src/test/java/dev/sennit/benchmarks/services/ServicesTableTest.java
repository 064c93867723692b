package dev.sennit.benchmarks.services;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Samples;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ServicesTableTest {
    private final ServicesTable table = new ServicesTable(3, List.of("peer"));

    private List<String> rows() {
        return table.addTo(new Report()).lines().stream().skip(4).toList();
    }

    @Test
    void anAimIsOfMedianAndP99() {
        table.row("met", new Samples(0.004, 0.005, 0.02), Map.of("peer", new Samples(0.01))).aim(0.005, 0.025);
        table.row("late", new Samples(0.004, 0.005, 0.03), Map.of()).aim(0.005, 0.025);
        assertThat(rows()).containsExactly(
                "| met  |     5.00 ms | 20.0 ms |   10.0 ms | 10.0 ms |   2.00 | 5.00 ms / 25.0 ms |         met |",
                "| late |     5.00 ms | 30.0 ms |         - |       - |      - | 5.00 ms / 25.0 ms | **not met** |");
    }

    @Test
    void anAimOfAllIsMissedByOne() {
        table.row("gone", new Samples(0.1, 0.1, 0.3), Map.of()).aimOfAll(0.2);
        assertThat(rows().getFirst()).endsWith(" all <= 200 ms | **not met** |");
    }

    @Test
    void whatDoesNotHappenIsNeverAndHasNoRatio() {
        table.row("gone", new Samples(0.1), Map.of("peer", new Samples(Double.POSITIVE_INFINITY))).aimOfMedian(0.2);
        assertThat(rows().getFirst())
                .contains("| never (not in 3 s) | never (not in 3 s) |      - |")
                .endsWith(" p50 < 200 ms | met |");
    }

    @Test
    void memoryHasNoAim() {
        table.memory("memory", new Samples(50e6), Map.of("peer", new Samples(25e6)));
        assertThat(rows().getFirst()).startsWith("| memory |     50.0 MB | 50.0 MB |   25.0 MB | 25.0 MB |   0.50 |");
    }
}
