package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

class CountersTest {
    private final Counters counters = new Counters();

    private PoolStatistics seen() {
        return counters.snapshot(3, 1, 2, Optional.of(Duration.ofSeconds(9)), List.of(4711L));
    }

    @Test
    void nothingAtFirst() {
        assertThat(seen())
                .isEqualTo(new PoolStatistics(
                        3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, Duration.ZERO, Duration.ZERO,
                        Optional.of(Duration.ofSeconds(9)), List.of(4711L)));
    }

    @Test
    void aTaskWaitsThenRunsThenHasEnded() {
        counters.submitted();
        assertThat(seen()).extracting(PoolStatistics::queued, PoolStatistics::running).containsExactly(1L, 0L);
        counters.started(1_000);
        assertThat(seen()).extracting(PoolStatistics::queued, PoolStatistics::running).containsExactly(0L, 1L);
        counters.ranFor(5_000);
        counters.succeeded();
        assertThat(seen())
                .isEqualTo(new PoolStatistics(
                        3, 1, 0, 0, 1, 0, 0, 0, 0, 1, 2, Duration.ofNanos(1_000), Duration.ofNanos(5_000),
                        Optional.of(Duration.ofSeconds(9)), List.of(4711L)));
    }

    @Test
    void eachEndHasItsCount() {
        for (int i = 0; i < 6; i++) {
            counters.submitted();
            counters.started(0);
        }
        counters.succeeded();
        counters.failed();
        counters.failed();
        counters.cancelled();
        counters.cancelled();
        counters.cancelled();

        assertThat(seen())
                .extracting(PoolStatistics::succeeded, PoolStatistics::failed, PoolStatistics::cancelled,
                        PoolStatistics::running)
                .containsExactly(1L, 2L, 3L, 0L);
    }

    @Test
    void aDroppedTaskNeverRan() {
        counters.submitted();
        counters.submitted();
        counters.dropped();
        counters.cancelled();

        assertThat(seen())
                .extracting(PoolStatistics::queued, PoolStatistics::running, PoolStatistics::cancelled)
                .containsExactly(1L, 0L, 1L);
    }

    @Test
    void aTaskThatIsHandedBackWaitsAgain() {
        counters.submitted();
        counters.started(100);
        counters.handedBack();
        assertThat(seen()).extracting(PoolStatistics::queued, PoolStatistics::running).containsExactly(1L, 0L);
        counters.started(200);
        counters.succeeded();
        assertThat(seen()).extracting(PoolStatistics::queued, PoolStatistics::running).containsExactly(0L, 0L);
    }

    @Test
    void whatIsRejectedIsNotSubmitted() {
        counters.rejected();

        assertThat(seen()).extracting(PoolStatistics::submitted, PoolStatistics::rejected).containsExactly(0L, 1L);
    }

    @Test
    void snapshotsAddUpWhileTheFiguresChange() throws Exception {
        int tasks = 200_000;
        Race.run(
                1,
                round -> {
                    for (int i = 0; i < tasks; i++) {
                        counters.submitted();
                        if (ThreadLocalRandom.current().nextInt(4) == 0) {
                            counters.dropped();
                            counters.cancelled();
                        } else {
                            counters.started(1);
                            counters.succeeded();
                        }
                    }
                },
                round -> {
                    PoolStatistics seen;
                    do {
                        seen = seen();
                        assertThat(seen.queued()).isNotNegative();
                        assertThat(seen.running()).isNotNegative();
                        assertThat(seen.queued() + seen.running() + seen.ended()).isEqualTo(seen.submitted());
                    } while (seen.ended() < tasks);
                });

        assertThat(seen().submitted()).isEqualTo(tasks);
    }
}
