package dev.sennit.server.traffic;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** When a body comes too slowly. */
class LeastRateTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void theGraceComesFirst() throws IOException {
        LeastRate rate = new LeastRate(500, Duration.ofSeconds(5));
        rate.came(1, 5 * SECOND);
        assertThatThrownBy(() -> rate.came(1, SECOND))
                .isInstanceOf(StallException.class)
                .hasMessage("the body of the request comes too slowly: 2 bytes in 6000 ms");
    }

    @Test
    void theAverageCounts() throws IOException {
        LeastRate rate = new LeastRate(500, Duration.ofSeconds(5));
        rate.came(5_000, 1);
        rate.came(1, 14 * SECOND);
        assertThatThrownBy(() -> rate.came(1, 2 * SECOND)).isInstanceOf(IOException.class);
    }

    @Test
    void onlyTheTimeOfTheWaitCounts() throws IOException {
        LeastRate rate = new LeastRate(500, Duration.ofSeconds(5));
        for (int i = 0; i < 10_000; i++) { // each byte after an hour, in which the handler did not ask
            rate.came(1, 1_000);
        }
    }

    @Test
    void zeroIsNoLimit() {
        LeastRate rate = new LeastRate(0, Duration.ofSeconds(5));
        assertThatCode(() -> rate.came(1, 1_000_000 * SECOND)).doesNotThrowAnyException();
    }
}
