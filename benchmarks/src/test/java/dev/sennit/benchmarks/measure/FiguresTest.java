package dev.sennit.benchmarks.measure;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FiguresTest {
    @Test
    void timesHaveThreeDigitsAndASuitableUnit() {
        assertThat(Figures.time(1.234e-9)).isEqualTo("1.23 ns");
        assertThat(Figures.time(12.34e-6)).isEqualTo("12.3 µs");
        assertThat(Figures.time(0.1234)).isEqualTo("123 ms");
        assertThat(Figures.time(75)).isEqualTo("75.0 s");
    }

    @Test
    void timesAreRoundedIntoTheNextUnit() {
        assertThat(Figures.time(999.4e-9)).isEqualTo("999 ns");
        assertThat(Figures.time(999.6e-9)).isEqualTo("1.00 µs");
        assertThat(Figures.time(0.99996)).isEqualTo("1.00 s");
        assertThat(Figures.time(9.996e-3)).isEqualTo("10.0 ms");
    }

    @Test
    void ratesHaveThreeDigitsAndASuitableUnit() {
        assertThat(Figures.rate(42)).isEqualTo("42.0/s");
        assertThat(Figures.rate(64_320)).isEqualTo("64.3 k/s");
        assertThat(Figures.rate(10_600_000)).isEqualTo("10.6 M/s");
    }

    @Test
    void bytesHaveThreeDigits() {
        assertThat(Figures.bytes(863.4)).isEqualTo("863 B");
        assertThat(Figures.bytes(1151)).isEqualTo("1151 B");
        assertThat(Figures.bytes(216_400_000)).isEqualTo("216 MB");
    }

    @Test
    void decibelsHaveThreeDigits() {
        assertThat(Figures.decibels(51.56)).isEqualTo("51.6 dB");
    }

    @Test
    void ratiosNearOneHaveADigitMore() {
        assertThat(Figures.ratio(1.004)).isEqualTo("1.004");
        assertThat(Figures.ratio(0.95)).isEqualTo("0.950");
        assertThat(Figures.ratio(1.764)).isEqualTo("1.76");
        assertThat(Figures.ratio(0.5)).isEqualTo("0.50");
        assertThat(Figures.ratio(23.41)).isEqualTo("23.4");
    }

    @Test
    void percentagesHaveASignAndNoNegativeZero() {
        assertThat(Figures.percentAbove(1.0123)).isEqualTo("+1.2 %");
        assertThat(Figures.percentAbove(0.98)).isEqualTo("-2.0 %");
        assertThat(Figures.percentAbove(0.9999)).isEqualTo("0.0 %");
    }
}
