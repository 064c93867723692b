package dev.sennit.observe;

import static dev.sennit.conformance.internal.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.observe.TaskEvent.Kind;
import org.junit.jupiter.api.Test;

class PrometheusPageTest {
    @Test
    void poolsOfOneNameAreOneSample() throws Exception {
        try (Pool one = Pools.open("inline?name=page"); Pool other = Pools.open("virtual?name=page")) {
            one.submit(() -> 1).get();
            other.submit(() -> 1).get();
            await("the thread of the task has ended").until(() -> other.statistics().workers() == 0);
            var page = new StringBuilder();
            PrometheusPage.write(page);
            assertThat(page.toString().lines().filter(line -> line.contains("pool=\"page\"")))
                    .contains(
                            "sennit_pool_workers{pool=\"page\"} 1",
                            "sennit_pool_queued{pool=\"page\"} 0",
                            "sennit_pool_submitted_total{pool=\"page\"} 2",
                            "sennit_pool_succeeded_total{pool=\"page\"} 2")
                    .doesNotHaveDuplicates()
                    .noneMatch(line -> line.startsWith("sennit_pool_cpu_seconds_total"));
            assertThat(page.toString()).doesNotContain("sennit_task");
        }
    }

    @Test
    void tasksHaveSummaries() throws Exception {
        var figures = new TaskFigures();
        for (int i = 0; i < 3; i++) {
            var task = new EventOf(i, "p", "a \"b\"");
            figures.event(task.submitted(0));
            figures.event(task.begun(1, 100, "w"));
            figures.event(task.ended(i == 0 ? Kind.FAILED : Kind.SUCCEEDED, 2, 64L, null));
        }
        figures.event(new EventOf(4, "p", "waits").submitted(0));
        figures.missed(5);
        var page = new StringBuilder();
        PrometheusPage.write(page, figures);
        assertThat(page.toString()).contains("""
                # HELP sennit_task_under_way Tasks that wait or run.
                # TYPE sennit_task_under_way gauge
                sennit_task_under_way{task="a \\"b\\""} 0
                sennit_task_under_way{task="waits"} 1
                """, """
                sennit_task_ended_total{task="a \\"b\\"",outcome="succeeded"} 2
                sennit_task_ended_total{task="a \\"b\\"",outcome="failed"} 1
                """, """
                # TYPE sennit_task_run_seconds summary
                sennit_task_run_seconds{task="a \\"b\\"",quantile="0.5"} 0.000064
                sennit_task_run_seconds{task="a \\"b\\"",quantile="0.95"} 0.000064
                sennit_task_run_seconds{task="a \\"b\\"",quantile="0.99"} 0.000064
                sennit_task_run_seconds_sum{task="a \\"b\\""} 0.000192
                sennit_task_run_seconds_count{task="a \\"b\\""} 3
                sennit_task_run_seconds_sum{task="waits"} 0
                sennit_task_run_seconds_count{task="waits"} 0
                """, "\nsennit_task_events_missed_total 5\n");
    }
}
