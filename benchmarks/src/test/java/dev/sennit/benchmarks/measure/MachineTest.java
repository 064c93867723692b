package dev.sennit.benchmarks.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MachineTest {
    private static Machine machine(double load, double use) {
        return new Machine(2, "Some CPU", "Linux 6.1", "Temurin-25+36, Java 25", load, use);
    }

    @Test
    void theShareInUseIsAllTimeButIdleAndWaitingForDisk() {
        long[] before = {10, 0, 10, 100, 10, 0, 0, 0};
        long[] after = {30, 0, 20, 160, 20, 0, 0, 0};
        assertThat(Machine.share(before, after)).isEqualTo(0.3, within(1e-9));
        assertThat(Machine.share(before, before)).isZero();
    }

    @Test
    void isBusyByWhatIsInUseNowNotByWhatTheBuildLeftInTheLoadAverage() {
        assertThat(machine(3.0, 0.01).isBusy()).isFalse();
        assertThat(machine(0.0, 0.30).isBusy()).isTrue();
    }

    @Test
    void isJudgedByItsLoadWhereUseIsNotKnown() {
        assertThat(machine(0.01, -1).isBusy()).isFalse();
        assertThat(machine(1.5, -1).isBusy()).isTrue();
    }

    @Test
    void saysEverythingInOneLine() {
        assertThat(machine(0.5, 0.25)
                .describe(Optional.of(new Python(Path.of("python3"), "3.11.2", "1.2.0", "2.4.1", "", "", ""))))
                .isEqualTo(
                        "2 cores (Some CPU), Linux 6.1; Temurin-25+36, Java 25; Python 3.11.2, joblib 1.2.0, futurist "
                                + "2.4.1; **busy** at the start (25 % of the processors in use, load average 0.50)");
        assertThat(machine(0.01, -1).describe(Optional.empty()))
                .endsWith("no Python; idle at the start (load average 0.01)");
    }
}
