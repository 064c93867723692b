package dev.sennit.queue.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.testing.BrokerPoints;
import dev.sennit.testing.Exploration;
import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.ScheduleFailure;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The broker in memory under chosen schedules: its threads are interrupted between any two accesses to memory in its
 * package. {@code -Dsennit.librarySchedules=100000} makes a long run of it.
 */
@Timeout(value = 12, unit = TimeUnit.HOURS) // for a long run; one that hangs fails by itself
class MemorySchedulesTest {
    private static final int SCHEDULES = Integer.getInteger("sennit.librarySchedules", 120);

    static List<Class<? extends ScheduleExplorer.Body>> all() {
        return MemorySchedules.all();
    }

    static List<Class<? extends ScheduleExplorer.Body>> canaries() {
        return MemorySchedules.canaries();
    }

    @ParameterizedTest
    @MethodSource("all")
    void eachTaskIsClaimedCompletedAndToldOfOnce(Class<? extends ScheduleExplorer.Body> type) {
        Exploration random = ScheduleExplorer.of(SCHEDULES).explore(BrokerPoints.body(type));
        Exploration priorities = ScheduleExplorer.of(SCHEDULES).pct(3).explore(BrokerPoints.body(type));
        System.out.println(
                type.getSimpleName() + ": " + random.distinct() + " and " + priorities.distinct() + " schedules");
        assertThat(random.repeatable()).isTrue();
        assertThat(priorities.repeatable()).isTrue();
        assertThat(random.distinct()).as("the package has memory points").isGreaterThan(20);
    }

    @ParameterizedTest
    @MethodSource("canaries")
    void theCanariesAreFound(Class<? extends ScheduleExplorer.Body> type) {
        assertThatThrownBy(() -> ScheduleExplorer.of(10_000).explore(BrokerPoints.body(type)))
                .isInstanceOf(ScheduleFailure.class);
    }
}
