package dev.sennit.benchmarks.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class SamplesTest {
    @Test
    void medianOfAnOddNumberIsTheMiddleOne() {
        assertThat(new Samples(9, 1, 4).median()).isEqualTo(4);
    }

    @Test
    void medianOfAnEvenNumberIsTheMeanOfTheTwoInTheMiddle() {
        assertThat(new Samples(9, 1, 4, 5).median()).isEqualTo(4.5);
    }

    @Test
    void percentilesAreSamples() {
        double[] hundred = new double[100];
        for (int i = 0; i < 100; i++) {
            hundred[i] = 100 - i;
        }
        var samples = new Samples(hundred);
        assertThat(samples.percentile(0)).isEqualTo(1);
        assertThat(samples.percentile(50)).isEqualTo(50);
        assertThat(samples.percentile(99)).isEqualTo(99);
        assertThat(samples.percentile(100)).isEqualTo(100);
        assertThat(new Samples(7, 8).percentile(99)).isEqualTo(8);
    }

    @Test
    void leastAndMostAreTheEnds() {
        var samples = new Samples(3, 1, 2);
        assertThat(samples.least()).isEqualTo(1);
        assertThat(samples.most()).isEqualTo(3);
    }

    @Test
    void theCallersArrayStaysAsItIs() {
        double[] values = {3, 1, 2};
        assertThat(new Samples(values).median()).isEqualTo(2);
        assertThat(values).containsExactly(3, 1, 2);
    }

    @Test
    void refusesNoSamplesAndPercentagesOutOfBounds() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Samples()).withMessage("no samples");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Samples(1).percentile(101))
                .withMessage("percent must be from 0 to 100, was 101.0");
    }
}
