package dev.sennit.testing;

import static dev.sennit.testing.ScheduleExplorerTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.PoolSchedules;
import dev.sennit.loop.ChannelSchedules;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The library under its own explorer: its threads are interrupted between any two accesses to memory in the package
 * that is looked at. {@code -Dsennit.librarySchedules=1000000} makes a long run of it.
 */
@Timeout(value = 12, unit = TimeUnit.HOURS) // for a long run; one that hangs fails by itself
class LibrarySchedulesTest {
    private static final int SCHEDULES = Integer.getInteger("sennit.librarySchedules", 1500);

    static List<Class<? extends ScheduleExplorer.Body>> all() {
        return Stream.concat(PoolSchedules.all().stream(), ChannelSchedules.all().stream()).toList();
    }

    @ParameterizedTest
    @MethodSource("all")
    void nothingHangsOrIsMiscounted(Class<? extends ScheduleExplorer.Body> type) {
        Exploration random = ScheduleExplorer.of(SCHEDULES).explore(PointsLoader.bodyOfPackage(type));
        Exploration priorities = ScheduleExplorer.of(SCHEDULES).pct(3).explore(PointsLoader.bodyOfPackage(type));
        System.out.println(
                type.getSimpleName() + ": " + random.distinct() + " and " + priorities.distinct() + " schedules");
        assertThat(random.repeatable()).isTrue();
        assertThat(priorities.repeatable()).isTrue();
    }

    @Test
    void theCanariesAreFound() {
        ScheduleFailure found =
                failureOf(ScheduleExplorer.of(SCHEDULES), PointsLoader.bodyOfPackage(PoolSchedules.canary()));
        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
        found = failureOf(ScheduleExplorer.of(SCHEDULES), PointsLoader.bodyOfPackage(ChannelSchedules.canary()));
        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
    }
}
