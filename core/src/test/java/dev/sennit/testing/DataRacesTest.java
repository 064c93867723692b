package dev.sennit.testing;

import static dev.sennit.testing.ScheduleExplorerTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The data races of small programs; and none of the same programs, put right. */
@Timeout(120)
class DataRacesTest {
    private static final ScheduleExplorer EXPLORER = ScheduleExplorer.of(2000).dataRaces(true);

    @ParameterizedTest
    @EnumSource
    void tellsARace(RaceBodies.Raced body) {
        ScheduleFailure found = failureOf(EXPLORER, PointsLoader.body(body));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.DATA_RACE);
        assertThat(found).hasMessageContaining("nothing orders the two")
                .hasMessageContaining("at dev.sennit.testing.RaceBodies");
    }

    @ParameterizedTest
    @EnumSource
    void tellsNoneWhereAccessesAreOrdered(RaceBodies.Free body) {
        Exploration seen =
                ScheduleExplorer.of(Budget.of(2000)).dataRaces(true).explore(PointsLoader.body(body));

        assertThat(seen.repeatable()).isTrue();
    }

    @Test
    void isNoFailureUnlessAskedFor() {
        Exploration seen = ScheduleExplorer.of(100).explore(PointsLoader.body(RaceBodies.Raced.COUNTER));

        assertThat(seen.failed()).isZero();
    }

    @Test
    void isToldBesideAnotherFailure() {
        ScheduleFailure found =
                failureOf(ScheduleExplorer.of(1000), PointsLoader.body(MemoryPointsTest.PlainCounter.class));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
        assertThat(found).hasMessageContaining("data race: field " + MemoryPointsTest.PlainCounter.class.getName()
                + ".count, ").hasMessageContaining("MemoryPointsTest$PlainCounter.lambda$one$0(");
    }

    @Test
    void isNotToldBesideAnotherFailureIfThereIsNone() {
        ScheduleFailure found =
                failureOf(ScheduleExplorer.of(1000), PointsLoader.body(MemoryPointsTest.AtomicGetAndSet.class));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
        assertThat(found.getMessage()).doesNotContain("data race");
    }

    @Test
    void fieldsMayBeHarmless() {
        String field = RaceBodies.Raced.class.getNestHost().getName() + "$Box.value";
        ScheduleFailure found = failureOf(
                EXPLORER.dataRaces(true, "another.Field"), PointsLoader.body(RaceBodies.Raced.COUNTER));
        assertThat(found).hasMessageStartingWith("data race: field " + field + ", ");

        Exploration seen =
                ScheduleExplorer.of(Budget.of(2000)).dataRaces(true, field)
                        .explore(PointsLoader.body(RaceBodies.Raced.COUNTER));
        assertThat(seen.failed()).isZero();
    }
}
