package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The time between the order to stop and the stop. */
class PreStopTest {
    private final PreStop preStop = new PreStop();

    @Test
    void itEndsByItself() throws Exception {
        assertThat(preStop.hasBegun()).isFalse();
        assertThat(preStop.begin(Duration.ofMillis(1))).isTrue();
        assertThat(preStop.hasBegun()).isTrue();
        preStop.whenOver().get(60, TimeUnit.SECONDS);
    }

    @Test
    void noneIsOverAtOnce() {
        assertThat(preStop.begin(Duration.ZERO)).isTrue();
        assertThat(preStop.whenOver()).isCompleted();
    }

    @Test
    void aSecondOrderChangesNothing() {
        assertThat(preStop.begin(Duration.ofHours(1))).isTrue();
        assertThat(preStop.begin(Duration.ZERO)).isFalse();
        assertThat(preStop.whenOver()).isNotDone();
        assertThat(preStop.whenOver().cancel(true)).as("a client that goes away").isTrue();
        assertThat(preStop.whenOver()).isNotDone();
    }

    @Test
    void anOrderToStopAtOnceEndsIt() {
        preStop.begin(Duration.ofHours(1));
        preStop.end();
        assertThat(preStop.whenOver()).isCompleted();
        PreStop none = new PreStop();
        none.end();
        assertThat(none.hasBegun()).isTrue();
        assertThat(none.whenOver()).isCompleted();
    }
}
