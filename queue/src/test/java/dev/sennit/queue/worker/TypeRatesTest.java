package dev.sennit.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.Rate;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TypeRatesTest {
    private final VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private final TypeRates rates = new TypeRates(
            Map.of("a", new Rate(10, Duration.ofSeconds(1), 3), "b", Rate.of(1, Duration.ofMinutes(1))), clock);

    @Test
    void allowTheBurstAndThenTheRate() {
        assertThat(rates.isLimited("a")).isTrue();
        assertThat(rates.isLimited("c")).isFalse();
        assertThat(rates.allowed("c")).isEqualTo(Integer.MAX_VALUE);
        assertThat(rates.allowed("a")).isEqualTo(3);
        assertThat(rates.next()).isNull();
        rates.claimed("a", 3);
        assertThat(rates.allowed("a")).isZero();
        assertThat(rates.next()).isBetween(Duration.ofMillis(100), Duration.ofMillis(100).plusNanos(2));
        clock.advance(Duration.ofMillis(100));
        assertThat(rates.allowed("a")).isEqualTo(1);
        clock.advance(Duration.ofHours(1));
        assertThat(rates.allowed("a")).isEqualTo(3);
        assertThat(rates.allowed("b")).isEqualTo(1);
    }

    @Test
    void keepTheRateOverTime() {
        int begun = 0;
        for (int i = 0; i < 600; i++) {
            int now = rates.allowed("b");
            rates.claimed("b", now);
            begun += now;
            clock.advance(Duration.ofSeconds(1));
        }
        assertThat(begun).isEqualTo(10);
    }
}
