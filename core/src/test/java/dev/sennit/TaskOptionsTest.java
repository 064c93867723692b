package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TaskOptionsTest {
    @Test
    void noneHasNothing() {
        assertThat(TaskOptions.NONE.name()).isNull();
        assertThat(TaskOptions.NONE.timeout()).isNull();
    }

    @Test
    void eachSettingKeepsTheOther() {
        var both = TaskOptions.named("report").timeout(Duration.ofSeconds(3));

        assertThat(both).isEqualTo(new TaskOptions("report", Duration.ofSeconds(3), 0, null, null));
        assertThat(TaskOptions.timeLimit(Duration.ofSeconds(3)).name("report")).isEqualTo(both);
        assertThat(both.name("other")).isEqualTo(new TaskOptions("other", Duration.ofSeconds(3), 0, null, null));
        assertThat(both.timeout(Duration.ofNanos(1)))
                .isEqualTo(new TaskOptions("report", Duration.ofNanos(1), 0, null, null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\t\n"})
    void aNameIsNotBlank(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TaskOptions.named(name))
                .withMessage("name must not be blank");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void aTimeoutIsPositive(long nanos) {
        Duration timeout = Duration.ofNanos(nanos);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TaskOptions.timeLimit(timeout))
                .withMessage("timeout must be > 0, was " + timeout);
    }

    @Test
    void nullIsRefused() {
        assertThatNullPointerException().isThrownBy(() -> TaskOptions.named(null)).withMessage("name");
        assertThatNullPointerException().isThrownBy(() -> TaskOptions.timeLimit(null)).withMessage("timeout");
        assertThatNullPointerException().isThrownBy(() -> TaskOptions.NONE.name(null));
        assertThatNullPointerException().isThrownBy(() -> TaskOptions.NONE.timeout(null));
    }
}
