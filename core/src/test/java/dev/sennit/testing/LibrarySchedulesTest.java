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
 * that is looked at. {@code -Dsennit.librarySchedules=100000} makes a long run of it, under every strategy.
 */
@Timeout(value = 12, unit = TimeUnit.HOURS) // for a long run; one that hangs fails by itself
class LibrarySchedulesTest {
    private static final int FEW = 100;
    private static final int SCHEDULES = Integer.getInteger("sennit.librarySchedules", FEW);
    private static final List<Strategy> STRATEGIES =
            SCHEDULES > FEW ? List.of(Strategy.values()) : List.of(Strategy.PORTFOLIO, Strategy.PCT);

    /** What a task captured is let go while others may ask for its class: they see the task or its class. */
    private static final String HARMLESS = "dev.sennit.Submission.body";

    static List<Class<? extends ScheduleExplorer.Body>> all() {
        return Stream.concat(PoolSchedules.all().stream(), ChannelSchedules.all().stream()).toList();
    }

    @ParameterizedTest
    @MethodSource("all")
    void nothingHangsOrIsMiscounted(Class<? extends ScheduleExplorer.Body> type) {
        for (Strategy strategy : STRATEGIES) {
            Exploration seen =
                    ScheduleExplorer.of(SCHEDULES).strategy(strategy).explore(PointsLoader.bodyOfPackage(type));
            System.out.println(type.getSimpleName() + ": " + seen);
            assertThat(seen.repeatable()).as(seen.toString()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void nothingRaces(Class<? extends ScheduleExplorer.Body> type) {
        Exploration seen = ScheduleExplorer.of(SCHEDULES)
                .dataRaces(true, HARMLESS)
                .explore(PointsLoader.bodyOfPackage(type));
        assertThat(seen.repeatable()).isTrue();
    }

    @Test
    void theCanariesAreFound() {
        ScheduleFailure found =
                failureOf(ScheduleExplorer.of(10_000), PointsLoader.bodyOfPackage(PoolSchedules.canary()));
        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DEADLOCK);
        found = failureOf(ScheduleExplorer.of(10_000), PointsLoader.bodyOfPackage(ChannelSchedules.canary()));
        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
    }
}
