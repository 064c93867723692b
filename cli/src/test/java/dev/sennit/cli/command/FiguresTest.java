package dev.sennit.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.internal.Nearest;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FiguresTest {
    @ParameterizedTest
    @CsvSource({
        "12.3456, 12.346 s",
        "1, 1.000 s",
        "0.9996, 1.000 s",
        "0.999, 999 ms",
        "0.1, 100 ms",
        "0.0999, 99.9 ms",
        "0.0012, 1.2 ms",
        "0.0000125, 12.5 us",
        "0, 0.0 us"
    })
    void durations(double seconds, String text) {
        assertThat(Figures.duration(seconds)).isEqualTo(text);
    }

    @Test
    void others() {
        assertThat(Figures.bytes(93L << 20)).isEqualTo("93 MiB");
        assertThat(Figures.bytes(12L << 30)).isEqualTo("12.0 GiB");
        assertThat(Figures.percent(197.6)).isEqualTo("198 %");
        assertThat(Figures.times(1.846)).isEqualTo("1.85x");
        assertThat(Figures.count(1, "check", "checks")).isEqualTo("1 check");
        assertThat(Figures.count(0, "check", "checks")).isEqualTo("0 checks");
    }

    @Test
    void progress() {
        assertThat(ProgressBar.text(5, 20, "checked")).isEqualTo("[#######.......................]  5 of 20  checked");
        assertThat(ProgressBar.text(20, 20, "checked")).startsWith("[##############################]");
        assertThat(ProgressBar.text(0, 0, "warming up")).isEqualTo("[..............................]  warming up");
    }

    @Test
    void nearestWord() {
        List<String> words = List.of("primes", "sums", "sleep");
        assertThat(Nearest.hint("prime", words)).isEqualTo("; did you mean primes?");
        assertThat(Nearest.hint("slepe", words)).isEqualTo("; did you mean sleep?");
        assertThat(Nearest.hint("thumbnails", words)).isEmpty();
    }
}
