package dev.sennit.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class TableTest {
    @Test
    void firstColumnIsLeftTheOthersRight() {
        var table = new Table("plan", "workers", "wall").add("inline", "1", "1.234 s").add("threads:16", "16", "99 ms");

        assertThat(table.lines())
                .containsExactly(
                        "plan        workers     wall",
                        "inline            1  1.234 s",
                        "threads:16       16    99 ms");
    }

    @Test
    void freeTextAtTheEndOfALineWidensNothing() {
        var table = new Table("plan", "workers", "wall", "CPU")
                .add("inline", "1", "1 s", "99 %")
                .add("processes", "2", "failed: a long story about a worker");

        assertThat(table.lines())
                .containsExactly(
                        "plan       workers  wall   CPU",
                        "inline           1   1 s  99 %",
                        "processes        2  failed: a long story about a worker");
    }

    @Test
    void aLineDoesNotExceedTheHeader() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Table("a").add("1", "2"))
                .withMessage("cells must be <= 1, was 2");
    }
}
