package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.internal.view.TaskObserver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ObservedRunTest {
    private static final long PERIOD = ObservedRun.PERIOD_NANOS;

    private static ObservedRun withError(long nanos) {
        return new ObservedRun(new ObservedRun.Watch(), null).from(0, nanos);
    }

    @Test
    void aRunThatIsShortBesideTheErrorOfItsProcessorTimeHasNone() {
        assertThat(withError(0).end(PERIOD - 1)).isEqualTo(TaskObserver.UNKNOWN);
        assertThat(withError(0).end(PERIOD)).isPositive();
        assertThat(withError(PERIOD - 1).end(100 * (PERIOD - 1) - 1)).isEqualTo(TaskObserver.UNKNOWN);
        assertThat(withError(PERIOD - 1).end(100 * (PERIOD - 1))).isPositive();
    }

    @Test
    void nothingIsMadeWhileNobodyLooksOn() {
        var task = new Submission<>(new FakePool(1), () -> 1, TaskOptions.NONE);
        assertThat(ObservedRun.begin(task, false, 1)).isNull();
        assertThat(ObservedRun.ofThread()).isNull();
    }
}
