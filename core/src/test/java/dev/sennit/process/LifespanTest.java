package dev.sennit.process;

import static dev.sennit.process.Lifespan.ENDLESS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LifespanTest {
    @Test
    void withoutLimitsItHasNoEnd() {
        Lifespan endless = Lifespan.of(ENDLESS, ENDLESS, 1);
        assertThat(endless.isOver(Long.MAX_VALUE - 1, Long.MAX_VALUE - 1)).isFalse();
    }

    @Test
    void itIsOverWithTheLastTaskOrTheLastMoment() {
        var lifespan = new Lifespan(10, 1_000);
        assertThat(lifespan.isOver(9, 999)).isFalse();
        assertThat(lifespan.isOver(10, 0)).isTrue();
        assertThat(lifespan.isOver(0, 1_000)).isTrue();
    }

    @Test
    void workersGetATenthMoreOrLess() {
        for (long worker = 1; worker <= 1_000; worker++) {
            Lifespan lifespan = Lifespan.of(1_000, 1_000_000, worker);
            assertThat(lifespan.tasks()).isBetween(900L, 1_100L);
            assertThat(lifespan.nanos()).isBetween(900_000L, 1_100_000L);
        }
        assertThat(LongStream.rangeClosed(1, 100).map(worker -> Lifespan.of(1_000, ENDLESS, worker).tasks()).distinct())
                .hasSizeGreaterThan(50);
        assertThat(LongStream.rangeClosed(1, 100).map(worker -> Lifespan.of(ENDLESS, 1_000, worker).nanos()).distinct())
                .hasSizeGreaterThan(50);
    }

    @Test
    void theSameWorkerGetsTheSame() {
        assertThat(Lifespan.of(1_000, 1_000, 7)).isEqualTo(Lifespan.of(1_000, 1_000, 7));
    }

    @Test
    void aFewTasksAreJustSoMany() {
        for (long worker = 1; worker <= 100; worker++) {
            for (long few = 1; few <= 4; few++) {
                assertThat(Lifespan.of(few, ENDLESS, worker).tasks()).isEqualTo(few);
            }
        }
    }

    @Test
    void theLongestTimesStayLong() {
        for (long worker = 1; worker <= 100; worker++) {
            assertThat(Lifespan.of(ENDLESS - 1, ENDLESS - 1, worker).tasks()).isGreaterThan(ENDLESS / 2);
        }
    }
}
