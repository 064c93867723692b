package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/** The annotations as a user writes them; of those that have to fail, what they fail with is looked at. */
@Timeout(120)
class SchedulesTest {
    private static final AtomicInteger CALLS = new AtomicInteger();
    private static final AtomicInteger REPLAYS = new AtomicInteger();
    private static final AtomicInteger FOUND = new AtomicInteger();

    /** Makes a test pass that failed as it should. */
    static final class HasToFail implements TestExecutionExceptionHandler {
        @Override
        public void handleTestExecutionException(ExtensionContext context, Throwable thrown) {
            assertThat(thrown).isInstanceOf(ScheduleFailure.class);
            assertThat(thrown)
                    .hasMessageContaining("mvn test -Dtest=SchedulesTest#" + context.getRequiredTestMethod().getName()
                            + " -Dsennit.seed=" + ((ScheduleFailure) thrown).seed())
                    .hasRootCauseInstanceOf(AssertionError.class);
            FOUND.incrementAndGet();
        }
    }

    private static void countTwice() throws InterruptedException {
        var count = new AtomicInteger();
        Runnable increments = () -> {
            int read = count.get();
            Thread.yield();
            count.set(read + 1);
        };
        ScheduleExplorerTest.together(increments, increments);
        assertThat(count).hasValue(2);
    }

    @Schedules(100)
    void runsAsOftenAsItSays() throws InterruptedException {
        assertThat(Thread.currentThread().isVirtual()).isTrue();
        ScheduleExplorerTest.together(CALLS::incrementAndGet, () -> {});
    }

    @Schedules(strategy = Strategy.PCT, depth = 2)
    @ExtendWith(HasToFail.class)
    void findsALostUpdate() throws InterruptedException {
        countTwice();
    }

    @Schedules(seed = 5)
    @ExtendWith(HasToFail.class)
    void findsALostUpdateAtRandom() throws InterruptedException {
        countTwice();
    }

    @Schedules
    @Replay(7)
    void runsOneAlone() {
        REPLAYS.incrementAndGet();
    }

    @Test
    void otherTestsAreRunAsUsual() {
        assertThat(Thread.currentThread().isVirtual()).isFalse();
    }

    /** Once more before, and once after. */
    @AfterAll
    static void allOfThemDidWhatTheySay() {
        assertThat(CALLS).hasValue(102);
        assertThat(FOUND).hasValue(2);
        assertThat(REPLAYS).hasValue(3);
    }
}
