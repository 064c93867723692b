package dev.sennit.benchmarks.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private static Map<String, List<double[]>> measured() {
        Map<String, List<double[]>> measured = new LinkedHashMap<>();
        measured.put("ours", List.of(new double[] {0.001}, new double[] {0.002}, new double[] {0.009}));
        measured.put("peer", List.of(new double[] {0.004}, new double[] {0.005}));
        return measured;
    }

    @Test
    void ratiosAreThoseOfMedians() {
        var comparison = new Comparison(measured()).time("time");
        assertThat(comparison.ratio("ours", "peer")).isEqualTo(0.0045 / 0.002, within(1e-9));
        assertThat(comparison.ratio("peer", "ours")).isEqualTo(0.002 / 0.0045, within(1e-9));
    }

    @Test
    void pairedTimesIsTheMedianOfTheRatiosOfNeighbours() {
        Map<String, List<double[]>> drifting = new LinkedHashMap<>();
        drifting.put("ours", List.of(new double[] {1.1}, new double[] {2.2}, new double[] {6.0}));
        drifting.put("peer", List.of(new double[] {1.0}, new double[] {2.0}, new double[] {4.0}));
        assertThat(new Comparison(drifting).time("time").pairedTimes("ours", "peer")).isEqualTo(1.1, within(1e-9));
    }

    @Test
    void aTableShowsMedianBoundsAndRatio() {
        assertThat(new Comparison(measured()).time("time").against("peer").table().lines())
                .containsExactly(
                        "|      |    time |         min - max | x peer |",
                        "|------|--------:|------------------:|-------:|",
                        "| ours | 2.00 ms | 1.00 ms - 9.00 ms |   2.25 |",
                        "| peer | 4.50 ms | 4.00 ms - 5.00 ms |  1.000 |");
    }

    @Test
    void ratesGoFromTheLowestUpAndTheFasterStillHasTheHigherRatio() {
        assertThat(new Comparison(measured()).rate("tasks", 1_000).against("peer").table().lines())
                .contains("| ours | 500 k/s | 111 k/s - 1.00 M/s |   2.25 |");
    }

    @Test
    void percentilesAreTakenOfEachRoundAndTheirMedianIsShown() {
        double[] first = {1, 2, 3, 4};
        double[] second = {2, 4, 6, 8};
        double[] third = {3, 6, 9, 12};
        var comparison = new Comparison(Map.of("ours", List.of(first, second, third)))
                .percentile("p50", 50)
                .percentile("p100", 100);
        assertThat(comparison.table().lines().getLast())
                .isEqualTo("| ours | 4.00 s | 2.00 s - 6.00 s | 8.00 s | 4.00 s - 12.0 s |");
    }

    @Test
    void samplesOfSeveralKindsHaveColumnsOfTheirOwnAndTheFirstIsCompared() {
        var comparison = new Comparison(
                Map.of("ours", List.of(new double[] {0.002, 0.5, 863}), "peer", List.of(new double[] {0.004, 2, 1151})))
                .sample("time", 0)
                .rateOf("tasks", 1)
                .bytes("memory", 2)
                .against("peer");
        assertThat(comparison.median("ours")).isEqualTo(0.002);
        assertThat(comparison.table().lines()).contains(
                "| ours | 2.00 ms | 2.00 ms - 2.00 ms | 2.00/s | 2.00/s - 2.00/s |  863 B |   863 B - "
                        + "863 B |   2.00 |");
    }

    @Test
    void aBaselineThatWasLeftOutHasNoColumn() {
        var comparison = new Comparison(measured()).time("time").against("loky");
        assertThat(comparison.has("loky")).isFalse();
        assertThat(comparison.table().lines().getFirst()).doesNotContain("loky");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> comparison.ratio("ours", "loky"))
                .withMessage("no contestant is called loky");
    }

    @Test
    void anAimIsJudgedByTheRatioAndLeftOutWithItsBaseline() {
        var comparison = new Comparison(measured()).time("time");
        assertThat(new Report()
                .aim(comparison, "ours", "peer", 2)
                .aim(comparison, "ours", "peer", 3)
                .aim(comparison, "ours", "loky", 4)
                .lines())
                .containsExactly(
                        "- aim: ours >= 2.0 x peer - reached: 2.25 x",
                        "- aim: ours >= 3.0 x peer - **not reached**: 2.25 x");
    }
}
