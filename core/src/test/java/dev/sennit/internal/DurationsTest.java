package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
    @ParameterizedTest
    @CsvSource({
        "PT0S,           0 us",
        "PT0.000000001S, 0.001 us",
        "PT0.000012S,    12 us",
        "PT0.0000125S,   12.5 us",
        "PT0.001S,       1 ms",
        "PT0.25S,        250 ms",
        "PT0.1S,         100 ms",
        "PT1S,           1 s",
        "PT1.5S,         1.5 s",
        "PT1.0004S,      1 s",
        "PT10S,          10 s",
        "PT1M40S,        100 s",
        "PT1H,           3600 s",
        "PT-1.5S,        -1.5 s"
    })
    void readsWell(Duration duration, String text) {
        assertThat(Durations.text(duration)).isEqualTo(text);
    }

    @Test
    void looksTheSameInEveryLanguage() {
        java.util.Locale before = java.util.Locale.getDefault();
        java.util.Locale.setDefault(java.util.Locale.GERMANY);
        try {
            assertThat(Durations.text(Duration.ofMillis(1_500))).isEqualTo("1.5 s");
        } finally {
            java.util.Locale.setDefault(before);
        }
    }

    @ParameterizedTest
    @CsvSource({"5us,PT0.000005S", "500ms,PT0.5S", "2s,PT2S", "10m,PT10M", "3h,PT3H", "0s,PT0S",
        "999999999999h,PT999999999999H"})
    void isReadWithItsUnit(String text, Duration duration) {
        assertThat(Durations.parse("grace", text)).isEqualTo(duration);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "s", "1.5s", "-1s", "5 s", "5S", "1d", "1234567890123s"})
    void anythingElseIsRefusedWithItsName(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Durations.parse("grace", text))
                .withMessage("grace must be a duration such as 500ms, 2s or 10m, was \"" + text + "\"");
    }
}
