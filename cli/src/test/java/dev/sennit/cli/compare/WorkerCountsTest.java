package dev.sennit.cli.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerCountsTest {
    @Test
    void forms() {
        assertThat(WorkerCounts.parse("4")).containsExactly(4);
        assertThat(WorkerCounts.parse("1,2,4,8")).containsExactly(1, 2, 4, 8);
        assertThat(WorkerCounts.parse("1..20"))
                .containsExactlyElementsOf(IntStream.rangeClosed(1, 20).boxed().toList());
        assertThat(WorkerCounts.parse("8, 1..3,2")).containsExactly(1, 2, 3, 8);
        assertThat(WorkerCounts.parse("3..3")).containsExactly(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "1..", "..4", "1-4", "1,,2", "-1", "1.5", "1...4", "99999999999"})
    void noForms(String text) {
        assertThatExceptionOfType(CommandException.class)
                .isThrownBy(() -> WorkerCounts.parse(text))
                .withMessage("--workers: expected counts such as 4, 1,2,4,8 or 1..20, was \"" + text + "\"")
                .matches(e -> e.exitCode() == ExitCode.USAGE);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0..4, 0", "1..1001, 1001", "2000, 2000"})
    void bounds(String text, int culprit) {
        assertThatExceptionOfType(CommandException.class)
                .isThrownBy(() -> WorkerCounts.parse(text))
                .withMessage("--workers: workers must be >= 1 and <= 1000, was " + culprit);
    }

    @Test
    void rangesRise() {
        assertThatExceptionOfType(CommandException.class)
                .isThrownBy(() -> WorkerCounts.parse("20..1"))
                .withMessage("--workers: a range rises, was \"20..1\": say 1..20");
    }
}
