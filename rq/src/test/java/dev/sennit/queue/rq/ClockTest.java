package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The clock of the server, of which this machine has an estimate. */
class ClockTest {
    @Test
    void aBetterEstimateDoesNotTurnTheTimeBack() {
        assertThat(Clock.following(5_000_000, 4_994_000)).isEqualTo(5_000_000);
        assertThat(Clock.following(5_000_000, 5_000_001)).isEqualTo(5_000_001);
        assertThat(Clock.following(Long.MIN_VALUE, 7)).isEqualTo(7);
    }

    @Test
    void theClockOfTheServerMayBeSetBack() {
        assertThat(Clock.following(3_600_000_000L, 5)).isEqualTo(5);
    }
}
