package dev.sennit.cli.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class CostTest {
    private static Measurement measured(String kind, Integer workers, double seconds) {
        return new Measurement(kind, kind, workers, 3, seconds, 100, 0, null);
    }

    private static Measurement failed(String kind, int workers) {
        return new Measurement(kind, kind, workers, 0, Double.NaN, Double.NaN, 0, "failed");
    }

    private static List<String> texts(Measurement... measurements) {
        return Cost.of(List.of(measurements)).stream().map(Cost::text).toList();
    }

    @Test
    void theFewestWorkersThatBeatInline() {
        assertThat(texts(
                measured("threads", 4, 0.3),
                measured("inline", 1, 1),
                measured("threads", 1, 1.01),
                measured("threads", 2, 0.6),
                measured("processes", 1, 1.2),
                measured("processes", 2, 1),
                measured("virtual", null, 0.5)))
                .containsExactly("threads 2", "processes none up to 2", "virtual no limit");
    }

    @Test
    void whatHasNoNumberOfWorkersBeatsItOrDoesNot() {
        assertThat(texts(measured("inline", 1, 1), measured("virtual", null, 1.5))).containsExactly("virtual never");
    }

    @Test
    void whatFailedDoesNotCount() {
        assertThat(texts(measured("inline", 1, 1), failed("threads", 2), measured("threads", 3, 0.5),
                failed("processes", 2)))
                .containsExactly("threads 3");
    }

    @Test
    void withoutInlineThereIsNone() {
        assertThat(texts(failed("inline", 1), measured("threads", 2, 0.5))).isEmpty();
    }

    @Test
    void roundsFitTheBudgetAndAreOdd() {
        long second = 1_000_000_000;
        assertThat(Comparison.roundsFor(1, second, 1)).isEqualTo(15);
        assertThat(Comparison.roundsFor(1, 4 * second, 1)).isEqualTo(3);
        assertThat(Comparison.roundsFor(1, 100 * second, 1)).isEqualTo(3);
        assertThat(Comparison.roundsFor(1, 0, 1)).isEqualTo(25);
        assertThat(Comparison.roundsFor(4, 4 * second, 1)).isEqualTo(15);
        assertThat(Comparison.roundsFor(8, 80 * second, 1)).as("never fewer than are behind").isEqualTo(9);
        assertThat(Comparison.roundsFor(1, second, 20)).isEqualTo(3);
    }

    @Test
    void medians() {
        assertThat(Median.of(List.of(7.0))).isEqualTo(7);
        assertThat(Median.of(List.of(9.0, 1.0, 5.0))).isEqualTo(5);
        assertThat(Median.of(List.of(4.0, 1.0, 100.0, 2.0))).isEqualTo(3);
        assertThatIllegalArgumentException().isThrownBy(() -> Median.of(List.of()))
                .withMessage("values must not be empty");
    }
}
