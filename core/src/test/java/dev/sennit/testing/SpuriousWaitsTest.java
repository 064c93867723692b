package dev.sennit.testing;

import static dev.sennit.testing.ScheduleExplorerTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a wait that ends without a reason breaks is found; {@link SpuriousWaitsIT} has what needs the agent. */
@Timeout(120)
class SpuriousWaitsTest {
    static Stream<Arguments> broken() {
        return of(SpuriousBodies.BROKEN);
    }

    static Stream<Arguments> mended() {
        return of(SpuriousBodies.MENDED);
    }

    private static Stream<Arguments> of(List<Class<? extends ScheduleExplorer.Body>> bodies) {
        return Stream.of(Strategy.values())
                .filter(strategy -> strategy != Strategy.PCT && strategy != Strategy.EXHAUSTIVE)
                .flatMap(strategy -> bodies.stream().map(type -> Arguments.of(strategy, type)));
    }

    @ParameterizedTest
    @MethodSource("broken")
    void codeThatDoesNotLookAgainIsFound(Strategy strategy, Class<? extends ScheduleExplorer.Body> type) {
        ScheduleFailure found = failureOf(ScheduleExplorer.of(10_000).strategy(strategy), PointsLoader.body(type));

        assertThat(found.kind()).isEqualTo(ScheduleFailure.Kind.THREW);
        assertThat(found.getCause()).hasMessage("found given");
    }

    @ParameterizedTest
    @MethodSource("mended")
    void codeThatLooksAgainIsNot(Strategy strategy, Class<? extends ScheduleExplorer.Body> type) {
        assertThat(
                ScheduleExplorer.of(Budget.of(3000)).strategy(strategy).explore(PointsLoader.body(type)).repeatable())
                .isTrue();
    }

    /** The bug does not show if each wait has a reason. */
    @ParameterizedTest
    @EnumSource
    void withoutMemoryPointsEachWaitHasAReason(Strategy strategy) {
        var body = new SpuriousBodies.WaitOnce();
        assertThat(ScheduleExplorer.of(Budget.of(3000)).strategy(strategy).explore(body).failed()).isZero();
    }
}
