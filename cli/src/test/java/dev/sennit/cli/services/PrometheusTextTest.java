package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskOptions;
import dev.sennit.internal.text.PrometheusText;
import dev.sennit.internal.text.PrometheusText.Type;
import dev.sennit.observe.PrometheusPage;
import dev.sennit.observe.TaskEvents;
import dev.sennit.observe.TaskFigures;
import java.math.BigDecimal;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The text format of Prometheus, and the reader that tests it. */
class PrometheusTextTest {
    private final PrometheusText text = new PrometheusText();

    @Test
    void familiesHaveHelpTypeAndSamples() {
        text.family("up", Type.GAUGE, "Whether.");
        text.sample(BigDecimal.ONE);
        text.family("lines_total", Type.COUNTER, "How many.");
        text.sample(BigDecimal.valueOf(1L << 60), "of", "a", "at", "b");
        text.sample(BigDecimal.ZERO, "of", "c");
        assertThat(text.toString()).isEqualTo("""
                # HELP up Whether.
                # TYPE up gauge
                up 1
                # HELP lines_total How many.
                # TYPE lines_total counter
                lines_total{of="a",at="b"} 1152921504606846976
                lines_total{of="c"} 0
                """);
        assertThat(MetricsReader.read(text.toString()).value("lines_total", "of", "c")).isZero();
    }

    @Test
    void summariesHaveASumAndACount() {
        text.family("run_seconds", Type.SUMMARY, "How long.");
        text.sample(BigDecimal.TWO, "task", "a", "quantile", "0.5");
        text.sumAndCount(BigDecimal.TEN, 4, "task", "a");
        MetricsReader read = MetricsReader.read(text.toString());
        assertThat(read.types()).containsEntry("run_seconds", "summary");
        assertThat(read.value("run_seconds", "task", "a", "quantile", "0.5")).isEqualTo(2);
        assertThat(read.value("run_seconds_sum", "task", "a")).isEqualTo(10);
        assertThat(read.value("run_seconds_count", "task", "a")).isEqualTo(4);
    }

    /** The page of a program's own pools and tasks. */
    @Test
    void thePageOfPoolsIsWhatPrometheusReads() throws Exception {
        var figures = new TaskFigures();
        try (Pool pool = Pools.open("inline?name=a page"); TaskEvents events = TaskEvents.open()) {
            pool.submit(() -> 1, TaskOptions.named("say \"no\" to \\")).get();
            events.drain().forEach(figures::event);
            var page = new StringBuilder();
            PrometheusPage.write(page, figures);
            MetricsReader read = MetricsReader.read(page.toString());
            assertThat(read.value("sennit_pool_succeeded_total", "pool", "a page")).isOne();
            assertThat(read.value("sennit_task_run_seconds_count", "task", "say \"no\" to \\")).isOne();
            assertThat(read.types().keySet()).allMatch(name -> !read.samples(name).isEmpty()
                    || name.equals("sennit_pool_cpu_seconds_total") || read.types().get(name).equals("summary"));
        }
    }

    @Test
    void helpIsEscaped() {
        text.family("up", Type.GAUGE, "C:\\a\n\"b\"");
        assertThat(text.toString()).isEqualTo("# HELP up C:\\\\a\\n\"b\"\n# TYPE up gauge\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "", "\"", "\\", "\n", "\\n", "a\"} 1\nup 2\n", "\\\"", "ü{=,} # HELP", "\\\\\n\""})
    void labelsAreEscaped(String value) {
        text.family("up", Type.GAUGE, "Whether.");
        text.sample(BigDecimal.ONE, "name", value, "other", "x");
        assertThat(MetricsReader.read(text.toString()).value("up", "name", value, "other", "x")).isOne();
    }

    @ParameterizedTest
    @CsvSource({"PT0S, 0", "PT1S, 1", "PT0.25S, 0.25", "PT100S, 100", "PT0.000000001S, 0.000000001",
        "PT30000H, 108000000"
    })
    void durationsAreSeconds(Duration duration, String seconds) {
        text.family("age_seconds", Type.GAUGE, "How old.");
        text.sample(PrometheusText.seconds(duration));
        assertThat(text.toString()).endsWith("\nage_seconds " + seconds + "\n");
        assertThat(MetricsReader.read(text.toString()).value("age_seconds")).isEqualTo(Double.parseDouble(seconds));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "# HELP up Up.\n# TYPE up gauge\nup 1",
        "# HELP up Up.\n# TYPE up gauge\n\nup 1\n",
        "# HELP up Up.\n# TYPE up gauge\r\nup 1\n",
        "# TYPE up gauge\nup 1\n",
        "# HELP up Up.\nup 1\n",
        "# HELP up Up.\n",
        "up 1\n",
        "# HELP up Up.\n# TYPE down gauge\n",
        "# HELP up Up.\n# TYPE up number\n",
        "# HELP up Up.\n# TYPE up counter\n",
        "# HELP up_total Up.\n# TYPE up_total gauge\n",
        "# HELP up C:\\a\n# TYPE up gauge\n",
        "# HELP up Up.\n# TYPE up gauge\nup 1\n# HELP up Up.\n# TYPE up gauge\n",
        "# HELP up Up.\n# TYPE up gauge\nup 1\nup 1\n",
        "# HELP up Up.\n# TYPE up gauge\nup{a=\"1\"} 1\nup{a=\"1\"} 2\n",
        "# HELP up Up.\n# TYPE up gauge\nup{a=\"1\",a=\"2\"} 1\n",
        "# HELP up Up.\n# TYPE up gauge\nup{__a=\"1\"} 1\n",
        "# HELP up Up.\n# TYPE up gauge\nup{a=\"1\\t\"} 1\n",
        "# HELP up Up.\n# TYPE up gauge\nup{a=\"1} 1\n",
        "# HELP up Up.\n# TYPE up gauge\nup{} 1\n",
        "# HELP up Up.\n# TYPE up gauge\nup  1\n",
        "# HELP up Up.\n# TYPE up gauge\nup 1,5\n",
        "# HELP up Up.\n# TYPE up gauge\ndown 1\n",
        "# HELP up Up.\n# TYPE up gauge\nup_sum 1\n"
    })
    void theReaderRefusesWhatIsWrong(String wrong) {
        assertThatThrownBy(() -> MetricsReader.read(wrong)).isInstanceOf(AssertionError.class);
    }
}
