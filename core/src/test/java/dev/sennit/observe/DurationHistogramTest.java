package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DurationHistogramTest {
    private static final double[] PARTS = {0.001, 0.5, 0.9, 0.95, 0.99, 0.999, 1};

    private static DurationHistogram of(List<Long> nanos) {
        var histogram = new DurationHistogram();
        nanos.forEach(one -> histogram.record(Duration.ofNanos(one)));
        return histogram;
    }

    /** Of every length, from a nanosecond to centuries. */
    private static List<Long> some(long seed, int count) {
        var random = new SplittableRandom(seed);
        List<Long> nanos = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            nanos.add(random.nextLong() >>> 1 + random.nextInt(62));
        }
        return nanos;
    }

    private static void ensureRight(DurationHistogram histogram, List<Long> nanos) {
        List<Long> sorted = nanos.stream().sorted().toList();
        for (double part : PARTS) {
            long exact = sorted.get(Math.max(0, (int) Math.ceil(part * sorted.size()) - 1));
            long told = histogram.quantile(part).orElseThrow().toNanos();
            assertThat(Math.abs(told - exact)).as("part %s, %s for %s", part, told, exact)
                    .isLessThanOrEqualTo(exact / 100);
        }
        assertThat(histogram.max()).contains(Duration.ofNanos(sorted.getLast()));
        assertThat(histogram.count()).isEqualTo(nanos.size());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void quantilesAreLessThanOnePercentOff(long seed) {
        List<Long> nanos = some(seed, 10_000);
        ensureRight(of(nanos), nanos);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 63, 64, 127, 128, 129, 255, 256, 1_000_000, Long.MAX_VALUE - 1, Long.MAX_VALUE})
    void oneDurationIsEveryQuantile(long nanos) {
        ensureRight(of(List.of(nanos)), List.of(nanos));
    }

    @Test
    void mergedHistogramsAreAsOne() {
        List<Long> all = new ArrayList<>(some(4, 1000));
        DurationHistogram merged = of(all);
        List<Long> more = some(5, 3000);
        DurationHistogram other = of(more);
        merged.merge(other);
        all.addAll(more);
        ensureRight(merged, all);
        ensureRight(other, more);
        merged.merge(new DurationHistogram());
        ensureRight(merged, all);
        DurationHistogram twice = of(List.of(1000L, 3000L));
        twice.merge(twice);
        assertThat(twice.count()).isEqualTo(4);
        assertThat(twice.total()).isEqualTo(Duration.ofNanos(8000));
    }

    @Test
    void ofNothingNothingIsKnown() {
        var empty = new DurationHistogram();
        assertThat(empty.quantile(0.5)).isEmpty();
        assertThat(empty.max()).isEmpty();
        assertThat(empty.total()).isZero();
        assertThatThrownBy(() -> empty.quantile(0)).hasMessage("part must be > 0 and <= 1, was 0.0");
        assertThatThrownBy(() -> empty.quantile(Double.NaN)).hasMessageEndingWith("was NaN");
    }

    @Test
    void whatIsOutOfRangeCountsAsItsBound() {
        var histogram = new DurationHistogram();
        histogram.record(Duration.ofSeconds(Long.MAX_VALUE));
        histogram.record(Duration.ofSeconds(Long.MIN_VALUE));
        histogram.record(Duration.ofNanos(-1));
        assertThat(histogram.max()).contains(Duration.ofNanos(Long.MAX_VALUE));
        assertThat(histogram.quantile(0.5)).contains(Duration.ZERO);
        histogram.record(Duration.ofSeconds(Long.MAX_VALUE));
        assertThat(histogram.total()).isEqualTo(Duration.ofNanos(Long.MAX_VALUE));
    }
}
