package dev.sennit.benchmarks.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RoundsTest {
    private final List<String> ran = new ArrayList<>();

    private Rounds.Work work(String name) {
        return () -> {
            ran.add(name);
            return new double[] {ran.size()};
        };
    }

    @Test
    void contestantsTakeTurnsAndEachRoundBeginsWithAnother() throws Exception {
        new Rounds().add("a", 0, 3, work("a")).add("b", 0, 3, work("b")).run();
        assertThat(ran).containsExactly("a", "b", "b", "a", "a", "b");
    }

    @Test
    void warmUpsComeFirstAndDoNotCount() throws Exception {
        var measured = new Rounds().add("a", 2, 1, work("a")).add("b", 1, 1, work("b")).run();
        assertThat(ran).containsExactly("a", "a", "b", "a", "b");
        assertThat(measured.get("a")).containsExactly(new double[] {4});
        assertThat(measured.get("b")).containsExactly(new double[] {5});
    }

    @Test
    void oneWithFewerRoundsSitsOutTheLast() throws Exception {
        var measured = new Rounds().add("a", 0, 3, work("a")).add("b", 0, 1, work("b")).run();
        assertThat(ran).containsExactly("a", "b", "a", "a");
        assertThat(measured.get("a")).hasSize(3);
        assertThat(measured.get("b")).hasSize(1);
    }

    @Test
    void resultsAreInTheOrderContestantsWereAdded() throws Exception {
        assertThat(new Rounds().add("z", 0, 2, work("z")).add("a", 0, 2, work("a")).run().keySet())
                .containsExactly("z", "a");
    }

    @Test
    void refusesNoRoundsAndTheSameNameTwice() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Rounds().add("a", 0, 0, work("a")))
                .withMessage("rounds must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Rounds().add("a", 0, 1, work("a")).add("a", 0, 1, work("a")))
                .withMessage("two contestants are called a");
    }
}
