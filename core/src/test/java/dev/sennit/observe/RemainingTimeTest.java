package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sennit.observe.TaskEvent.Kind;
import dev.sennit.observe.TaskEvent.Progress;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class RemainingTimeTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private final RemainingTime remaining = new RemainingTime();

    private static Instant after(double seconds) {
        return START.plusNanos((long) (seconds * 1e9));
    }

    private static TaskEvent event(Kind kind, double seconds, Optional<Progress> progress) {
        return new TaskEvent(kind, 1, "pool", "name", after(seconds), Optional.empty(), Optional.empty(),
                Optional.empty(), Optional.empty(), Optional.empty(), progress);
    }

    private void report(double seconds, long done, long total) {
        remaining.add(event(Kind.PROGRESS, seconds, Optional.of(new Progress(
                done, total < 0 ? OptionalLong.empty() : OptionalLong.of(total), ""))));
    }

    @Test
    void aSteadyPaceTellsWhatRemains() {
        for (int i = 0; i <= 10; i++) {
            report(i, 10 * i, 200);
        }
        assertThat(remaining.at(after(10))).contains(Duration.ofSeconds(10));
        assertThat(remaining.at(after(12))).contains(Duration.ofSeconds(8));
        assertThat(remaining.at(after(9))).as("clocks differ").contains(Duration.ofSeconds(10));
        assertThat(remaining).hasToString("RemainingTime[11 reports]");
    }

    @Test
    void onlyTheLastHalfMinuteCounts() {
        for (int i = 0; i <= 100; i++) {
            report(i, i, 1_000_000);
        }
        for (int i = 1; i <= 60; i++) {
            report(100 + i, 100 + 1_000 * i, 1_000_000);
        }
        assertThat(remaining.at(after(160))).get().satisfies(
                left -> assertThat(left).isBetween(Duration.ofSeconds(939), Duration.ofSeconds(941)));
        assertThat(remaining).hasToString("RemainingTime[31 reports]");
    }

    @Test
    void manyReportsTakeBoundedMemory() {
        for (int i = 0; i < 10_000; i++) {
            report(i / 1e6, i, 20_000);
        }
        assertThat(remaining).hasToString("RemainingTime[300 reports]");
        assertThat(remaining.at(after(0.01))).isPresent();
    }

    @Test
    void threeReportsAreTooFew() {
        report(0, 0, 100);
        report(1, 10, 100);
        report(2, 20, 100);
        assertThat(remaining.at(after(2))).isEmpty();
        report(3, 30, 100);
        assertThat(remaining.at(after(3))).contains(Duration.ofSeconds(7));
    }

    @Test
    void anUnknownTotalTellsNothing() {
        for (int i = 0; i < 10; i++) {
            report(i, i, -1);
        }
        assertThat(remaining.at(after(9))).isEmpty();
    }

    @Test
    void anUnsteadyPaceTellsNothing() {
        for (int i = 0; i <= 5; i++) {
            report(i, 10 * i, 1_000);
        }
        for (int i = 1; i <= 5; i++) {
            report(5 + i, 50 + 30 * i, 1_000);
        }
        assertThat(remaining.at(after(10))).isEmpty();
    }

    @Test
    void standingStillTellsNothing() {
        for (int i = 0; i <= 10; i++) {
            report(i, 5, 10);
        }
        assertThat(remaining.at(after(10))).isEmpty();
    }

    @Test
    void aSilenceThatIsLongerThanThoseBeforeTellsNothing() {
        for (int i = 0; i <= 10; i++) {
            report(i, i, 100);
        }
        assertThat(remaining.at(after(13))).isPresent();
        assertThat(remaining.at(after(13.1))).isEmpty();
    }

    @Test
    void whatIsDoneTakesNoTime() {
        report(0, 10, 10);
        assertThat(remaining.at(after(100))).contains(Duration.ZERO);
    }

    @Test
    void allAtOnceTellsNothing() {
        for (int i = 0; i < 10; i++) {
            report(0, i, 100);
        }
        assertThat(remaining.at(after(0))).isEmpty();
    }

    @Test
    void anotherTotalAndAStepBackBeginAgain() {
        for (int i = 0; i <= 10; i++) {
            report(i, i, 100);
        }
        report(11, 11, 200);
        assertThat(remaining.at(after(11))).isEmpty();
        report(12, 3, 200);
        assertThat(remaining).hasToString("RemainingTime[1 reports]");
    }

    @Test
    void otherEventsDoNotCount() {
        remaining.add(event(Kind.BEGUN, 0, Optional.empty()));
        assertThat(remaining.at(START)).isEmpty();
        assertThatNullPointerException().isThrownBy(() -> remaining.add(null));
    }
}
