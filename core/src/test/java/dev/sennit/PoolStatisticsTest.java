package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PoolStatisticsTest {
    private static PoolStatistics of(long queued, long running, long succeeded, long failed, long cancelled) {
        return new PoolStatistics(
                2,
                queued + running + succeeded + failed + cancelled,
                queued,
                running,
                succeeded,
                failed,
                cancelled,
                0,
                0,
                0,
                0,
                Duration.ofMillis(1_200),
                Duration.ofMillis(600),
                Optional.empty(),
                List.of());
    }

    @Test
    void endedAreAllThatHaveASettledFuture() {
        assertThat(of(1, 2, 3, 4, 5).ended()).isEqualTo(12);
    }

    @Test
    void averages() {
        assertThat(of(0, 0, 6, 0, 0).averageRunTime()).isEqualTo(Duration.ofMillis(100));
        assertThat(of(0, 0, 4, 2, 0).averageRunTime()).isEqualTo(Duration.ofMillis(100));
        assertThat(of(5, 2, 4, 0, 0).averageQueueTime()).isEqualTo(Duration.ofMillis(200));
    }

    @Test
    void averagesOfNothingAreZero() {
        assertThat(of(3, 0, 0, 0, 0).averageQueueTime()).isZero();
        assertThat(of(3, 1, 0, 0, 0).averageRunTime()).isZero();
    }
}
